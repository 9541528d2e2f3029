//! The new values of an update, as SQL.

use super::Plan;
use super::room::has_room;
use super::tie::Sure;
use super::time::time_value;
use super::value::convert;
use super::window::{Window, selected};
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, Table, quote_ident};
use crate::database::{Bind, Statement};
use crate::request::{Action, Assignment, Fault, Source, Value};
use crate::scope::find_column;

/// New values of the addresses in one column, by the database's text of the old ones, which only
/// the host can take apart.
pub type Networks = std::collections::BTreeMap<String, String>;

impl Plan {
    /// What an update assigns; nothing on a delete.
    pub(crate) fn assignments(&self) -> &[Assignment] {
        match &self.request().action {
            Action::Update(assignments) => assignments,
            Action::Delete | Action::Read(_) => &[],
        }
    }

    /// The distinct addresses of the rows in question, in a column that set-network assigns.
    pub(crate) fn addresses(
        &self,
        column: &str,
        window: Option<&Window>,
    ) -> Result<Statement, Fault> {
        /// The memory that their map may take; addresses past them are left to the next run.
        const MOST: u32 = 100_000;
        let mut w = Writer::new(self.dialect());
        let row = w.row(self.table());
        w.push("SELECT DISTINCT ")
            .push(&selected(self.dialect(), &[row.column(column)]))
            .push(" FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        match window {
            Some(window) => self.doomed(&mut w, &row, window)?,
            None => self.eligible(&mut w, &row)?,
        }
        w.push(&format!(" LIMIT {MOST}"));
        Ok(w.finish())
    }

    /// Some new value comes from another row.
    pub(super) fn reads_related(&self) -> bool {
        let related = |a: &Assignment| matches!(a.source, Source::Related { .. });
        self.assignments().iter().any(related)
    }

    pub(super) fn assignment_of(&self, column: &str) -> Option<&Assignment> {
        self.assignments().iter().find(|a| a.column == column)
    }

    /// Columns whose new value is the network of their address, with the prefixes that stay.
    pub(crate) fn network_columns(&self) -> impl Iterator<Item = (&str, u8, u8)> {
        self.assignments().iter().filter_map(|a| match a.source {
            Source::Network {
                ipv4_prefix,
                ipv6_prefix,
            } => Some((a.column.as_str(), ipv4_prefix, ipv6_prefix)),
            _ => None,
        })
    }

    /// ` AND …`: the update would change the row, to what its column may hold. Without it every run
    /// would rewrite every row.
    pub(super) fn changes(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        if self.assignments().is_empty() {
            return Ok(());
        }
        for assignment in self.assignments() {
            if let Source::Related { .. } = assignment.source {
                w.push(" AND ");
                self.has_one_related(w, row, assignment)?;
            }
            let column = find_column(row.table, &assignment.column)?;
            let comes = matches!(
                assignment.source,
                Source::Column(_) | Source::Related { .. }
            );
            if comes && !column.nullable {
                w.push(" AND (");
                self.new_value(w, row, assignment)?;
                w.push(") IS NOT NULL");
            }
        }
        w.push(" AND (");
        w.separated(self.assignments(), " OR ", |w, assignment| {
            let column = find_column(row.table, &assignment.column)?;
            if self.is_unread_network(assignment) {
                w.push(&row.column(&column.name)).push(" IS NOT NULL");
                return Ok(());
            }
            let cast = written(w.dialect(), &column.kind);
            w.push(&row.column(&column.name)).push(cast);
            let differs = match w.dialect() {
                Dialect::Postgres => " IS DISTINCT FROM ",
                Dialect::Sqlite => " IS NOT ",
            };
            w.push(differs);
            w.push("(");
            self.new_value(w, row, assignment)?;
            w.push(")");
            if w.dialect() == Dialect::Postgres {
                // Cut as the column cuts it: a rounded value would differ for ever.
                w.push("::").push(&column.stored_type);
            }
            w.push(cast);
            Ok::<_, Fault>(())
        })?;
        w.push(")");
        Ok(())
    }

    /// `"a" = …, "b" = …`
    pub(super) fn set_list(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        w.separated(self.assignments(), ", ", |w, assignment| {
            w.push(&quote_ident(&assignment.column)).push(" = ");
            self.new_value(w, row, assignment)
        })
    }

    /// The value that the row's column gets.
    pub(super) fn new_value(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        assignment: &Assignment,
    ) -> Result<(), Fault> {
        let column = find_column(row.table, &assignment.column)?;
        match &assignment.source {
            Source::Value(value) => self.assigned(w, row, column, value),
            Source::Each(_) => self.own_value(w, row, assignment, column),
            Source::Column(from) => {
                w.push(&row.column(&find_column(row.table, from)?.name));
                Ok(())
            }
            Source::Related {
                column: from,
                table,
                ..
            } => {
                let related = self.find_table(table)?;
                let from = find_column(&related, from)?.name.clone();
                self.related_rows(w, row, assignment, 1, |w, other| {
                    w.push(&other.column(&from));
                })?;
                Ok(())
            }
            Source::Network { .. } => {
                self.network_of(w, row, column);
                Ok(())
            }
        }
    }

    fn assigned(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &Column,
        value: &Value,
    ) -> Result<(), Fault> {
        let bind = self.assigned_bind(w.dialect(), row.table, column, value)?;
        if w.dialect() == Dialect::Postgres {
            has_room(row.table, column, &bind)?;
        }
        match bind {
            Bind::Null if w.dialect() == Dialect::Postgres => {
                w.push("NULL::").push(&column.sql_type)
            }
            Bind::Null => w.push("NULL"),
            bind => w.bind_as(bind, &column.sql_type),
        };
        Ok(())
    }

    /// A new value as the database takes it for the column.
    pub(super) fn assigned_bind(
        &self,
        dialect: Dialect,
        table: &Table,
        column: &Column,
        value: &Value,
    ) -> Result<Bind, Fault> {
        Ok(match (value, &column.kind) {
            (Value::Null, _) => Bind::Null,
            (Value::Timestamp(at), _) => {
                let times = self.forms.time(&table.id, column)?;
                time_value(dialect, column, &times, *at)?
            }
            (Value::Json(text), Kind::Json) => Bind::Text(text.clone()),
            (Value::Json(text), Kind::Text | Kind::Any) if dialect == Dialect::Sqlite => {
                Bind::Text(text.clone())
            }
            _ => convert(dialect, table, column, value)?.bind,
        })
    }

    /// `(SELECT …) = 1`: with several related rows it is not known which one is meant.
    fn has_one_related(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        assignment: &Assignment,
    ) -> Result<(), Fault> {
        w.push("(SELECT count(*) FROM ");
        self.related_rows(w, row, assignment, 2, |w, _| {
            w.push("1");
        })?;
        w.push(" AS related) = 1");
        Ok(())
    }

    /// The related rows of a row, no more than `most`.
    fn related_rows(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        assignment: &Assignment,
        most: u8,
        select: impl FnOnce(&mut Writer, &Row<'_>),
    ) -> Result<(), Fault> {
        let Source::Related { table, on, .. } = &assignment.source else {
            return Ok(());
        };
        let related = self.find_table(table)?;
        let other = w.row(&related);
        w.push("(SELECT ");
        select(w, &other);
        w.push(" FROM ");
        self.related(w, &other)?;
        w.push(" WHERE ");
        self.joined(w, row, &other, on, Sure::Certainly)?;
        w.push(&format!(" LIMIT {most})"));
        Ok(())
    }

    /// The addresses of the batch have not been read yet: any row may be one that changes.
    fn is_unread_network(&self, assignment: &Assignment) -> bool {
        matches!(assignment.source, Source::Network { .. })
            && !self.networks.contains_key(&assignment.column)
    }

    /// The network of the row's address; the address itself where it has none or is one already.
    fn network_of(&self, w: &mut Writer, row: &Row<'_>, column: &Column) {
        let name = row.column(&column.name);
        let Some(known) = self.networks.get(&column.name) else {
            w.push(&name);
            return;
        };
        let map = serde_json::to_string(known).unwrap_or_else(|_| "{}".to_owned());
        match w.dialect() {
            Dialect::Postgres => {
                w.push("coalesce((").bind(map);
                w.push(&format!(
                    "::jsonb ->> {name}::text)::{}, {name})",
                    column.sql_type
                ));
            }
            Dialect::Sqlite => {
                w.push("coalesce((SELECT value FROM json_each(").bind(map);
                w.push(&format!(") WHERE key = {name}), {name})"));
            }
        }
    }
}

/// What is put behind both values to compare what is written down. Some types have no equality, such
/// as json and point, for others different things are equal: texts under a collation that knows no
/// case, boxes of one area, a month and thirty days.
fn written(dialect: Dialect, kind: &Kind) -> &'static str {
    match (dialect, kind) {
        (Dialect::Postgres, Kind::Text) => "::text COLLATE \"C\"",
        (Dialect::Postgres, Kind::Json | Kind::Interval | Kind::Enum(_) | Kind::Other) => "::text",
        (Dialect::Sqlite, _) => " COLLATE BINARY",
        _ => "",
    }
}
