//! Values that a plugin is shown: times and truth values are read for it, and a row that holds what cannot be
//! read as one is left off the page. What it makes of a row it would make on a doubt.

use super::plan::ReadAs;
use super::writer::{Row, Writer};
use super::{Plan, Shape, truth};
use crate::catalog::{Column, Dialect, Kind, Table, TimeForm, Times};
use crate::request::{Comparison, Condition, Fault, Value};
use crate::scope::find_column;

/// A condition that looks at the column as a page does, for its forms to be found.
pub(super) fn as_asked(table: &Table, column: &str) -> Result<Option<Condition>, Fault> {
    let known = find_column(table, column)?;
    let column = column.to_owned();
    Ok(match known.kind {
        _ if known.is_declared_time() => Some(Condition::IsNotNull { column }),
        Kind::Boolean => Some(Condition::Compare {
            column,
            operator: Comparison::Equal,
            to: Value::Boolean(true),
        }),
        // Another column that holds truth values is shown as the numbers that it holds.
        _ => None,
    })
}

impl Plan {
    /// The columns of a read whose values may be in no form that is read, and as what they are shown.
    pub(super) fn shown_by_form(&self) -> Result<Vec<(Column, ReadAs)>, Fault> {
        let mut found = Vec::new();
        for name in self.look().iter().flat_map(|look| &look.columns) {
            let column = find_column(self.table(), name)?;
            let time = self.forms.time(&self.table().id, column).is_ok();
            match self.shape(column) {
                Shape::Time(_) if time => found.push((column.clone(), ReadAs::Time)),
                Shape::Boolean if self.dialect() == Dialect::Sqlite => {
                    found.push((column.clone(), ReadAs::Truth));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// A page shows values that may be in no form that is read.
    pub(crate) fn leaves_rows_off(&self) -> bool {
        self.shown_by_form()
            .is_ok_and(|columns| !columns.is_empty())
    }

    /// ` AND …`: whatever the row shows can be read, or is NULL.
    pub(super) fn can_be_shown(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        for (column, read_as) in self.shown_by_form()? {
            w.push(" AND ");
            match read_as {
                ReadAs::Time => self.null_or_read(w, row, &column)?,
                ReadAs::Truth | ReadAs::Id | ReadAs::Presence | ReadAs::Class => {
                    let name = row.column(&column.name);
                    let words = self.forms.words(&self.table().id, &column.name);
                    let number = truth::number(&name, words);
                    w.push(&format!("({name} IS NULL OR ({number}) IS NOT NULL)"));
                }
            }
        }
        Ok(())
    }

    /// PostgreSQL: microseconds of a value of its types of times; NULL of what stands for "never", so that a plugin
    /// that compares for itself does not find it old.
    pub(super) fn micros_of(&self, name: &str, column: &Column) -> Result<String, Fault> {
        let known = self.forms.time(&self.table().id, column);
        let times = known.unwrap_or_else(|_| Times::found(TimeForm::Native));
        let sql_type = match column.kind {
            Kind::Timestamp => "timestamptz",
            _ => "timestamp",
        };
        let edge = |at| super::value::native_time(at).map(|text| format!("'{text}'::{sql_type}"));
        Ok(format!(
            "CASE WHEN {name} >= {} AND {name} < {} THEN (extract(epoch FROM {name}) * 1000000)::bigint END",
            edge(times.first())?,
            edge(Times::END)?
        ))
    }
}
