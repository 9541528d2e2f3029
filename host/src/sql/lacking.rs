//! Rows that have no value in a column without which no condition holds.

use super::Plan;
use super::writer::Writer;
use crate::catalog::Dialect;
use crate::database::Statement;
use crate::request::Fault;
use crate::scope::find_column;

impl Plan {
    /// Rows of the swept table without a value in `column`, counted no further than `most`.
    pub(crate) fn lacking(&self, column: &str, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        let row = w.row(self.table());
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ")
            .push(&row.column(&find_column(self.table(), column)?.name))
            .push(" IS NULL");
        for term in self.request().matching.lasting_beside(column) {
            w.push(" AND ");
            self.condition(&mut w, &row, term, false)?;
        }
        w.push(&format!(" LIMIT {most}) AS lacking"));
        Ok(w.finish())
    }

    /// PostgreSQL only: rows of the table without a value in `column`, by the planner's statistics;
    /// no row where it has none.
    pub(crate) fn lacking_by_estimate(&self, column: &str) -> Statement {
        let mut w = Statement::new(Dialect::Postgres);
        let table = self.table();
        w.push("SELECT (null_frac * ")
            .bind_as(table.estimated_rows, "bigint")
            .push(")::bigint FROM pg_catalog.pg_stats WHERE NOT inherited AND schemaname = ")
            .bind_as(table.id.schema.clone(), "text")
            .push(" AND tablename = ")
            .bind_as(table.id.name.clone(), "text")
            .push(" AND attname = ")
            .bind_as(column.to_owned(), "text");
        w
    }
}
