//! The operator's word on how columns hold instants.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Catalog, Column, Dialect, Kind, TimeForm, TimeFormError};

impl TimeForm {
    /// The form as `besom.toml` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::UnixUs => "unix-us",
            Self::UnixMs => "unix-ms",
            Self::UnixS => "unix-s",
            Self::Rfc3339 => "rfc3339",
            Self::SqlText => "sql-text",
        }
    }
}

impl fmt::Display for TimeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
        forms: &BTreeMap<(String, String), TimeForm>,
    ) -> Result<Self, TimeFormError> {
        for ((name, column_name), &form) in forms {
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
            let fitting = fitting(dialect, column);
            if !fitting.contains(&form) {
                return Err(TimeFormError::Unfit {
                    place: format!("{id}.{column_name}"),
                    declared: column.sql_type.clone(),
                    form,
                    way_out: way_out(fitting),
                });
            }
            column.time_form = Some(form);
        }
        Ok(self)
    }
}

/// The forms that a column of its kind can hold.
fn fitting(dialect: Dialect, column: &Column) -> &'static [TimeForm] {
    use TimeForm::{Native, Rfc3339, SqlText, UnixMs, UnixS, UnixUs};
    match (dialect, &column.kind) {
        (Dialect::Postgres, Kind::Timestamp | Kind::LocalTimestamp | Kind::Date) => &[Native],
        (_, Kind::Integer(64)) => &[UnixUs, UnixMs, UnixS],
        // 32 bits end at 2 147 483 647: milliseconds have been larger since January 1970.
        (_, Kind::Integer(32)) => &[UnixS],
        (_, Kind::Text) => &[Rfc3339, SqlText],
        // NUMERIC is also what SQLite calls the affinity of DATETIME: it takes integers and text.
        (Dialect::Sqlite, Kind::Any | Kind::Numeric) => &[UnixUs, UnixMs, UnixS, Rfc3339, SqlText],
        _ => &[],
    }
}

fn way_out(fitting: &[TimeForm]) -> String {
    match fitting {
        [] => "remove the entry, no form fits".to_owned(),
        [TimeForm::Native] => "remove the entry, its own type says enough".to_owned(),
        forms => {
            let names: Vec<_> = forms.iter().map(|form| form.as_str()).collect();
            format!("write one of {}", names.join(", "))
        }
    }
}
