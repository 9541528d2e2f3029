//! Rows that hang together by foreign keys of their own table.
//!
//! By such a key that forbids the delete a row may go where every row that refers to it goes too; by
//! one that is ON DELETE CASCADE those go with it anyway. What hangs together may lie anywhere in the
//! table, so no window can tell by itself: each window says what refers to what ([`Plan::links`]), the
//! sweep puts that together and picks the rows that may go, those that refer first, and a batch of
//! picked rows checks that they still may ([`super::fit`]).

use super::Plan;
use super::collation::{by_key, equal};
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

impl Plan {
    /// Rows of the table hang together by a key of its own that does not simply let go.
    pub(crate) fn is_chained(&self) -> bool {
        !self.authorized.chains().is_empty()
    }

    /// Foreign keys of the table itself by which CASCADE takes rows along.
    pub(super) fn trees(&self) -> impl Iterator<Item = &ForeignKey> {
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

    /// How many due rows one that is not due refers to by a key of the table, counted up to `most`.
    pub(crate) fn held_by_their_own(
        &self,
        key: &ForeignKey,
        most: u64,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.plan_each_time();
        let (row, child) = (w.row(self.table()), w.row(self.table()));
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.predicate(&mut w, &row)?;
        w.push(" AND EXISTS (SELECT 1 FROM ");
        self.swept(&mut w, &child)?;
        w.push(" WHERE ")
            .push(&refers([key], &child, &row))
            .push(" AND (");
        self.predicate(&mut w, &child)?;
        w.push(") IS NOT TRUE");
        w.row_by_row();
        w.push(&format!(") LIMIT {most}) AS held"));
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

    /// The row refers to one, if only to itself.
    pub(super) fn refers_to_something(&self, row: &Row<'_>) -> String {
        let keys = self.authorized.chains().iter().map(|key| {
            let columns = key.columns.iter();
            let set = columns.map(|column| format!("{} IS NOT NULL", row.column(column)));
            format!("({})", set.collect::<Vec<_>>().join(" AND "))
        });
        format!("({})", keys.collect::<Vec<_>>().join(" OR "))
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
        let pairs = key.columns.iter().zip(&key.parent_columns).enumerate();
        let same =
            pairs.map(|(place, (to, from))| equal(parent, from, child, to, by_key(key, place)));
        same.collect::<Vec<_>>().join(" AND ")
    });
    ties.collect::<Vec<_>>().join(" OR ")
}
