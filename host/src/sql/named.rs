//! The tables and columns that the statements of a plan name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Plan;
use crate::catalog::{Table, TableId};
use crate::request::{Action, Condition, Join, Source};
use crate::scope::Path;

/// By table, the columns.
type Named = BTreeMap<TableId, BTreeSet<String>>;

impl Plan {
    /// Every table whose rows the plan looks at or changes, and the columns by which it does.
    pub(crate) fn named(&self) -> Named {
        let mut names = Names {
            plan: self,
            found: Named::new(),
        };
        let swept = Arc::clone(self.table());
        names.table(&swept);
        if let Some(root) = self.authorized.root() {
            names.table(root);
        }
        names.condition(&swept, &self.request().matching);
        names.conditions(&swept, self.authorized.narrowing());
        names.columns(&swept.id, &self.request().order_by);
        names.action(&swept);
        if let Some(picked) = &self.picked {
            names.columns(&swept.id, &picked.columns);
        }
        for key in self.authorized.chains() {
            names.columns(&key.child, &key.columns);
            names.columns(&key.parent, &key.parent_columns);
        }
        for restriction in self.authorized.restricting() {
            names.path(&restriction.path, &[]);
            for along in &restriction.along {
                names.path(along, &[]);
            }
        }
        for tied in self.authorized.dependents() {
            names.path(&tied.path, &tied.narrowing);
        }
        for consequence in self.authorized.consequences() {
            names.path(&consequence.path, &consequence.narrowing);
            if let Some(key) = consequence.path.key() {
                names.columns(&key.child, &key.set_columns);
            }
        }
        names.found
    }
}

struct Names<'a> {
    plan: &'a Plan,
    found: Named,
}

impl Names<'_> {
    /// A table of which rows are told from one another.
    fn table(&mut self, table: &Table) {
        self.columns(&table.id, &table.primary_key);
    }

    /// A table of another catalog, or of none, is nothing that a statement could name.
    fn columns<'c>(&mut self, id: &TableId, columns: impl IntoIterator<Item = &'c String>) {
        if self.plan.catalog.by_id(id).is_some() {
            let found = self.found.entry(id.clone()).or_default();
            found.extend(columns.into_iter().cloned());
        }
    }

    fn action(&mut self, swept: &Arc<Table>) {
        match &self.plan.request().action {
            Action::Delete => {}
            Action::Read(look) => self.columns(&swept.id, &look.columns),
            Action::Update(assignments) => {
                for assignment in assignments {
                    self.columns(&swept.id, [&assignment.column]);
                    match &assignment.source {
                        Source::Column(from) => self.columns(&swept.id, [from]),
                        Source::Related { table, on, column } => {
                            if let Some(related) = self.related(swept, table, on) {
                                self.columns(&related.id, [column]);
                            }
                        }
                        Source::Value(_) | Source::Each(_) | Source::Network { .. } => {}
                    }
                }
            }
        }
    }

    fn path(&mut self, path: &Path, narrowing: &[Condition]) {
        for link in &path.0 {
            self.columns(&link.parent, &link.parent_columns);
            self.columns(&link.child, &link.columns);
            let child = self.plan.catalog.by_id(&link.child).map(Arc::clone);
            if let Some(child) = child {
                self.table(&child);
                self.conditions(&child, &link.matching);
            }
        }
        let child = path.child().and_then(|id| self.plan.catalog.by_id(id));
        if let Some(child) = child.map(Arc::clone) {
            self.conditions(&child, narrowing);
        }
    }

    /// Both sides of a join to a table, and that.
    fn related(&mut self, table: &Table, other: &str, on: &[Join]) -> Option<Arc<Table>> {
        let related = self.plan.find_table(other).ok()?;
        self.table(&related);
        self.columns(&related.id, on.iter().map(|join| &join.foreign));
        self.columns(&table.id, on.iter().map(|join| &join.local));
        Some(related)
    }

    fn conditions<'c>(
        &mut self,
        table: &Arc<Table>,
        conditions: impl IntoIterator<Item = &'c Condition>,
    ) {
        for condition in conditions {
            self.condition(table, condition);
        }
    }

    fn condition(&mut self, table: &Arc<Table>, condition: &Condition) {
        match condition {
            Condition::Compare { column, .. }
            | Condition::OlderThan { column, .. }
            | Condition::IdOlderThan { column, .. }
            | Condition::IsNull { column }
            | Condition::IsNotNull { column }
            | Condition::OneOf { column, .. }
            | Condition::StartsWith { column, .. } => self.columns(&table.id, [column]),
            Condition::CompareColumns { column, to, .. } => {
                self.columns(&table.id, [column, to]);
            }
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
                if let Some(related) = self.related(table, other, on) {
                    self.conditions(&related, matching.as_deref());
                }
            }
            Condition::BeyondNewest {
                group_by, order_by, ..
            } => {
                self.columns(&table.id, group_by);
                self.columns(&table.id, [order_by]);
            }
            Condition::All(of) | Condition::Any(of) => self.conditions(table, of),
            Condition::Not(of) => self.condition(table, of),
            Condition::Everything => {}
        }
    }
}
