//! The newest rows of a group, told by the instants that their values mean where they mean any.
//!
//! A row whose value is no instant has no place: it is not beyond the newest, and takes no other's place
//! among them.

use super::Plan;
use super::condition::ordered;
use super::measure::out_of_order;
use super::signs::same;
use super::tie::Sure;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, Times};
use crate::request::Fault;
use crate::scope::find_column;

/// A `beyond-newest` on a row.
#[derive(Clone, Copy)]
pub(super) struct Newest<'c> {
    pub(super) group_by: &'c [String],
    pub(super) order_by: &'c str,
    pub(super) keep: u32,
}

/// What rows are ordered by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// Instants that the statement works out.
    Instants,
    /// The column's own order, which is that of its instants; what is none is left out.
    Times,
    /// Values that are no times.
    Values,
}

impl Plan {
    /// At least `keep` rows of the same group are newer; or, [`Sure::Possibly`], may be. Counting stops at `keep`. A
    /// NULL in a group column is equal to nothing, so such rows are never beyond for certain.
    pub(super) fn beyond_newest(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        newest: Newest<'_>,
        negated: bool,
        sure: Sure,
    ) -> Result<(), Fault> {
        let keep = newest.keep;
        if keep == 0 {
            return Err(Fault::invalid(
                "value",
                "`beyond-newest` must keep at least one row; every row is `everything`",
            ));
        }
        if negated {
            return Err(Fault::invalid(
                "unstable",
                "`beyond-newest` cannot be negated: deleting the newest rows would make others the \
                 newest, and the sweep would go on to those",
            ));
        }
        let order = find_column(row.table, newest.order_by)?;
        let by = self.ordered_by(row, order)?;
        // The newest of a partitioned table are those of all its leaves.
        let root = self.authorized.root();
        let whole = root.filter(|_| row.table.id == self.table().id);
        let whole = &Row {
            alias: row.alias.clone(),
            table: whole.map_or(row.table, |whole| whole),
        };
        let other = w.row(whole.table);
        // How the values are read is known of the table that is swept.
        let as_read = Row {
            alias: other.alias.clone(),
            table: row.table,
        };
        w.push(&format!("({keep} <= (SELECT count(*) FROM (SELECT 1 FROM "));
        self.source(w, &other)?;
        w.push(" WHERE ");
        for column in newest.group_by {
            let name = &find_column(row.table, column)?.name;
            let same = same(row.table, name, &other.column(name), &row.column(name));
            w.push(&same).push(" AND ");
        }
        w.push("((");
        self.place_among(w, &as_read, order, by, &other)?;
        w.push(") > (");
        self.place_among(w, row, order, by, whole)?;
        w.push(")");
        let (own, others) = (row.column(&order.name), other.column(&order.name));
        let of_types = by == By::Values && w.dialect() == Dialect::Sqlite;
        match sure {
            Sure::Possibly => {
                w.push(" OR ");
                self.has_no_place(w, &as_read, order, by)?;
                if of_types {
                    w.push(&format!(" OR typeof({others}) <> typeof({own})"));
                }
            }
            Sure::Certainly => {
                if by == By::Times {
                    w.push(" AND ");
                    self.has_instant(w, &as_read, order)?;
                }
                if of_types {
                    w.push(&format!(" AND typeof({others}) = typeof({own})"));
                }
            }
        }
        w.push(&format!(") LIMIT {keep}) AS newer)"));
        match sure {
            Sure::Possibly => {
                w.push(" OR ");
                self.has_no_place(w, row, order, by)?;
                for column in newest.group_by {
                    let name = &find_column(row.table, column)?.name;
                    w.push(&format!(" OR {} IS NULL", row.column(name)));
                }
            }
            Sure::Certainly if by == By::Times => {
                w.push(" AND ");
                self.has_instant(w, row, order)?;
            }
            Sure::Certainly => {}
        }
        w.push(")");
        Ok(())
    }

    fn ordered_by(&self, row: &Row<'_>, order: &Column) -> Result<By, Fault> {
        let Ok(times) = self.forms.time(&row.table.id, order) else {
            ordered(row, order)?;
            return Ok(By::Values);
        };
        Ok(match in_order(self.dialect(), order, &times) {
            true => By::Times,
            false => By::Instants,
        })
    }

    /// What a row is compared by, and then its key, which says alike in both databases which of two rows with
    /// one value is newer.
    fn place_among(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        order: &Column,
        by: By,
        whole: &Row<'_>,
    ) -> Result<(), Fault> {
        match by {
            By::Instants => self.held(row, order)?.ordinal(w)?,
            By::Times | By::Values => drop(w.push(&row.column(&order.name))),
        }
        let key: Vec<_> = match whole.table.primary_key.as_slice() {
            [] => super::window::key_columns(whole),
            key => key.iter().map(|name| whole.column(name)).collect(),
        };
        for column in key {
            w.push(", ").push(&column);
        }
        Ok(())
    }

    /// Never NULL itself.
    fn has_no_place(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        order: &Column,
        by: By,
    ) -> Result<(), Fault> {
        match by {
            By::Values => drop(w.push(&row.column(&order.name)).push(" IS NULL")),
            By::Times => {
                w.push("NOT ");
                self.has_instant(w, row, order)?;
            }
            By::Instants => {
                w.push("(");
                self.held(row, order)?.whole_ordinal(w)?;
                w.push(") IS NULL");
            }
        }
        Ok(())
    }
}

/// The column's own order is that of its instants, with nothing between that is compared otherwise.
fn in_order(dialect: Dialect, column: &Column, times: &Times) -> bool {
    if dialect == Dialect::Postgres && column.is_native_time() {
        return true;
    }
    let one = matches!(times.forms(), [form] if form.unit().is_some());
    one && column.kind != Kind::Text && out_of_order(dialect, column, times).is_none()
}
