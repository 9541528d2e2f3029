//! Columns and tables whose names come to stand for something else while a run is under way.

use std::sync::Arc;
use std::time::Duration;

use besom::catalog::Dialect;
use besom::request::{Comparison, Mode, Source, Suspension, Timestamp, Value};
use besom::sweep::{RunContext, Sweep, Verification, verify};
use besom_tests::lab::both;

use super::*;

const CHANGED: Step = Step::Suspended(Suspension::SchemaChanged);

/// 2023-11-14 22:13:20 UTC.
const NOW: i64 = 1_700_000_000_000_000;

/// Six sessions that have ended, with a dead token for each. `key`: what ties those.
fn tables(key: &str) -> String {
    format!(
        "CREATE TABLE sessions (spare int, id bigint PRIMARY KEY, ends_at timestamptz, began_at timestamptz,
             note text, filler text);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint {key}, other bigint, live boolean, dead boolean);
         CREATE INDEX tokens_session ON tokens (session);
         INSERT INTO sessions SELECT n, n, '2020-01-01', '2019-01-01', 'x', 'y' FROM generate_series(1, 6) AS n;
         INSERT INTO tokens SELECT n, n, n, false, true FROM generate_series(1, 6) AS n;"
    )
}

/// The same, in integers of microseconds.
fn sqlite_tables(key: &str) -> String {
    format!(
        "CREATE TABLE sessions (spare INT, id INTEGER PRIMARY KEY, ends_at INTEGER, began_at INTEGER, note TEXT,
             filler TEXT);
         CREATE TABLE tokens (id INTEGER PRIMARY KEY, session INTEGER {key}, other INTEGER, live INTEGER, dead INTEGER);
         CREATE INDEX tokens_session ON tokens (session);
         CREATE TABLE numbers (n INT); INSERT INTO numbers VALUES (1), (2), (3), (4), (5), (6);
         INSERT INTO sessions SELECT n, n, 1577836800000000, 1546300800000000, 'x', 'y' FROM numbers;
         INSERT INTO tokens SELECT n, n, n, 0, 1 FROM numbers;"
    )
}

fn over() -> Condition {
    Condition::OlderThan {
        column: "ends_at".to_owned(),
        cutoff: Timestamp(NOW),
        offset: 0,
    }
}

fn equals(column: &str, to: Value) -> Condition {
    Condition::Compare {
        column: column.to_owned(),
        operator: Comparison::Equal,
        to,
    }
}

/// One statement does it.
fn alone() -> Request {
    Request::delete("sessions", over())
}

/// Locks come first: it looks at the state of other rows.
fn without_live_tokens(live: Value) -> Request {
    let none = Condition::NotExists {
        table: "tokens".to_owned(),
        on: on("session", "id"),
        matching: Some(Box::new(equals("live", live))),
    };
    Request::delete("sessions", Condition::All(vec![over(), none]))
}

async fn begun(lab: &mut Lab, request: Request) -> (Arc<RunContext>, Sweep) {
    lab.options.batch_size = 2;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request).await.unwrap();
    let Step::Batch(batch) = sweep.next().await.unwrap() else {
        panic!("no batch");
    };
    assert_eq!(batch.affected, 2);
    (context, sweep)
}

/// Runs statements: on PostgreSQL one by one, as VACUUM asks for, and on SQLite by one connection, which knows what
/// the one before has done.
async fn deploys(lab: &Lab, change: &str) {
    match lab.dialect() {
        Dialect::Sqlite => lab.script(change).await,
        Dialect::Postgres => {
            for statement in change.split(';').filter(|one| !one.trim().is_empty()) {
                lab.script(statement).await;
            }
        }
    }
}

/// The run goes no further, and nothing is recorded of it but its first batch.
async fn is_suspended(mut lab: Lab, request: Request, change: &str) {
    let (context, sweep) = begun(&mut lab, request).await;
    deploys(&lab, change).await;

    assert_eq!(sweep.next().await, Ok(CHANGED), "{change}");

    assert_eq!(sweep.next().await, Ok(CHANGED), "{change}");
    let progress = context.settle().await;
    assert_eq!(
        (progress.suspended, progress.totals.affected),
        (Some(Suspension::SchemaChanged), 2),
        "{change}"
    );
    let batches = "SELECT count(*) FROM besom_batch";
    assert_eq!(lab.count(batches).await, 1, "{change}");
    lab.end(&context).await;
}

async fn goes_on(mut lab: Lab, request: Request, change: &str) {
    let (context, sweep) = begun(&mut lab, request).await;
    deploys(&lab, change).await;
    let mut affected = 2;
    loop {
        match sweep.next().await.unwrap() {
            Step::Batch(batch) => affected += batch.affected,
            end => {
                assert_eq!((affected, end), (6, Step::Drained), "{change}");
                break;
            }
        }
    }
    let progress = context.settle().await;
    let remains = verify(&lab.database, &progress.ended).await;
    let verified = Verification::of(&remains);
    assert_eq!(verified, Verification::Verified, "{change}");
}

#[tokio::test]
async fn a_column_that_the_condition_reads_and_that_is_another_suspends_the_run() {
    for change in [
        "SET timezone = 'America/New_York'; ALTER TABLE sessions ALTER ends_at TYPE timestamp; RESET timezone",
        "ALTER TABLE sessions ALTER ends_at TYPE timestamptz(0)",
        "ALTER TABLE sessions ALTER ends_at TYPE text",
        "ALTER TABLE sessions ALTER ends_at TYPE date",
        "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at",
        "ALTER TABLE sessions RENAME ends_at TO was",
        "ALTER TABLE sessions DROP ends_at",
        "ALTER TABLE sessions DROP ends_at; ALTER TABLE sessions ADD ends_at timestamptz DEFAULT '2020-01-01'",
        "ALTER TABLE sessions ALTER id TYPE numeric",
        "ALTER TABLE sessions RENAME id TO key; ALTER TABLE sessions RENAME spare TO id",
    ] {
        let lab = Lab::postgres(&tables("")).await;
        is_suspended(lab, alone(), change).await;
        let lab = Lab::postgres(&tables("")).await;
        is_suspended(lab, without_live_tokens(Value::Boolean(true)), change).await;
    }
    for change in [
        "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at",
        "ALTER TABLE sessions RENAME ends_at TO was",
        "ALTER TABLE sessions DROP ends_at",
        "ALTER TABLE sessions DROP ends_at; ALTER TABLE sessions ADD ends_at INTEGER DEFAULT 1577836800000000",
    ] {
        let lab = Lab::sqlite(&sqlite_tables("")).await;
        is_suspended(lab, alone(), change).await;
    }
}

#[tokio::test]
async fn a_column_of_another_collation_suspends_the_run() {
    let noted = Condition::All(vec![over(), equals("note", Value::Text("x".to_owned()))]);
    let request = Request::delete("sessions", noted);
    let lab = Lab::postgres(&tables("")).await;
    let change = "ALTER TABLE sessions ALTER note TYPE text COLLATE \"C\"";
    is_suspended(lab, request, change).await;
}

#[tokio::test]
async fn a_table_in_the_place_of_another_suspends_the_run() {
    for change in [
        "ALTER TABLE sessions RENAME TO was; CREATE TABLE sessions (LIKE was INCLUDING ALL);
         INSERT INTO sessions SELECT * FROM was",
        "ALTER TABLE sessions RENAME TO was; CREATE VIEW sessions AS SELECT * FROM was",
        "ALTER TABLE sessions RENAME TO was",
        "CREATE SCHEMA elsewhere; ALTER TABLE sessions SET SCHEMA elsewhere",
        "DROP TABLE sessions",
    ] {
        let lab = Lab::postgres(&tables("")).await;
        is_suspended(lab, alone(), change).await;
        let lab = Lab::postgres(&tables("")).await;
        is_suspended(lab, without_live_tokens(Value::Boolean(true)), change).await;
    }
    let columns = "(spare INT, id INTEGER PRIMARY KEY, ends_at INTEGER, began_at INTEGER, note TEXT, filler TEXT)";
    let same = "(spare INT, id INTEGER PRIMARY KEY, ends_at INTEGER, began_at INTEGER, note TEXT,
             filler TEXT)";
    let rebuilt = format!(
        "CREATE TABLE new_sessions {columns}; INSERT INTO new_sessions SELECT * FROM sessions; DROP TABLE sessions;
         ALTER TABLE new_sessions RENAME TO sessions"
    );
    for change in [
        rebuilt.clone(),
        format!("{rebuilt}; VACUUM"),
        format!("ALTER TABLE sessions RENAME TO was; CREATE TABLE sessions {same}; INSERT INTO sessions SELECT * FROM was"),
        format!("CREATE TABLE was AS SELECT * FROM sessions; DROP TABLE sessions; CREATE TABLE sessions {same};
                 INSERT INTO sessions SELECT * FROM was"),
        "ALTER TABLE sessions RENAME TO was; CREATE VIEW sessions AS SELECT * FROM was".to_owned(),
        "DROP TABLE sessions".to_owned(),
    ] {
        let lab = Lab::sqlite(&sqlite_tables("")).await;
        is_suspended(lab, alone(), &change).await;
        // A table that a rebuild has made before has its name in quotes already.
        let lab = Lab::sqlite(&sqlite_tables("")).await;
        lab.script(&format!("{rebuilt}; CREATE TABLE later (x)")).await;
        is_suspended(lab, alone(), &change).await;
    }
}

#[tokio::test]
async fn a_related_table_that_is_another_suspends_the_run_whatever_ties_it() {
    let by = |request: Request, key: &'static str| (request, key);
    for change in [
        "ALTER TABLE tokens RENAME session TO was; ALTER TABLE tokens RENAME other TO session",
        "ALTER TABLE tokens ALTER session TYPE int",
        "ALTER TABLE tokens RENAME session TO was",
        "ALTER TABLE tokens RENAME TO was; CREATE TABLE tokens (LIKE was INCLUDING ALL)",
        "ALTER TABLE tokens RENAME TO was; CREATE VIEW tokens AS SELECT * FROM was",
        "DROP TABLE tokens",
    ] {
        for (request, key) in [
            by(without_live_tokens(Value::Boolean(true)), ""),
            by(
                alone().delete_first("tokens", on("session", "id"), None),
                "",
            ),
            by(
                alone().unlink_first("tokens", on("session", "id"), None),
                "",
            ),
            by(alone(), "REFERENCES sessions ON DELETE CASCADE"),
            by(alone(), "REFERENCES sessions ON DELETE SET NULL"),
        ] {
            is_suspended(Lab::postgres(&tables(key)).await, request, change).await;
        }
    }
    let swapped = "ALTER TABLE tokens RENAME live TO was; ALTER TABLE tokens RENAME dead TO live";
    let lab = Lab::postgres(&tables("")).await;
    is_suspended(lab, without_live_tokens(Value::Boolean(true)), swapped).await;
    let lab = Lab::sqlite(&sqlite_tables("")).await;
    is_suspended(lab, without_live_tokens(Value::Integer(1)), swapped).await;
    let tied =
        "ALTER TABLE tokens RENAME session TO was; ALTER TABLE tokens RENAME other TO session";
    for (request, key) in [
        by(without_live_tokens(Value::Integer(1)), ""),
        by(
            alone().delete_first("tokens", on("session", "id"), None),
            "",
        ),
        by(
            alone().unlink_first("tokens", on("session", "id"), None),
            "",
        ),
    ] {
        is_suspended(Lab::sqlite(&sqlite_tables(key)).await, request, tied).await;
    }
}

#[tokio::test]
async fn a_row_that_is_updated_is_held_by_the_column_that_its_value_comes_from() {
    let noted = || {
        let due = Condition::All(vec![
            over(),
            Condition::IsNotNull {
                column: "note".to_owned(),
            },
        ]);
        Request::update("sessions", due).set("note", Source::Column("filler".to_owned()))
    };
    let change =
        "ALTER TABLE sessions RENAME filler TO was; ALTER TABLE sessions RENAME spare TO filler";
    for lab in both(&tables(""), &sqlite_tables("")).await {
        is_suspended(lab, noted(), change).await;
    }
}

#[tokio::test]
async fn what_leaves_names_as_they_are_does_not_suspend_the_run() {
    for change in [
        "ALTER TABLE sessions ADD later int DEFAULT 5",
        "ALTER TABLE sessions ALTER filler TYPE varchar(9)",
        "ALTER TABLE sessions DROP spare",
        "ALTER TABLE sessions RENAME spare TO ends",
        "ALTER TABLE sessions ALTER ends_at SET DEFAULT now(), ALTER ends_at SET NOT NULL, ALTER ends_at SET STATISTICS 9",
        "ALTER TABLE sessions ADD CHECK (id > 0)",
        "ALTER TABLE tokens DROP dead; ALTER TABLE tokens ADD dead int",
        "COMMENT ON COLUMN sessions.ends_at IS 'its end'",
        "CREATE INDEX late ON sessions (ends_at); REINDEX TABLE sessions",
        "CREATE TABLE unrelated (id int); CREATE VIEW seen AS SELECT ends_at FROM sessions",
        "GRANT SELECT ON sessions TO PUBLIC",
        "VACUUM FULL sessions; VACUUM FULL tokens",
        "CLUSTER sessions USING sessions_pkey",
        "VACUUM ANALYZE sessions",
        "ALTER TABLE sessions SET UNLOGGED",
    ] {
        goes_on(Lab::postgres(&tables("")).await, alone(), change).await;
        let request = without_live_tokens(Value::Boolean(true));
        goes_on(Lab::postgres(&tables("")).await, request, change).await;
    }
    for change in [
        "ALTER TABLE sessions ADD COLUMN later INT",
        "ALTER TABLE sessions RENAME spare TO ends",
        "ALTER TABLE sessions DROP filler",
        "CREATE INDEX late ON sessions (ends_at)",
        "CREATE TABLE unrelated (id INTEGER PRIMARY KEY, other TEXT UNIQUE); VACUUM",
        "DELETE FROM numbers; DROP TABLE numbers",
        "DROP TABLE numbers; VACUUM",
        "VACUUM; VACUUM",
        "ANALYZE",
        "REINDEX",
    ] {
        goes_on(Lab::sqlite(&sqlite_tables("")).await, alone(), change).await;
        let request = without_live_tokens(Value::Integer(1));
        goes_on(Lab::sqlite(&sqlite_tables("")).await, request, change).await;
    }
}

#[tokio::test]
async fn a_dry_run_counts_nothing_by_another_schema() {
    let change = "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at";
    for mut lab in both(&tables(""), &sqlite_tables("")).await {
        lab.options.mode = Mode::DryRun;
        let (context, sweep) = begun(&mut lab, alone()).await;
        deploys(&lab, change).await;
        assert_eq!(sweep.next().await, Ok(CHANGED));
        assert_eq!(context.settle().await.totals.affected, 2);
    }
}

#[tokio::test]
async fn a_plugin_is_shown_and_told_nothing_by_another_schema() {
    use besom::request::Reading;
    use besom::sweep::{Change, Reader, count};
    let look = || Request::read("sessions", vec!["id".to_owned(), "note".to_owned()], over());
    let change =
        "ALTER TABLE sessions RENAME note TO was; ALTER TABLE sessions RENAME filler TO note";
    for mut lab in both(&tables(""), &sqlite_tables("")).await {
        lab.options.batch_size = 2;
        let (context, _) = lab.begin().await;
        let reader = Reader::open(&context, look()).await.unwrap();
        let page = reader.next().await.unwrap();
        assert!(matches!(page, Reading::Page(_)), "{page:?}");
        deploys(&lab, change).await;

        let done = reader.act(Change::Delete(vec![0])).await.unwrap();

        assert_eq!(done.affected, 0);
        let next = reader.next().await.unwrap();
        assert_eq!(next, Reading::Suspended(Suspension::SchemaChanged));
        assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 6);
        lab.end(&context).await;
    }
    for lab in both(&tables(""), &sqlite_tables("")).await {
        let (context, _) = lab.begin().await;
        let reader = Reader::open(&context, look()).await.unwrap();
        deploys(&lab, change).await;
        let shown = reader.next().await.unwrap();
        assert_eq!(shown, Reading::Suspended(Suspension::SchemaChanged));
        lab.end(&context).await;
    }
    let renamed = "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at";
    for lab in both(&tables(""), &sqlite_tables("")).await {
        let (context, _) = lab.begin().await;
        assert_eq!(count(&context, alone(), 9).await.unwrap(), 6);
        deploys(&lab, renamed).await;
        let fault = count(&context, alone(), 9).await.unwrap_err();
        assert_eq!(fault.problem().code, "schema-changed");
        let suspended = context.settle().await.suspended;
        assert_eq!(suspended, Some(Suspension::SchemaChanged));
        lab.end(&context).await;
    }
}

#[tokio::test]
async fn a_column_that_changes_after_the_last_batch_is_not_verified_away() {
    let change = "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at";
    let parts = "CREATE TABLE sessions (id bigint PRIMARY KEY, ends_at timestamptz, began_at timestamptz)
             PARTITION BY RANGE (id);
         CREATE TABLE sessions_1 PARTITION OF sessions FOR VALUES FROM (0) TO (5);
         CREATE TABLE sessions_2 PARTITION OF sessions FOR VALUES FROM (5) TO (9);
         INSERT INTO sessions SELECT n, '2020-01-01', '2019-01-01' FROM generate_series(1, 6) AS n;";
    let mut labs = both(&tables(""), &sqlite_tables("")).await;
    labs.push(Lab::postgres(parts).await);
    for lab in labs {
        let (context, _) = lab.begin().await;
        let (_, end) = besom_tests::lab::drain(&context, alone()).await.unwrap();
        assert_eq!(end, Step::Drained);
        deploys(&lab, change).await;
        let progress = context.settle().await;

        let remains = verify(&lab.database, &progress.ended).await;

        let found = Verification::of(&remains);
        assert!(
            matches!(&found, Verification::Unverified(why) if why.contains("columns")),
            "{found:?}"
        );
    }
    for (change, verified) in [
        ("ALTER TABLE sessions DETACH PARTITION sessions_1", true),
        ("DROP TABLE sessions_1", true),
        (
            "CREATE TABLE sessions_3 PARTITION OF sessions FOR VALUES FROM (9) TO (20)",
            true,
        ),
        ("ALTER TABLE sessions ALTER ends_at TYPE timestamp", false),
    ] {
        let lab = Lab::postgres(parts).await;
        let (context, _) = lab.begin().await;
        besom_tests::lab::drain(&context, alone()).await.unwrap();
        deploys(&lab, change).await;
        let progress = context.settle().await;
        let remains = verify(&lab.database, &progress.ended).await;
        let found = Verification::of(&remains);
        assert_eq!(
            found == Verification::Verified,
            verified,
            "{change}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_partition_that_changes_with_the_whole_suspends_the_run() {
    let parts = "CREATE TABLE sessions (id bigint PRIMARY KEY, ends_at timestamptz, began_at timestamptz)
             PARTITION BY RANGE (id);
         CREATE TABLE sessions_1 PARTITION OF sessions FOR VALUES FROM (0) TO (5);
         CREATE TABLE sessions_2 PARTITION OF sessions FOR VALUES FROM (5) TO (9);
         INSERT INTO sessions SELECT n, '2020-01-01', '2019-01-01' FROM generate_series(1, 6) AS n;";
    for change in [
        "ALTER TABLE sessions ALTER ends_at TYPE timestamp",
        "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at",
    ] {
        is_suspended(Lab::postgres(parts).await, alone(), change).await;
    }
    for change in [
        "CREATE TABLE sessions_3 PARTITION OF sessions FOR VALUES FROM (9) TO (20)",
        "CREATE TABLE more (LIKE sessions); ALTER TABLE sessions ATTACH PARTITION more FOR VALUES FROM (9) TO (20)",
    ] {
        goes_on(Lab::postgres(parts).await, alone(), change).await;
    }
}

/// The change is open when a batch begins, and committed while the batch waits for it. `batches`: so many go before,
/// after which PostgreSQL keeps the plan of a prepared statement.
async fn meets(request: Request, key: &str, change: &str, batches: usize) {
    let mut lab = Lab::postgres(&tables(key)).await;
    lab.script("INSERT INTO sessions SELECT n, n, '2020-01-01', '2019-01-01' FROM generate_series(7, 30) AS n")
        .await;
    lab.options.batch_size = 2;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request).await.unwrap();
    for _ in 0..batches {
        assert!(matches!(sweep.next().await, Ok(Step::Batch(_))));
    }
    let left = lab.count("SELECT count(*) FROM sessions").await;
    let mut deploy = lab.session().await;
    deploy.begin("BEGIN").await.unwrap();
    deploy.run_script(change).await.unwrap();

    let batch = tokio::spawn(async move { sweep.next().await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!batch.is_finished(), "the batch waits for {change}");
    deploy.commit().await.unwrap();

    assert_eq!(batch.await.unwrap(), Ok(CHANGED), "{change}");
    assert_eq!(
        lab.count("SELECT count(*) FROM sessions").await,
        left,
        "{change}"
    );
    lab.end(&context).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_for_a_migration_sees_what_it_did() {
    let retyped = "ALTER TABLE sessions ALTER ends_at TYPE timestamp";
    let renamed = "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at";
    for batches in [0, 1, 8] {
        for change in [retyped, renamed] {
            meets(alone(), "", change, batches).await;
            meets(
                without_live_tokens(Value::Boolean(true)),
                "",
                change,
                batches,
            )
            .await;
        }
    }
    let tied =
        "ALTER TABLE tokens RENAME session TO was; ALTER TABLE tokens RENAME other TO session";
    let swapped = "ALTER TABLE tokens RENAME live TO was; ALTER TABLE tokens RENAME dead TO live";
    for batches in [0, 1, 8] {
        for change in [tied, swapped] {
            meets(
                without_live_tokens(Value::Boolean(true)),
                "",
                change,
                batches,
            )
            .await;
        }
        for key in ["ON DELETE CASCADE", "ON DELETE SET NULL", ""] {
            meets(
                alone(),
                &format!("REFERENCES sessions {key}"),
                tied,
                batches,
            )
            .await;
        }
        let dependents = alone().delete_first("tokens", on("session", "id"), None);
        meets(dependents, "", tied, batches).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_behind_somebody_and_is_done_between_two_batches_is_seen() {
    let mut lab = Lab::postgres(&tables("")).await;
    let (context, sweep) = begun(&mut lab, without_live_tokens(Value::Boolean(true))).await;
    let mut reader = lab.session().await;
    reader.begin("BEGIN").await.unwrap();
    reader
        .run_script("SELECT count(*) FROM tokens")
        .await
        .unwrap();
    let mut deploy = lab.session().await;
    let migration = tokio::spawn(async move {
        let swap = "BEGIN; ALTER TABLE tokens RENAME live TO was; ALTER TABLE tokens RENAME dead TO live; COMMIT";
        deploy.run_script(swap).await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let batch = tokio::spawn(async move { sweep.next().await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!migration.is_finished() && !batch.is_finished());

    reader.rollback().await.unwrap();

    migration.await.unwrap().unwrap();
    assert_eq!(batch.await.unwrap(), Ok(CHANGED));
    assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 4);
    lab.end(&context).await;
}

#[tokio::test]
async fn a_zone_that_sessions_are_told_in_mid_run_suspends_it_where_a_time_has_none_of_its_own() {
    let told = "DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Tokyo'); END $$";
    for (retyped, said, suspends) in [
        ("timestamp", false, true),
        ("date", false, true),
        ("timestamptz", false, false),
        ("timestamp", true, false),
    ] {
        let mut lab = Lab::postgres(&tables("")).await;
        lab.script(&format!(
            "ALTER TABLE sessions ALTER ends_at TYPE {retyped}"
        ))
        .await;
        if said {
            lab.say("sessions", "ends_at", besom::catalog::TimeForm::Native);
        }
        let (context, sweep) = begun(&mut lab, alone()).await;
        lab.script(told).await;
        let step = sweep.next().await.unwrap();
        assert_eq!(step == CHANGED, suspends, "{retyped} {said}: {step:?}");
        lab.end(&context).await;
    }
}
