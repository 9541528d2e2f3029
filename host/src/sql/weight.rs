//! How much goes along with the rows of a window, before it is tried: a batch that is too heavy takes its
//! whole statement timeout to say so.

use super::Plan;
use super::family::VICTIMS;
use super::window::Window;
use super::writer::{Row, Writer};
use crate::catalog::Dialect;
use crate::database::Statement;
use crate::request::Fault;

impl Plan {
    /// How many rows go or change along with the eligible rows of a window, those of each relation counted
    /// no further than `most`.
    pub(crate) fn weight(&self, window: &Window, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.plan_each_time();
        let row = w.row(self.table());
        w.push(&format!("WITH {VICTIMS} AS MATERIALIZED (SELECT "))
            .push(&self.carried(&row, &[]))
            .push(" FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.doomed(&mut w, &row, window)?;
        w.push(") SELECT 0");
        for path in self.paths() {
            let tables = self.tables_of(&path.0)?;
            w.push(&format!(
                " + (SELECT count(*) FROM (SELECT 1 FROM {VICTIMS}"
            ));
            let mut above = Row {
                alias: VICTIMS.to_owned(),
                table: self.table(),
            };
            for (link, table) in path.0.iter().zip(&tables) {
                let child = w.row(table);
                // SQLite then looks for the children of the few rows on the left.
                w.push(match self.dialect() {
                    Dialect::Postgres => " JOIN ",
                    Dialect::Sqlite => " CROSS JOIN ",
                });
                self.source(&mut w, &child)?;
                w.push(" ON ");
                self.tied_by(&mut w, link, &child, &above)?;
                above = child;
            }
            w.push(&format!(" LIMIT {most}) AS along)"));
        }
        Ok(w.finish())
    }
}
