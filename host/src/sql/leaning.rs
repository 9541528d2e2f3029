//! Whether what hangs on a row is also what makes it due.
//!
//! A row that is due because others are there, or as long as there are so many of them, is due no longer
//! once those have gone ahead of it: it would stay for ever, and what went had gone for nothing. What must
//! *not* be there is another matter: nothing that goes makes it appear.

use super::Plan;
use super::parts::{Does, Part};
use crate::catalog::Table;
use crate::request::{Condition, Fault, Join};

impl Plan {
    /// The condition on a swept row may cease to hold when some of its parts have gone.
    pub(super) fn leans_on_its_parts(&self) -> bool {
        let parts = self.parts();
        if parts.is_empty() {
            return false;
        }
        let mut terms = vec![&self.request().matching];
        terms.extend(self.authorized.narrowing());
        // A table that is not known is no reason to take anything apart.
        terms.into_iter().any(|term| {
            self.leans(&parts, term, self.table(), false)
                .unwrap_or(true)
        })
    }

    /// Whether `condition` on a row of `table` wants rows of the parts to be there; `negated`: whether the
    /// opposite does.
    fn leans(
        &self,
        parts: &[Part<'_>],
        condition: &Condition,
        table: &Table,
        negated: bool,
    ) -> Result<bool, Fault> {
        let (name, on, matching, wanted) = match condition {
            Condition::Exists {
                table,
                on,
                matching,
            } => (table, on, matching, !negated),
            Condition::NotExists {
                table,
                on,
                matching,
            } => (table, on, matching, negated),
            Condition::BeyondNewest { .. } => return Ok(self.shrinks(parts, table, &[], !negated)),
            Condition::All(of) | Condition::Any(of) => {
                for term in of {
                    if self.leans(parts, term, table, negated)? {
                        return Ok(true);
                    }
                }
                return Ok(false);
            }
            Condition::Not(of) => return self.leans(parts, of, table, !negated),
            _ => return Ok(false),
        };
        let related = self.find_table(name)?;
        if self.shrinks(parts, &related, on, wanted) {
            return Ok(true);
        }
        match matching {
            Some(matching) => self.leans(parts, matching, &related, !wanted),
            None => Ok(false),
        }
    }

    /// Taking the parts away may take rows from a relation that are `wanted` there, or bring some into
    /// one in which they are not: a row that is let go is another row afterwards.
    fn shrinks(&self, parts: &[Part<'_>], related: &Table, on: &[Join], wanted: bool) -> bool {
        parts.iter().any(|part| {
            self.is_part(part, related)
                && match part.does {
                    Does::Delete => wanted,
                    // Without what joins it the row is in the relation no more.
                    Does::Clear(columns) => {
                        wanted || !on.iter().any(|join| columns.contains(&join.foreign))
                    }
                    Does::Default => true,
                }
        })
    }

    /// Rows of the part may be rows of the table.
    pub(super) fn is_part(&self, part: &Part<'_>, table: &Table) -> bool {
        part.path.child().is_some_and(|child| {
            self.catalog.holds(child, &table.id) || self.catalog.holds(&table.id, child)
        })
    }
}
