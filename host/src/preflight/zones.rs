//! `zoneless-timestamp`: times without a zone on PostgreSQL (`timestamp`, `date`) where sessions are not in UTC.

use super::{Finding, Severity};
use crate::catalog::{Catalog, Kind};
use crate::sql::Plan;

/// What `now()` writes to such a column is what a clock of the session's zone shows; read as UTC it is hours off, and
/// a row that was made this moment may be old, or a day over that has just begun.
pub(super) fn unknown(plan: &Plan, catalog: &Catalog) -> Vec<Finding> {
    let zones = catalog.zones();
    let Some(likely) = zones.iter().find(|told| !told.guessed).or(zones.first()) else {
        return Vec::new();
    };
    let told: Vec<_> = zones
        .iter()
        .map(|told| format!("{} ({})", told.zone, told.whom))
        .collect();
    let severity = match likely.guessed {
        true => Severity::Warning,
        false => Severity::Error,
    };
    let columns = plan.zoneless().into_iter();
    columns
        .map(|probe| {
            let (table, column) = (&probe.table.id, &probe.column.name);
            let key = toml::Value::String(format!("{table}.{column}"));
            let (what, utc) = match probe.column.kind {
                Kind::Date => ("a `date`", "date"),
                _ => ("a `timestamp` without a zone", "native"),
            };
            let message = format!(
                "`{table}.{column}` is {what}, and sessions here begin in {}: what \
                 now() leaves there would be read as UTC, hours too old or too young. Say in besom.toml in \
                 which zone the application writes it, or \"{utc}\" where that is UTC:\n\n[time-forms]\n\
                 {key} = \"local:{}\"\n",
                told.join(", "),
                likely.zone.trim_matches(['\'', '"']),
            );
            Finding::new("zoneless-timestamp", severity, message)
        })
        .collect()
}
