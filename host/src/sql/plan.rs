//! A plan: an authorised request with everything that writing its SQL needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::axis::Axis;
use crate::catalog::{Catalog, Column, Dialect, IdForm, Kind, OnDelete, Table, TableId, TimeForm};
use crate::request::{Condition, Fault, Request, Value};
use crate::scope::{Authorized, Consequence, find_column};

/// How the rows of a batch are kept from changing under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Technique {
    /// One statement; the database's own re-check of a locked row's columns is enough.
    OneStatement,
    /// Rows and the rows tied to them are locked, then everything is asked again by a fresh
    /// statement: the condition looks at other rows, whose state a single snapshot would not see
    /// change.
    LockThenCheck,
}

/// How columns hold times, and keys with times inside, found before the SQL is written.
#[derive(Debug, Clone, Default)]
pub struct Forms {
    times: BTreeMap<(TableId, String), TimeForm>,
    ids: BTreeMap<(TableId, String), IdForm>,
}

/// A column that must be looked at before the SQL is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The table.
    pub table: Arc<Table>,
    /// The column.
    pub column: Column,
    /// It is compared as a key with a time inside, not as a time.
    pub id: bool,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Forms {
    /// Notes what a probe found.
    pub fn note_time(&mut self, probe: &Probe, form: TimeForm) {
        self.times
            .insert((probe.table.id.clone(), probe.column.name.clone()), form);
    }

    /// Notes what a probe found.
    pub fn note_id(&mut self, probe: &Probe, form: IdForm) {
        self.ids
            .insert((probe.table.id.clone(), probe.column.name.clone()), form);
    }

    pub(crate) fn time(&self, table: &TableId, column: &Column) -> Result<TimeForm, Fault> {
        match column.kind {
            Kind::Timestamp | Kind::LocalTimestamp => Ok(TimeForm::Native),
            _ => self
                .times
                .get(&(table.clone(), column.name.clone()))
                .copied()
                .ok_or_else(|| {
                    Fault::invalid(
                        "value",
                        format!(
                            "column `{}` of `{table}` ({}) holds no time",
                            column.name, column.sql_type
                        ),
                    )
                }),
        }
    }

    pub(crate) fn id(&self, table: &TableId, column: &Column) -> Result<IdForm, Fault> {
        self.ids
            .get(&(table.clone(), column.name.clone()))
            .cloned()
            .ok_or_else(|| {
                Fault::invalid(
                    "value",
                    format!(
                        "column `{}` of `{table}` ({}) cannot hold a ULID or UUIDv7",
                        column.name, column.sql_type
                    ),
                )
            })
    }
}

/// An authorised request, ready to be written as SQL.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) authorized: Authorized<Request>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) forms: Forms,
    pub(crate) axis: Axis,
    /// Dry run only: the sweeps of earlier jobs, whose rows this one must take as gone.
    pub(crate) history: Vec<Arc<Plan>>,
}

impl Plan {
    /// Puts a plan together and writes its SQL once, so that a value that does not fit its column
    /// is refused now and not at the first batch.
    ///
    /// # Errors
    /// `invalid` for values, orders and relations that cannot be written.
    pub fn new(
        authorized: Authorized<Request>,
        catalog: Arc<Catalog>,
        forms: Forms,
        history: Vec<Arc<Plan>>,
    ) -> Result<Self, Fault> {
        let axis = Axis::choose(&authorized, catalog.dialect())?;
        let plan = Self {
            authorized,
            catalog,
            forms,
            axis,
            history,
        };
        plan.remaining(1)?;
        Ok(plan)
    }

    /// The columns to look at before [`Plan::new`].
    ///
    /// # Errors
    /// `invalid` for unknown names.
    pub fn probes(
        authorized: &Authorized<Request>,
        catalog: &Catalog,
    ) -> Result<Vec<Probe>, Fault> {
        let mut probes = Vec::new();
        let table = authorized.table();
        for condition in
            std::iter::once(&authorized.request().matching).chain(authorized.narrowing())
        {
            probes_of(table, condition, catalog, &mut probes)?;
        }
        for consequence in authorized.consequences() {
            if let Some(child) = consequence.path.child().and_then(|id| catalog.by_id(id)) {
                for condition in &consequence.narrowing {
                    probes_of(child, condition, catalog, &mut probes)?;
                }
            }
        }
        Ok(probes)
    }

    /// The swept table.
    pub fn table(&self) -> &Arc<Table> {
        self.authorized.table()
    }

    /// The request as it was asked for.
    pub fn request(&self) -> &Request {
        self.authorized.request()
    }

    /// The dialect it is written in.
    pub fn dialect(&self) -> Dialect {
        self.catalog.dialect()
    }

    /// The order of the sweep.
    pub fn axis(&self) -> &Axis {
        &self.axis
    }

    /// Whether a batch locks tied rows first, and why; the choice is the catalog's and the
    /// condition's, never the plugin's.
    pub fn technique(&self) -> (Technique, &'static str) {
        let locked = |why| (Technique::LockThenCheck, why);
        let conditions = [&self.request().matching];
        let mut relations = Vec::new();
        for condition in conditions {
            relations_of(condition, false, &mut relations);
        }
        if self
            .authorized
            .consequences()
            .iter()
            .any(|c| !c.narrowing.is_empty())
        {
            return locked("the grant narrows rows that a foreign key's rule changes");
        }
        let consequences = self.authorized.consequences();
        let takes = |c: &Consequence| {
            c.path
                .0
                .last()
                .is_some_and(|key| key.on_delete == OnDelete::Cascade)
        };
        if consequences.iter().any(takes) {
            // One snapshot does not count a child that is committed while the delete waits for
            // its parent: the rule would take it, and the ledger would not know.
            return locked("a foreign key's rule takes rows");
        }
        if relations.is_empty() {
            return (
                Technique::OneStatement,
                "the condition looks at the row alone",
            );
        }
        if !consequences.is_empty() {
            return locked(
                "the condition looks at other rows, and a foreign key's rule changes rows",
            );
        }
        for relation in relations {
            let Relation::None { table, on } = relation else {
                return locked("the condition looks at the state of other rows");
            };
            if !self.backed(table, on) {
                return locked("a relation has no foreign key that would refuse the delete");
            }
        }
        (
            Technique::OneStatement,
            "every relation is backed by a foreign key that refuses the delete",
        )
    }

    /// A NO ACTION or RESTRICT foreign key on exactly these columns.
    fn backed(&self, table: &str, on: &[crate::request::Join]) -> bool {
        let Ok(related) = self.find_table(table) else {
            return false;
        };
        self.authorized
            .restricting()
            .iter()
            .any(|path| match path.0.as_slice() {
                [key] => {
                    key.child == related.id
                        && key.columns.len() == on.len()
                        && on.iter().all(|join| {
                            key.columns
                                .iter()
                                .zip(&key.parent_columns)
                                .any(|(child, parent)| {
                                    *child == join.foreign && *parent == join.local
                                })
                        })
                }
                _ => false,
            })
    }

    pub(crate) fn find_table(&self, name: &str) -> Result<Arc<Table>, Fault> {
        self.catalog
            .table(name)
            .cloned()
            .map_err(|unknown| Fault::invalid("unknown-table", unknown.to_string()))
    }
}

enum Relation<'a> {
    /// No tied row, whatever its state.
    None {
        table: &'a str,
        on: &'a [crate::request::Join],
    },
    /// Anything that depends on the state of other rows.
    State,
}

fn relations_of<'a>(condition: &'a Condition, negated: bool, found: &mut Vec<Relation<'a>>) {
    match condition {
        Condition::NotExists {
            table,
            on,
            matching: None,
        } if !negated => {
            found.push(Relation::None { table, on });
        }
        Condition::Exists {
            table,
            on,
            matching: None,
        } if negated => {
            found.push(Relation::None { table, on });
        }
        Condition::Exists { .. } | Condition::NotExists { .. } | Condition::BeyondNewest { .. } => {
            found.push(Relation::State);
        }
        Condition::All(of) | Condition::Any(of) => {
            of.iter()
                .for_each(|term| relations_of(term, negated, found));
        }
        Condition::Not(of) => relations_of(of, !negated, found),
        _ => {}
    }
}

fn probes_of(
    table: &Arc<Table>,
    condition: &Condition,
    catalog: &Catalog,
    probes: &mut Vec<Probe>,
) -> Result<(), Fault> {
    let mut note = |column: &str, id: bool| -> Result<(), Fault> {
        let column = find_column(table, column)?.clone();
        let native = matches!(column.kind, Kind::Timestamp | Kind::LocalTimestamp);
        let probe = Probe {
            table: Arc::clone(table),
            column,
            id,
        };
        if (id || !native) && !probes.contains(&probe) {
            probes.push(probe);
        }
        Ok(())
    };
    match condition {
        Condition::IdOlderThan { column, .. } => note(column, true),
        Condition::OlderThan { column, .. }
        | Condition::Compare {
            column,
            to: Value::Timestamp(_),
            ..
        } => note(column, false),
        Condition::OneOf { column, values } => {
            match values
                .iter()
                .any(|value| matches!(value, Value::Timestamp(_)))
            {
                true => note(column, false),
                false => Ok(()),
            }
        }
        Condition::Exists {
            table: other,
            matching: Some(matching),
            ..
        }
        | Condition::NotExists {
            table: other,
            matching: Some(matching),
            ..
        } => {
            let related = catalog
                .table(other)
                .map_err(|unknown| Fault::invalid("unknown-table", unknown.to_string()))?;
            probes_of(related, matching, catalog, probes)
        }
        Condition::All(of) | Condition::Any(of) => of
            .iter()
            .try_for_each(|term| probes_of(table, term, catalog, probes)),
        Condition::Not(of) => probes_of(table, of, catalog, probes),
        _ => Ok(()),
    }
}
