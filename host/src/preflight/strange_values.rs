//! Values that a job passes over, told before it does: ids of another version than the rest
//! (`mixed-id-versions`), and times that stand for "never" (`no-instant`).

use std::collections::BTreeSet;

use super::{Finding, Rehearsed, Severity};
use crate::catalog::{Catalog, Times, spell};
use crate::sweep::NoInstant;

/// The code of [`no_instant`].
pub const NO_INSTANT: &str = "no-instant";

/// A warning for each key column whose sampled ids have versions, one of them another than 7.
pub(super) fn mixed_ids(rehearsed: &Rehearsed) -> Vec<Finding> {
    let strays = rehearsed.plans.iter().flat_map(|plan| plan.strays());
    let told = strays.map(|(place, stray)| {
        let message = format!(
            "of the ids in `{place}` only those of UUID version 7 tell a time, and {stray} is none: such a row stays, \
             however old it looks, and a run counts it as unread. Give such rows another id or delete them by hand, or let the \
             job go by a time column"
        );
        Finding::new("mixed-id-versions", Severity::Warning, message)
    });
    told.collect()
}

/// What to say of the rows of one column whose time stands for none.
pub fn no_instant(found: &NoInstant, catalog: &Catalog) -> Finding {
    let more = if found.more { " or more" } else { "" };
    let (rows, hold) = match found.rows {
        1 => ("row", "holds"),
        _ => ("rows", "hold"),
    };
    let column = format!(
        "{}.{}",
        catalog.spelling(&found.table),
        spell(&found.column)
    );
    let such = match found.examples.as_slice() {
        [] => String::new(),
        examples => format!(", such as {}", examples.join(", ")),
    };
    if found.in_doubt {
        let key = toml::Value::String(column.clone());
        let message = format!(
            "{}{more} {rows} of `{column}` {hold} what may stand for no value{such}, and the job asks whether there \
             is one: such a row counts neither as one that has a value nor as one without, stays, and is counted as \
             unread. Write NULL there; or where the column holds times, say how: [time-forms] {key} = \"…\"; or where \
             what looks like none is a value like any other: {key} = \"{value}\"",
            found.rows,
            value = Times::VALUE
        );
        return Finding::new(NO_INSTANT, Severity::Info, message);
    }
    let message = format!(
        "{}{more} {rows} of `{column}` {hold} no time but what stands for \"never\"{such}: by it no row is old, \
         nor ever ends. Where these differ from each other the column may hold something else than its form says; where \
         they are real times, `oldest` in [time-forms] says since when there are any",
        found.rows
    );
    Finding::new(NO_INSTANT, Severity::Info, message)
}

/// Of which columns it is not known whether they hold such values; `None`: of none.
pub fn not_looked_for(columns: &BTreeSet<String>) -> Option<Finding> {
    let (first, others) = (columns.first()?, columns.len() - 1);
    let others = match others {
        0 => String::new(),
        1 => " and of one other column".to_owned(),
        others => format!(" and of {others} other columns"),
    };
    let message = format!(
        "whether rows of `{first}`{others} hold no time but what stands for \"never\" is not known: such rows stay, and \
         to look for them takes too long. An index that leads with the column answers it"
    );
    Some(Finding::new(NO_INSTANT, Severity::Info, message))
}
