//! Rows that hang together by foreign keys of their own table.
//!
//! By such a key that forbids the delete a row may go where every row that refers to it goes too; by
//! one that is ON DELETE CASCADE those go with it anyway. What hangs together may lie anywhere in the
//! table, so no window can tell by itself: each window says what refers to what ([`Plan::links`]), the
//! sweep puts that together and picks the rows that may go, those that refer first, and a batch of
//! picked rows checks that nothing outside of it refers to them.

use super::Plan;
use super::collation::equal;
use super::window::{Window, key_columns, selected};
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, ForeignKey, OnDelete, Table, quote_ident};
use crate::database::Statement;
use crate::request::Fault;

/// What is known of a row that refers to another of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Referrer {
    /// It stays, and holds what it refers to.
    Stays,
    /// It is due itself, so that its own window tells what refers to it.
    Due,
    /// It is not due, and CASCADE may take it: the rows that refer to it are told with it.
    Rides,
}

impl Referrer {
    pub(crate) fn from_column(value: u64) -> Self {
        match value {
            1 => Self::Due,
            2 => Self::Rides,
            _ => Self::Stays,
        }
    }
}

/// What holds for the rows that refer to one that is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hold {
    /// The row hangs together with no other: it neither refers nor is referred to.
    #[default]
    Loose,
    /// They go in the same batch.
    Checked,
    /// Dry run: they would be gone.
    Gone,
}

/// The rows that a batch takes, as far as the statement knows.
#[derive(Clone, Copy)]
pub(super) enum Among<'a> {
    /// All that were picked for this window.
    Window(&'a Window),
    /// Those of the part `kept`, which could be locked.
    Kept,
}

/// Rows that may not go after all, and those that they refer to.
const UNFIT: &str = "besom_unfit";
/// Those, and the rows that would have gone along with them.
const STAYING: &str = "besom_staying";

impl Plan {
    /// Rows of the table hang together by a key of its own that does not simply let go.
    pub(crate) fn is_chained(&self) -> bool {
        !self.authorized.chains().is_empty()
    }

    /// Foreign keys of the table itself by which CASCADE takes rows along.
    fn trees(&self) -> impl Iterator<Item = &ForeignKey> {
        let keys = self.authorized.chains().iter();
        keys.filter(|key| key.on_delete == OnDelete::Cascade)
    }

    /// Rows of the table may go along with others of it.
    pub(crate) fn has_trees(&self) -> bool {
        self.trees().next().is_some()
    }

    pub(super) fn hold(&self) -> Hold {
        self.picked.as_ref().map_or(Hold::Loose, |p| p.hold)
    }

    /// Rows of a window that may go and hang together with others, each with a row that refers to it:
    /// its key, the other's key, and what is known of that ([`Referrer`]); NULLs where none refers to
    /// it. Where CASCADE takes rows that are not due, those that refer to them follow likewise.
    pub(crate) fn links(&self, window: &Window) -> Result<Statement, Fault> {
        const LINKS: &str = "besom_links";
        let mut w = Writer::new(self.dialect());
        w.plan_each_time();
        let row = w.row(self.table());
        let count = key_columns(&row).len();
        let of_root = |from: &[String]| {
            let named = from.iter().enumerate();
            let named: Vec<_> = named
                .map(|(i, column)| format!("{column} AS besom_root_{i}"))
                .collect();
            named.join(", ")
        };
        w.push(&format!("WITH RECURSIVE {LINKS} AS (SELECT "))
            .push(&of_root(&key_columns(&row)));
        let child = w.row(self.table());
        let any = self.authorized.chains();
        if w.dialect() == Dialect::Postgres {
            let link = Row {
                alias: "link".to_owned(),
                table: self.table(),
            };
            w.push(", ")
                .push(&self.chained_columns(&link))
                .push(", link.besom_state FROM ");
            self.swept(&mut w, &row)?;
            w.push(" LEFT JOIN LATERAL (SELECT ")
                .push(&self.chained_columns(&child))
                .push(", ");
            self.state(&mut w, &child, &row)?;
            w.push(" AS besom_state FROM ");
            self.swept(&mut w, &child)?;
            // The index of the key leads from each row to those that refer to it, whatever the
            // planner believes.
            w.push(" WHERE ")
                .push(&refers(any, &child, &row))
                .push(" OFFSET 0) AS link ON TRUE WHERE ");
        } else {
            w.push(", ").push(&self.chained_columns(&child)).push(", ");
            w.push("CASE WHEN ")
                .push(key_columns(&child).first().map_or("NULL", String::as_str))
                .push(" IS NULL THEN NULL ELSE ");
            self.state(&mut w, &child, &row)?;
            w.push(" END AS besom_state FROM ");
            self.swept(&mut w, &row)?;
            w.push(" LEFT JOIN ");
            self.swept(&mut w, &child)?;
            w.push(" ON ")
                .push(&refers(any, &child, &row))
                .push(" WHERE ");
        }
        self.within(&mut w, &row, window);
        w.push(" AND ");
        self.predicate(&mut w, &row)?;
        self.free_by_itself(&mut w, &row)?;
        w.push(" AND (")
            .push(&self.refers_to_something(&row))
            .push(" OR ");
        self.is_referred_to(&mut w, &row, None)?;
        w.push(")");
        let links = Row {
            alias: LINKS.to_owned(),
            table: self.table(),
        };
        if self.has_trees() {
            let next = w.row(self.table());
            w.push(" UNION SELECT ")
                .push(&of_root(&key_columns(&links)))
                .push(", ")
                .push(&self.chained_columns(&next))
                .push(", ");
            self.state(&mut w, &next, &links)?;
            w.push(&format!(" FROM {LINKS} JOIN "));
            self.swept(&mut w, &next)?;
            w.push(" ON ")
                .push(&refers(any, &next, &links))
                .push(&format!(" WHERE {LINKS}.besom_state = 2"));
        }
        let roots: Vec<_> = (0..count)
            .map(|i| format!("{LINKS}.besom_root_{i}"))
            .collect();
        let own = key_columns(&links);
        w.push(&format!(
            ") SELECT {}, {}, {LINKS}.besom_state FROM {LINKS}",
            selected(self.dialect(), &roots),
            selected(self.dialect(), &own),
        ));
        Ok(w.finish())
    }

    /// [`Referrer`] of a row that refers to `above`, as a number.
    fn state(&self, w: &mut Writer, child: &Row<'_>, above: &Row<'_>) -> Result<(), Fault> {
        w.push("CASE WHEN ");
        self.predicate(w, child)?;
        self.free_by_itself(w, child)?;
        w.push(" THEN 1");
        if self.has_trees() {
            w.push(" WHEN (")
                .push(&ties(self.trees(), child, above))
                .push(")");
            self.may_ride(w, child)?;
            w.push(" THEN 2");
        }
        w.push(" ELSE 0 END");
        Ok(())
    }

    /// ` AND …`: CASCADE may take the row, due or not: the grant's own narrowing covers it, and nothing
    /// holds it.
    pub(super) fn may_ride(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        for term in self.authorized.narrowing() {
            w.push(" AND ");
            self.condition(w, row, term, false)?;
        }
        self.free_by_itself(w, row)
    }

    /// The row may go in this batch: it is due, or rides along, and nothing outside of the batch holds
    /// it.
    pub(super) fn goes_now(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        among: Among<'_>,
    ) -> Result<(), Fault> {
        match &self.picked {
            Some(picked) if picked.has_riders() => {
                w.push("CASE WHEN ");
                self.rides(w, row, picked);
                w.push(" THEN ");
                w.truth(true);
                self.may_ride(w, row)?;
                w.push(" ELSE ");
                self.predicate(w, row)?;
                self.free_by_itself(w, row)?;
                w.push(" END");
            }
            _ => {
                self.predicate(w, row)?;
                self.free_by_itself(w, row)?;
            }
        }
        self.hangs_on_none(w, row, among)
    }

    /// ` AND …`: no row outside of the batch refers to this one by a key of its own table.
    fn hangs_on_none(&self, w: &mut Writer, row: &Row<'_>, among: Among<'_>) -> Result<(), Fault> {
        if !self.is_chained() {
            return Ok(());
        }
        match self.hold() {
            Hold::Gone => Ok(()),
            Hold::Loose => {
                w.push(" AND NOT ")
                    .push(&self.refers_to_something(row))
                    .push(" AND NOT ");
                self.is_referred_to(w, row, None)
            }
            Hold::Checked => {
                w.push(" AND NOT ");
                self.is_referred_to(w, row, Some(among))
            }
        }
    }

    /// `EXISTS (…)`: another row refers to this one, which is not `among` those of the batch.
    fn is_referred_to(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        among: Option<Among<'_>>,
    ) -> Result<(), Fault> {
        let child = w.row(row.table);
        w.push("EXISTS (SELECT 1 FROM ");
        self.swept(w, &child)?;
        w.push(" WHERE ")
            .push(&refers(self.authorized.chains(), &child, row));
        if let Some(among) = among {
            w.push(" AND NOT ");
            self.is_among(w, &child, among);
        }
        if w.dialect() == Dialect::Postgres {
            w.push(" OFFSET 0");
        }
        w.push(")");
        Ok(())
    }

    /// The row is one of those that the batch takes.
    fn is_among(&self, w: &mut Writer, row: &Row<'_>, among: Among<'_>) {
        match (among, &self.picked) {
            (Among::Window(window), Some(picked)) => {
                self.is_picked(w, row, picked, window, false);
            }
            (Among::Window(_), None) => w.truth(false),
            (Among::Kept, _) => {
                let keys = key_columns(row);
                let names: Vec<_> = (0..keys.len()).map(|i| format!("k{i}")).collect();
                w.push(&format!(
                    "(({}) IN (SELECT {} FROM kept))",
                    keys.join(", "),
                    names.join(", ")
                ));
            }
        }
    }

    /// The row refers to one, if only to itself.
    fn refers_to_something(&self, row: &Row<'_>) -> String {
        let keys = self.authorized.chains().iter().map(|key| {
            let columns = key.columns.iter();
            let set = columns.map(|column| format!("{} IS NOT NULL", row.column(column)));
            format!("({})", set.collect::<Vec<_>>().join(" AND "))
        });
        format!("({})", keys.collect::<Vec<_>>().join(" OR "))
    }

    /// `besom_unfit AS (…), …`: the picked rows that may not go after all, with what that means for the
    /// others. Answers the name of the part that has all of them.
    pub(super) fn unfit(&self, w: &mut Writer, among: Among<'_>) -> Result<&'static str, Fault> {
        let part = |alias: &str| Row {
            alias: alias.to_owned(),
            table: self.table(),
        };
        let (row, next) = (w.row(self.table()), w.row(self.table()));
        w.push(&format!("{UNFIT} AS (SELECT "))
            .push(&self.chained_columns(&row))
            .push(" FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.is_among(w, &row, among);
        w.push(" AND (");
        self.goes_now(w, &row, among)?;
        w.push(") IS NOT TRUE UNION SELECT ")
            .push(&self.chained_columns(&next))
            .push(&format!(" FROM {UNFIT} JOIN "));
        self.swept(w, &next)?;
        w.push(" ON ")
            .push(&refers(self.authorized.chains(), &part(UNFIT), &next))
            .push(" WHERE ");
        self.is_among(w, &next, among);
        w.push(")");
        let Some(picked) = self.picked.as_ref().filter(|picked| picked.has_riders()) else {
            return Ok(UNFIT);
        };
        let along = w.row(self.table());
        w.push(&format!(", {STAYING} AS (SELECT "))
            .push(&self.chained_columns(&part(UNFIT)))
            .push(&format!(" FROM {UNFIT} UNION SELECT "))
            .push(&self.chained_columns(&along))
            .push(&format!(" FROM {STAYING} JOIN "));
        self.swept(w, &along)?;
        w.push(" ON ")
            .push(&ties(self.trees(), &along, &part(STAYING)))
            .push(" WHERE ");
        self.rides(w, &along, picked);
        w.push(")");
        Ok(STAYING)
    }

    /// ` AND (…) NOT IN (…)`: the row is none of [`Plan::unfit`].
    pub(super) fn is_fit(&self, w: &mut Writer, row: &Row<'_>, unfit: &str) {
        let part = Row {
            alias: unfit.to_owned(),
            table: self.table(),
        };
        w.push(&format!(
            " AND ({}) NOT IN (SELECT {} FROM {unfit})",
            key_columns(row).join(", "),
            key_columns(&part).join(", ")
        ));
    }

    /// `(SELECT count(*) …)` of the rows in a part that went along and were not due themselves; `0` where
    /// none may.
    pub(super) fn count_riders(&self, w: &mut Writer, part: &str) {
        let Some(picked) = self.picked.as_ref().filter(|picked| picked.has_riders()) else {
            w.push("0");
            return;
        };
        let row = Row {
            alias: part.to_owned(),
            table: self.table(),
        };
        w.push(&format!("(SELECT count(*) FROM {part} WHERE "));
        self.rides(w, &row, picked);
        w.push(")");
    }

    /// The columns by which a row is known, refers, and is referred to.
    pub(super) fn chained_columns(&self, row: &Row<'_>) -> String {
        let named = self.chained_names(row.table);
        let named = named
            .iter()
            .map(|name| format!("{} AS {}", row.column(name), quote_ident(name)));
        named.collect::<Vec<_>>().join(", ")
    }

    fn chained_names(&self, table: &Table) -> Vec<String> {
        let mut names: Vec<String> = match table.rowid_name() {
            Some(rowid) => vec![rowid.to_owned()],
            None if table.primary_key.is_empty() => vec!["ctid".to_owned()],
            None => table.primary_key.clone(),
        };
        for key in self.authorized.chains() {
            for column in key.parent_columns.iter().chain(&key.columns) {
                if !names.contains(column) {
                    names.push(column.clone());
                }
            }
        }
        names
    }
}

/// `child`, another row than `parent`, refers to it by one of the keys.
pub(super) fn refers<'k>(
    keys: impl IntoIterator<Item = &'k ForeignKey>,
    child: &Row<'_>,
    parent: &Row<'_>,
) -> String {
    let same = super::eligible::same_row(child, parent);
    format!("({}) AND NOT ({same})", ties(keys, child, parent))
}

/// `child` refers to `parent`, a row of the same table, by one of the keys.
pub(super) fn ties<'k>(
    keys: impl IntoIterator<Item = &'k ForeignKey>,
    child: &Row<'_>,
    parent: &Row<'_>,
) -> String {
    let ties = keys.into_iter().map(|key| {
        let pairs = key.columns.iter().zip(&key.parent_columns);
        let same = pairs.map(|(to, from)| equal(parent, from, child, to));
        same.collect::<Vec<_>>().join(" AND ")
    });
    ties.collect::<Vec<_>>().join(" OR ")
}
