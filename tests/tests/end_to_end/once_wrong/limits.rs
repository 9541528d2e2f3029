//! What one piece of work sets for its statements is not met by the next.

use std::time::Duration;

use besom::database::{Database, DatabaseOptions, Statement};

#[tokio::test]
async fn a_limit_that_nobody_has_lifted_goes_with_its_session() {
    let home = besom_tests::sqlite();
    let options = DatabaseOptions {
        create: true,
        max_connections: 1,
        ..DatabaseOptions::default()
    };
    let database = Database::connect(&home.url, options).await.unwrap();
    let mut long = Statement::new(database.dialect());
    long.push(
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 50000) SELECT count(*) FROM s",
    );
    let mut session = database.session().await.unwrap();
    let limit = session.limit_sqlite_statements(Some(Duration::ZERO));
    limit.await.unwrap();
    session.fetch(&long).await.unwrap_err();
    drop(session);

    let found = database.session().await.unwrap().fetch_one(&long).await;

    assert_eq!(found.unwrap().get(0).as_count(), 50_000);
}
