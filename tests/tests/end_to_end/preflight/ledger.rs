//! The ledger of an earlier version: its rows stay, and runs from then on keep their findings.

use besom::catalog::Dialect;
use besom::database::{Database, DatabaseOptions, Session, Statement};
use besom::ledger;
use besom_tests::TestDatabase;

const ID: &str = "01900000-0000-7000-8000-000000000000";

const POSTGRES: &str = include_str!("../../../../migrations/ledger/postgres/0001_runs.sql");
const SQLITE: &str = include_str!("../../../../migrations/ledger/sqlite/0001_runs.sql");

/// The ledger's tables, but for the list of its migrations.
async fn made(session: &mut Session) -> Vec<String> {
    let mut statement = Statement::new(session.dialect());
    statement.push(match session.dialect() {
        Dialect::Postgres => "SELECT relname::text FROM pg_class WHERE relkind = 'r'",
        Dialect::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table'",
    });
    statement.push(" ORDER BY 1");
    let rows = session.fetch(&statement).await.unwrap();
    let names = rows.iter().filter_map(|row| row.get(0).as_text());
    let ours = names.filter(|name| name.starts_with("besom_") && *name != "besom_migration");
    ours.map(str::to_owned).collect()
}

/// A database whose ledger is of the first version, with a run in it.
async fn first_version(home: &TestDatabase) -> Database {
    let options = DatabaseOptions {
        create: true,
        ..DatabaseOptions::default()
    };
    let database = Database::connect(&home.url, options).await.unwrap();
    ledger::migrate(&database).await.unwrap();
    let (started, first) = match database.dialect() {
        Dialect::Postgres => ("now()", POSTGRES),
        Dialect::Sqlite => ("1700000000000000", SQLITE),
    };
    let mut session = database.session().await.unwrap();
    // Rows of one table refer to another's, so the last made goes first.
    let mut tables: Vec<_> = made(&mut session).await;
    while let Some(table) = tables.pop() {
        if session
            .run_script(&format!("DROP TABLE {table}"))
            .await
            .is_err()
        {
            tables.insert(0, table);
        }
    }
    session
        .run_script(&format!(
            "{first};
             DELETE FROM besom_migration WHERE version > 1;
             INSERT INTO besom_run (id, plugin, job, mode, state, host, version, digest, contract,
                                    settings, started_at, affected)
             VALUES ('{ID}', 'tokens', 'old', 'apply', 'drained', 'h', '1', '00', 'c', '{{}}',
                     {started}, 42)"
        ))
        .await
        .unwrap();
    drop(session);
    database
}

#[tokio::test]
async fn a_ledger_of_the_first_version_keeps_its_runs_through_the_migration() {
    for home in [besom_tests::postgres().await, besom_tests::sqlite()] {
        let database = first_version(&home).await;
        let before = ledger::list(&database, 10).await.unwrap_err().to_string();
        assert!(before.contains("besom migrate"), "{before}");

        let steps = ledger::migrate(&database).await.unwrap();

        assert_eq!(
            steps[..3],
            ["0002_findings", "0003_remains", "0004_service"]
        );
        let runs = ledger::list(&database, 10).await.unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].totals.affected, 42);
        assert_eq!(
            (
                runs[0].findings.as_str(),
                runs[0].blocked_by.as_str(),
                runs[0].remains.as_str()
            ),
            ("[]", "{}", "[]")
        );
        assert!(ledger::migrate(&database).await.unwrap().is_empty());
    }
}
