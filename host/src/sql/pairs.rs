//! Columns whose values a request holds against each other, for the database to be asked whether it can.

use std::sync::Arc;

use crate::catalog::{Catalog, Column, Dialect, Kind, Table};
use crate::request::{Action, Condition, Fault, Join, Request, Source};
use crate::scope::{Authorized, find_column};

use super::Plan;

/// Two columns of which rows are joined where they are equal, or two of one row that are compared.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) one: (Arc<Table>, Column),
    pub(crate) other: (Arc<Table>, Column),
}

impl PartialEq for Pair {
    fn eq(&self, with: &Self) -> bool {
        let place =
            |(table, column): &(Arc<Table>, Column)| (table.id.clone(), column.name.clone());
        place(&self.one) == place(&with.one) && place(&self.other) == place(&with.other)
    }
}

impl Plan {
    /// Every pair by which the request's own relations, dependents and values are joined. Foreign keys' own
    /// joins are not among them: they are written with the key's own operators.
    ///
    /// # Errors
    /// `invalid` for unknown names.
    pub(crate) fn pairs(
        authorized: &Authorized<Request>,
        catalog: &Catalog,
    ) -> Result<Vec<Pair>, Fault> {
        let mut found = Found {
            catalog,
            pairs: Vec::new(),
        };
        let (table, request) = (authorized.table(), authorized.request());
        let own = std::iter::once(&request.matching).chain(authorized.narrowing());
        for condition in own {
            found.conditions(table, condition)?;
        }
        if let Action::Update(assignments) = &request.action {
            for assignment in assignments {
                if let Source::Related {
                    table: other, on, ..
                } = &assignment.source
                {
                    found.join(table, &found.table(other)?, on)?;
                }
            }
        }
        let dependents = authorized.dependents().iter();
        let dependents = dependents.map(|tied| (&tied.path, &tied.narrowing));
        let consequences = authorized.consequences().iter();
        let consequences = consequences.map(|c| (&c.path, &c.narrowing));
        for (path, narrowing) in dependents.chain(consequences) {
            for link in path.0.iter().filter(|link| link.key.is_none()) {
                let (parent, child) = (catalog.by_id(&link.parent), catalog.by_id(&link.child));
                if let (Some(parent), Some(child)) = (parent, child) {
                    let columns = link.columns.iter().zip(&link.parent_columns);
                    let on: Vec<_> = columns.map(|(to, from)| Join::new(to, from)).collect();
                    found.join(parent, child, &on)?;
                }
            }
            if let Some(child) = path.child().and_then(|id| catalog.by_id(id)) {
                let asked = path.0.last().and_then(|link| link.matching.as_ref());
                for condition in narrowing.iter().chain(asked) {
                    found.conditions(child, condition)?;
                }
            }
        }
        Ok(found.pairs)
    }
}

struct Found<'c> {
    catalog: &'c Catalog,
    pairs: Vec<Pair>,
}

impl Found<'_> {
    fn table(&self, name: &str) -> Result<Arc<Table>, Fault> {
        let found = self.catalog.table(name).cloned();
        found.map_err(|unknown| Fault::invalid("unknown-table", unknown.to_string()))
    }

    fn join(&mut self, row: &Arc<Table>, other: &Arc<Table>, on: &[Join]) -> Result<(), Fault> {
        for join in on {
            let foreign = find_column(other, &join.foreign)?.clone();
            let local = find_column(row, &join.local)?.clone();
            self.note((Arc::clone(other), foreign), (Arc::clone(row), local));
        }
        Ok(())
    }

    fn note(&mut self, one: (Arc<Table>, Column), other: (Arc<Table>, Column)) {
        let pair = Pair { one, other };
        if !self.pairs.contains(&pair) {
            self.pairs.push(pair);
        }
    }

    fn conditions(&mut self, table: &Arc<Table>, condition: &Condition) -> Result<(), Fault> {
        match condition {
            Condition::Exists {
                table: other,
                on,
                matching,
            }
            | Condition::NotExists {
                table: other,
                on,
                matching,
            } => {
                let other = self.table(other)?;
                self.join(table, &other, on)?;
                match matching {
                    Some(matching) => self.conditions(&other, matching),
                    None => Ok(()),
                }
            }
            Condition::CompareColumns { column, to, .. } => {
                let (left, right) = (find_column(table, column)?, find_column(table, to)?);
                let kind = |column: &Column| std::mem::discriminant(&column.kind);
                // What is of two kinds is refused, or compared by its times; SQLite's statement asks for one type.
                if kind(left) == kind(right) && self.catalog.dialect() == Dialect::Postgres {
                    let here = |column: &Column| (Arc::clone(table), column.clone());
                    self.note(here(left), here(right));
                }
                Ok(())
            }
            Condition::All(of) | Condition::Any(of) => {
                of.iter().try_for_each(|term| self.conditions(table, term))
            }
            Condition::Not(of) => self.conditions(table, of),
            _ => Ok(()),
        }
    }
}

impl Pair {
    /// PostgreSQL: nothing needs to be asked, since every such type is equal to itself.
    pub(crate) fn is_of_one_type(&self) -> bool {
        let ((_, one), (_, other)) = (&self.one, &self.other);
        let own = one.operators.as_ref();
        one.sql_type == other.sql_type
            && match own {
                Some(own) => own.equal.is_some(),
                None => !matches!(one.kind, Kind::Json | Kind::Other),
            }
    }
}
