//! The rights that PostgreSQL asks for, table by table: what `missing-privilege` looks for, what
//! `besom grants` prints, and what `grant-too-wide` holds a role's rights against.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::mend::{idents, name};
use super::reach::Touched;
use crate::catalog::{Catalog, Dialect, Table, TableId, quote_ident};
use crate::ledger;

/// What a right is on. The wider comes later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Columns {
    /// These columns.
    These(BTreeSet<String>),
    /// Every column, and those that a later version adds.
    Every,
    /// Every column, and the system's own (`ctid`, `tableoid`).
    Whole,
}

/// The rights on one table.
#[derive(Debug, Clone)]
pub struct Rights {
    table: Arc<Table>,
    select: Columns,
    insert: bool,
    update: Columns,
    /// UPDATE on some column, whichever: PostgreSQL asks for it where rows are locked.
    locks: bool,
    delete: bool,
}

impl Columns {
    fn none() -> Self {
        Self::These(BTreeSet::new())
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::These(columns) if columns.is_empty())
    }

    pub(super) fn covers(&self, column: &str) -> bool {
        match self {
            Self::These(columns) => columns.contains(column),
            Self::Every | Self::Whole => true,
        }
    }

    fn add(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::These(own), Self::These(more)) => own.extend(more.iter().cloned()),
            (own, more) if *own < *more => *own = more.clone(),
            _ => {}
        }
    }

    /// The right as GRANT spells it.
    fn spelled(&self, right: &str) -> Option<String> {
        match self {
            Self::These(columns) if columns.is_empty() => None,
            Self::These(columns) => {
                let columns: Vec<_> = columns.iter().cloned().collect();
                Some(format!("{right} ({})", idents(&columns)))
            }
            Self::Every | Self::Whole => Some(right.to_owned()),
        }
    }
}

impl Rights {
    /// What a job's requests need on a table that they touch.
    pub(super) fn of(touched: &Touched) -> Self {
        Self {
            table: Arc::clone(&touched.table),
            select: match touched.by_place {
                true => Columns::Whole,
                false => Columns::These(touched.reads.clone()),
            },
            insert: false,
            update: Columns::These(touched.assigns.clone()),
            locks: touched.locks,
            delete: touched.deletes,
        }
    }

    /// What every job needs on the ledger's tables, as far as they are there.
    pub(super) fn on_the_ledger(catalog: &Catalog) -> Vec<Self> {
        let tables = ledger::TABLES.iter();
        let tables = tables.filter_map(|name| catalog.table(name).ok());
        let rights = tables.filter_map(|table| {
            let changes = match table.id.name.as_str() {
                "besom_migration" => return None, // for `besom migrate` alone
                "besom_batch" | "besom_audit" => false,
                _ => true,
            };
            Some(Self {
                table: Arc::clone(table),
                select: Columns::Every,
                insert: true,
                update: match changes {
                    true => Columns::Every,
                    false => Columns::none(),
                },
                locks: false,
                delete: true, // history is pruned
            })
        });
        rights.collect()
    }

    /// The table.
    pub fn table(&self) -> &TableId {
        &self.table.id
    }

    /// Every right as GRANT spells it, columns named, in one order.
    pub fn spelled(&self) -> Vec<String> {
        let lock = self.lock_column().filter(|_| self.update.is_none());
        let lock = lock.map(|column| format!("UPDATE ({})", quote_ident(column)));
        let insert = self.insert.then(|| "INSERT".to_owned());
        let update = self.update.spelled("UPDATE").or(lock);
        let delete = self.delete.then(|| "DELETE".to_owned());
        let rights = [self.select.spelled("SELECT"), insert, update, delete];
        rights.into_iter().flatten().collect()
    }

    /// Schemas of operators by which columns are compared, and whether the role may use them.
    pub(super) fn of_operators(&self) -> BTreeMap<&str, bool> {
        let looked_at = self
            .table
            .columns
            .iter()
            .filter(|c| self.select.covers(&c.name));
        let operators = looked_at.filter_map(|column| column.operators.as_ref());
        let named = operators.filter_map(|own| Some((own.schema.as_deref()?, own.usable)));
        named.collect()
    }

    /// The schemas that the role must be able to use.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        let own = self.table.id.schema.as_str();
        std::iter::once(own).chain(self.of_operators().into_keys())
    }

    /// The statement that gives them to a role, which is quoted already.
    pub fn grant_to(&self, role: &str) -> String {
        grant(&self.spelled(), &self.table.id, role)
    }

    /// Takes over another's rights on the same table.
    fn add(&mut self, other: &Self) {
        self.select.add(&other.select);
        self.update.add(&other.update);
        self.insert |= other.insert;
        self.locks |= other.locks;
        self.delete |= other.delete;
    }

    /// Those that the connected role has not.
    pub(super) fn lacking(&self) -> Self {
        let may = &self.table.privileges;
        let denied = |columns: &Columns, may_all: bool, may_one: fn(&Table, &str) -> bool| {
            let lacking = |column: &&String| !may_one(&self.table, column);
            match columns {
                Columns::These(these) => {
                    Columns::These(these.iter().filter(lacking).cloned().collect())
                }
                _ if may_all => Columns::none(),
                all => all.clone(),
            }
        };
        let readable = match self.select {
            Columns::Whole => may.select_whole,
            _ => may.select,
        };
        let assignable = self.table.columns.iter().all(|column| column.assignable);
        Self {
            table: Arc::clone(&self.table),
            select: denied(&self.select, readable, |table, column| {
                table.column(column).is_none_or(|column| column.readable)
            }),
            insert: self.insert && !may.insert,
            update: denied(&self.update, assignable, |table, column| {
                table.column(column).is_none_or(|column| column.assignable)
            }),
            locks: self.locks && !may.update_any,
            delete: self.delete && !may.delete,
        }
    }

    pub(super) fn select(&self) -> &Columns {
        &self.select
    }

    pub(super) fn update(&self) -> &Columns {
        &self.update
    }

    /// UPDATE on all columns.
    pub(super) fn every_update(&self) -> bool {
        self.update >= Columns::Every
    }

    pub(super) fn inserts(&self) -> bool {
        self.insert
    }

    pub(super) fn deletes(&self) -> bool {
        self.delete
    }

    /// The column whose UPDATE right lets rows be locked. Any one would do; besom assigns none of them
    /// for this.
    pub(super) fn lock_column(&self) -> Option<&str> {
        let first = self.table.columns.iter().find(|column| !column.generated);
        let key = self.table.primary_key.first().map(String::as_str);
        key.or(first.map(|column| column.name.as_str()))
            .filter(|_| self.locks)
    }
}

/// Rights by table, those on one table taken together.
pub fn merged(rights: impl IntoIterator<Item = Rights>) -> Vec<Rights> {
    let mut merged: BTreeMap<TableId, Rights> = BTreeMap::new();
    for one in rights {
        match merged.get_mut(one.table()) {
            Some(known) => known.add(&one),
            None => {
                merged.insert(one.table().clone(), one);
            }
        }
    }
    merged.into_values().collect()
}

/// `GRANT … ON … TO …` of rights that are spelled and a role that is quoted already.
pub(super) fn grant(rights: &[String], table: &TableId, role: &str) -> String {
    format!(
        "GRANT {} ON {} TO {role}",
        rights.join(", "),
        name(table, Dialect::Postgres)
    )
}
