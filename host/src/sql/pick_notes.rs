//! SQLite: the named rows in a temporary table, where the statements of a batch look for them.

use super::Plan;
use super::pick::own_and_named;
use super::window::key_columns;
use super::writer::{Row, Writer};
use crate::catalog::Dialect;
use crate::database::{Bind, Statement};
use crate::request::{Assignment, Fault, Source};

/// The temporary table that holds the named rows on SQLite.
pub(super) const TABLE: &str = "besom_picked";

impl Plan {
    /// SQLite: deletes the rows in these places that go.
    pub(super) fn delete_places(&self, places: std::ops::Range<usize>) -> Statement {
        let mut w = Writer::new(Dialect::Sqlite);
        let row = w.row(self.table());
        let (own, names) = own_and_named(&row);
        let victim = Row {
            alias: super::family::VICTIMS.to_owned(),
            table: self.table(),
        };
        w.push(&format!(
            "DELETE FROM {} AS {} WHERE {own} IN (SELECT {names} FROM temp.{TABLE} WHERE place >= ",
            row.table.sql_name(),
            row.alias
        ))
        .bind(places.start as u64)
        .push(" AND place < ")
        .bind(places.end as u64)
        .push(&format!(
            ") AND EXISTS (SELECT 1 FROM {} WHERE ",
            victim.alias
        ))
        .push(&super::eligible::same_row(&row, &victim))
        .push(")");
        w.finish()
    }

    pub(super) fn place_of_assignment(&self, assignment: &Assignment) -> usize {
        let of = |other: &Assignment| other.column == assignment.column;
        self.assignments().iter().position(of).unwrap_or_default()
    }

    /// SQLite: notes the named rows where the statements of the batch look for them.
    pub(crate) fn note_picked(&self) -> Result<Vec<Statement>, Fault> {
        /// Values bound at a time. SQLite goes through the numbered ones from the first to find one of
        /// them, so that many in one statement cost the square of their number.
        const BINDS: usize = 400;
        let Some(picked) = &self.picked else {
            return Ok(Vec::new());
        };
        let table = self.table();
        let row = Row {
            alias: String::new(),
            table,
        };
        let width = key_columns(&row).len();
        let keys: Vec<_> = (0..width).map(|i| format!("k{i}")).collect();
        let values = (0..self.assignments().len()).map(|i| format!(", s{i}, v{i}"));
        let mut statements = forget_picked();
        let mut w = Statement::new(Dialect::Sqlite);
        w.push(&format!(
            "CREATE TEMP TABLE {TABLE} (place INTEGER PRIMARY KEY, rides, {}, seen{}, UNIQUE ({}))",
            keys.join(", "),
            values.collect::<String>(),
            keys.join(", ")
        ));
        statements.push(w);
        let bound = width + 1 + self.assignments().len();
        let chunk = (BINDS / bound).max(1);
        for (number, rows) in picked.rows.chunks(chunk).enumerate() {
            let mut w = Statement::new(Dialect::Sqlite);
            w.plan_each_time()
                .push(&format!("INSERT INTO temp.{TABLE} VALUES "));
            for (index, row) in rows.iter().enumerate() {
                let place = number * chunk + index;
                w.push(if index > 0 { ", (" } else { "(" });
                w.push(&format!("{place}, {}, ", u8::from(row.rides)));
                for key in &row.key {
                    w.bind(key.clone()).push(", ");
                }
                match &row.seen {
                    Bind::Null => w.push("NULL"),
                    seen => w.bind(seen.clone()),
                };
                for assignment in self.assignments() {
                    let column = crate::scope::find_column(table, &assignment.column)?;
                    let value = match &assignment.source {
                        Source::Each(values) => values.get(place).and_then(Option::as_ref),
                        _ => None,
                    };
                    w.push(&format!(", {}, ", u8::from(value.is_some())));
                    w.bind(match value {
                        Some(value) => self.assigned_bind(Dialect::Sqlite, table, column, value)?,
                        None => Bind::Null,
                    });
                }
                w.push(")");
            }
            statements.push(w);
        }
        Ok(statements)
    }
}

/// SQLite: clears the named rows away.
pub(crate) fn forget_picked() -> Vec<Statement> {
    let mut w = Statement::new(Dialect::Sqlite);
    w.push(&format!("DROP TABLE IF EXISTS temp.{TABLE}"));
    vec![w]
}

/// SQLite: the note about a row. Without the key's own affinity and collation, under which the notes'
/// index could not be used.
pub(super) fn noted(w: &mut Writer, row: &Row<'_>) {
    let same: Vec<_> = key_columns(row)
        .iter()
        .enumerate()
        .map(|(i, key)| format!("picked.k{i} = +{key} COLLATE BINARY"))
        .collect();
    w.push(&format!(
        "temp.{TABLE} AS picked WHERE {}",
        same.join(" AND ")
    ));
}
