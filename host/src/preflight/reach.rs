//! How far a request reaches: every table that it touches, and how, and every foreign key that its
//! deletes make the database check or follow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::{Catalog, ForeignKey, OnDelete, Table, TableId, TableKind};
use crate::request::{Action, Condition, Fate, Join, Request, Source};
use crate::scope::Path;
use crate::sql::Plan;

/// What is done to a table.
#[derive(Debug, Clone)]
pub(super) struct Touched {
    pub(super) table: Arc<Table>,
    /// The job's own statement deletes rows. A foreign key's rule does that with its owner's rights.
    pub(super) deletes: bool,
    /// Rows go, by whatever hand: BEFORE DELETE triggers fire.
    pub(super) loses: bool,
    /// Rows are locked, which takes the UPDATE right on some column.
    pub(super) locks: bool,
    /// Columns that are read.
    pub(super) reads: BTreeSet<String>,
    /// Columns that the job's own statement assigns.
    pub(super) assigns: BTreeSet<String>,
    /// Columns that change, by the job's own statement or by a foreign key's rule: BEFORE UPDATE triggers fire.
    pub(super) changes: BTreeSet<String>,
    /// Those of them that are to let go of a row that goes, by a foreign key's rule or because they are unlinked.
    pub(super) lets_go: BTreeSet<String>,
    /// Rows are told apart, or found, by where they lie: by columns of the system's own.
    pub(super) by_place: bool,
}

/// A condition's or a dependent's look at another table.
#[derive(Debug, Clone)]
pub(super) struct Tie {
    pub(super) parent: Arc<Table>,
    pub(super) child: Arc<Table>,
    pub(super) on: Vec<Join>,
    /// Rows of the child go with the parent, as the request asks.
    pub(super) dependent: bool,
    /// Of a dependent: only those rows of the child that meet this.
    pub(super) matching: Option<Condition>,
    /// Of a dependent: what its own grant narrows it to.
    pub(super) narrowing: Vec<Condition>,
}

/// Rows of a table that are looked for by these columns.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) table: Arc<Table>,
    pub(super) columns: Vec<String>,
    /// Only rows that meet this.
    matching: Option<Condition>,
}

impl Lookup {
    /// What holds of every row that is looked for.
    pub(super) fn facts(&self) -> Vec<&Condition> {
        let matching = self.matching.iter();
        matching.flat_map(Condition::conjuncts).collect()
    }
}

/// Everything that one request touches.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) swept: Arc<Table>,
    pub(super) tables: BTreeMap<TableId, Touched>,
    /// Foreign keys at tables that lose rows, each once.
    pub(super) keys: Vec<ForeignKey>,
    pub(super) ties: Vec<Tie>,
    /// What conditions, dependents and assignments look for.
    pub(super) lookups: Vec<Lookup>,
    /// Some condition keeps the newest of a group.
    pub(super) keeps_newest: bool,
    /// The sweep goes page by page.
    physical: bool,
}

impl Reach {
    /// The same for a request that was planned, with what its grant has it look at besides.
    pub(super) fn of_plan(plan: &Plan, catalog: &Catalog) -> Option<Self> {
        let mut reach = Self::follow(plan.request(), catalog)?;
        let swept = Arc::clone(&reach.swept);
        reach.physical = plan.axis().physical;
        reach.touch(&swept).by_place |= reach.physical;
        for term in plan.authorized.narrowing() {
            reach.condition(&swept, term, catalog)?;
        }
        let ties = reach.ties.iter_mut().filter(|tie| tie.dependent);
        for (tie, tied) in ties.zip(plan.authorized.dependents()) {
            tie.narrowing.clone_from(&tied.narrowing);
        }
        let dependents = plan.authorized.dependents().iter();
        let dependents = dependents.map(|tied| (&tied.path, &tied.narrowing));
        let consequences = plan.authorized.consequences().iter();
        let consequences = consequences.map(|of| (&of.path, &of.narrowing));
        for (path, narrowing) in dependents.chain(consequences) {
            if let Some(child) = child_of(path, catalog) {
                for term in narrowing {
                    reach.condition(&child, term, catalog)?;
                }
            }
        }
        Some(reach.down_to_the_leaves(catalog))
    }

    /// Follows a request through the catalog; `None` where it names what is not there.
    pub(super) fn of(request: &Request, catalog: &Catalog) -> Option<Self> {
        Self::follow(request, catalog).map(|reach| reach.down_to_the_leaves(catalog))
    }

    /// A partitioned table is swept leaf by leaf, each by its own name and with its own rights. Its
    /// triggers are told of the table that the request names.
    fn down_to_the_leaves(mut self, catalog: &Catalog) -> Self {
        let Some(touched) = self.tables.get(&self.swept.id).cloned() else {
            return self;
        };
        for leaf in catalog.leaves(&self.swept).into_iter().flatten() {
            let same = Touched {
                loses: false,
                changes: BTreeSet::new(),
                lets_go: BTreeSet::new(),
                by_place: self.physical || leaf.primary_key.is_empty(),
                table: Arc::clone(&leaf),
                ..touched.clone()
            };
            self.tables.entry(leaf.id.clone()).or_insert(same);
        }
        self
    }

    fn follow(request: &Request, catalog: &Catalog) -> Option<Self> {
        let swept = Arc::clone(catalog.table(&request.table).ok()?);
        let mut reach = Self {
            swept: Arc::clone(&swept),
            tables: BTreeMap::new(),
            keys: Vec::new(),
            ties: Vec::new(),
            lookups: Vec::new(),
            keeps_newest: false,
            physical: false,
        };
        let touched = reach.touch(&swept);
        touched.locks = !matches!(request.action, Action::Read(_));
        touched.reads.extend(swept.primary_key.iter().cloned());
        touched.reads.extend(request.order_by.clone());
        reach.condition(&swept, &request.matching, catalog)?;
        match &request.action {
            Action::Delete => {
                reach.touch(&swept).deletes = true;
                reach.loses_rows(&swept, catalog);
            }
            Action::Update(assignments) => {
                for assignment in assignments {
                    let column = assignment.column.clone();
                    let touched = reach.touch(&swept);
                    touched.assigns.insert(column.clone());
                    touched.changes.insert(column.clone());
                    // Rows that hold the new value already are left alone.
                    touched.reads.insert(column);
                    match &assignment.source {
                        Source::Related { table, on, column } => {
                            let related = Arc::clone(catalog.table(table).ok()?);
                            reach.look(&swept, &related, on, None);
                            reach.touch(&related).reads.insert(column.clone());
                        }
                        Source::Column(from) => {
                            reach.touch(&swept).reads.insert(from.clone());
                        }
                        Source::Value(_) | Source::Each(_) | Source::Network { .. } => {}
                    }
                }
            }
            Action::Read(look) => {
                reach.touch(&swept).reads.extend(look.columns.clone());
                return Some(reach);
            }
        }
        let mut before: Vec<Arc<Table>> = Vec::new();
        for dependent in &request.dependents {
            let child = Arc::clone(catalog.table(&dependent.table).ok()?);
            let parent = match dependent.parent {
                None => Arc::clone(&swept),
                Some(place) => Arc::clone(before.get(place)?),
            };
            let matching = dependent.matching.as_ref();
            if let Some(matching) = matching {
                reach.condition(&child, matching, catalog)?;
            }
            reach.tie(&parent, &child, &dependent.on, matching, true);
            let touched = reach.touch(&child);
            touched.reads.extend(child.primary_key.iter().cloned());
            match dependent.fate {
                Fate::Delete => {
                    touched.deletes = true;
                    reach.loses_rows(&child, catalog);
                }
                Fate::Unlink => {
                    let columns = dependent.on.iter().map(|join| join.foreign.clone());
                    touched.changes.extend(columns.clone());
                    touched.lets_go.extend(columns.clone());
                    touched.assigns.extend(columns);
                }
            }
            before.push(child);
        }
        Some(reach)
    }

    fn touch(&mut self, table: &Arc<Table>) -> &mut Touched {
        self.tables
            .entry(table.id.clone())
            .or_insert_with(|| Touched {
                table: Arc::clone(table),
                deletes: false,
                loses: false,
                locks: false,
                reads: BTreeSet::new(),
                assigns: BTreeSet::new(),
                changes: BTreeSet::new(),
                lets_go: BTreeSet::new(),
                // Of a partitioned table it is the leaf that tells.
                by_place: table.primary_key.is_empty() || table.kind == TableKind::Partitioned,
            })
    }

    /// Related rows are read by a join and locked.
    fn look(
        &mut self,
        parent: &Arc<Table>,
        child: &Arc<Table>,
        on: &[Join],
        matching: Option<&Condition>,
    ) {
        let local = on.iter().map(|join| join.local.clone());
        self.touch(parent).reads.extend(local);
        let touched = self.touch(child);
        touched.locks = true;
        let foreign: Vec<_> = on.iter().map(|join| join.foreign.clone()).collect();
        touched.reads.extend(foreign.iter().cloned());
        self.lookups.push(Lookup {
            table: Arc::clone(child),
            columns: foreign,
            matching: matching.cloned(),
        });
    }

    fn tie(
        &mut self,
        parent: &Arc<Table>,
        child: &Arc<Table>,
        on: &[Join],
        matching: Option<&Condition>,
        dependent: bool,
    ) {
        self.look(parent, child, on, matching);
        self.ties.push(Tie {
            parent: Arc::clone(parent),
            child: Arc::clone(child),
            on: on.to_vec(),
            dependent,
            matching: matching.cloned(),
            narrowing: Vec::new(),
        });
    }

    /// The foreign keys that point at a table whose rows go, and those that CASCADE leads to.
    fn loses_rows(&mut self, table: &Arc<Table>, catalog: &Catalog) {
        self.touch(table).loses = true;
        for key in &table.referenced_by {
            if self.keys.contains(key) {
                continue; // also the way out of a circle
            }
            self.keys.push(key.clone());
            let referred_to = key.parent_columns.iter().cloned();
            self.touch(table).reads.extend(referred_to);
            // A schema that the role may not use hides the child: the request is refused for that.
            let Some(child) = catalog.by_id(&key.child) else {
                continue;
            };
            let touched = self.touch(child);
            touched.reads.extend(key.columns.iter().cloned());
            if !matches!(key.rule(), OnDelete::NoAction | OnDelete::Restrict) {
                // Rows that go or change are counted, each once.
                touched.reads.extend(child.primary_key.iter().cloned());
            }
            match key.rule() {
                OnDelete::NoAction | OnDelete::Restrict => {}
                OnDelete::SetNull | OnDelete::SetDefault => {
                    touched.locks = true;
                    touched.changes.extend(key.set_columns.iter().cloned());
                    touched.lets_go.extend(key.set_columns.iter().cloned());
                }
                OnDelete::Cascade => {
                    touched.locks = true;
                    self.loses_rows(child, catalog);
                }
            }
        }
    }

    fn condition(
        &mut self,
        table: &Arc<Table>,
        condition: &Condition,
        catalog: &Catalog,
    ) -> Option<()> {
        match condition {
            Condition::Compare { column, .. }
            | Condition::OlderThan { column, .. }
            | Condition::IdOlderThan { column, .. }
            | Condition::IsNull { column }
            | Condition::IsNotNull { column }
            | Condition::OneOf { column, .. }
            | Condition::StartsWith { column, .. } => {
                self.touch(table).reads.insert(column.clone());
            }
            Condition::CompareColumns { column, to, .. } => {
                let reads = [column.clone(), to.clone()];
                self.touch(table).reads.extend(reads);
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
                let related = Arc::clone(catalog.table(other).ok()?);
                self.tie(table, &related, on, None, false);
                if let Some(matching) = matching {
                    self.condition(&related, matching, catalog)?;
                }
            }
            Condition::BeyondNewest {
                group_by, order_by, ..
            } => {
                self.keeps_newest = true;
                let columns = group_by.iter().chain([order_by]).chain(&table.primary_key);
                let columns = columns.cloned();
                self.touch(table).reads.extend(columns);
            }
            Condition::All(of) | Condition::Any(of) => {
                for term in of {
                    self.condition(table, term, catalog)?;
                }
            }
            Condition::Not(of) => self.condition(table, of, catalog)?,
            Condition::Everything => {}
        }
        Some(())
    }
}

fn child_of(path: &Path, catalog: &Catalog) -> Option<Arc<Table>> {
    path.child().and_then(|id| catalog.by_id(id)).cloned()
}
