//! SQLite files with a rollback journal: as long as somebody reads, no writer commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use besom::request::{Condition, Join, Request, Step};
use besom::sweep::{Sweep, Verification, verify};
use besom_tests::lab::{Lab, drain};
use sqlx::{Connection, SqliteConnection};

use super::{dead, numbers};

/// Many times what a writer may have to wait for one who looks, and a part of what a look may take elsewhere.
const BEARABLE: Duration = Duration::from_millis(1_000);

/// No index leads from an item to a child: that it has one is found by reading them all.
const SCHEMA: &str =
    "CREATE TABLE item (id INTEGER PRIMARY KEY, dead BOOLEAN NOT NULL, child BIGINT NOT NULL);
     CREATE TABLE child (id INTEGER PRIMARY KEY, number BIGINT);
     CREATE TABLE busy (id INTEGER PRIMARY KEY);";

/// Each item has the last of the children.
fn fill(items: u64, children: u64) -> String {
    format!(
        "INSERT INTO item SELECT n, TRUE, {children} FROM {};
         INSERT INTO child SELECT n, n FROM {};",
        numbers(items),
        numbers(children)
    )
}

/// Those that have no child.
fn request() -> Request {
    let has_none = Condition::NotExists {
        table: "child".into(),
        on: vec![Join::new("number", "child")],
        matching: None,
    };
    Request::delete("item", Condition::All(vec![dead(), has_none]))
}

/// An application that writes all the time.
struct Writer {
    ends: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Duration>,
}

impl Writer {
    async fn begin(lab: &Lab) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let mut connection = SqliteConnection::connect(&lab.home.url).await.unwrap();
        let asked = Arc::clone(&ends);
        let task = tokio::spawn(async move {
            run(&mut connection, "PRAGMA busy_timeout = 0").await;
            let mut longest = Duration::ZERO;
            while !asked.load(Ordering::Relaxed) {
                // Another one writes: that is not what is asked for here.
                while !run(&mut connection, "BEGIN IMMEDIATE").await {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                assert!(run(&mut connection, "INSERT INTO busy DEFAULT VALUES").await);
                let began = Instant::now();
                while !run(&mut connection, "COMMIT").await {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                longest = longest.max(began.elapsed());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            longest
        });
        Self { ends, task }
    }

    /// The longest that it waited for others who read, before it could commit.
    async fn waited(self) -> Duration {
        self.ends.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

/// `false`: the file is locked.
async fn run(connection: &mut SqliteConnection, sql: &'static str) -> bool {
    match sqlx::raw_sql(sql).execute(connection).await {
        Ok(_) => true,
        Err(error) => {
            let code = error.as_database_error().and_then(|error| error.code());
            assert_eq!(code.as_deref(), Some("5"), "{error}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_does_not_wait_for_the_verification_which_says_what_would_let_it_take_its_time() {
    let lab = Lab::with_rollback_journal(SCHEMA).await;
    let (context, _) = lab.begin().await;
    let (_, step) = drain(&context, request()).await.unwrap();
    assert_eq!(step, Step::Drained);
    let ended = context.settle().await.ended;
    lab.script(&fill(4_000, 60_000)).await;
    let writer = Writer::begin(&lab).await;

    let found = verify(&lab.database, &ended).await;

    let waited = writer.waited().await;
    assert!(waited < BEARABLE, "{waited:?}");
    match Verification::of(&found) {
        Verification::Unverified(why) => {
            assert!(why.contains("PRAGMA journal_mode=WAL"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_does_not_wait_for_a_look_ahead() {
    let mut lab = Lab::with_rollback_journal(SCHEMA).await;
    lab.options.batch_size = 5;
    lab.script(&fill(4_000, 60_000)).await;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request()).await.unwrap();
    for _ in 0..4 {
        assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
    }
    let writer = Writer::begin(&lab).await;

    let next = sweep.next().await;

    let waited = writer.waited().await;
    assert!(matches!(next.unwrap(), Step::Batch(_)));
    assert!(waited < BEARABLE, "{waited:?}");
}

#[tokio::test]
async fn a_table_that_cannot_be_counted_in_one_look_is_verified_stretch_by_stretch() {
    let lab = Lab::with_rollback_journal(SCHEMA).await;
    let (context, _) = lab.begin().await;
    drain(&context, request()).await.unwrap();
    let ended = context.settle().await.ended;
    lab.script(&fill(30_000, 100)).await;

    let found = verify(&lab.database, &ended).await;

    assert_eq!(Verification::of(&found), Verification::Verified);
    let free = "UPDATE item SET child = 0 WHERE id IN (1, 15000, 30000)";
    lab.script(free).await;
    let found = verify(&lab.database, &ended).await;
    assert_eq!(Verification::of(&found), Verification::Left(3));
}

#[tokio::test]
async fn a_small_table_is_verified_whatever_the_journal() {
    let lab = Lab::with_rollback_journal(SCHEMA).await;
    lab.script(&fill(500, 500)).await;
    lab.script("UPDATE item SET child = 0 WHERE id % 2 = 0")
        .await;
    let (context, _) = lab.begin().await;

    let (batch, step) = drain(&context, request()).await.unwrap();

    assert_eq!((batch.affected, step), (250, Step::Drained));
    let found = verify(&lab.database, &context.settle().await.ended).await;
    assert_eq!(Verification::of(&found), Verification::Verified);
}
