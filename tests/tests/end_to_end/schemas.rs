//! The reference schema against the facts of the real ones.

use besom::cli::demo::schema;
use besom_tests::{TestDatabase, schemas};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

async fn empty() -> (TestDatabase, PgConnection) {
    let database = besom_tests::postgres().await;
    let connection = PgConnection::connect(&database.url).await.unwrap();
    (database, connection)
}

#[tokio::test]
async fn a_database_built_from_facts_is_what_they_say() {
    for name in schemas::NAMES {
        let (_database, mut connection) = empty().await;

        sqlx::raw_sql(AssertSqlSafe(schemas::ddl(name)))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));

        let built = schemas::read(&mut connection).await.unwrap();
        let facts = schemas::load(name);
        assert_eq!(built.tables, facts.tables, "{name}");
        assert_eq!(built.enums, facts.enums, "{name}");
    }
}

#[tokio::test]
async fn the_reference_schema_is_the_real_one() {
    let (_database, mut connection) = empty().await;
    schema::apply_postgres(&mut connection).await.unwrap();
    let migrated = schemas::read(&mut connection).await.unwrap();

    for name in ["mas", "server-sessions"] {
        let found = schemas::differences(&schemas::load(name), &migrated);

        assert!(
            found.is_empty(),
            "migrations/auth/postgres does not end with what tests/fixtures/schemas/{name}.json says, in {} places:\n\
             {}\n\
             The facts are the product's. Where it has moved on, put its new facts into that file \
             (`cargo run -p besom-tests --bin schema_facts -- URL` prints them), then change migrations/auth, of \
             both dialects, until this passes, and look at each job whose table changed: its access list, its \
             plugin's README and the demo.",
            found.len(),
            found.join("\n")
        );
    }
}

#[tokio::test]
async fn every_table_of_the_reference_schema_has_its_facts_but_those_of_no_product() {
    let (_database, mut connection) = empty().await;
    schema::apply_postgres(&mut connection).await.unwrap();

    let migrated = schemas::read(&mut connection).await.unwrap();

    let mut stranger: Vec<&str> = migrated.tables.keys().map(String::as_str).collect();
    for name in ["mas", "server-sessions"] {
        let facts = schemas::load(name);
        stranger.retain(|table| !facts.tables.contains_key(*table));
    }
    // The profile refresh-tokens is what many services have, and no one product.
    assert_eq!(
        stranger,
        ["besom_demo", "password_resets", "refresh_tokens"]
    );
}
