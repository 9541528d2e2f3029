//! `zoneless-timestamp`: times without a zone that are written by another clock than the one they would be read by, or
//! may be: by that of the session, where sessions are not in UTC, or by one that the schema itself names.

use chrono_tz::Tz;

use super::{Finding, Severity};
use crate::catalog::{Catalog, Clock, Kind, Shows, TimeForm, same_clock, spell, time_zone};
use crate::sql::{Plan, Probe};

/// What such a column tells is hours off where it is read by another clock, and a row that was made this moment may be
/// old, or a day over that has just begun.
pub(super) fn unknown(plan: &Plan, catalog: &Catalog) -> Vec<Finding> {
    let zoneless = plan.zoneless();
    let told = plan.clocked().into_iter().filter_map(|probe| {
        let sessions = || {
            zoneless
                .contains(&probe)
                .then(|| by_session(&probe, catalog))
                .flatten()
        };
        match probe.column.is_declared_time() {
            true => contradicted(&probe),
            false => by_schema(&probe, plan).or_else(sessions),
        }
    });
    told.map(|message| Finding::new("zoneless-timestamp", Severity::Error, message))
        .collect()
}

/// Where the server's zone is not shown to the role, nobody but the operator knows whether sessions are in another.
fn by_session(probe: &Probe, catalog: &Catalog) -> Option<String> {
    let zones = catalog.zones();
    if zones.is_empty() {
        return None;
    }
    let (what, utc) = match probe.column.kind {
        Kind::Date => ("a `date`", "date"),
        _ => ("a `timestamp` without a zone", "native"),
    };
    // What the schema writes by itself is in UTC then; whether all that the application writes is, it does not say.
    let mut clocks = probe.column.clocks.iter();
    let by_default = clocks.find(|clock| clock.is_certain());
    let by_default = by_default.map(|clock| format!(" ({} writes UTC)", clock.writer));
    let begin = format!(
        "{} is {what}, and {}: what now() leaves there would be read as UTC, which may be hours too old or too \
         young{}",
        place(probe),
        catalog.sessions_begin(),
        by_default.as_deref().unwrap_or_default()
    );
    let likely = match zones.iter().any(|told| told.zone.is_some()) {
        true => zones.iter().find_map(|told| told.known),
        false => Some(Tz::UTC),
    };
    let Some(likely) = likely else {
        return Some(format!(
            "{begin}. The tz database, by which besom reads, has no name for that. Where the applications write such \
             columns in a zone that has one, say so in besom.toml: by `time-zone` under [database], or of this column \
             alone by {} under [time-forms]. Otherwise give such sessions a zone of the tz database",
            entry(probe, "local:ZONE")
        ));
    };
    let form = match by_default.is_some() || likely == Tz::UTC {
        true => utc.to_owned(),
        false => TimeForm::Local(likely).to_string(),
    };
    Some(format!(
        "{begin}. Say in besom.toml in which zone the applications write such columns, \
         \"UTC\" where that is the one, by a line below [database]:\n\n{}\nor of this column alone, \
         with \"{utc}\" for UTC:\n\n{}",
        time_zone(likely),
        line(probe, &form)
    ))
}

/// The schema names another clock than UTC, by which the column would be read.
fn by_schema(probe: &Probe, plan: &Plan) -> Option<String> {
    let clocks = probe.column.clocks.iter();
    let other: Vec<&Clock> = clocks.filter(|clock| clock.shows != Shows::Utc).collect();
    let first = other.first()?;
    let told: Vec<_> = other.iter().map(|clock| told(clock)).collect();
    let held = held(probe, plan);
    let has_hands = |form: &TimeForm| form.unit().is_none() && *form != TimeForm::Rfc3339;
    let counts = match held.is_empty() {
        true => matches!(
            probe.column.kind,
            Kind::Integer(_) | Kind::Numeric | Kind::Float
        ),
        false => !held.iter().any(has_hands),
    };
    let utc = match (held.first(), counts) {
        (None, true) => None,
        (None, false) => Some(TimeForm::SqlText.to_string()),
        (Some(form), _) => Some(form.to_string()),
    };
    let zone = other.iter().find_map(|clock| match clock.shows {
        Shows::Zone(_, zone) => zone,
        _ => None,
    });
    let way_out = match (utc, zone) {
        (None, _) => "Let the schema write UTC".to_owned(),
        // No form reads numbers, or what says that it is UTC, as the hands of a clock.
        (Some(utc), _) if counts => format!(
            "Let the schema write UTC; or, where that clock is in UTC after all, say so in besom.toml:\n\n{}",
            line(probe, &utc)
        ),
        (Some(utc), Some(zone)) => format!(
            "Say in besom.toml by which clock the column is to be read, \"{utc}\" where that is UTC after all:\n\n{}",
            line(probe, &TimeForm::Local(zone).to_string())
        ),
        (Some(utc), None) => {
            let which = match first.shows {
                Shows::Machine => "in which zone the machine is that writes it",
                _ => "by which clock the column is to be read, with a name of the tz database",
            };
            format!(
                "Say in besom.toml {which}: {} under [time-forms], or \"{utc}\" where that is UTC",
                entry(probe, "local:ZONE")
            )
        }
    };
    Some(format!(
        "{} has no zone of its own, and {}: read as UTC it may be hours too old or too young. {way_out}",
        place(probe),
        told.join(", ")
    ))
}

/// The operator says one clock, and the default another.
fn contradicted(probe: &Probe) -> Option<String> {
    let said = probe.column.time_form.as_ref()?;
    let forms = said.forms();
    let zones: Vec<Tz> = forms.iter().filter_map(|form| zone_of(*form)).collect();
    let mut clocks = probe
        .column
        .clocks
        .iter()
        .filter(|clock| clock.is_certain());
    let other = clocks.find(|clock| !zones.is_empty() && !may_be(&clock.shows, &zones))?;
    let counts = forms.iter().all(|form| form.unit().is_some());
    let form = match &other.shows {
        Shows::Zone(_, Some(zone)) if !counts => Some(TimeForm::Local(*zone).to_string()),
        Shows::Utc => Some(match probe.column.kind {
            Kind::LocalTimestamp => TimeForm::Native.to_string(),
            Kind::Date => TimeForm::Date.to_string(),
            _ => TimeForm::SqlText.to_string(),
        }),
        _ => None,
    };
    let line = form.map(|form| format!(" Where the schema is right:\n\n{}", line(probe, &form)));
    Some(format!(
        "{} is declared {said}, by [time-forms] or `time-zone`, but {}: read by the wrong one of the two its rows may be \
         hours too old. Change the one that is wrong; where the application never leaves the column to the schema, \
         tolerate this code.{}",
        place(probe),
        told(other),
        line.unwrap_or_default()
    ))
}

/// The zone in which a form without one is read.
fn zone_of(form: TimeForm) -> Option<Tz> {
    match form {
        TimeForm::Local(zone) => Some(zone),
        TimeForm::Rfc3339 => None,
        _ => Some(Tz::UTC),
    }
}

/// The clock may be one of these zones.
fn may_be(shows: &Shows, zones: &[Tz]) -> bool {
    let among = |one: Tz| zones.iter().any(|zone| same_clock(*zone, one));
    match shows {
        Shows::Utc => among(Tz::UTC),
        Shows::Zone(_, Some(zone)) => among(*zone),
        // It has no name here, but is not UTC.
        Shows::Zone(_, None) => zones.iter().any(|zone| !same_clock(*zone, Tz::UTC)),
        Shows::Machine | Shows::Unclear(_) => true,
    }
}

fn told(clock: &Clock) -> String {
    let writer = &clock.writer;
    match &clock.shows {
        Shows::Utc => format!("{writer} writes UTC"),
        Shows::Zone(name, _) => format!("{writer} writes what a clock in `{name}` shows"),
        Shows::Machine => {
            format!("{writer} writes the local time of whichever machine runs it (`'localtime'`)")
        }
        Shows::Unclear(what) => {
            format!("{writer} writes it by a zone that besom cannot tell (`{what}`)")
        }
    }
}

/// By which forms the column is read.
fn held(probe: &Probe, plan: &Plan) -> Vec<TimeForm> {
    let times = plan.forms.time(&probe.table.id, &probe.column);
    times.map_or_else(|_| Vec::new(), |times| times.forms().to_vec())
}

fn place(probe: &Probe) -> String {
    format!("`{}.{}`", probe.table.id, probe.column.name)
}

/// A block for the file. It is read by the configuration as it stands, or it is none.
fn line(probe: &Probe, form: &str) -> String {
    format!("[time-forms]\n{}\n", entry(probe, form))
}

fn entry(probe: &Probe, form: &str) -> String {
    let (table, column) = (&probe.table.id, &probe.column.name);
    let key = toml::Value::String(format!("{table}.{}", spell(column)));
    format!("{key} = \"{form}\"")
}
