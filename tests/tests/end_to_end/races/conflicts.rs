//! A batch that fails: rows held, deadlocks, keys that refuse, settings that bound a hung host.

use std::time::Duration;

use besom::database::Statement;
use besom::request::Batch;
use besom_tests::lab::Lab;

use super::accounts::{changed, owed, recorded, tables, taken};
use super::cell::{Asks, Cell, Change, Gate, ITEMS, RACED, RULES, Role, Rule};
use super::course::{self, Ended};
use super::{Application, impatient};

/// Several windows for the ten items, and none of them of one row.
const SOME: u64 = 3;

fn cell(role: Role, rule: Rule, gate: Gate) -> Cell {
    Cell {
        role,
        rule,
        asks: Asks::NoLiveLeaf,
        change: Change::Revive,
        gate,
        careful: false,
    }
}

/// Every role under every rule, with a leaf at each item.
pub fn families() -> impl Iterator<Item = Cell> {
    let roles = [
        Role::Outside,
        Role::DeleteFirst,
        Role::UnlinkFirst,
        Role::Grandchild,
        Role::BelowDependent,
    ];
    let every = roles
        .into_iter()
        .flat_map(|role| RULES.map(move |rule| (role, rule)));
    every
        .map(|(role, rule)| cell(role, rule, Gate::Throughout))
        .filter(Cell::has_dead_leaves)
}

/// The ledger equals what is gone, and nothing changed that it does not know of.
async fn exact(lab: &Lab, cell: &Cell, start: &super::accounts::Tables) {
    let taken = taken(start, &tables(lab).await).unwrap();
    assert_eq!(recorded(lab).await, owed(cell, &taken), "{cell:?}");
}

#[tokio::test]
async fn a_child_that_is_held_all_along_keeps_its_parent_and_no_other() {
    let mut lab = Lab::postgres("").await;
    lab.options.batch_size = SOME;
    let application = Application::of(&lab).await;
    for cell in families() {
        // As a grandchild that is being inserted holds it, and as an update does.
        for strength in ["KEY SHARE", "NO KEY UPDATE"] {
            lab.script(&cell.schema()).await;
            let start = tables(&lab).await;
            let mut holder = application.session().await;
            let hold = format!(
                "SELECT FROM {} WHERE id = {RACED} FOR {strength}",
                cell.leaf()
            );
            holder.begin(&format!("BEGIN; {hold}")).await.unwrap();

            let (total, _) = lab.run(cell.request()).await.unwrap();

            let told = (total.affected, total.locked, total.blocked, total.revived);
            assert_eq!(told, (ITEMS as u64 - 1, 1, 0, 0), "{cell:?} FOR {strength}");
            exact(&lab, &cell, &start).await;
            holder.rollback().await.unwrap();
            let (total, _) = lab.run(cell.request()).await.unwrap();
            assert_eq!((total.affected, total.locked), (1, 0), "{cell:?}");
            exact(&lab, &cell, &start).await;
        }
    }
}

/// The application holds the table and wants a row, besom the other way about. Either besom's own
/// patience ends first, or PostgreSQL's deadlock detector, which looks after a second and takes
/// whoever asked it.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_besoms_to_lose_and_costs_it_half_the_window() {
    const DETECTED: Duration = Duration::from_secs(8);
    const YIELDED: Duration = Duration::from_millis(200);
    let race = async |patience: Duration| {
        let mut lab = impatient(Lab::postgres("").await, patience).await;
        lab.options.batch_size = 8;
        let application = Application::of(&lab).await;
        let cell = cell(Role::Outside, Rule::Cascade, Gate::Act);
        lab.script(&cell.schema()).await;
        let start = tables(&lab).await;

        let finish = course::run(&lab, &application, &cell).await;

        let told = Ended::Committed {
            rows: 1,
            first: true,
        };
        assert_eq!(finish.application, told, "{patience:?}");
        assert_eq!(finish.besom.affected, ITEMS as u64 - 1, "{patience:?}");
        exact(&lab, &cell, &changed(start, &cell)).await;
        let first = lab
            .count("SELECT examined FROM besom_batch ORDER BY seq LIMIT 1")
            .await;
        assert!(first <= 4, "{patience:?}: {first} rows");
        // The server counts it when besom's backend is idle again.
        let counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        let expected = i64::from(patience == DETECTED);
        for _ in 0..200 {
            if lab.count(counted).await >= expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(lab.count(counted).await, expected, "{patience:?}");
    };
    futures::future::join(race(DETECTED), race(YIELDED)).await;
}

/// A trigger that refuses the delete of one row, as a foreign key that the catalog does not show
/// would: at once, or not before COMMIT.
fn refuse(table: &str, at_commit: bool, ids: &str) -> String {
    let (constraint, when) = match at_commit {
        true => ("CONSTRAINT", "DEFERRABLE INITIALLY DEFERRED"),
        false => ("", ""),
    };
    format!(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF OLD.id IN ({ids}) THEN
                 RAISE EXCEPTION 'row % is still in use', OLD.id USING ERRCODE = 'foreign_key_violation';
             END IF;
             RETURN NULL;
         END $$;
         CREATE {constraint} TRIGGER refuse AFTER DELETE ON {table} {when} FOR EACH ROW EXECUTE FUNCTION refuse();"
    )
}

#[tokio::test]
async fn one_key_that_refuses_is_all_that_is_left() {
    let mut lab = Lab::postgres("").await;
    // Without a relation and without a rule the batch is one statement at first.
    let ways = [
        (false, "4", 1, Asks::NoLiveLeaf, SOME),
        (true, "4", 1, Asks::Nothing, 1000),
        (true, "1, 6, 7", 3, Asks::NoLiveLeaf, 1000),
    ];
    let plain = |cell: &Cell| matches!(cell.rule, Rule::NoAction | Rule::Cascade);
    for mut cell in families().filter(plain) {
        for (at_commit, ids, blocked, asks, size) in ways {
            cell.asks = asks;
            lab.options.batch_size = size;
            lab.script(&cell.schema()).await;
            lab.script(&refuse("item", at_commit, ids)).await;
            let start = tables(&lab).await;

            let (total, _) = lab.run(cell.request()).await.unwrap();

            let told = (total.affected, total.blocked, total.locked, total.revived);
            let expected = (ITEMS as u64 - blocked, blocked, 0, 0);
            assert_eq!(told, expected, "{cell:?} {at_commit} {ids} by {size}");
            exact(&lab, &cell, &start).await;
        }
    }
}

#[tokio::test]
async fn a_dependent_that_refuses_keeps_its_own_parent_only() {
    let mut lab = Lab::postgres("").await;
    lab.options.batch_size = SOME;
    for cell in
        families().filter(|cell| cell.role != Role::UnlinkFirst && cell.rule != Rule::SetNull)
    {
        for at_commit in [false, true] {
            lab.script(&cell.schema()).await;
            lab.script(&refuse(cell.leaf(), at_commit, "4")).await;
            let start = tables(&lab).await;

            let (total, _) = lab.run(cell.request()).await.unwrap();

            assert_eq!(
                (total.affected, total.blocked),
                (ITEMS as u64 - 1, 1),
                "{cell:?}"
            );
            exact(&lab, &cell, &start).await;
            let after = tables(&lab).await;
            assert!(after["item"].contains_key(&RACED) && after[cell.leaf()].contains_key(&RACED));
        }
    }
}

#[tokio::test]
async fn an_error_that_is_no_conflict_ends_the_run_and_tears_no_batch() {
    let mut lab = Lab::postgres("").await;
    lab.options.batch_size = SOME;
    for cell in families() {
        lab.script(&cell.schema()).await;
        let broken =
            refuse("item", true, "5").replace("foreign_key_violation", "undefined_function");
        lab.script(&broken).await;
        let start = tables(&lab).await;

        let (context, _) = lab.begin().await;
        let fault = besom_tests::lab::drain(&context, cell.request())
            .await
            .unwrap_err();

        assert!(
            fault.to_string().contains("row 5 is still in use"),
            "{fault}"
        );
        exact(&lab, &cell, &start).await;
        let recorded = recorded(&lab).await;
        assert_eq!(recorded.affected, SOME, "the batch before it stands");
        lab.end(&context).await;
    }
}

/// A host that hangs between two statements of a batch is bounded by the server.
#[tokio::test]
async fn a_batch_that_locks_first_may_not_idle() {
    let lab = Lab::postgres("").await;
    let cell = cell(Role::Outside, Rule::Cascade, Gate::Throughout);
    lab.script(&cell.schema()).await;
    lab.script(
        "CREATE TABLE seen (name text, setting text);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO seen SELECT name, setting FROM pg_settings
             WHERE name IN ('idle_in_transaction_session_timeout', 'lock_timeout', 'transaction_isolation');
             RETURN NULL;
         END $$;
         CREATE TRIGGER look AFTER DELETE ON item FOR EACH STATEMENT EXECUTE FUNCTION look();",
    )
    .await;

    let (total, _) = lab.run(cell.request()).await.unwrap();

    assert_eq!(
        total,
        Batch {
            affected: 10,
            cascaded: 10,
            examined: 11,
            ..Batch::default()
        }
    );
    let setting = async |name: &str| {
        let mut statement = Statement::new(lab.dialect());
        statement.push(&format!(
            "SELECT DISTINCT setting FROM seen WHERE name = '{name}'"
        ));
        let row = lab.session().await.fetch_one(&statement).await.unwrap();
        row.get(0).as_text().unwrap().to_owned()
    };
    // Milliseconds.
    let idle: u64 = setting("idle_in_transaction_session_timeout")
        .await
        .parse()
        .unwrap();
    assert!((1..=30_000).contains(&idle), "{idle}");
    let lock: u64 = setting("lock_timeout").await.parse().unwrap();
    assert!(
        (1..1_000).contains(&lock),
        "{lock}: PostgreSQL looks for deadlocks after 1000"
    );
    assert_eq!(setting("transaction_isolation").await, "read committed");
    // And no connection keeps it.
    let kept = "SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'";
    assert_eq!(lab.count(kept).await, 0);
}
