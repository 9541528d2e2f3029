//! Prints the facts of a PostgreSQL database's tables, in the form of `tests/fixtures/schemas`:
//! `cargo run -p besom-tests --bin schema_facts -- URL [SCHEMA] > tests/fixtures/schemas/NAME.json`.

use besom_tests::schemas;
use sqlx::{Connection, PgConnection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments
        .next()
        .ok_or_else(|| anyhow::anyhow!("name the database: schema_facts URL [SCHEMA]"))?;
    let schema = arguments.next().unwrap_or_else(|| "public".to_owned());
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::query("SELECT set_config('search_path', $1, FALSE)")
        .bind(schema)
        .execute(&mut connection)
        .await?;
    let mut facts = schemas::read(&mut connection).await?;
    // What a besom that cleans there has beside them.
    let own = |table: &str| table.starts_with("besom_") || table.starts_with("_sqlx");
    facts.tables.retain(|table, _| !own(table));
    println!("{}", serde_json::to_string_pretty(&facts)?);
    Ok(())
}
