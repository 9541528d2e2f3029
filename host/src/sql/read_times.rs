//! Whether a value is one that its column's form reads, and whether it is one that stands for no
//! instant: what a comparison cannot tell, because neither it nor its negation holds there.

use super::Plan;
use super::writer::{Row, Writer};
use crate::catalog::Column;
use crate::request::Fault;

#[allow(dead_code)] // not all are taken up yet
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
        self.forms.time(&row.table.id, column)?;
        w.truth(true);
        Ok(())
    }

    /// Writes "the value stands for no instant", such as 0, `infinity` or `9999-12-31`. Never NULL itself;
    /// false of NULL.
    ///
    /// # Errors
    /// The column holds no time that the plan knows of.
    pub(crate) fn no_instant(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &Column,
    ) -> Result<(), Fault> {
        self.forms.time(&row.table.id, column)?;
        w.truth(false);
        Ok(())
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
        self.forms.time(&row.table.id, column)?;
        w.push(&row.column(&column.name)).push(" IS NOT NULL");
        Ok(())
    }
}
