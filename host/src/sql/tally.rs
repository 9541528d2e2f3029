//! What a batch is about to change, counted by reading alone.

use super::Plan;
use super::family::VICTIMS;
use super::window::Window;
use super::writer::Writer;
use crate::database::Statement;
use crate::request::Fault;

impl Plan {
    /// What a batch is about to do, in the same transaction.
    pub(crate) fn tally(&self, window: &Window, affected: bool) -> Result<Statement, Fault> {
        self.tallied(window, affected, None)
    }

    /// What a batch of a dry run would do, in which nothing has gone before it.
    pub(crate) fn rehearse(&self, window: &Window) -> Result<Statement, Fault> {
        self.tallied(window, true, Some(window))
    }

    /// `WITH …`: the rows that a batch takes, and their dependents, by reading alone.
    pub(super) fn rehearsed_parts(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        let row = w.row(self.table());
        w.push(&format!("WITH {VICTIMS} AS MATERIALIZED (SELECT "))
            .push(&self.carried(&row, &[]))
            .push(" FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.doomed(w, &row, window)?;
        w.push(")");
        self.dependent_parts(w, false)
    }

    fn tallied(
        &self,
        window: &Window,
        affected: bool,
        rehearsed: Option<&Window>,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        self.rehearsed_parts(&mut w, window)?;
        w.push(" SELECT ");
        self.examined(&mut w, window)?;
        if affected {
            w.push(&format!(", (SELECT count(*) FROM {VICTIMS}) - "));
            self.count_riders(&mut w, VICTIMS);
            w.push(", ");
        } else {
            w.push(", 0, ");
        }
        self.count_dependents(&mut w, rehearsed)?;
        w.push(", ");
        self.cascaded(&mut w, VICTIMS, rehearsed)?;
        w.push(" + ");
        self.count_riders(&mut w, VICTIMS);
        w.push(", 0, ");
        self.blocked(&mut w, window)?;
        w.push(", 0");
        Ok(w.finish())
    }
}
