//! Preflight: what about the database would make a job fail, crawl or do harm, found before it runs.
//!
//! To know what a job will ask for, the runner rehearses it (see
//! [`crate::sweep::RunContext::rehearsal`]): the plugin's own `run` opens its sweeps, which are
//! checked and planned, and each says that it is drained. What was asked for is then held against the
//! catalog, one file a group of findings. Nothing here talks to a database: sizes that the catalog does not
//! have come with [`Weights`].
//!
//! A finding carries the statements that mend it, where running them is no decision of its own: an
//! index, a right. What needs a decision (a trigger that keeps rows) is said in words alone, because
//! `besom check --sql` is made to be piped into `psql`.

mod codes;
mod finding;
mod indexes;
mod kept_whole;
mod meeting_values;
mod mend;
mod never_eligible;
mod own_keys;
mod part_of_table;
mod polymorphic;
mod privileges;
mod reach;
mod read_only;
mod refusals;
mod relations;
mod rights;
mod role;
mod row_security;
mod strange_values;
mod stuck_keys;
mod triggers;
mod unindexed_keys;
mod unindexed_lookups;
mod weight;
mod zoned_triggers;
mod zones;

pub use codes::{CODES, meant};
pub use finding::{Finding, Severity};
pub use never_eligible::{Expiry, NEVER_ELIGIBLE, expiries, never_eligible};
pub use own_keys::{HELD_BY_ITS_OWN, WAITS_FURTHER_ON, held_by_its_own, waits_further_on};
pub use rights::{Rights, merged};
pub use role::{about as about_the_role, revokes};
pub use strange_values::{NO_INSTANT, no_instant, not_looked_for};
pub use weight::Weights;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Dialect, ForeignKey, Table, TableId};
use crate::request::{Fault, Request};
use crate::scope::Grants;
use crate::sql::Plan;
use reach::Reach;

/// What a job asked for when it was rehearsed.
#[derive(Debug, Clone, Default)]
pub struct Rehearsed {
    /// The sweeps that could be planned.
    pub plans: Vec<Arc<Plan>>,
    /// The requests that could not, and why.
    pub refused: Vec<(Request, Fault)>,
    /// What the plugin counted and read beforehand, to find out.
    pub looked: Vec<Arc<Plan>>,
    /// What the file grants the plugin.
    pub given: Given,
}

/// What a file says that one plugin may do.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The plugin, as the file calls it.
    pub plugin: String,
    /// Its grants, as they stand there.
    pub grants: Grants,
}

impl Rehearsed {
    /// How far each request reaches; `None`: it names what is not there.
    fn reaches<'a>(&'a self, catalog: &'a Catalog) -> impl Iterator<Item = Option<Reach>> + 'a {
        let plans = self.plans.iter().map(|plan| Reach::of_plan(plan, catalog));
        let refused = self.refused.iter();
        plans.chain(refused.map(|(request, _)| Reach::of(request, catalog)))
    }

    /// The same with the requests, each once: a partitioned table has a plan for each partition.
    fn each<'a>(&'a self, catalog: &'a Catalog) -> Vec<(&'a Request, Reach)> {
        let mut each: Vec<(&Request, Reach)> = Vec::new();
        let plans = self.plans.iter();
        let plans = plans.map(|plan| (plan.request(), Reach::of_plan(plan, catalog)));
        let refused = self.refused.iter();
        let refused = refused.map(|(request, _)| (request, Reach::of(request, catalog)));
        for (request, reach) in plans.chain(refused) {
            let known = each.iter().any(|(known, _)| *known == request);
            each.extend(reach.filter(|_| !known).map(|reach| (request, reach)));
        }
        each
    }

    fn looks<'a>(&'a self, catalog: &'a Catalog) -> impl Iterator<Item = Reach> + 'a {
        let looked = self.looked.iter();
        looked.filter_map(|plan| Reach::of_plan(plan, catalog))
    }
}

/// The rights on PostgreSQL that a job needs for what it asked for, the ledger's among them; `None`
/// where it asked for what is not there.
pub fn rights(catalog: &Catalog, rehearsed: &Rehearsed) -> Option<Vec<Rights>> {
    let reaches: Option<Vec<Reach>> = rehearsed.reaches(catalog).collect();
    let reaches = reaches?.into_iter().chain(rehearsed.looks(catalog));
    let touched: Vec<_> = reaches
        .flat_map(|reach| reach.tables.into_values())
        .collect();
    let needed = touched.iter().map(Rights::of);
    Some(merged(needed.chain(Rights::on_the_ledger(catalog))))
}

/// What the role lacks for the looks of a plugin's own preflight.
pub fn unable_to_look(catalog: &Catalog, looked: &[Arc<Plan>]) -> Vec<Finding> {
    let looked = looked.iter();
    let reaches: Vec<_> = looked
        .filter_map(|plan| Reach::of_plan(plan, catalog))
        .collect();
    may_touch(&reaches, catalog)
}

/// What keeps the role from touching the rows that all of these reach, once a table. Nothing on SQLite.
fn may_touch(reaches: &[Reach], catalog: &Catalog) -> Vec<Finding> {
    if catalog.dialect() == Dialect::Sqlite {
        return Vec::new();
    }
    let touched = reaches.iter().flat_map(|reach| reach.tables.values());
    let mut found = privileges::missing(&merged(touched.map(Rights::of)), catalog);
    let each = reaches.iter();
    found.extend(each.flat_map(|reach| row_security::applies(reach, catalog)));
    found
}

/// The foreign keys that the deletes of a request make the database check or follow, each once: also
/// those of dependents and of the rows that CASCADE takes.
pub fn foreign_keys(request: &Request, catalog: &Catalog) -> Vec<ForeignKey> {
    Reach::of(request, catalog).map_or_else(Vec::new, |reach| reach.keys)
}

/// The tables whose sizes tell how bad it is that an index is missing. None where no index is.
pub fn to_weigh(catalog: &Catalog, rehearsed: &Rehearsed) -> Vec<Arc<Table>> {
    let mut tables: BTreeMap<TableId, Arc<Table>> = BTreeMap::new();
    let mut add = |table: &Arc<Table>| drop(tables.insert(table.id.clone(), Arc::clone(table)));
    for (_, reach) in rehearsed.each(catalog) {
        for key in unindexed_keys::bare_keys(&reach, catalog) {
            let ends = [&key.child, &key.parent];
            ends.iter()
                .filter_map(|id| catalog.by_id(id))
                .for_each(&mut add);
            add(&reach.swept);
        }
        unindexed_lookups::bare(&reach, catalog).for_each(|lookup| add(&lookup.table));
    }
    let unserved = rehearsed
        .plans
        .iter()
        .filter(|plan| indexes::unserved(plan));
    unserved.for_each(|plan| add(plan.table()));
    tables.into_values().collect()
}

/// The plans whose rows to go tell how bad it is, as long as it may be bad: those that are not counted yet,
/// request by request.
pub fn to_count(
    catalog: &Catalog,
    rehearsed: &Rehearsed,
    weights: &Weights,
) -> Vec<Vec<Arc<Plan>>> {
    let each = rehearsed.each(catalog);
    let found = unindexed_keys::unindexed(&each, weights, catalog);
    if !found.iter().any(Finding::stops) {
        return Vec::new();
    }
    let bare = each.iter().filter(|(request, reach)| {
        let mut keys = unindexed_keys::bare_keys(reach, catalog);
        weights.to_go(request).is_none() && keys.next().is_some()
    });
    let plans = bare.map(|(request, _)| {
        let of = rehearsed.plans.iter();
        of.filter(|plan| plan.request() == *request)
            .cloned()
            .collect()
    });
    plans.filter(|plans: &Vec<_>| !plans.is_empty()).collect()
}

/// Everything that stands out, the worst first, each once.
pub fn findings(catalog: &Catalog, rehearsed: &Rehearsed, weights: &Weights) -> Vec<Finding> {
    let each = rehearsed.each(catalog);
    let mut found = unindexed_keys::unindexed(&each, weights, catalog);
    for (request, _) in &each {
        found.extend(meeting_values::meeting_values(request, catalog));
    }
    // A request that names what is not there is refused, and told by that.
    for reach in rehearsed.reaches(catalog).flatten() {
        found.extend(unindexed_lookups::unindexed(&reach, weights, catalog));
        found.extend(polymorphic::unnamed_kinds(
            &reach,
            &rehearsed.given,
            catalog,
        ));
        found.extend(part_of_table::looked_at(&reach, catalog));
        found.extend(indexes::invalid(&reach));
        found.extend(indexes::unknown(&reach));
        found.extend(stuck_keys::cannot_act(&reach, catalog));
        found.extend(stuck_keys::may_not_act(&reach, catalog.dialect()));
        found.extend(triggers::before(&reach, catalog));
        if catalog.dialect() == Dialect::Postgres {
            found.extend(relations::unenforced(&reach, catalog));
            found.extend(zoned_triggers::in_another_zone(&reach, catalog));
        }
    }
    for plan in &rehearsed.plans {
        found.extend(indexes::unindexed(plan, weights));
        found.extend(kept_whole::kept_whole(plan));
        found.extend(zones::unknown(plan, catalog));
    }
    found.extend(strange_values::mixed_ids(rehearsed));
    let reaches = rehearsed.reaches(catalog).flatten();
    let reaches: Vec<_> = reaches.chain(rehearsed.looks(catalog)).collect();
    found.extend(may_touch(&reaches, catalog));
    // A job that asks for nothing, such as one of another profile, needs no rights. A refused request may
    // be refused for want of them, and all that are missing are told at once.
    let asks = !rehearsed.plans.is_empty() || !rehearsed.refused.is_empty();
    if catalog.dialect() == Dialect::Postgres && asks {
        found.extend(privileges::on_the_ledger(catalog));
        found.extend(read_only::told(catalog));
    }
    let stopped_by_rights = found
        .iter()
        .any(|finding| matches!(finding.code.as_str(), "missing-privilege" | "row-security"));
    found.extend(refusals::told(&rehearsed.refused, stopped_by_rights));
    finding::in_order(found)
}
