//! What should happen, by the contract's words and nothing of the host's code.
//!
//! Rows are judged one at a time: what goes with a row, and what refers to it from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use besom::request::{Action, Assignment, Batch, Fate, Join, Request, Source};

use super::truth::Conditions;
use super::world::{Cells, RowId, Rule, State, World};

/// The counts that a case compares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Totals {
    pub(super) affected: u64,
    pub(super) dependents: u64,
    pub(super) cascaded: u64,
    pub(super) blocked: u64,
}

impl From<Batch> for Totals {
    fn from(batch: Batch) -> Self {
        Self {
            affected: batch.affected,
            dependents: batch.dependents,
            cascaded: batch.cascaded,
            blocked: batch.blocked,
        }
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.affected += other.affected;
        self.dependents += other.dependents;
        self.cascaded += other.cascaded;
        self.blocked += other.blocked;
    }
}

/// Rows that go ahead of swept ones, and columns of rows that let go.
#[derive(Debug, Default)]
struct Group {
    deleted: BTreeSet<RowId>,
    unlinked: BTreeMap<RowId, BTreeSet<usize>>,
}

pub(super) struct Oracle<'a> {
    pub(super) world: &'a World,
    pub(super) request: &'a Request,
    pub(super) swept: usize,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(world: &'a World, request: &'a Request) -> Self {
        Self {
            world,
            request,
            swept: world.table(&request.table),
        }
    }

    fn conditions<'b>(&'b self, state: &'b State) -> Conditions<'b> {
        Conditions {
            world: self.world,
            state,
        }
    }

    /// The rows for which the request's condition holds.
    pub(super) fn eligible(&self, state: &State) -> BTreeSet<i64> {
        let conditions = self.conditions(state);
        let rows = state[self.swept].iter();
        rows.filter(|(_, row)| {
            conditions.holds(self.swept, row, &self.request.matching) == Some(true)
        })
        .map(|(n, _)| *n)
        .collect()
    }

    /// What the request says goes ahead of `rows`.
    fn group(&self, state: &State, rows: &BTreeSet<i64>) -> Group {
        let conditions = self.conditions(state);
        let mut group = Group::default();
        let mut levels: Vec<BTreeSet<RowId>> = Vec::new();
        for dependent in &self.request.dependents {
            let parents: BTreeSet<RowId> = match dependent.parent {
                None => rows.iter().map(|n| (self.swept, *n)).collect(),
                Some(parent) => levels[parent].clone(),
            };
            let table = self.world.table(&dependent.table);
            let mut found = BTreeSet::new();
            for (of, n) in parents {
                let joined = conditions.joined(table, &dependent.on, of, &state[of][&n]);
                found.extend(joined.into_iter().map(|n| (table, n)));
            }
            match dependent.fate {
                Fate::Delete => group.deleted.extend(&found),
                Fate::Unlink => {
                    for id in &found {
                        let columns = dependent.on.iter();
                        let columns = columns.map(|join| self.world.column(table, &join.foreign));
                        group.unlinked.entry(*id).or_default().extend(columns);
                    }
                }
            }
            levels.push(found);
        }
        group
    }

    fn unlink(&self, state: &State, group: &Group) -> State {
        let mut state = state.clone();
        for ((table, n), columns) in &group.unlinked {
            let row = state[*table].get_mut(n).unwrap();
            columns.iter().for_each(|at| row[*at] = None);
        }
        state
    }

    /// `roots` and all that CASCADE takes with them.
    fn fall(&self, state: &State, roots: &BTreeSet<RowId>) -> BTreeSet<RowId> {
        let mut gone = roots.clone();
        loop {
            let before = gone.len();
            for key in self.world.keys.iter().filter(|k| k.rule == Rule::Cascade) {
                for (n, row) in &state[key.child] {
                    let target = self.world.target(state, key, row);
                    if target.is_some_and(|target| gone.contains(&target)) {
                        gone.insert((key.child, *n));
                    }
                }
            }
            if gone.len() == before {
                return gone;
            }
        }
    }

    /// By how many steps of CASCADE each row goes with `roots`.
    fn steps(&self, state: &State, roots: &BTreeSet<RowId>) -> BTreeMap<RowId, usize> {
        let mut steps: BTreeMap<RowId, usize> = roots.iter().map(|id| (*id, 0)).collect();
        let mut level = roots.clone();
        for step in 1.. {
            let mut next = BTreeSet::new();
            for key in self.world.keys.iter().filter(|k| k.rule == Rule::Cascade) {
                for (n, row) in &state[key.child] {
                    let target = self.world.target(state, key, row);
                    if target.is_some_and(|target| level.contains(&target)) {
                        next.insert((key.child, *n));
                    }
                }
            }
            next.retain(|id| !steps.contains_key(id));
            if next.is_empty() {
                break;
            }
            steps.extend(next.iter().map(|id| (*id, step)));
            level = next;
        }
        steps
    }

    /// The swept rows that must go with the row because they refer to it by a key of their own
    /// table; `None`: some other row holds it.
    fn referrers(&self, state: &State, n: i64) -> Option<BTreeSet<i64>> {
        let me = (self.swept, n);
        let group = self.group(state, &BTreeSet::from([n]));
        let mut roots = group.deleted.clone();
        roots.insert(me);
        let unlinked = self.unlink(state, &group);
        let gone = self.fall(&unlinked, &roots);
        let steps = self.steps(&unlinked, &roots);
        let mut referrers = BTreeSet::new();
        for key in self.world.keys.iter().filter(|key| key.rule.restricts()) {
            for (child, row) in &state[key.child] {
                let Some(target) = self.world.target(state, key, row) else {
                    continue;
                };
                let id = (key.child, *child);
                let let_go = group.unlinked.get(&id);
                let let_go = let_go.is_some_and(|c| key.columns.iter().any(|at| c.contains(at)));
                if !gone.contains(&target) || roots.contains(&id) || let_go {
                    continue;
                }
                // The rules have taken it by the time that the key is asked.
                let taken = key.rule == Rule::NoAction && key.child != self.swept;
                if taken && steps.get(&id).is_some_and(|at| *at <= steps[&target]) {
                    continue;
                }
                if key.child != self.swept || target != me {
                    return None;
                }
                referrers.insert(*child);
            }
        }
        Some(referrers)
    }

    /// The greatest set of eligible rows that nothing outside refers to, each with those of its
    /// referrers that must go with it.
    pub(super) fn free(&self, state: &State) -> BTreeMap<i64, BTreeSet<i64>> {
        let mut free: BTreeMap<i64, BTreeSet<i64>> = self
            .eligible(state)
            .into_iter()
            .filter_map(|n| Some((n, self.referrers(state, n)?)))
            .collect();
        loop {
            let have: BTreeSet<i64> = free.keys().copied().collect();
            free.retain(|_, referrers| referrers.is_subset(&have));
            if free.len() == have.len() {
                return free;
            }
        }
    }

    /// Takes the swept rows `rows` at once, with all that goes with them.
    pub(super) fn take(&self, state: &State, rows: &BTreeSet<i64>) -> (State, Totals) {
        self.take_after(state, rows, &BTreeSet::new())
    }

    /// The same, where swept rows that are still in the state count as gone.
    fn take_after(
        &self,
        state: &State,
        rows: &BTreeSet<i64>,
        gone_before: &BTreeSet<i64>,
    ) -> (State, Totals) {
        let before = |id: RowId| id.0 == self.swept && gone_before.contains(&id.1);
        let swept: BTreeSet<RowId> = rows.iter().map(|n| (self.swept, *n)).collect();
        let group = self.group(state, rows);
        let mut after = self.unlink(state, &group);
        let asked: BTreeSet<RowId> = (group.deleted.iter().chain(group.unlinked.keys()))
            .filter(|id| !swept.contains(id) && !before(**id))
            .copied()
            .collect();
        let roots = swept.union(&group.deleted).copied().collect();
        let gone = self.fall(&after, &roots);
        let mut changed = gone.clone();
        let mut nulls = Vec::new();
        for key in self.world.keys.iter().filter(|k| k.rule == Rule::SetNull) {
            for (n, row) in &after[key.child] {
                let id = (key.child, *n);
                let target = self.world.target(&after, key, row);
                if !gone.contains(&id) && target.is_some_and(|target| gone.contains(&target)) {
                    changed.insert(id);
                    nulls.push((id, &key.columns));
                }
            }
        }
        for ((table, n), columns) in nulls {
            let row = after[table].get_mut(&n).unwrap();
            columns.iter().for_each(|at| row[*at] = None);
        }
        for (table, n) in &gone {
            after[*table].remove(n);
        }
        let by_rule = |id: &&RowId| !swept.contains(id) && !asked.contains(id) && !before(**id);
        let totals = Totals {
            affected: swept.len() as u64,
            dependents: asked.len() as u64,
            cascaded: changed.iter().filter(by_rule).count() as u64,
            blocked: 0,
        };
        (after, totals)
    }

    /// The row with its new values; `None` where it is left alone.
    pub(super) fn updated(&self, state: &State, row: &Cells) -> Option<Cells> {
        let Action::Update(assignments) = &self.request.action else {
            return None;
        };
        let mut new = row.clone();
        for Assignment { column, source } in assignments {
            let at = self.world.column(self.swept, column);
            new[at] = match source {
                Source::Value(value) => super::truth::number(value),
                Source::Column(from) => row[self.world.column(self.swept, from)],
                Source::Related { table, on, column } => {
                    self.related(state, row, table, on, column)?
                }
                Source::Network { .. } => unreachable!("the tables hold no address"),
                Source::Each(_) => unreachable!("no row is named"),
            };
        }
        (new != *row).then_some(new)
    }

    /// The value of the one related row; `None`: there is none, or several.
    fn related(
        &self,
        state: &State,
        row: &Cells,
        table: &str,
        on: &[Join],
        column: &str,
    ) -> Option<Option<i64>> {
        let other = self.world.table(table);
        let joined = self.conditions(state).joined(other, on, self.swept, row);
        match joined.as_slice() {
            [one] => Some(state[other][one][self.world.column(other, column)]),
            _ => None,
        }
    }

    /// A whole run whose batches look at `windows` of rows, one after the other.
    pub(super) fn run(&self, state: &State, windows: &[BTreeSet<i64>]) -> (State, Totals) {
        let mut state = state.clone();
        let mut totals = Totals::default();
        for window in windows {
            let mut eligible = self.eligible(&state);
            eligible.retain(|n| window.contains(n));
            if let Action::Update(_) = &self.request.action {
                let new = eligible.iter().filter_map(|n| {
                    let row = &state[self.swept][n];
                    Some((*n, self.updated(&state, row)?))
                });
                let new: Vec<_> = new.collect();
                totals.affected += new.len() as u64;
                state[self.swept].extend(new);
                continue;
            }
            let free = self.free(&state);
            let mut going: BTreeSet<i64> = BTreeSet::new();
            let mut next: Vec<i64> = eligible
                .iter()
                .filter(|n| free.contains_key(n))
                .copied()
                .collect();
            while let Some(n) = next.pop() {
                if going.insert(n) {
                    next.extend(&free[&n]);
                }
            }
            totals.blocked += eligible.difference(&going).count() as u64;
            let (after, batch) = self.take(&state, &going);
            totals += batch;
            state = after;
        }
        (state, totals)
    }

    /// What a dry run adds up, looking at `windows` while nothing changes.
    pub(super) fn dry_run(&self, state: &State, windows: &[BTreeSet<i64>]) -> Totals {
        let free: BTreeSet<i64> = self.free(state).into_keys().collect();
        let mut totals = Totals::default();
        let mut gone = BTreeSet::new();
        for window in windows {
            if let Action::Update(_) = &self.request.action {
                totals += self.run(state, std::slice::from_ref(window)).1;
                continue;
            }
            let going: BTreeSet<i64> = window.intersection(&free).copied().collect();
            let mut eligible = self.eligible(state);
            eligible.retain(|n| window.contains(n));
            totals += self.take_after(state, &going, &gone).1;
            totals.blocked += (eligible.len() - going.len()) as u64;
            gone.extend(going);
        }
        totals
    }
}
