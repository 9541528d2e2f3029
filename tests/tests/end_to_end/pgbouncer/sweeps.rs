//! Sweeps, readers and the ledger, and an application on the same connection of the server.

use std::time::Duration;

use besom::database::{Database, DatabaseOptions, Pooler, Statement};
use besom::ledger;
use besom::request::{Batch, Comparison, Condition, Join, Mode, Reading, Request, Step, Value};
use besom::sweep::{Change, Reader, Verification, verify};
use besom_tests::lab::{Lab, drain};

use super::{application, found_by, left, one_connection, untouched, with_and_without_prepared};

/// Items of which nine in ten are dead, some with notes that go along, a few with a live one. The
/// types of `tag` and `mood` are the schema's own, which the driver must look up.
const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('calm', 'wild'); CREATE DOMAIN tag AS text;
    CREATE TABLE item (id bigint PRIMARY KEY, dead boolean NOT NULL, mood mood NOT NULL, tag tag NOT NULL);
    CREATE TABLE note (id bigint PRIMARY KEY, item_id bigint REFERENCES item ON DELETE CASCADE, live boolean NOT NULL);
    CREATE INDEX note_item ON note (item_id);
    INSERT INTO item SELECT n, n % 10 <> 0, 'calm', 't' || n FROM generate_series(1, 3000) AS n;
    INSERT INTO note SELECT n, n, n % 100 = 1 FROM generate_series(1, 3000) AS n;
    CREATE TABLE line (tag tag PRIMARY KEY, mood mood NOT NULL);
    INSERT INTO line SELECT 't' || n, CASE WHEN n % 10 = 0 THEN 'wild' ELSE 'calm' END::mood FROM generate_series(1, 2000) AS n;";

fn is(column: &str, to: Value) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator: Comparison::Equal,
        to,
    }
}

/// Lines go in one statement a batch.
fn lines() -> Request {
    Request::delete("line", is("mood", Value::Text("calm".into())))
}

/// Items are locked first, because their notes go along.
fn items() -> Request {
    let live_note = Condition::NotExists {
        table: "note".into(),
        on: vec![Join::new("item_id", "id")],
        matching: Some(Box::new(is("live", Value::Boolean(true)))),
    };
    let dead = is("dead", Value::Boolean(true));
    Request::delete("item", Condition::All(vec![dead, live_note]))
}

async fn recorded(lab: &Lab) -> i64 {
    lab.count("SELECT coalesce(sum(affected), 0)::bigint FROM besom_batch")
        .await
}

#[tokio::test]
async fn both_kinds_of_batch_go_while_an_application_on_the_same_connection_sees_only_its_defaults()
{
    for options in with_and_without_prepared() {
        let Some(mut lab) = Lab::behind_pgbouncer(options, SCHEMA).await else {
            return;
        };
        lab.options.batch_size = 100;
        let expected = untouched(&lab.home).await;
        let mut beside = application(&lab.home.url).await;
        let looking = tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let mut transaction = sqlx::Connection::begin(&mut beside).await.unwrap();
                seen.push(found_by(&mut transaction).await);
                transaction.rollback().await.unwrap();
                if seen.len() >= 50 {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });

        let (of_lines, end) = lab.run(lines()).await.unwrap();
        assert_eq!((of_lines.affected, end), (1800, Step::Drained));
        let (of_items, end) = lab.run(items()).await.unwrap();
        // Of 2700 dead items, those with the number 1, 101, 201… have a live note.
        assert_eq!((of_items.affected, end), (2670, Step::Drained));
        assert_eq!(of_items.cascaded, 2670);

        assert_eq!(recorded(&lab).await, 1800 + 2670);
        assert_eq!(lab.count("SELECT count(*) FROM note").await, 330);
        for seen in looking.await.unwrap() {
            assert_eq!(seen, expected);
        }
        assert_eq!(left(&lab.home).await, expected);
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_verification_knows_what_a_run_left() {
    let Some(mut lab) = Lab::behind_pgbouncer(one_connection(), SCHEMA).await else {
        return;
    };
    lab.options.mode = Mode::DryRun;
    let (foretold, _) = lab.run(items()).await.unwrap();
    assert_eq!((foretold.affected, recorded(&lab).await), (2670, 0));
    assert_eq!(lab.count("SELECT count(*) FROM item").await, 3000);

    lab.options.mode = Mode::Apply;
    let (context, _) = lab.begin().await;
    let (total, _) = drain(&context, items()).await.unwrap();
    let progress = context.settle().await;
    let remains = verify(&lab.database, &progress.ended).await;
    lab.end(&context).await;

    assert_eq!(total.affected, foretold.affected);
    assert_eq!(Verification::of(&remains), Verification::Verified);
    assert_eq!(left(&lab.home).await, untouched(&lab.home).await);
}

#[tokio::test]
async fn a_reader_shows_pages_and_deletes_from_them() {
    let Some(mut lab) = Lab::behind_pgbouncer(one_connection(), SCHEMA).await else {
        return;
    };
    lab.options.batch_size = 500;
    let calm = is("mood", Value::Text("calm".into()));
    let request = Request::read("line", vec!["tag".into(), "mood".into()], calm);
    let (context, _) = lab.begin().await;
    let reader = Reader::open(&context, request).await.unwrap();
    let mut total = Batch::default();
    while let Reading::Page(_) = reader.next().await.unwrap() {
        total += reader.act(Change::Delete((0..10).collect())).await.unwrap();
    }
    lab.end(&context).await;

    // Four pages of 1800 rows.
    assert_eq!(total.affected, 40);
    assert_eq!(lab.count("SELECT count(*) FROM line").await, 1960);
    assert_eq!(recorded(&lab).await, 40);
    assert_eq!(left(&lab.home).await, untouched(&lab.home).await);
}

#[tokio::test]
async fn a_lease_is_renewed_and_a_batch_of_a_host_that_lost_its_run_is_refused() {
    let Some(mut lab) = Lab::behind_pgbouncer(one_connection(), SCHEMA).await else {
        return;
    };
    lab.lease = Duration::from_millis(300);
    let (first, lease) = lab.claim().take(&lab.database).await.unwrap();
    assert!(lease.renew().await.unwrap());
    tokio::time::sleep(Duration::from_millis(400)).await;

    let (second, _) = lab.claim().take(&lab.database).await.unwrap();
    assert!(second.resumed && second.fence.token == first.fence.token + 1);

    let mut fence = Statement::new(lab.dialect());
    ledger::write_fence(&mut fence, &first.fence, "{}");
    let mut session = lab.session().await;
    assert!(session.fetch(&fence).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_statement_that_waits_too_long_ends_and_leaves_the_connection_usable() {
    let mut options = one_connection();
    options.pool_size = 2;
    let Some(lab) = Lab::behind_pgbouncer(options, SCHEMA).await else {
        return;
    };
    let mut holder = lab.session().await;
    holder
        .begin("BEGIN; LOCK TABLE line IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();

    let mut count = Statement::new(lab.dialect());
    count.push("SELECT count(*) FROM line");
    let mut session = lab.session().await;
    let refused = session.fetch(&count).await.unwrap_err();
    assert_eq!(refused.code, "55P03", "{refused}");
    let refused = session.run_script("DELETE FROM line").await.unwrap_err();
    assert_eq!(refused.code, "55P03", "{refused}");
    holder.rollback().await.unwrap();

    let row = session.fetch_one(&count).await.unwrap();
    assert_eq!(row.get(0).as_count(), 2000);
    assert_eq!(left(&lab.home).await, untouched(&lab.home).await);
}

#[tokio::test]
async fn hosts_that_migrate_at_once_make_one_ledger() {
    let Some(home) = besom_tests::behind_pgbouncer(Default::default()).await else {
        return;
    };
    let lent = DatabaseOptions {
        pooler: Pooler::Transaction,
        ..DatabaseOptions::default()
    };
    let through = Database::connect(&home.url, lent).await.unwrap();
    let direct = Database::connect(&home.direct(), Default::default())
        .await
        .unwrap();

    let (one, two, three) = tokio::join!(
        ledger::migrate(&through),
        ledger::migrate(&direct),
        ledger::migrate(&through)
    );

    for (host, done) in [one, two, three].into_iter().enumerate() {
        done.unwrap_or_else(|error| panic!("host {host}: {error}"));
    }
    assert!(ledger::migrate(&through).await.unwrap().is_empty());
    assert_eq!(left(&home).await, untouched(&home).await);
}
