//! Columns and tables whose names come to stand for something else while a run is under way.

use std::sync::Arc;

use besom::catalog::Dialect;
use besom::request::{Comparison, Source, Suspension, Timestamp, Value};
use besom::sweep::{RunContext, Sweep, Verification, verify};
use besom_tests::lab::both;

use super::*;

pub(super) const CHANGED: Step = Step::Suspended(Suspension::SchemaChanged);

/// 2023-11-14 22:13:20 UTC.
const NOW: i64 = 1_700_000_000_000_000;

/// Six sessions that have ended, with a dead token for each. `key`: what ties those.
pub(super) fn tables(key: &str) -> String {
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
pub(super) fn sqlite_tables(key: &str) -> String {
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

pub(super) fn over() -> Condition {
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
pub(super) fn alone() -> Request {
    Request::delete("sessions", over())
}

/// Locks come first: it looks at the state of other rows.
pub(super) fn without_live_tokens(live: Value) -> Request {
    let none = Condition::NotExists {
        table: "tokens".to_owned(),
        on: on("session", "id"),
        matching: Some(Box::new(equals("live", live))),
    };
    Request::delete("sessions", Condition::All(vec![over(), none]))
}

pub(super) async fn begun(lab: &mut Lab, request: Request) -> (Arc<RunContext>, Sweep) {
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
pub(super) async fn deploys(lab: &Lab, change: &str) {
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

#[tokio::test]
async fn a_default_that_comes_to_name_a_zone_in_mid_run_suspends_it_where_a_time_has_none_of_its_own()
 {
    let tokyo = "timezone('Asia/Tokyo', now())";
    for (retyped, default, suspends) in [
        ("timestamp", tokyo, true),
        ("timestamp", "(now() AT TIME ZONE 'Asia/Tokyo')", true),
        ("date", "(now() AT TIME ZONE 'Asia/Tokyo')::date", true),
        ("timestamp", "now()", false),
        ("timestamptz", tokyo, false),
    ] {
        let mut lab = Lab::postgres(&tables("")).await;
        lab.script(&format!(
            "ALTER TABLE sessions ALTER ends_at TYPE {retyped}"
        ))
        .await;
        let (context, sweep) = begun(&mut lab, alone()).await;
        lab.script(&format!(
            "ALTER TABLE sessions ALTER ends_at SET DEFAULT {default}"
        ))
        .await;
        let step = sweep.next().await.unwrap();
        assert_eq!(step == CHANGED, suspends, "{retyped} {default}: {step:?}");
        lab.end(&context).await;
    }
}
