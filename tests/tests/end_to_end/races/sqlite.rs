//! The same on SQLite, where one writer at a time is let in: what can happen is a change between
//! the window and the batch, and a lock that is not granted.

use std::time::Duration;

use besom::request::Fault;
use besom_tests::lab::{Lab, drain};

use super::accounts::{changed, owed, recorded, tables, taken};
use super::cell::{Asks, CHANGES, Cell, Gate, ITEMS, RULES, Role, Rule};
use super::conflicts::families;
use super::course::Ended;
use super::one_row::{Fate, agrees};
use super::{Application, change, impatient};

/// How long besom waits for the other writer before it tries a smaller window.
const LOCK_TIMEOUT: Duration = Duration::from_millis(20);

/// How long the other writer lets it at first: several times that.
const HELD: Duration = Duration::from_millis(120);

/// Less than besom's attempts take together.
const LONGEST_HELD: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_change_between_the_window_and_the_batch_is_seen() {
    let roles = [
        Role::Outside,
        Role::DeleteFirst,
        Role::UnlinkFirst,
        Role::Grandchild,
        Role::BelowDependent,
    ];
    futures::future::join_all(roles.map(between_window_and_batch)).await;
}

/// The application writes when besom has its window and not yet its lock. The first batch that is
/// recorded is a smaller one, which proves that they met.
async fn between_window_and_batch(role: Role) {
    let mut lab = impatient(Lab::sqlite("").await, LOCK_TIMEOUT).await;
    lab.options.batch_size = 8;
    let application = Application::of(&lab).await;
    for (rule, made) in RULES
        .into_iter()
        .chain([Rule::Unenforced])
        .flat_map(|rule| CHANGES.map(|made| (rule, made)))
    {
        let cell = Cell {
            role,
            rule,
            asks: Asks::NoLiveLeaf,
            change: made,
            gate: Gate::Throughout,
            careful: false,
        };
        if !cell.is_possible() {
            continue;
        }
        // On a machine that is busy besom may come when the writer has gone.
        let mut held = HELD;
        while !met(&lab, &application, &cell, held).await {
            held *= 2;
            assert!(held < LONGEST_HELD, "they did not meet ({cell:?})");
        }
    }
}

/// A change under way for so long when besom comes; `false`: besom was not there in time.
async fn met(lab: &Lab, application: &Application, cell: &Cell, held: Duration) -> bool {
    lab.script(&cell.schema()).await;
    let start = tables(lab).await;
    let (context, _) = lab.begin().await;
    let mut writer = application.session().await;
    writer.begin("BEGIN IMMEDIATE").await.unwrap();
    let rows = change(&mut writer, &cell.statement()).await.unwrap();
    let (besom, _) = tokio::join!(drain(&context, cell.request()), async {
        tokio::time::sleep(held).await;
        writer.commit().await.unwrap();
    });
    lab.end(&context).await;

    assert_eq!(besom.unwrap().0.affected, ITEMS as u64 - 1, "{cell:?}");
    let told = Ended::Committed { rows, first: true };
    let fate = agrees(lab, cell, &changed(start, cell), &told).await;
    assert_eq!(fate, Fate::Kept, "{cell:?}");
    let first = lab
        .count("SELECT examined FROM besom_batch ORDER BY seq LIMIT 1")
        .await;
    first < 8
}

#[tokio::test]
async fn a_writer_that_lets_nobody_in_ends_the_run_with_nothing_changed() {
    let lab = impatient(Lab::sqlite("").await, LOCK_TIMEOUT).await;
    let application = Application::of(&lab).await;
    let cell = families().next().unwrap();
    lab.script(&cell.schema()).await;
    let start = tables(&lab).await;
    let (context, _) = lab.begin().await;
    let mut writer = application.session().await;
    writer.begin("BEGIN IMMEDIATE").await.unwrap();

    let refused = drain(&context, cell.request()).await.unwrap_err();

    assert!(matches!(refused, Fault::Timeout(_)), "{refused}");
    writer.rollback().await.unwrap();
    assert_eq!(tables(&lab).await, start);
    lab.end(&context).await;
    let (total, _) = lab.run(cell.request()).await.unwrap();
    assert_eq!(total.affected, ITEMS as u64);
}

/// A key that refuses at once, as RESTRICT does, and one that is found broken at COMMIT.
#[tokio::test]
async fn one_key_that_refuses_is_all_that_is_left() {
    const AT_ONCE: &str = "CREATE TRIGGER refuse BEFORE DELETE ON item WHEN OLD.id = 4
        BEGIN SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed'); END;";
    const AT_COMMIT: &str = "DROP TABLE IF EXISTS dangling;
        CREATE TABLE dangling (up INTEGER REFERENCES item DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER refuse AFTER DELETE ON item WHEN OLD.id = 4
        BEGIN INSERT INTO dangling VALUES (4711); END;";
    for refuse in [AT_ONCE, AT_COMMIT] {
        let mut lab = Lab::sqlite("").await;
        for size in [3, 1000] {
            lab.options.batch_size = size;
            for cell in families() {
                // In one go: another connection would still know the trigger of the dropped table.
                lab.script(&format!("{}{refuse}", cell.schema())).await;
                let start = tables(&lab).await;

                let (total, _) = lab.run(cell.request()).await.unwrap();

                let told = (total.affected, total.blocked);
                assert_eq!(told, (ITEMS as u64 - 1, 1), "{cell:?} by {size}\n{refuse}");
                let taken = taken(&start, &tables(&lab).await).unwrap();
                assert_eq!(recorded(&lab).await, owed(&cell, &taken), "{cell:?}");
            }
        }
    }
}
