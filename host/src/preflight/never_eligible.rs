//! `never-eligible`: rows that no rule of the job can ever match.
//!
//! A NULL in a time column is no such thing by itself: a session without `finished_at` is a live one,
//! and gets one in time. Which columns every row is meant to have from its birth only the plugin knows,
//! and says so (`expiry` in its access list); which rows no sweep of the job reaches without them, its
//! sweeps say.

use std::sync::Arc;

use super::{Finding, Rehearsed, Severity};
use crate::catalog::{Catalog, TableId};
use crate::plugin::TableAccess;
use crate::request::Action;
use crate::sql::Plan;
use crate::sweep::{Lacking, MOST_LACKING};

/// The finding's code.
pub const NEVER_ELIGIBLE: &str = "never-eligible";

/// A column whose NULLs keep rows for ever.
#[derive(Debug)]
pub struct Expiry {
    /// The table as the job names it.
    pub table: String,
    /// The column.
    pub column: String,
    /// A plan for the table, or for each of its leaves.
    pub plans: Vec<Arc<Plan>>,
}

/// The columns to look at: those that the plugin says every row has, that may be NULL all the same, and
/// that no sweep of the job goes around.
pub fn expiries(catalog: &Catalog, access: &[TableAccess], rehearsed: &Rehearsed) -> Vec<Expiry> {
    let mut found = Vec::new();
    for asked in access {
        let Ok(table) = catalog.table(&asked.table) else {
            continue;
        };
        let plans: Vec<_> = rehearsed
            .plans
            .iter()
            .filter(|plan| asks_for(plan) == Some(&table.id))
            .collect();
        for name in &asked.expiry {
            let column = table.column(name);
            let nullable = column.is_some_and(|column| column.nullable && column.readable);
            let needed = plans.iter().all(|plan| plan.request().matching.needs(name));
            let Some(first) = plans.first() else {
                continue;
            };
            if !nullable || !needed {
                continue;
            }
            // One sweep goes over the whole table; what others ask beside the column is theirs.
            let same = plans
                .iter()
                .filter(|plan| plan.request() == first.request());
            found.push(Expiry {
                table: asked.table.clone(),
                column: name.clone(),
                plans: same.map(|plan| Arc::clone(plan)).collect(),
            });
        }
    }
    found
}

/// The table that a sweep was asked to go through; `None`: rows are only read.
fn asks_for(plan: &Plan) -> Option<&TableId> {
    if matches!(plan.request().action, Action::Read(_)) {
        return None;
    }
    let table = plan.authorized.root().map_or(plan.table(), |root| root);
    Some(&table.id)
}

/// What to say of so many rows; nothing of none.
pub fn never_eligible(expiry: &Expiry, rows: Lacking) -> Option<Finding> {
    let rows = match rows {
        Lacking::Exactly(0) | Lacking::About(0) => return None,
        Lacking::Exactly(1) => "1 row has".to_owned(),
        Lacking::Exactly(rows) => format!("{rows} rows have"),
        Lacking::More => format!("more than {MOST_LACKING} rows have"),
        Lacking::About(rows) => format!("about {rows} rows, by the database's statistics, have"),
    };
    let message = format!(
        "{rows} no `{column}` in `{table}`: this job never takes them. Give them a time (and the column \
         NOT NULL), or, where they are meant to stay until something else takes them, tolerate this code",
        column = expiry.column,
        table = expiry.table,
    );
    Some(Finding::new(NEVER_ELIGIBLE, Severity::Info, message))
}
