//! Random tables, rows and requests through the host, beside the oracle.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use besom::catalog::Dialect;
use besom::request::{Action, Batch, Fate, Mode, Request, Step};
use besom_tests::lab::Lab;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

use super::cases::{self, Seeds, seeds};
use super::oracle::{Oracle, Totals};
use super::requests::{RequestSeed, down, request_seed};
use super::tables::{drop_script, read, script};
use super::world::{Key, Rule, State, World};

/// More rows than any table has.
const ONE_WINDOW: u64 = 1000;
/// A run is not suspended by its budget.
const NO_BUDGET: u64 = 1_000_000;

/// What the words say of a case, where they leave no choice. Where what one row takes with it is
/// also another's, or holds it, the order of the batches decides, and only bounds are known.
struct Expected {
    /// The rows as one run leaves them, and its counts.
    run: Option<(State, Totals)>,
    /// The counts of a dry run.
    dry: Option<Totals>,
}

/// Judges a case in several orders of windows: what they all agree on is what must happen. Where
/// there is `one_window`, that is the order.
fn expected(oracle: &Oracle<'_>, state: &State, one_window: bool) -> Expected {
    let all: BTreeSet<i64> = state[oracle.swept].keys().copied().collect();
    let single = |n: &i64| BTreeSet::from([*n]);
    let mut orders: Vec<Vec<BTreeSet<i64>>> = vec![vec![all.clone()]];
    orders.push(all.iter().map(single).collect());
    orders.push(all.iter().rev().map(single).collect());
    let mut mixed: Vec<i64> = all.iter().copied().collect();
    mixed.sort_by_key(|n| (n * 37) % 61);
    orders.push(mixed.iter().map(single).collect());
    orders.push(
        mixed
            .chunks(3)
            .map(|c| c.iter().copied().collect())
            .collect(),
    );
    if one_window {
        // What hangs together with nothing goes with the window, and the rest after it.
        let rows = all.iter().copied();
        let (loose, rest) = rows.partition(|n| is_loose(oracle, state, *n));
        orders = vec![vec![loose, rest]];
    }

    let mut runs: Vec<_> = orders
        .iter()
        .map(|order| oracle.run(state, order))
        .collect();
    runs.dedup();
    let mut dry: Vec<_> = orders.iter().map(|o| oracle.dry_run(state, o)).collect();
    dry.dedup();
    let clear = !takes_its_own(oracle);
    Expected {
        run: runs.pop().filter(|_| runs.is_empty() && clear),
        dry: dry.pop().filter(|_| dry.is_empty() && clear),
    }
}

/// The row neither refers to one of its table, by a key that forbids the delete, nor is referred to.
fn is_loose(oracle: &Oracle<'_>, state: &State, n: i64) -> bool {
    let request = oracle.request;
    let unlinked = |key: &Key| {
        let down = down(oracle.world, key);
        let mut dependents = request.dependents.iter();
        dependents.any(|d| {
            d.parent.is_none()
                && d.table == request.table
                && d.on.iter().all(|join| down.contains(join))
        })
    };
    let rows = &state[oracle.swept];
    own_keys(oracle).filter(|key| !unlinked(key)).all(|key| {
        let refers = key.columns.iter().all(|at| rows[&n][*at].is_some());
        let referred_to = rows.iter().any(|(other, row)| {
            *other != n && oracle.world.target(state, key, row) == Some((oracle.swept, n))
        });
        !refers && !referred_to
    })
}

/// The request deletes or unlinks rows of the swept table itself, and they refer to the swept row
/// by another key too: whether they are its dependents or a chain is not said.
fn takes_its_own(oracle: &Oracle<'_>) -> bool {
    let several = own_keys(oracle).count() > 1;
    let mut dependents = oracle.request.dependents.iter();
    dependents.any(|d| d.table == oracle.request.table && (several || d.fate == Fate::Delete))
}

/// The request unlinks rows of which foreign keys set two more columns to NULL. PostgreSQL looks at
/// every key of a row again that its transaction has changed before, and may find one whose parent
/// has gone by a cascade while its own rule still waits: it refuses the delete (see `families.rs`).
fn changes_rows_thrice(world: &World, request: &Request) -> bool {
    let unlinked = request.dependents.iter().filter(|d| d.fate == Fate::Unlink);
    unlinked.map(|d| world.table(&d.table)).any(|table| {
        let keys = world.keys.iter();
        keys.filter(|key| key.child == table && key.rule == Rule::SetNull)
            .count()
            > 1
    })
}

/// Keys by which rows of the swept table hold each other.
fn own_keys<'a>(oracle: &Oracle<'a>) -> impl Iterator<Item = &'a Key> {
    let swept = oracle.swept;
    let keys = oracle.world.keys.iter();
    keys.filter(move |key| key.rule.restricts() && [key.child, key.parent] == [swept; 2])
}

/// What is left once no run finds anything more: no run may ever take more.
fn swept_out(oracle: &Oracle<'_>, state: &State) -> State {
    let mut state = state.clone();
    loop {
        let all = state[oracle.swept].keys().copied().collect();
        let (next, totals) = oracle.run(&state, &[all]);
        if totals.affected == 0 {
            return state;
        }
        state = next;
    }
}

/// How many cases were compared to the last row, how many by bounds only, and how many refused.
#[derive(Default)]
struct Tried {
    exact: Cell<u32>,
    bounded: Cell<u32>,
    refused: Cell<u32>,
    changed: Cell<u64>,
}

struct Case<'a> {
    world: World,
    state: State,
    request: Request,
    size: u64,
    budget: Option<u64>,
    tried: &'a Tried,
}

impl Case<'_> {
    async fn check(&self, lab: &mut Lab) -> TestCaseResult {
        let dialect = lab.dialect();
        if dialect == Dialect::Postgres && changes_rows_thrice(&self.world, &self.request) {
            self.tried.refused.set(self.tried.refused.get() + 1);
            return Ok(());
        }
        let oracle = Oracle::new(&self.world, &self.request);
        // SQLite lets an UPDATE see what it has changed already, so that its rows have an order.
        let one_window = self.request.action == Action::Delete
            && self.size >= ONE_WINDOW
            && self.budget.is_none();
        let expected = expected(&oracle, &self.state, one_window);
        // An update that finds more to do in its own results would not end in several runs.
        let ends = match (&self.request.action, &expected.run) {
            (Action::Delete, _) => true,
            (Action::Read(_), _) => unreachable!("every request changes rows"),
            (Action::Update(_), None) => false,
            (Action::Update(_), Some((after, _))) => {
                let all = after[oracle.swept].keys().copied().collect();
                oracle.run(after, &[all]).1.affected == 0
            }
        };
        let budget = self.budget.filter(|_| ends);
        lab.script(&script(dialect, &self.world, &self.state)).await;
        lab.options.batch_size = self.size;

        // A dry run tells what will happen, and changes nothing.
        lab.options.max_rows = NO_BUDGET;
        lab.options.mode = Mode::DryRun;
        let foretold = lab.run(self.request.clone()).await;
        lab.options.mode = Mode::Apply;
        prop_assert_eq!(&read(lab, &self.world).await, &self.state, "dry run");
        let foretold = match foretold {
            Ok((batch, _)) => batch,
            // A dependent of a dependent whose CASCADE comes back; a time for a column of SQLite
            // that holds none to tell the form from.
            Err(fault)
                if ["unsupported", "unknown-time-form"]
                    .contains(&fault.problem().code.as_str()) =>
            {
                self.tried.refused.set(self.tried.refused.get() + 1);
                lab.script(&drop_script(dialect, &self.world)).await;
                return Ok(());
            }
            Err(fault) => return Err(TestCaseError::fail(format!("dry run: {fault}"))),
        };
        if let Some(dry) = expected.dry {
            prop_assert_eq!(Totals::from(foretold), dry, "dry run");
        }

        // The run, or as many as the budget makes of it.
        lab.options.max_rows = budget.unwrap_or(NO_BUDGET);
        let mut done = Batch::default();
        let mut runs = 0;
        loop {
            let (batch, end) = self.run(lab).await?;
            done += batch;
            runs += 1;
            if end == Step::Drained {
                break;
            }
            // A chain goes whole, whatever the budget.
            let whole = own_keys(&oracle).count() > 0;
            prop_assert!(whole || batch.affected <= lab.options.max_rows, "{batch:?}");
            prop_assert!(budget.is_some(), "suspended: {end:?}");
            let most = lab.options.max_rows;
            prop_assert!(batch.changed() >= most, "{batch:?} in {most}");
            prop_assert!(runs < 200, "does not end");
        }
        let left = read(lab, &self.world).await;
        let broken = self.world.broken(&left);
        prop_assert!(broken.is_empty(), "broken: {broken:?}");
        match &expected.run {
            Some((state, counts)) => {
                self.tried.exact.set(self.tried.exact.get() + 1);
                prop_assert_eq!(&left, state);
                let mut have = Totals::from(done);
                if budget.is_some() {
                    // Each run counts the rows that stay, as far as it looks.
                    have.blocked = counts.blocked;
                }
                prop_assert_eq!(have, *counts);
            }
            None => {
                self.tried.bounded.set(self.tried.bounded.get() + 1);
                self.bounds(&oracle, &left, done)?;
            }
        }
        let changed = self.tried.changed.get() + done.changed();
        self.tried.changed.set(changed);

        // Nothing is left to do.
        lab.options.max_rows = NO_BUDGET;
        if expected.run.is_some() {
            let then = oracle.run(&left, &[left[oracle.swept].keys().copied().collect()]);
            let (again, end) = self.run(lab).await?;
            prop_assert_eq!(again.affected, then.1.affected, "second run");
            prop_assert_eq!(again.blocked, then.1.blocked, "second run");
            prop_assert_eq!(end, Step::Drained);
        }
        lab.script(&drop_script(dialect, &self.world)).await;
        Ok(())
    }

    async fn run(&self, lab: &Lab) -> Result<(Batch, Step), TestCaseError> {
        let done = lab.run(self.request.clone()).await;
        done.map_err(|fault| TestCaseError::fail(fault.to_string()))
    }

    /// What holds in every order: rows are gone or changed only for a reason, and each is counted.
    fn bounds(&self, oracle: &Oracle<'_>, left: &State, done: Batch) -> TestCaseResult {
        if let Action::Update(_) = self.request.action {
            return Ok(());
        }
        let mut gone = 0;
        let mut changed = 0;
        for (before, after) in self.state.iter().zip(left) {
            for (n, row) in before {
                match after.get(n) {
                    None => gone += 1,
                    Some(now) if now != row => changed += 1,
                    Some(_) => {}
                }
            }
            prop_assert!(after.keys().all(|n| before.contains_key(n)));
        }
        prop_assert!(
            done.changed() >= gone + changed,
            "{done:?}: {gone} + {changed}"
        );
        let related = format!("{:?}", self.request.matching).contains("xists");
        if !related && !takes_its_own(oracle) {
            // Later batches may find rows free that earlier ones let go, and never others.
            let kept = &left[oracle.swept];
            for n in swept_out(oracle, &self.state)[oracle.swept].keys() {
                prop_assert!(kept.contains_key(n), "{n} went");
            }
            for n in oracle.free(&self.state).keys() {
                prop_assert!(!kept.contains_key(n), "{n} is left");
            }
        }
        Ok(())
    }
}

fn on(dialect: Dialect, build: fn(&RequestSeed, &World) -> Request) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = RefCell::new(runtime.block_on(async {
        match dialect {
            Dialect::Postgres => Lab::postgres("").await,
            Dialect::Sqlite => Lab::sqlite("").await,
        }
    }));
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(40);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (
        seeds(),
        request_seed(),
        prop_oneof![4 => 1_u64..20, 1 => Just(ONE_WINDOW)],
        prop::option::weighted(0.2, 1_u64..12),
    );
    let tried = Tried::default();
    let number = Cell::new(0);
    let outcome = runner.run(&strategy, |(seeds, request, size, budget)| {
        number.set(number.get() + 1);
        let case = case(&seeds, &request, number.get(), build, &tried);
        let case = Case {
            size,
            budget,
            ..case
        };
        let checked = runtime.block_on(case.check(&mut lab.borrow_mut()));
        checked.map_err(|error| explained(error, &case, dialect))
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let (exact, bounded) = (tried.exact.get(), tried.bounded.get());
    let refused = tried.refused.get();
    eprintln!("{exact} to the row, {bounded} by bounds, {refused} refused");
    assert!(2 * exact > bounded + refused, "most cases are clear");
    assert!(tried.changed.get() > 0, "nothing happened at all");
}

fn case<'a>(
    seeds: &Seeds,
    request: &RequestSeed,
    number: usize,
    build: fn(&RequestSeed, &World) -> Request,
    tried: &'a Tried,
) -> Case<'a> {
    let world = cases::world(seeds, number);
    Case {
        state: cases::rows(seeds, &world),
        request: build(request, &world),
        world,
        size: 1,
        budget: None,
        tried,
    }
}

/// The failure with the tables and rows that led to it, to be tried by hand.
fn explained(error: TestCaseError, case: &Case<'_>, dialect: Dialect) -> TestCaseError {
    let sql = script(dialect, &case.world, &case.state).replace(';', ";\n");
    let context = format!(
        "\n{sql}\n{:#?}\nbatch size {}, budget {:?}",
        case.request, case.size, case.budget
    );
    match error {
        TestCaseError::Fail(reason) => TestCaseError::fail(format!("{reason}{context}")),
        reject => reject,
    }
}

#[test]
fn random_hierarchies_leave_the_models_rows_on_postgres() {
    on(Dialect::Postgres, RequestSeed::delete);
}

#[test]
fn random_hierarchies_leave_the_models_rows_on_sqlite() {
    on(Dialect::Sqlite, RequestSeed::delete);
}

#[test]
fn random_updates_leave_the_models_values_on_postgres() {
    on(Dialect::Postgres, RequestSeed::update);
}

#[test]
fn random_updates_leave_the_models_values_on_sqlite() {
    on(Dialect::Sqlite, RequestSeed::update);
}
