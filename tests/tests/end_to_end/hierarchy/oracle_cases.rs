//! Cases worked out by hand: the oracle agrees with them, and so do both databases.

use std::cell::RefCell;
use std::collections::BTreeMap;

use besom::request::{Comparison, Condition, Join, Mode, Request, Source, Value};
use besom_tests::lab::both;

use super::oracle::{Oracle, Totals};
use super::requests::down;
use super::tables::{drop_script, read, script};
use super::world::{LIVE, N, Rule, State, V, World};

/// Parents `p`, children `c` that refer to them by `rule`, and an empty state.
fn family(rule: Rule) -> (World, State) {
    let mut world = World::default();
    world.add_table("p", &[]);
    world.add_table("c", &[]);
    world.add_key(1, 0, rule);
    (world, vec![BTreeMap::new(); 2])
}

/// A row, dead or live; the columns of its foreign keys follow in `targets`.
fn put(state: &mut State, table: usize, n: i64, live: bool, targets: &[Option<i64>]) {
    let mut cells = vec![Some(n), Some(i64::from(live)), None, None, None];
    cells.extend(targets);
    state[table].insert(n, cells);
}

fn dead(table: &str) -> Request {
    Request::delete(
        table,
        Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(false),
        },
    )
}

/// What the oracle has answered, to be held against the databases at the end of a test.
struct Judge<'a> {
    world: &'a World,
    answers: RefCell<Vec<(Request, State, State, Totals)>>,
}

impl<'a> Judge<'a> {
    fn new(world: &'a World) -> Self {
        let answers = RefCell::default();
        Self { world, answers }
    }

    /// One run with everything in one window: the rows that are left, and what was affected,
    /// dependent, cascaded and blocked.
    fn run(&self, request: &Request, state: &State) -> (State, [u64; 4]) {
        let oracle = Oracle::new(self.world, request);
        let all = state[oracle.swept].keys().copied().collect();
        let (after, totals) = oracle.run(state, &[all]);
        let answer = (request.clone(), state.clone(), after.clone(), totals);
        self.answers.borrow_mut().push(answer);
        let Totals {
            affected,
            dependents,
            cascaded,
            blocked,
        } = totals;
        (after, [affected, dependents, cascaded, blocked])
    }

    /// Each case again, on both databases, dry and then in earnest.
    async fn ask_the_databases(&self) {
        let answers = self.answers.take();
        for mut lab in both("", "").await {
            let dialect = lab.dialect();
            for (request, before, after, counts) in &answers {
                lab.script(&script(dialect, self.world, before)).await;
                for mode in [Mode::DryRun, Mode::Apply] {
                    lab.options.mode = mode;
                    let (batch, _) = lab.run(request.clone()).await.unwrap();
                    let case = format!("{mode:?} on {dialect:?}: {request:#?}");
                    assert_eq!(Totals::from(batch), *counts, "{case}");
                }
                assert_eq!(
                    &read(&lab, self.world).await,
                    after,
                    "{dialect:?}: {request:#?}"
                );
                lab.script(&drop_script(dialect, self.world)).await;
            }
        }
    }
}

fn left(state: &State, table: usize) -> Vec<i64> {
    state[table].keys().copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_blocks_its_parent_unless_it_goes_first() {
    let (world, mut state) = family(Rule::NoAction);
    put(&mut state, 0, 1, false, &[]);
    put(&mut state, 0, 2, false, &[]);
    put(&mut state, 0, 3, true, &[]);
    put(&mut state, 1, 1, true, &[Some(2)]);
    put(&mut state, 1, 2, true, &[None]);

    let judge = Judge::new(&world);
    let (kept, counts) = judge.run(&dead("p"), &state);
    assert_eq!(counts, [1, 0, 0, 1]);
    assert_eq!(left(&kept, 0), [2, 3]);

    let on = down(&world, &world.keys[0]);
    let (after, counts) = judge.run(&dead("p").delete_first("c", on.clone(), None), &state);
    assert_eq!(counts, [2, 1, 0, 0]);
    assert_eq!((left(&after, 0), left(&after, 1)), (vec![3], vec![2]));

    let (after, counts) = judge.run(&dead("p").unlink_first("c", on, None), &state);
    assert_eq!(counts, [2, 1, 0, 0]);
    assert_eq!(left(&after, 1), [1, 2]);
    assert_eq!(after[1][&1].last(), Some(&None));
    judge.ask_the_databases().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cascade_and_set_null_are_counted_once_and_not_again_as_dependents() {
    for (rule, kept) in [(Rule::Cascade, 0), (Rule::SetNull, 1)] {
        let (mut world, mut state) = family(rule);
        world.add_key(1, 0, rule);
        put(&mut state, 0, 1, false, &[]);
        put(&mut state, 1, 7, true, &[Some(1), Some(1)]);

        let judge = Judge::new(&world);
        let (after, counts) = judge.run(&dead("p"), &state);
        assert_eq!(counts, [1, 0, 1, 0]);
        assert_eq!(left(&after, 1).len(), kept);

        let on = down(&world, &world.keys[0]);
        let asked = dead("p").delete_first("c", on, None);
        let (after, counts) = judge.run(&asked, &state);
        assert_eq!(counts, [1, 1, 0, 0]);
        assert!(left(&after, 1).is_empty());
        judge.ask_the_databases().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_refers_to_a_cascaded_one_and_is_cascaded_too_holds_the_parent_by_restrict_alone()
 {
    for (rule, counts) in [
        (Rule::NoAction, [1, 0, 2, 0]),
        (Rule::Restrict, [0, 0, 0, 1]),
    ] {
        let (mut world, mut state) = family(Rule::Cascade);
        state.push(BTreeMap::new());
        world.add_table("d", &[]);
        world.add_key(2, 1, rule);
        world.add_key(2, 0, Rule::Cascade);
        put(&mut state, 0, 1, false, &[]);
        put(&mut state, 1, 1, true, &[Some(1)]);
        put(&mut state, 2, 1, true, &[Some(1), Some(1)]);

        let judge = Judge::new(&world);
        assert_eq!(judge.run(&dead("p"), &state).1, counts, "{rule:?}");
        let on = down(&world, &world.keys[2]);
        let asked = dead("p").delete_first("d", on, None);
        assert_eq!(judge.run(&asked, &state).1, [1, 1, 1, 0], "{rule:?}");
        judge.ask_the_databases().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlink_excuses_only_the_reference_that_it_breaks() {
    let (mut world, mut state) = family(Rule::NoAction);
    world.add_key(1, 0, Rule::NoAction);
    put(&mut state, 0, 1, false, &[]);
    put(&mut state, 1, 1, true, &[Some(1), Some(1)]);
    let one = dead("p").unlink_first("c", down(&world, &world.keys[0]), None);
    let both = one
        .clone()
        .unlink_first("c", down(&world, &world.keys[1]), None);

    let judge = Judge::new(&world);
    assert_eq!(judge.run(&one, &state).1, [0, 0, 0, 1]);
    assert_eq!(judge.run(&both, &state).1, [1, 1, 0, 0]);
    judge.ask_the_databases().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_goes_whole_or_not_at_all() {
    let mut world = World::default();
    world.add_table("p", &[]);
    world.add_key(0, 0, Rule::NoAction);
    let mut state = vec![BTreeMap::new()];
    for n in 1..=4 {
        put(&mut state, 0, n, false, &[(n < 4).then_some(n + 1)]);
    }
    // A circle beside it, and a row that refers to itself.
    put(&mut state, 0, 11, false, &[Some(12)]);
    put(&mut state, 0, 12, false, &[Some(11)]);
    put(&mut state, 0, 13, false, &[Some(13)]);

    let judge = Judge::new(&world);
    assert_eq!(judge.run(&dead("p"), &state).1, [7, 0, 0, 0]);
    put(&mut state, 0, 12, true, &[Some(11)]);
    put(&mut state, 0, 2, true, &[Some(3)]);
    let (after, counts) = judge.run(&dead("p"), &state);
    assert_eq!(counts, [2, 0, 0, 3]);
    assert_eq!(left(&after, 0), [2, 3, 4, 11, 12]);
    judge.ask_the_databases().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_link_that_a_stranger_holds_keeps_what_it_refers_to() {
    let (mut world, mut state) = family(Rule::NoAction);
    world.add_key(0, 0, Rule::Restrict);
    for n in 1..=3 {
        put(&mut state, 0, n, false, &[(n < 3).then_some(n + 1)]);
    }
    put(&mut state, 1, 1, true, &[Some(2)]);
    let judge = Judge::new(&world);
    let (after, counts) = judge.run(&dead("p"), &state);
    assert_eq!(counts, [1, 0, 0, 2]);
    assert_eq!(left(&after, 0), [2, 3]);
    judge.ask_the_databases().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partly_null_key_refers_to_nothing() {
    let mut world = World::default();
    world.add_table("p", &[super::world::Kind::Integer; 2]);
    world.add_table("c", &[]);
    world.add_key(1, 0, Rule::NoAction);
    let mut state = vec![BTreeMap::new(); 2];
    put(&mut state, 0, 1, false, &[Some(5), Some(6)]);
    put(&mut state, 1, 1, true, &[Some(5), None]);
    assert!(world.broken(&state).is_empty());
    let judge = Judge::new(&world);
    assert_eq!(judge.run(&dead("p"), &state).1, [1, 0, 0, 0]);
    put(&mut state, 1, 1, true, &[Some(5), Some(6)]);
    assert_eq!(judge.run(&dead("p"), &state).1, [0, 0, 0, 1]);
    put(&mut state, 1, 1, true, &[Some(5), Some(7)]);
    assert_eq!(world.broken(&state).len(), 1);
    judge.ask_the_databases().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_leaves_rows_that_hold_the_values_or_have_no_one_source() {
    let (world, mut state) = family(Rule::NoAction);
    for n in 1..=4 {
        put(&mut state, 0, n, false, &[]);
    }
    // One child, two, one with NULL, none.
    for (n, parent, v) in [
        (1, 1, Some(8)),
        (2, 2, Some(8)),
        (3, 2, Some(9)),
        (4, 3, None),
    ] {
        put(&mut state, 1, n, true, &[Some(parent)]);
        state[1].get_mut(&n).unwrap()[V] = v;
    }
    let request = Request::update("p", Condition::Everything).set(
        "v",
        Source::Related {
            table: "c".into(),
            on: down(&world, &world.keys[0]),
            column: "v".into(),
        },
    );
    let judge = Judge::new(&world);
    let (after, counts) = judge.run(&request, &state);
    assert_eq!(counts, [1, 0, 0, 0]);
    assert_eq!(after[0][&1][V], Some(8));
    assert_eq!(judge.run(&request, &after).1, [0; 4]);
    judge.ask_the_databases().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assignments_read_the_row_as_it_was() {
    let (world, mut state) = family(Rule::NoAction);
    put(&mut state, 0, 1, true, &[]);
    let request = Request::update("p", Condition::Everything)
        .set("v", Source::Column("n".into()))
        .set("w", Source::Column("v".into()));
    let judge = Judge::new(&world);
    let (after, _) = judge.run(&request, &state);
    let row = &after[0][&1];
    assert_eq!(
        (row[N], row[LIVE], row[V], row[4]),
        (Some(1), Some(1), Some(1), None)
    );
    judge.ask_the_databases().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_dependents_and_siblings_that_refer_to_each_other_go_together() {
    let (mut world, mut state) = family(Rule::NoAction);
    state.push(BTreeMap::new());
    world.add_table("d", &[]);
    world.add_key(2, 1, Rule::NoAction);
    world.add_key(2, 0, Rule::NoAction);
    world.add_key(1, 2, Rule::NoAction);
    put(&mut state, 0, 1, false, &[]);
    put(&mut state, 1, 1, true, &[Some(1), Some(2)]);
    put(&mut state, 2, 1, true, &[Some(1), None]);
    put(&mut state, 2, 2, true, &[None, Some(1)]);
    let child = dead("p").delete_first("c", vec![Join::new("f0_0", "n")], None);
    let nested = child
        .clone()
        .delete_first("d", vec![Join::new("f1_0", "n")], Some(0));
    let all = nested
        .clone()
        .delete_first("d", vec![Join::new("f2_0", "n")], None);

    let judge = Judge::new(&world);
    assert_eq!(judge.run(&child, &state).1, [0, 0, 0, 1]);
    assert_eq!(judge.run(&nested, &state).1, [0, 0, 0, 1]);
    assert_eq!(judge.run(&all, &state).1, [1, 3, 0, 0]);
    judge.ask_the_databases().await;
}
