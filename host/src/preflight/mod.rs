//! Preflight: what about the database would make a job fail, crawl or do harm, found before it runs.
//!
//! To know what a job will ask for, the runner rehearses it (see
//! [`crate::sweep::RunContext::rehearsal`]): the plugin's own `run` opens its sweeps, which are
//! checked and planned, and each says that it is drained. What was asked for is then held against the
//! catalog, one file a group of findings. Nothing here talks to a database.
//!
//! A finding carries the statements that mend it, where running them is no decision of its own: an
//! index, a right. What needs a decision (a trigger that keeps rows) is said in words alone, because
//! `besom check --sql` is made to be piped into `psql`.

mod finding;
mod indexes;
mod mend;
mod never_eligible;
mod privileges;
mod reach;
mod refusals;
mod relations;
mod row_security;
mod triggers;
mod unindexed_keys;
mod unindexed_lookups;

pub use finding::{Finding, Severity};
pub use never_eligible::{Expiry, NEVER_ELIGIBLE, expiries, never_eligible};

use std::sync::Arc;

use crate::catalog::{Catalog, Dialect, ForeignKey};
use crate::request::{Fault, Request};
use crate::sql::Plan;
use reach::Reach;

/// What a job asked for when it was rehearsed.
#[derive(Debug, Clone, Default)]
pub struct Rehearsed {
    /// The sweeps that could be planned.
    pub plans: Vec<Arc<Plan>>,
    /// The requests that could not, and why.
    pub refused: Vec<(Request, Fault)>,
}

/// The foreign keys that the deletes of a request make the database check or follow, each once: also
/// those of dependents and of the rows that CASCADE takes.
pub fn foreign_keys(request: &Request, catalog: &Catalog) -> Vec<ForeignKey> {
    Reach::of(request, catalog).map_or_else(Vec::new, |reach| reach.keys)
}

/// Everything that stands out, the worst first, each once.
pub fn findings(catalog: &Catalog, rehearsed: &Rehearsed) -> Vec<Finding> {
    let mut found = Vec::new();
    let planned = rehearsed.plans.iter().map(|plan| plan.request());
    let refused = rehearsed.refused.iter().map(|(request, _)| request);
    for request in planned.chain(refused) {
        // A request that names what is not there is refused, and told by that.
        let Some(reach) = Reach::of(request, catalog) else {
            continue;
        };
        found.extend(unindexed_keys::unindexed(&reach, catalog));
        found.extend(unindexed_lookups::unindexed(&reach, catalog));
        found.extend(indexes::invalid(&reach));
        found.extend(triggers::on_delete(&reach, catalog.dialect()));
        if catalog.dialect() == Dialect::Postgres {
            found.extend(privileges::missing(&reach, catalog));
            found.extend(row_security::applies(&reach, catalog));
            found.extend(relations::unenforced(&reach, catalog));
        }
    }
    for plan in &rehearsed.plans {
        found.extend(indexes::unindexed(plan));
    }
    // A job that asks for nothing, such as one of another profile, needs no rights. A refused request may
    // be refused for want of them, and all that are missing are told at once.
    let asks = !rehearsed.plans.is_empty() || !rehearsed.refused.is_empty();
    if catalog.dialect() == Dialect::Postgres && asks {
        found.extend(privileges::on_the_ledger(catalog));
    }
    let stopped_by_rights = found
        .iter()
        .any(|finding| matches!(finding.code.as_str(), "missing-privilege" | "row-security"));
    found.extend(refusals::told(&rehearsed.refused, stopped_by_rights));
    finding::in_order(found)
}
