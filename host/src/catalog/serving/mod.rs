//! Which indexes serve: the one test for sweeps and readers, for preflight, and for what is looked up
//! elsewhere.
//!
//! An index serves an *order* where the database can read from it, one way or the other, every row
//! that a condition takes, smallest first: its columns before the ordered one are held to one value each
//! by the condition, and the condition implies its predicate. It serves a *search* where its first
//! columns lead to every row that has given values.
//!
//! ```
//! use besom::catalog::{Dialect, Index, IndexColumn, Table};
//! # fn example(table: &Table) {
//! // SELECT … ORDER BY created_at LIMIT n, from the narrowest index that can
//! let best = table.in_order_of("created_at", &[], Dialect::Postgres).into_iter().next();
//! # }
//! ```

mod converted;
mod implied;
mod literals;
mod near;
mod predicate;
#[cfg(test)]
mod tests;
mod tokens;
mod values;

pub(crate) use converted::is_converted;
pub use predicate::Term;

use std::cmp::Reverse;

use super::{Dialect, Index, IndexColumn, Table};
use crate::request::Condition;
use predicate::Meaning;

/// An index that serves an order.
#[derive(Debug, Clone)]
pub struct Serving<'t> {
    /// The index.
    pub index: &'t Index,
    /// Its predicate, which a statement must repeat for the database to see that it serves.
    pub terms: Vec<Term>,
    /// Its columns before the ordered one.
    pub fixed: Vec<Fixed>,
    /// Read smallest first it has NULLs before all values.
    pub nulls_first: bool,
    /// It orders rows with one value by key, so that a window may end between any two rows.
    pub reaches_key: bool,
}

/// A leading column of an index, held to one value.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// The column.
    pub column: String,
    /// What holds it.
    pub by: Condition,
    /// It is held to NULL: PostgreSQL takes it for ordered only where ORDER BY says how, which is this.
    pub null: Option<&'static str>,
}

impl Table {
    /// The indexes in which every row that meets all `facts` stands in the order of `column`, the
    /// narrowest first.
    pub fn in_order_of(
        &self,
        column: &str,
        facts: &[&Condition],
        dialect: Dialect,
    ) -> Vec<Serving<'_>> {
        let indexes = self.indexes.iter();
        let mut serving: Vec<_> = indexes
            .filter_map(|index| self.serves(index, column, facts, dialect))
            .collect();
        serving.sort_by_cached_key(|serving| self.width(serving));
        serving
    }

    fn serves<'t>(
        &'t self,
        index: &'t Index,
        column: &str,
        facts: &[&Condition],
        dialect: Dialect,
    ) -> Option<Serving<'t>> {
        if !index.valid || !index.btree {
            return None;
        }
        let at = index
            .columns
            .iter()
            .position(|own| own.name.as_deref() == Some(column))?;
        let ordered = index.columns.get(at).filter(|own| own.ordered)?;
        let backward = ordered.descending;
        let before = index.columns.iter().take(at);
        let fixed = before.map(|own| self.fixed(own, facts, backward, dialect));
        let fixed: Vec<Fixed> = fixed.collect::<Option<_>>()?;
        Some(Serving {
            index,
            terms: self.implied(index, facts, dialect)?,
            reaches_key: self.reaches_key(index, at, &fixed, dialect),
            fixed,
            nulls_first: ordered.nulls_first != backward,
        })
    }

    fn fixed(
        &self,
        own: &IndexColumn,
        facts: &[&Condition],
        backward: bool,
        dialect: Dialect,
    ) -> Option<Fixed> {
        let column = self.column(own.name.as_ref().filter(|_| own.collated)?)?;
        let mut facts = facts.iter();
        let by = facts.find_map(|fact| implied::fixes(fact, column))?;
        let to_null = matches!(by, Condition::IsNull { .. }) && dialect == Dialect::Postgres;
        let order = match (own.descending != backward, own.nulls_first != backward) {
            (false, false) => "ASC NULLS LAST",
            (false, true) => "ASC NULLS FIRST",
            (true, false) => "DESC NULLS LAST",
            (true, true) => "DESC NULLS FIRST",
        };
        Some(Fixed {
            column: column.name.clone(),
            by: by.clone(),
            null: to_null.then_some(order),
        })
    }

    /// The terms of the index's predicate, where every row that meets the facts meets them all.
    fn implied(&self, index: &Index, facts: &[&Condition], dialect: Dialect) -> Option<Vec<Term>> {
        let Some(predicate) = &index.predicate else {
            return Some(Vec::new());
        };
        let terms = predicate::terms(predicate, self, dialect)?;
        let implied = |term: &Term| {
            let mut facts = facts.iter();
            facts.any(|fact| implied::implies(fact, term, self, dialect))
        };
        terms.iter().all(implied).then_some(terms)
    }

    /// After the ordered column the index goes on with the key, in the same direction. SQLite bounds no range of
    /// pairs by the rowid: each window would read a group of equal values from its first row. An index of a table
    /// without one ends with the primary key and does not say so: smallest first, whatever stands before.
    fn reaches_key(&self, index: &Index, at: usize, fixed: &[Fixed], dialect: Dialect) -> bool {
        if dialect == Dialect::Sqlite && self.has_rowid {
            return false;
        }
        let Some((first, rest)) = index.columns.get(at..).and_then(<[_]>::split_first) else {
            return false;
        };
        let settled = |name: &&String| !fixed.iter().any(|fixed| fixed.column == **name);
        let key: Vec<&String> = self.primary_key.iter().filter(settled).collect();
        let goes_on = |(own, name): (&IndexColumn, &&String)| {
            own.ordered
                && own.name.as_ref() == Some(*name)
                && own.descending == first.descending
                && (own.nulls_first == own.descending || dialect == Dialect::Sqlite)
        };
        match dialect {
            Dialect::Sqlite if rest.is_empty() => !first.descending,
            Dialect::Sqlite => rest.len() == key.len() && rest.iter().zip(&key).all(goes_on),
            Dialect::Postgres => rest.len() >= key.len() && rest.iter().zip(&key).all(goes_on),
        }
    }

    /// How much of an index a sweep may have to go through, least first.
    fn width(&self, serving: &Serving<'_>) -> impl Ord + use<> {
        /// A predicate, or a column at one value, is taken to leave one row in eight where no statistics
        /// say how many: more than a planner assumes, and enough to tell indexes apart.
        const KEEPS: u32 = 3;
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        let shrunk = |rows: u64, by: u32| rows.checked_shr(by.saturating_mul(KEEPS)).unwrap_or(0);
        let (terms, fixed) = (count(serving.terms.len()), count(serving.fixed.len()));
        let entries = serving
            .index
            .rows
            .unwrap_or_else(|| shrunk(self.estimated_rows, terms));
        // As statistics are never exact, twice as many is the same.
        let magnitude = u64::BITS - shrunk(entries, fixed).leading_zeros();
        (
            magnitude,
            Reverse(terms + fixed),
            !serving.reaches_key,
            serving.index.columns.len(),
            serving.index.name.clone(),
        )
    }

    /// An index that leads from the values of these columns to every row that has them and meets the
    /// facts. One that leaves out rows where a column is NULL does: those refer to nothing.
    pub fn searched_by(
        &self,
        columns: &[String],
        facts: &[&Condition],
        dialect: Dialect,
    ) -> Option<&Index> {
        let finds = |index: &&Index| self.finds(index, columns, facts, dialect);
        let usable = self.indexes.iter().filter(finds);
        usable.max_by_key(|index| index.valid)
    }

    fn finds(
        &self,
        index: &Index,
        columns: &[String],
        facts: &[&Condition],
        dialect: Dialect,
    ) -> bool {
        if index.hash && !index.btree && index.columns.len() != columns.len() {
            return false;
        }
        let mut wanted: Vec<&String> = columns.iter().collect();
        for own in &index.columns {
            if wanted.is_empty() {
                break;
            }
            let Some(name) = own.name.as_ref().filter(|_| own.collated) else {
                return false;
            };
            match wanted.iter().position(|column| *column == name) {
                Some(place) => drop(wanted.remove(place)),
                None if self.fixed(own, facts, false, dialect).is_some() => {}
                None => return false,
            }
        }
        let covers = match &index.predicate {
            None => true,
            Some(predicate) => predicate::terms(predicate, self, dialect).is_some_and(|terms| {
                terms.iter().all(|term| {
                    let skips_null =
                        term.meaning == Meaning::NotNull && columns.contains(&term.column);
                    let mut facts = facts.iter();
                    skips_null || facts.any(|fact| implied::implies(fact, term, self, dialect))
                })
            }),
        };
        (index.btree || index.hash) && wanted.is_empty() && covers
    }
}
