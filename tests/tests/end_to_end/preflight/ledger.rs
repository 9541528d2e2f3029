//! The ledger of an earlier version: its rows stay, and runs from then on keep their findings.

use besom::database::{Database, DatabaseOptions};
use besom::ledger;
use besom_tests::TestDatabase;

const ID: &str = "01900000-0000-7000-8000-000000000000";

/// A database whose ledger is of the first version, with a run in it.
async fn first_version(home: &TestDatabase) -> Database {
    let options = DatabaseOptions {
        create: true,
        ..DatabaseOptions::default()
    };
    let database = Database::connect(&home.url, options).await.unwrap();
    ledger::migrate(&database).await.unwrap();
    let started = match database.dialect() {
        besom::catalog::Dialect::Postgres => "now()",
        besom::catalog::Dialect::Sqlite => "1700000000000000",
    };
    let mut session = database.session().await.unwrap();
    session
        .run_script(&format!(
            "ALTER TABLE besom_run DROP COLUMN findings; ALTER TABLE besom_run DROP COLUMN blocked_by;
             ALTER TABLE besom_run DROP COLUMN remains;
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

        assert_eq!(steps, ["0002_findings", "0003_remains"]);
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
