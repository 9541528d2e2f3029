//! `zoneless-timestamp`: times without a zone on PostgreSQL (`timestamp`, `date`) where sessions are not in UTC.

use super::{Finding, Severity};
use crate::catalog::{Catalog, Kind, spell};
use crate::sql::Plan;

/// What `now()` writes to such a column is what a clock of the session's zone shows; read as UTC it is hours off, and
/// a row that was made this moment may be old, or a day over that has just begun. Where the server's zone is not shown
/// to the role, nobody but the operator knows whether it is.
pub(super) fn unknown(plan: &Plan, catalog: &Catalog) -> Vec<Finding> {
    let zones = catalog.zones();
    if zones.is_empty() {
        return Vec::new();
    }
    let told: Vec<_> = zones
        .iter()
        .filter_map(|told| Some(format!("{} ({})", told.zone.as_ref()?, told.whom)))
        .collect();
    let likely = zones.iter().find_map(|told| told.zone.as_deref());
    let begin = match likely {
        Some(_) => format!("sessions here begin in {}", told.join(", ")),
        None => "in which zone sessions here begin is not known, because the server's `timezone` is not shown to \
                 this role"
            .to_owned(),
    };
    let likely = likely.unwrap_or("UTC").trim_matches(['\'', '"']);
    let columns = plan.zoneless().into_iter();
    columns
        .map(|probe| {
            let (table, column) = (&probe.table.id, &probe.column.name);
            let key = toml::Value::String(format!("{table}.{}", spell(column)));
            let (what, utc) = match probe.column.kind {
                Kind::Date => ("a `date`", "date"),
                _ => ("a `timestamp` without a zone", "native"),
            };
            let form = match likely {
                "UTC" => utc.to_owned(),
                zone => format!("local:{zone}"),
            };
            let message = format!(
                "`{table}.{column}` is {what}, and {begin}: what now() leaves there would be read as UTC, which may \
                 be hours too old or too young. Say in besom.toml in which zone the applications write such columns, \
                 \"UTC\" where that is the one:\n\n[database]\ntime-zone = \"{likely}\"\n\nor of this column alone, \
                 with \"{utc}\" for UTC:\n\n[time-forms]\n{key} = \"{form}\"\n"
            );
            Finding::new("zoneless-timestamp", Severity::Error, message)
        })
        .collect()
}
