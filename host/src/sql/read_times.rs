//! Whether a value is one that its column's form reads, and whether it is one that stands for no
//! instant: what a comparison cannot tell, because neither it nor its negation holds there.

use super::Plan;
use super::instant::Held;
use super::writer::{Row, Writer};
use crate::catalog::Column;
use crate::request::Fault;

impl Plan {
    /// Writes "the value is NULL, or its column's form reads it". A value that stands for no instant
    /// counts as read. Never NULL itself.
    ///
    /// # Errors
    /// The column holds no time that the plan knows of.
    pub(crate) fn null_or_read(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &Column,
    ) -> Result<(), Fault> {
        let held = self.held(row, column)?;
        w.push("coalesce(").push(&row.column(&column.name));
        w.push(" IS NULL OR ");
        held.within(w, (None, None))?;
        w.push(" OR ");
        held.never(w)?;
        w.push(", ");
        w.truth(false);
        w.push(")");
        Ok(())
    }

    /// Writes "the value is there, and its column's form does not read it": what [`Self::null_or_read`] is
    /// not, and of numbers so that an index on the column answers it. Not true of NULL.
    ///
    /// # Errors
    /// The column holds no time that the plan knows of.
    pub(crate) fn unread_time(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &Column,
    ) -> Result<(), Fault> {
        if self.held(row, column)?.outside(w) {
            return Ok(());
        }
        w.push("NOT (");
        self.null_or_read(w, row, column)?;
        w.push(")");
        Ok(())
    }

    /// Writes "the value stands for no instant", such as 0, `infinity` or `9999-12-31`, for an index on the column to lead
    /// to such values.
    ///
    /// # Errors
    /// The column holds no time that the plan knows of.
    pub(crate) fn no_instant(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &Column,
    ) -> Result<(), Fault> {
        let held = self.held(row, column)?;
        if held.around_never(w)? {
            w.push(" AND ");
        }
        held.never(w)
    }

    /// Writes "the value is an instant": neither NULL nor unread, nor one that stands for none. Where it
    /// does not hold no comparison of the column with a time does. Never NULL itself.
    ///
    /// # Errors
    /// The column holds no time that the plan knows of.
    pub(crate) fn has_instant(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &Column,
    ) -> Result<(), Fault> {
        w.push("coalesce(");
        self.held(row, column)?.within(w, (None, None))?;
        w.push(", ");
        w.truth(false);
        w.push(")");
        Ok(())
    }

    /// The column of a row, and how it holds instants.
    pub(super) fn held<'c>(&self, row: &Row<'_>, column: &'c Column) -> Result<Held<'c>, Fault> {
        let times = self.forms.instants(&row.table.id, column)?;
        Ok(Held::new(self.dialect(), row, column, &times))
    }
}
