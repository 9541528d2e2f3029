//! Which columns a plan reads by a form, where, and in which conditions: of the swept table, of those that its
//! conditions relate to it, and of those that a narrowed grant protects.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::id::always_of_form;
use super::plan::ReadAs;
use super::writer::Writer;
use super::{Plan, truth};
use crate::catalog::{Column, Dialect, Kind, Presence, Table, TableId};
use crate::request::{Condition, Fault, Value};
use crate::scope::find_column;

/// A column that a plan reads by a form.
#[derive(Debug, Clone)]
pub(crate) struct ByForm {
    pub(crate) table: Arc<Table>,
    pub(crate) column: Column,
    pub(crate) read_as: ReadAs,
    /// It is looked for in the swept table, by the request and the grant.
    pub(crate) swept: bool,
    /// The conditions that read it.
    pub(super) within: Vec<Terms>,
}

/// Conditions on one row that must all hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// Not known while a value cannot be read.
    pub(super) doubtful: Vec<Condition>,
    /// On other columns: rows outside are none of the job's, or not shown by it anyway.
    pub(super) certain: Vec<Condition>,
}

impl ByForm {
    pub(super) fn doubtful(&self) -> impl Iterator<Item = &Condition> {
        self.within.iter().flat_map(|terms| &terms.doubtful)
    }
}

type Columns = BTreeMap<(TableId, String, ReadAs), ByForm>;

impl Plan {
    /// The columns some of whose values may be in no form that is read.
    pub(crate) fn read_by_form(&self) -> Result<Vec<ByForm>, Fault> {
        let mut columns = Vec::new();
        for of in self.columns_read()? {
            if self.may_be_unread(&of)? {
                columns.push(of);
            }
        }
        Ok(columns)
    }

    /// The columns that are compared with a time, or asked for NULL: where one that stands for none may be.
    pub(crate) fn times_compared(&self) -> Result<Vec<ByForm>, Fault> {
        let columns = self.columns_read()?.into_iter();
        let of_times = |of: &ByForm| matches!(of.read_as, ReadAs::Time | ReadAs::Presence);
        Ok(columns.filter(of_times).collect())
    }

    /// The columns that are read: of the swept table, of those that its conditions relate to it, and of those
    /// that a narrowed grant protects.
    fn columns_read(&self) -> Result<Vec<ByForm>, Fault> {
        let mut found = Columns::new();
        let mut own = Terms {
            doubtful: vec![self.request().matching.clone()],
            certain: Vec::new(),
        };
        for term in self.authorized.narrowing() {
            match self.direct(self.table(), term)?.is_empty() {
                true => own.certain.push(term.clone()),
                false => own.doubtful.push(term.clone()),
            }
        }
        self.note(&mut found, self.table(), &own, true)?;
        for (column, read_as) in self.shown_by_form()? {
            let terms = Terms {
                doubtful: Vec::new(),
                certain: vec![self.request().matching.clone()],
            };
            let of = by_form(&mut found, self.table(), column, read_as, true);
            of.within.push(terms);
        }
        let dependents = self.authorized.dependents().iter();
        let dependents = dependents.map(|tied| (&tied.path, &tied.narrowing));
        let consequences = self.authorized.consequences().iter();
        let consequences = consequences.map(|c| (&c.path, &c.narrowing));
        for (path, narrowing) in dependents.chain(consequences) {
            if let Some(child) = path.child().and_then(|id| self.catalog.by_id(id)) {
                // What its own condition cannot read is not known to be a dependent, and stays behind.
                let asked = path.0.last().and_then(|link| link.matching.clone());
                for doubtful in [narrowing.clone(), Vec::from_iter(asked)] {
                    let certain = Vec::new();
                    self.note(&mut found, child, &Terms { doubtful, certain }, false)?;
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// The column's type, or a form that reads whatever it can hold, leaves nothing unread.
    fn may_be_unread(&self, of: &ByForm) -> Result<bool, Fault> {
        Ok(match of.read_as {
            // Their types hold nothing else.
            ReadAs::Time
                if matches!(
                    of.column.kind,
                    Kind::Timestamp | Kind::LocalTimestamp | Kind::Date
                ) && self.dialect() == Dialect::Postgres =>
            {
                false
            }
            ReadAs::Time => {
                let (mut written, mut none) =
                    (Writer::new(self.dialect()), Writer::new(self.dialect()));
                let row = written.row(&of.table);
                self.unread_time(&mut written, &row, &of.column)?;
                none.truth(false);
                written.finish().text() != none.finish().text()
            }
            ReadAs::Id => {
                let form = self.forms.id(&of.table.id, &of.column)?;
                !always_of_form(self.dialect(), &form)
            }
            ReadAs::Truth if self.dialect() == Dialect::Sqlite => {
                let (name, kind) = (&of.column.name, &of.column.kind);
                *kind == Kind::Boolean || of.doubtful().any(|term| truth::asks(term, name, kind))
            }
            ReadAs::Truth => false,
            ReadAs::Presence => true,
            ReadAs::Class => {
                let mut w = Writer::new(self.dialect());
                let row = w.row(&of.table);
                self.of_another_class(&mut w, &row, &of.column, of.doubtful())?
            }
        })
    }

    /// Notes the columns that the terms read, and those of the relations in them.
    fn note(
        &self,
        found: &mut Columns,
        table: &Arc<Table>,
        terms: &Terms,
        swept: bool,
    ) -> Result<(), Fault> {
        for term in terms.doubtful.iter().chain(&terms.certain) {
            for (column, read_as) in self.direct(table, term)? {
                let of = by_form(found, table, column, read_as, swept);
                // Several terms of one list name a column once.
                let again = of
                    .within
                    .last()
                    .is_some_and(|last| last.doubtful == terms.doubtful);
                if !again {
                    of.within.push(terms.clone());
                }
            }
            self.note_related(found, term)?;
        }
        Ok(())
    }

    fn note_related(&self, found: &mut Columns, condition: &Condition) -> Result<(), Fault> {
        match condition {
            Condition::Exists {
                table,
                matching: Some(matching),
                ..
            }
            | Condition::NotExists {
                table,
                matching: Some(matching),
                ..
            } => {
                let terms = Terms {
                    doubtful: vec![(**matching).clone()],
                    certain: Vec::new(),
                };
                self.note(found, &self.find_table(table)?, &terms, false)
            }
            Condition::All(of) | Condition::Any(of) => of
                .iter()
                .try_for_each(|term| self.note_related(found, term)),
            Condition::Not(of) => self.note_related(found, of),
            _ => Ok(()),
        }
    }

    /// The columns of the row itself that a condition reads by a form.
    fn direct(&self, table: &Table, condition: &Condition) -> Result<Vec<(Column, ReadAs)>, Fault> {
        let one = |name: &str, read_as: ReadAs| -> Result<Vec<(Column, ReadAs)>, Fault> {
            Ok(vec![(find_column(table, name)?.clone(), read_as)])
        };
        let is_time = |value: &Value| matches!(value, Value::Timestamp(_));
        let plain = |name: &str, to: &Value| -> Result<ReadAs, Fault> {
            let kind = &find_column(table, name)?.kind;
            Ok(match self.compares_classes(kind, to) {
                true => ReadAs::Class,
                false => ReadAs::Truth,
            })
        };
        match condition {
            Condition::OlderThan { column, .. } => one(column, ReadAs::Time),
            Condition::IdOlderThan { column, .. } => one(column, ReadAs::Id),
            Condition::Compare { column, to, .. } => match is_time(to) {
                true => one(column, ReadAs::Time),
                false => one(column, plain(column, to)?),
            },
            Condition::OneOf { column, values } => match values.iter().any(is_time) {
                true => one(column, ReadAs::Time),
                false => {
                    let mut each = values.iter().map(|to| plain(column, to));
                    one(column, each.next().unwrap_or(Ok(ReadAs::Truth))?)
                }
            },
            Condition::StartsWith { column, .. } if self.dialect() == Dialect::Sqlite => {
                one(column, ReadAs::Class)
            }
            Condition::IsNull { column } | Condition::IsNotNull { column } => {
                match self.presence(table, find_column(table, column)?) {
                    Presence::Times(_) => one(column, ReadAs::Time),
                    Presence::Doubtful => one(column, ReadAs::Presence),
                    Presence::Said => Ok(Vec::new()),
                }
            }
            Condition::BeyondNewest { order_by, .. } => {
                match self.forms.time(&table.id, find_column(table, order_by)?) {
                    Ok(_) => one(order_by, ReadAs::Time),
                    Err(_) => Ok(Vec::new()),
                }
            }
            Condition::CompareColumns { column, to, .. } => {
                let mut both = Vec::new();
                for name in [column, to] {
                    let column = find_column(table, name)?;
                    let time = self.forms.time(&table.id, column).is_ok();
                    let truth = column.kind == Kind::Boolean || self.dialect() == Dialect::Postgres;
                    let read_as = match (time, truth) {
                        (true, _) => ReadAs::Time,
                        (false, true) => ReadAs::Truth,
                        (false, false) => ReadAs::Class,
                    };
                    both.push((column.clone(), read_as));
                }
                Ok(both)
            }
            Condition::All(of) | Condition::Any(of) => {
                let each = of.iter().map(|term| self.direct(table, term));
                Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Condition::Not(of) => self.direct(table, of),
            _ => Ok(Vec::new()),
        }
    }
}

/// What is known of a column that is read by a form.
fn by_form<'f>(
    found: &'f mut Columns,
    table: &Arc<Table>,
    column: Column,
    read_as: ReadAs,
    swept: bool,
) -> &'f mut ByForm {
    let at = (table.id.clone(), column.name.clone(), read_as);
    found.entry(at).or_insert_with(|| ByForm {
        table: Arc::clone(table),
        column,
        read_as,
        swept,
        within: Vec::new(),
    })
}
