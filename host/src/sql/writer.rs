//! The small tool that statements are written with: SQL, binds, and names for rows.

use std::ops::{Deref, DerefMut};

use crate::catalog::{Dialect, Table, quote_ident};
use crate::database::Statement;

/// A statement under construction and the names of the rows in it.
pub(crate) struct Writer {
    statement: Statement,
    rows: u32,
    by_sets: bool,
}

impl Writer {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            statement: Statement::new(dialect),
            rows: 0,
            by_sets: false,
        }
    }

    /// For a statement over very many rows: relations may be read as a whole and joined.
    pub(crate) fn by_sets(&mut self) {
        self.by_sets = true;
        self.plan_each_time();
    }

    /// The end of a subquery that PostgreSQL is to ask row by row.
    pub(crate) fn row_by_row(&mut self) {
        if self.dialect() == Dialect::Postgres && !self.by_sets {
            self.push(" OFFSET 0");
        }
    }

    /// A row of `table` under a name that no other row of this statement has.
    pub(crate) fn row<'t>(&mut self, table: &'t Table) -> Row<'t> {
        self.rows += 1;
        Row {
            alias: format!("r{}", self.rows),
            table,
        }
    }

    /// Writes `items` with `separator` between them.
    pub(crate) fn separated<T, E>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        separator: &str,
        mut write: impl FnMut(&mut Self, T) -> Result<(), E>,
    ) -> Result<(), E> {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            write(self, item)?;
        }
        Ok(())
    }

    /// A truth value as a whole condition; old SQLite has no TRUE.
    pub(crate) fn truth(&mut self, value: bool) {
        let literal = match (self.dialect(), value) {
            (Dialect::Postgres, true) => "TRUE",
            (Dialect::Postgres, false) => "FALSE",
            (Dialect::Sqlite, true) => "1",
            (Dialect::Sqlite, false) => "0",
        };
        self.push(literal);
    }

    pub(crate) fn finish(self) -> Statement {
        self.statement
    }
}

impl Deref for Writer {
    type Target = Statement;

    fn deref(&self) -> &Statement {
        &self.statement
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Statement {
        &mut self.statement
    }
}

/// One row in a statement: a table under a name.
#[derive(Debug, Clone)]
pub(crate) struct Row<'t> {
    pub(crate) alias: String,
    pub(crate) table: &'t Table,
}

impl Row<'_> {
    /// A column of this row; the name comes from the catalog.
    pub(crate) fn column(&self, name: &str) -> String {
        format!("{}.{}", self.alias, quote_ident(name))
    }
}
