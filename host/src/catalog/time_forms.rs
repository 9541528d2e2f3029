//! How columns hold instants: the forms, what a column has of them, and the operator's word on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use chrono_tz::Tz;

use super::{Catalog, Column, Dialect, Kind, TableId, TimeFormError};
use crate::request::Timestamp;

/// One way to hold an instant. A value is of one form at most, whatever forms its column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeForm {
    /// The database's own timestamp types. Of those without a zone the clock's hands are taken for UTC.
    Native,
    /// Nanoseconds since the epoch, as a number or in digits.
    UnixNs,
    /// Microseconds since the epoch.
    UnixUs,
    /// Milliseconds since the epoch.
    UnixMs,
    /// Seconds since the epoch.
    UnixS,
    /// Text with an offset, as `2026-01-31T12:00:00.5Z` or `2026-01-31 12:00:00+0200`.
    Rfc3339,
    /// Text without one, UTC, like `2026-01-31 12:00:00.5`: what SQLite's CURRENT_TIMESTAMP writes.
    SqlText,
    /// A day, like `2026-01-31`: it is over when it has ended in UTC.
    Date,
    /// The hands of a clock in that zone: text without an offset, a day, or PostgreSQL's `timestamp`.
    /// In the hour that a clock shows twice, the later one counts.
    Local(Tz),
}

impl TimeForm {
    /// The forms as `besom.toml` spells them, without `local:…`.
    pub const NAMED: [(&'static str, Self); 8] = [
        ("native", Self::Native),
        ("unix-ns", Self::UnixNs),
        ("unix-us", Self::UnixUs),
        ("unix-ms", Self::UnixMs),
        ("unix-s", Self::UnixS),
        ("rfc3339", Self::Rfc3339),
        ("sql-text", Self::SqlText),
        ("date", Self::Date),
    ];

    /// Nanoseconds of a unit of a form that counts from the epoch.
    pub(crate) fn unit(self) -> Option<i128> {
        match self {
            Self::UnixNs => Some(1),
            Self::UnixUs => Some(1_000),
            Self::UnixMs => Some(1_000_000),
            Self::UnixS => Some(1_000_000_000),
            _ => None,
        }
    }

    /// It is read from a text that is no number.
    pub(crate) fn is_written(self) -> bool {
        matches!(
            self,
            Self::Rfc3339 | Self::SqlText | Self::Date | Self::Local(_)
        )
    }
}

impl fmt::Display for TimeForm {
    /// As `besom.toml` spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Local(zone) = self {
            return write!(f, "local:{zone}");
        }
        let name = Self::NAMED.iter().find(|(_, form)| form == self);
        f.write_str(name.map_or("native", |(name, _)| name))
    }
}

/// How a column holds instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    pub(super) forms: Vec<TimeForm>,
    oldest: Option<Timestamp>,
    declared: bool,
    values: bool,
}

impl Times {
    /// What `besom.toml` says of a column that holds no times.
    pub const VALUE: &str = "value";

    /// What was found by looking, and nothing wider than that.
    pub fn found(form: TimeForm) -> Self {
        Self::found_several([form])
    }

    /// The same of several forms, of which each row has its own.
    pub(crate) fn found_several(forms: impl IntoIterator<Item = TimeForm>) -> Self {
        Self {
            forms: forms.into_iter().collect(),
            oldest: None,
            declared: false,
            values: false,
        }
    }

    /// The operator's word: each row by its own of these forms. None: only the type or a look tells.
    pub fn declared(forms: impl IntoIterator<Item = TimeForm>) -> Self {
        let forms: Vec<_> = forms.into_iter().collect();
        Self {
            declared: !forms.is_empty(),
            forms,
            oldest: None,
            values: false,
        }
    }

    /// The operator's word that the column holds no times, and that what looks like none is a value like any other.
    pub fn values() -> Self {
        Self {
            values: true,
            ..Self::declared([])
        }
    }

    /// The operator has said that it holds no times, and that every value is one.
    pub(crate) fn are_values(&self) -> bool {
        self.values
    }

    /// The same where instants from this one on are real.
    #[must_use]
    pub fn since(mut self, oldest: Option<Timestamp>) -> Self {
        self.oldest = oldest;
        self
    }

    /// The same where numbers are instants from as early on as texts are.
    #[must_use]
    pub(crate) fn with_early_numbers(&self) -> Self {
        self.clone().since(Some(self.first()))
    }

    /// The forms that were said or found.
    pub fn forms(&self) -> &[TimeForm] {
        &self.forms
    }

    /// Since when instants are real, where the operator says so.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.oldest
    }

    /// The operator has said how the column holds instants.
    pub fn is_declared(&self) -> bool {
        self.declared
    }

    /// A number may be an instant in two of its units: from 1973 on their sizes tell them apart.
    fn is_ambiguous(&self) -> bool {
        let units: BTreeSet<_> = self.forms.iter().filter_map(|form| form.unit()).collect();
        units.len() > 1 && self.first() < Self::REAL
    }

    /// All of its forms are text that is no number.
    pub(crate) fn is_written(&self) -> bool {
        self.forms.iter().all(|form| form.is_written())
    }

    /// The first instant that is real.
    pub(crate) fn first(&self) -> Timestamp {
        self.oldest.unwrap_or(Self::REAL)
    }

    /// The forms that rows are read by. Who says what a text without an offset means has not said
    /// that there is none with one, and of that nobody needs to be told.
    pub(crate) fn read_by(&self) -> Vec<TimeForm> {
        let mut forms = self.forms.clone();
        let naive = |form: &TimeForm| matches!(form, TimeForm::SqlText | TimeForm::Local(_));
        if self.declared && forms.iter().any(naive) {
            forms.push(TimeForm::Rfc3339);
            if forms.contains(&TimeForm::SqlText) {
                forms.push(TimeForm::Date);
            }
        }
        let mut read: Vec<TimeForm> = Vec::new();
        for form in forms {
            if !read.contains(&form) {
                read.push(form);
            }
        }
        read
    }
}

impl From<TimeForm> for Times {
    /// As the operator would say it.
    fn from(form: TimeForm) -> Self {
        Self::declared([form])
    }
}

impl fmt::Display for Times {
    /// As `besom.toml` spells it, in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.forms.as_slice() {
            _ if self.values => write!(f, "\"{}\"", Self::VALUE),
            [form] => write!(f, "\"{form}\""),
            forms => {
                let names: Vec<_> = forms.iter().map(|form| format!("\"{form}\"")).collect();
                write!(f, "[{}]", names.join(", "))
            }
        }
    }
}

impl Column {
    /// The operator has said how it holds instants.
    pub(crate) fn is_declared_time(&self) -> bool {
        self.time_form.as_ref().is_some_and(Times::is_declared)
    }

    /// The operator has said that it holds no times, and that every value is one.
    pub(crate) fn holds_values(&self) -> bool {
        self.time_form.as_ref().is_some_and(Times::are_values)
    }

    /// Its own type says that it holds instants.
    pub(crate) fn is_native_time(&self) -> bool {
        matches!(
            self.kind,
            Kind::Timestamp | Kind::LocalTimestamp | Kind::Date
        )
    }
}

impl Catalog {
    /// The same catalog with the operator's word, by table (as in [`Catalog::table`]) and column.
    ///
    /// # Errors
    ///
    /// A table or column that is not there, and a form that the column's type cannot hold.
    pub fn with_time_forms(
        mut self,
        words: &BTreeMap<(String, String), Times>,
    ) -> Result<Self, TimeFormError> {
        for ((name, column_name), times) in words {
            let id = self.table(name)?.id.clone();
            let dialect = self.dialect;
            let Some(table) = self.tables.get_mut(&id).map(Arc::make_mut) else {
                continue; // `id` is a key of the same map
            };
            let Some(column) = table.columns.iter_mut().find(|c| c.name == *column_name) else {
                return Err(TimeFormError::UnknownColumn {
                    column: column_name.clone(),
                    columns: table.columns.iter().map(|c| c.name.clone()).collect(),
                    table: id,
                });
            };
            let unfit = times.forms.iter();
            let mut unfit = unfit.filter(|form| !fits(dialect, column, **form));
            let unfit = match times.are_values() && column.is_native_time() {
                true => Some(Times::VALUE.to_owned()),
                false => unfit.next().map(ToString::to_string),
            };
            if let Some(form) = unfit {
                return Err(TimeFormError::Unfit {
                    place: format!("{id}.{column_name}"),
                    declared: column.sql_type.clone(),
                    form,
                    way_out: way_out(dialect, column),
                });
            }
            if times.is_ambiguous() {
                return Err(TimeFormError::Ambiguous {
                    place: format!("{id}.{column_name}"),
                    forms: times.to_string(),
                });
            }
            column.time_form = Some(times.clone());
            let partitions = table.partitions.clone();
            self.tell_partitions(partitions, column_name, times);
        }
        Ok(self)
    }

    /// The same catalog of a PostgreSQL database whose applications write times without a zone in this one. What was
    /// said of a column itself counts more.
    #[must_use]
    pub fn written_in(mut self, zone: Tz) -> Self {
        if self.dialect != Dialect::Postgres {
            return self;
        }
        self.written_in = Some(zone);
        for table in self.tables.values_mut() {
            for column in &mut Arc::make_mut(table).columns {
                let form = match (&column.kind, zone) {
                    (Kind::LocalTimestamp, Tz::UTC) => TimeForm::Native,
                    (Kind::Date, Tz::UTC) => TimeForm::Date,
                    (Kind::LocalTimestamp | Kind::Date, zone) => TimeForm::Local(zone),
                    _ => continue,
                };
                if !column.is_declared_time() {
                    let oldest = column.time_form.as_ref().and_then(Times::oldest);
                    column.time_form = Some(Times::declared([form]).since(oldest));
                }
            }
        }
        self
    }

    /// What holds of a table's column holds in its partitions, of which none was named itself.
    fn tell_partitions(&mut self, mut partitions: Vec<TableId>, column: &str, times: &Times) {
        while let Some(id) = partitions.pop() {
            let Some(table) = self.tables.get_mut(&id).map(Arc::make_mut) else {
                continue;
            };
            partitions.extend(table.partitions.iter().cloned());
            let column = table.columns.iter_mut().find(|c| c.name == column);
            if let Some(column) = column.filter(|column| column.time_form.is_none()) {
                column.time_form = Some(times.clone());
            }
        }
    }
}

/// A column of its kind can hold instants in that form.
pub(super) fn fits(dialect: Dialect, column: &Column, form: TimeForm) -> bool {
    let counted = form.unit().is_some();
    match (dialect, &column.kind) {
        (Dialect::Postgres, Kind::Timestamp) => form == TimeForm::Native,
        (Dialect::Postgres, Kind::LocalTimestamp) => {
            matches!(form, TimeForm::Native | TimeForm::Local(_))
        }
        (Dialect::Postgres, Kind::Date) => {
            matches!(form, TimeForm::Native | TimeForm::Date | TimeForm::Local(_))
        }
        // 32 bits end at 2 147 483 647: milliseconds have been larger since January 1970.
        (Dialect::Postgres, Kind::Integer(32)) => form == TimeForm::UnixS,
        // 24 bits tell present seconds apart by two minutes.
        (Dialect::Postgres, Kind::Float) if column.sql_type == "real" => false,
        (Dialect::Postgres, Kind::Integer(64) | Kind::Numeric | Kind::Float) => counted,
        (Dialect::Postgres, Kind::Text) => counted || form.is_written(),
        // Whatever was declared, a table that is not STRICT takes numbers and text.
        (
            Dialect::Sqlite,
            Kind::Integer(_) | Kind::Numeric | Kind::Float | Kind::Text | Kind::Any,
        ) => counted || form.is_written(),
        _ => false,
    }
}

/// The names of the forms that fit.
pub(super) fn fitting(dialect: Dialect, column: &Column) -> Vec<&'static str> {
    let named = TimeForm::NAMED.iter();
    let fitting = named.filter(|(_, form)| fits(dialect, column, *form));
    let mut names: Vec<_> = fitting.map(|(name, _)| *name).collect();
    if fits(dialect, column, TimeForm::Local(Tz::UTC)) {
        names.push("local:ZONE");
    }
    names
}

fn way_out(dialect: Dialect, column: &Column) -> String {
    let names = fitting(dialect, column);
    match names.as_slice() {
        [] => "remove the entry, no form fits".to_owned(),
        ["native"] => "remove the entry, its own type says enough".to_owned(),
        names => format!("write one of {}", names.join(", ")),
    }
}
