//! A SQLite file in UTF-16: the bytes of a text are not those of its letters.

use besom::database::{Database, DatabaseOptions};
use sqlx::{Connection, SqliteConnection};

#[tokio::test]
async fn a_file_in_utf_16_is_refused_with_the_way_out() {
    let home = besom_tests::sqlite();
    let mut connection = SqliteConnection::connect(&home.url).await.unwrap();
    sqlx::raw_sql("PRAGMA encoding = 'UTF-16le'; CREATE TABLE item (id TEXT PRIMARY KEY)")
        .execute(&mut connection)
        .await
        .unwrap();

    let refused = Database::connect(&home.url, DatabaseOptions::default()).await;

    let error = refused.err().unwrap();
    assert_eq!(error.code, "encoding");
    assert!(error.message.contains(".dump"), "{}", error.message);
}
