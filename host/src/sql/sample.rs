//! The statements of a batch as they would be written, for people to read: `besom explain`.

use super::Plan;
use super::page::{PAGE_BYTES, PAGE_ROWS};
use super::technique::Technique;
use super::window::{Cursor, Edge, Window};
use crate::catalog::Dialect;
use crate::database::{Bind, Statement};
use crate::request::{Action, Fault};

/// The fence and the record are the ledger's to write; here they are only named.
const NAMED: [&str; 2] = [
    "fence AS (/* the run's fence, raised */)",
    ", record AS (/* the batch's record */)",
];

/// The same for the database, which is asked how it would go about the statement and never runs it.
const STOOD_FOR: [&str; 2] = [
    "fence AS (SELECT 1 AS seq)",
    ", record AS (SELECT * FROM tally)",
];

impl Plan {
    /// The steps of a batch in their order, each with its SQL: where its window of `size` rows ends,
    /// what is locked, what goes.
    ///
    /// # Errors
    /// As the statements themselves.
    pub fn sample(&self, size: u64) -> Result<Vec<(&'static str, Statement)>, Fault> {
        let edge = self.axis.types(self.table(), false);
        let upto = edge.iter().map(|_| Bind::Null).collect();
        self.steps(size, Some(upto), NAMED)
    }

    /// The same statements with an edge that is there, for EXPLAIN.
    pub(crate) fn explained(
        &self,
        size: u64,
        upto: Option<Edge>,
    ) -> Result<Vec<(&'static str, Statement)>, Fault> {
        self.steps(size, upto, STOOD_FOR)
    }

    fn steps(
        &self,
        size: u64,
        upto: Option<Edge>,
        [fence, record]: [&str; 2],
    ) -> Result<Vec<(&'static str, Statement)>, Fault> {
        if self.only_reads() {
            let rows = size.min(PAGE_ROWS);
            return Ok(vec![("page", self.page(None, rows, PAGE_BYTES)?)]);
        }
        let window = Window {
            after: None,
            upto,
            inclusive: true,
            tie: None,
            examined: None,
            next: None,
        };
        let fence = |w: &mut Statement| {
            w.push(fence);
        };
        let record = |w: &mut Statement| {
            w.push(record);
        };
        let mut steps = vec![("window", self.edge(&Cursor::default(), size)?)];
        if self.is_chained() && matches!(self.request().action, Action::Delete) {
            steps.push(("links", self.links(&window)?));
        }
        match (self.dialect(), self.technique().0) {
            (Dialect::Postgres, Technique::OneStatement) => {
                steps.push(("batch", self.one_statement(&window, false, fence, record)?));
            }
            (Dialect::Postgres, Technique::LockThenCheck) => {
                let keys = vec![Vec::new(); self.key_width()];
                steps.push(("lock", self.look_and_lock(&window)?));
                for statement in self.lock_tied(&keys)? {
                    steps.push(("lock tied", statement));
                }
                steps.push(("batch", self.act_on_kept(Some(&window), &keys, 0, record)?));
            }
            (Dialect::Sqlite, _) if self.takes_parts() => {
                for statement in self.collect(&window)? {
                    steps.push(("collect", statement));
                }
                for statement in self.unlink_parts()? {
                    steps.push(("unlink", statement));
                }
                for statement in self.delete_parts(&window)? {
                    steps.push(("batch", statement));
                }
            }
            (Dialect::Sqlite, _) => steps.push(("batch", self.act_on_window(&window)?)),
        }
        Ok(steps)
    }
}
