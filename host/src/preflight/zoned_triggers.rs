//! `zoned-trigger`: what fires in a batch works in besom's zone, UTC. A trigger that leaves `now()` in a `timestamp`
//! leaves another time there than it does for the applications, where their sessions are in another zone.
//!
//! A batch is not moved to that zone: what it holds against the schema, and the rows of a page that it finds again, are
//! texts of the server's, in which a `timestamptz` stands as the session's zone shows it.

use chrono_tz::Tz;

use super::reach::Reach;
use super::triggers::firing;
use super::{Finding, Severity};
use crate::catalog::{Catalog, Column, Kind, Notes, Table, Trigger, TriggerTiming, time_zone};

/// Triggers that fire and may write such a time.
pub(super) fn in_another_zone(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    if catalog.sessions_are_in_utc() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for touched in reach.tables.values() {
        for (table, trigger) in firing(touched, catalog) {
            if !trigger.has_zone
                && let Some(place) = may_write(trigger, &table, catalog)
            {
                found.push(told(&table, trigger, &place, catalog));
            }
        }
    }
    found
}

/// A column without a zone that the trigger may write, in words; `None`: there is none.
fn may_write(trigger: &Trigger, own: &Table, catalog: &Catalog) -> Option<String> {
    let place = |table: &Table| {
        let column = table.columns.iter().find(|column| is_bare(column))?;
        Some(format!("`{}.{}`", table.id, column.name))
    };
    if let Some(Notes { into, .. }) = &trigger.only_notes {
        let into: Option<Vec<_>> = into
            .iter()
            .map(|name| {
                let table = catalog.table(name).ok()?;
                table.triggers.is_empty().then_some(table)
            })
            .collect();
        if let Some(into) = into {
            let changes_its_row = trigger.timing == TriggerTiming::Before
                && trigger.for_each_row
                && trigger.on_update;
            let own = changes_its_row.then_some(own);
            let mut written = own.into_iter().chain(into.into_iter().map(AsRef::as_ref));
            return written.find_map(place);
        }
    }
    let others = || catalog.tables().find_map(|table| place(table));
    place(own).or_else(others)
}

fn is_bare(column: &Column) -> bool {
    matches!(column.kind, Kind::LocalTimestamp | Kind::Date) && !column.generated
}

fn told(table: &Table, trigger: &Trigger, place: &str, catalog: &Catalog) -> Finding {
    let known = trigger.function.as_ref().zip(catalog.zone_of_sessions());
    let fix =
        known.map(|(function, zone)| format!("ALTER FUNCTION {function} SET timezone = '{zone}'"));
    let its_function = match fix.is_none() {
        true => {
            "give its function the zone of the applications (ALTER FUNCTION … SET timezone = '…')"
        }
        false => "give its function the zone of the applications",
    };
    let utc = match catalog.zone_is_declared() {
        true => String::new(),
        false => format!(
            "; or, where their sessions are in UTC, say so in besom.toml by a line below [database]:\n\n{}",
            time_zone(Tz::UTC)
        ),
    };
    let message = format!(
        "trigger `{}` of `{}` fires in besom's sessions, which are in UTC, and {}: where it, or a default of a table that \
         it writes to, leaves now() in a `timestamp` or a `date`, such as {place}, that is hours off from what it leaves \
         for the applications, and a job that goes by such a column may take a row that was just made. If it does, {its_function}; \
         if it does not, tolerate this code{utc}",
        trigger.name,
        table.id,
        catalog.why_not_in_utc(),
    );
    Finding::new("zoned-trigger", Severity::Warning, message).mended_by(fix)
}
