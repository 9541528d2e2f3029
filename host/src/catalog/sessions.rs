//! In which zone the applications' sessions are, by the operator's word or by what the server shows.
//!
//! besom's own are in UTC, always: what the database works out by the zone of a session (a comparison of a
//! `timestamptz` with a `timestamp`, a default such as `now()`) is another thing there where the applications' are not.

use chrono_tz::Tz;

use super::{Catalog, same_clock};

/// The operator's word on it, as a line for the file's table `[database]`, which every file has already.
pub(crate) fn time_zone(zone: Tz) -> String {
    format!("time-zone = \"{zone}\"\n")
}

impl Catalog {
    /// The zone is the operator's word, which counts whatever the server shows.
    pub(crate) fn zone_is_declared(&self) -> bool {
        self.written_in.is_some()
    }

    /// The applications' sessions are in UTC as besom's are. On SQLite no session has a zone.
    pub(crate) fn sessions_are_in_utc(&self) -> bool {
        match self.written_in {
            Some(zone) => same_clock(zone, Tz::UTC),
            None => self.zones.is_empty(),
        }
    }

    /// The one zone that they are in, as far as that is known.
    pub(crate) fn zone_of_sessions(&self) -> Option<Tz> {
        if self.written_in.is_some() {
            return self.written_in;
        }
        let mut zones = self.zones.iter();
        let first = zones.next()?.known?;
        zones
            .all(|told| told.known.is_some_and(|other| same_clock(other, first)))
            .then_some(first)
    }

    /// In which zones sessions begin, as a clause.
    pub(crate) fn sessions_begin(&self) -> String {
        let told = self.zones.iter();
        let told: Vec<_> = told
            .filter_map(|told| Some(format!("{} ({})", told.zone.as_ref()?, told.whom)))
            .collect();
        match told.is_empty() {
            false => format!("sessions here begin in {}", told.join(", ")),
            true => "in which zone sessions here begin is not known, because the server's `timezone` is not shown to \
                     this role"
                .to_owned(),
        }
    }

    /// Why the applications' sessions are not taken to be in UTC, as a clause.
    pub(crate) fn why_not_in_utc(&self) -> String {
        match self.written_in {
            Some(zone) => format!("`time-zone` says that the applications' sessions are in {zone}"),
            None => self.sessions_begin(),
        }
    }
}
