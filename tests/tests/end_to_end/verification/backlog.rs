//! What a run left, counted and dated for those who watch.

use std::sync::Arc;
use std::time::Duration;

use besom::catalog::Dialect;
use besom::request::{Condition, Request, Step, Suspension, Timestamp};
use besom::sweep::{Backlog, MOST_COUNTED, RunContext, Sweep, verify};
use besom_tests::lab::{Lab, both, drain};

/// Forty rows, each ended an hour before the one before it.
const POSTGRES: &str =
    "CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, ended TIMESTAMPTZ NOT NULL);
    INSERT INTO item SELECT n, now() - n * interval '1 hour' FROM generate_series(1, 40) AS n;";
const SQLITE: &str = "CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, ended INTEGER NOT NULL);
    WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 40)
    INSERT INTO item SELECT n, (unixepoch() - n * 3600) * 1000000 FROM s;";

const HOUR: Duration = Duration::from_secs(3600);

/// All but the youngest.
async fn ended(lab: &Lab) -> Request {
    let now = lab.database.now().await.unwrap();
    let condition = Condition::OlderThan {
        column: "ended".into(),
        cutoff: now.minus_micros(90 * 60 * 1_000_000),
        offset: 0,
    };
    let mut request = Request::delete("item", condition);
    request.order_by = Some("ended".into());
    request
}

/// The age is that of the row which ended so many hours ago.
fn is_of(backlog: &Backlog, hours: u32) -> bool {
    let age = backlog.age.unwrap_or_default();
    (HOUR * hours..HOUR * hours + Duration::from_secs(600)).contains(&age)
}

async fn after_a_drained_run(lab: &Lab, context: &Arc<RunContext>) -> Backlog {
    let progress = context.settle().await;
    let remains = verify(&lab.database, &progress.ended).await;
    context.backlog(Some(&remains)).await
}

#[tokio::test]
async fn a_run_out_of_its_row_budget_left_rows_whose_oldest_an_index_leads_to() {
    for mut lab in both(POSTGRES, SQLITE).await {
        lab.script("CREATE INDEX item_ended ON item (ended)").await;
        lab.options.batch_size = 5;
        lab.options.max_rows = 10;
        let (context, _) = lab.begin().await;
        let request = ended(&lab).await;
        let (total, end) = drain(&context, request).await.unwrap();
        assert_eq!(
            (total.affected, end),
            (10, Step::Suspended(Suspension::RowBudget))
        );

        let backlog = context.backlog(None).await;

        assert_eq!(backlog.rows, Some(29), "{:?}", lab.dialect());
        assert!(backlog.more, "sweeps that were not opened are not counted");
        // The ten oldest are gone.
        assert!(is_of(&backlog, 30), "{backlog:?} on {:?}", lab.dialect());
    }
}

#[tokio::test]
async fn without_an_index_the_table_is_not_searched_for_the_oldest() {
    for mut lab in both(POSTGRES, SQLITE).await {
        lab.options.max_rows = 10;
        let (context, _) = lab.begin().await;
        let request = ended(&lab).await;
        drain(&context, request).await.unwrap();

        let backlog = context.backlog(None).await;

        assert_eq!((backlog.rows, backlog.age), (Some(29), None));
    }
}

#[tokio::test]
async fn a_drained_run_left_nothing_and_what_came_later_has_its_age() {
    for lab in both(POSTGRES, SQLITE).await {
        lab.script("CREATE INDEX item_ended ON item (ended)").await;
        let (context, _) = lab.begin().await;
        let request = ended(&lab).await;
        drain(&context, request).await.unwrap();
        let nothing = Backlog {
            rows: Some(0),
            more: false,
            age: None,
        };
        assert_eq!(after_a_drained_run(&lab, &context).await, nothing);

        lab.script("UPDATE item SET id = 90 WHERE id = 1").await;
        lab.script(match lab.dialect() {
            Dialect::Postgres => "INSERT INTO item VALUES (91, now() - interval '7 hours')",
            Dialect::Sqlite => "INSERT INTO item VALUES (91, (unixepoch() - 7 * 3600) * 1000000)",
        })
        .await;
        let backlog = after_a_drained_run(&lab, &context).await;

        assert_eq!((backlog.rows, backlog.more), (Some(1), false));
        assert!(is_of(&backlog, 7), "{backlog:?} on {:?}", lab.dialect());
    }
}

#[tokio::test]
async fn keys_with_a_time_inside_tell_it() {
    let postgres = "CREATE TABLE item (id UUID NOT NULL PRIMARY KEY)";
    let sqlite = "CREATE TABLE item (id BLOB NOT NULL PRIMARY KEY)";
    for mut lab in both(postgres, sqlite).await {
        let now = lab.database.now().await.unwrap();
        // The oldest first, as they are swept: SQLite goes by the rowid.
        for hours in (1..=20_i64).rev() {
            let millis = now.0 / 1_000 - hours * 3_600_000;
            let digits = format!("{millis:012x}70008000{hours:012x}");
            let literal = match lab.dialect() {
                Dialect::Postgres => format!("'{digits}'"),
                Dialect::Sqlite => format!("x'{digits}'"),
            };
            lab.script(&format!("INSERT INTO item VALUES ({literal})"))
                .await;
        }
        lab.options.max_rows = 5;
        let (context, _) = lab.begin().await;
        let condition = Condition::IdOlderThan {
            column: "id".into(),
            cutoff: Timestamp(now.0),
        };
        drain(&context, Request::delete("item", condition))
            .await
            .unwrap();

        let backlog = context.backlog(None).await;

        assert_eq!(backlog.rows, Some(15));
        assert!(is_of(&backlog, 15), "{backlog:?} on {:?}", lab.dialect());
    }
}

#[tokio::test]
async fn a_large_backlog_is_counted_no_further_than_its_bound() {
    let mut lab = Lab::postgres(POSTGRES).await;
    let most = i64::try_from(MOST_COUNTED).unwrap();
    lab.script(&format!(
        "INSERT INTO item SELECT n, now() - interval '2 hours' FROM generate_series(41, {most} + 100) AS n"
    ))
    .await;
    lab.options.max_rows = 10;
    let (context, _) = lab.begin().await;
    let request = ended(&lab).await;
    drain(&context, request).await.unwrap();

    let backlog = context.backlog(None).await;

    assert_eq!((backlog.rows, backlog.more), (Some(MOST_COUNTED), true));
}

#[tokio::test]
async fn of_a_run_that_never_swept_nothing_is_known() {
    for lab in both(POSTGRES, SQLITE).await {
        let (context, _) = lab.begin().await;
        assert_eq!(context.backlog(None).await, Backlog::default());
    }
}

#[tokio::test]
async fn a_writer_in_the_way_holds_a_run_back_and_the_next_host_remembers_it() {
    let mut lab = Lab::sqlite(SQLITE).await;
    lab.options.batch_size = 2;
    lab.lease = Duration::from_secs(1);
    let request = ended(&lab).await;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request).await.unwrap();
    let mut other = lab.session().await;
    other.begin("BEGIN IMMEDIATE").await.unwrap();
    let lets_go = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        other.rollback().await.unwrap();
    });

    // The second batch takes along what the first one waited.
    for _ in 0..2 {
        assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
    }
    lets_go.await.unwrap();
    let held = context.settle().await;
    tokio::time::sleep(lab.lease + Duration::from_millis(200)).await;
    let (resumed, claimed) = lab.begin().await;

    assert!(claimed.resumed);
    assert!(held.held_back["retry"] > Duration::ZERO, "{held:?}");
    let after = resumed.settle().await;
    assert_eq!(after.throttled, held.throttled);
    assert!(after.throttled["retry"] > 0);
    assert!(after.held_back.is_empty(), "this host has not waited yet");
}
