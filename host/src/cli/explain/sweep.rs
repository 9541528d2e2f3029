//! One sweep of the job, as plain data.

use serde::Serialize;

use crate::catalog::{Dialect, ForeignKey, OnDelete, Table};
use crate::request::{Action, Condition, Fate, Join, Request};
use crate::sql::{Axis, Plan, Technique};
use crate::sweep::Used;

/// How one sweep goes about its work.
#[derive(Debug, Serialize)]
pub struct SweepPlan {
    /// The swept table.
    pub table: String,
    /// Its rows by the database's own estimate; 0 where it has none.
    pub estimated_rows: u64,
    /// `delete`, `update` or `read`.
    pub action: &'static str,
    /// The columns that an update assigns.
    pub assigns: Vec<String>,
    /// The column along which it goes; `None`: by key.
    pub along: Option<String>,
    /// It goes page by page, in the order in which the rows lie on disk.
    pub physical: bool,
    /// The key, in its order.
    pub key: Vec<String>,
    /// The index by which the database finds where a window ends, or a page's rows, by its own plan.
    pub index: Option<String>,
    /// Why the order that was asked for is not the order of the sweep.
    pub note: Option<String>,
    /// `one-statement` or `lock-then-check`; `one-transaction` on SQLite; `page by page` for
    /// a read.
    pub technique: &'static str,
    /// Why that.
    pub why: &'static str,
    /// Other tables that the condition looks at.
    pub relations: Vec<Relation>,
    /// Rows that go or are unlinked ahead of the swept one.
    pub dependents: Vec<DependentRows>,
    /// What foreign keys at the tables that lose rows do.
    pub foreign_keys: Vec<ForeignKeyUse>,
    /// The statements of a batch, in their order.
    pub statements: Vec<Step>,
}

/// One statement of a batch.
#[derive(Debug, Serialize)]
pub struct Step {
    /// What it is for: `page`, `window`, `links`, `lock`, `lock tied`, `collect`, `unlink` or `batch`.
    pub step: &'static str,
    /// The SQL, with placeholders for its values.
    pub sql: String,
    /// Indexes that the database's own plan of it uses; none where it did not say, as of statements
    /// that take what an earlier one has put down.
    pub indexes: Vec<String>,
    /// With `--analyze`: the database's own plan of it, a line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<String>>,
}

/// A look at another table.
#[derive(Debug, Serialize)]
pub struct Relation {
    /// `exists` or `not-exists`.
    pub kind: &'static str,
    /// The other table.
    pub table: String,
    /// `other = own`, a pair each.
    pub on: Vec<String>,
}

/// Rows ahead of the swept one.
#[derive(Debug, Serialize)]
pub struct DependentRows {
    /// Their table.
    pub table: String,
    /// `child = parent`, a pair each.
    pub on: Vec<String>,
    /// The dependent that they hang on, by its place; `None`: the swept row.
    pub parent: Option<usize>,
    /// Only those of the joined rows that meet a condition of their own.
    pub only_some: bool,
    /// `deleted` or `unlinked`.
    pub fate: &'static str,
}

/// One foreign key that a delete meets.
#[derive(Debug, Serialize)]
pub struct ForeignKeyUse {
    /// The constraint.
    pub name: String,
    /// The table that refers.
    pub child: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub parent: String,
    /// `blocks`, `cascades`, `sets null` or `sets default`; `ahead` where the rows that refer are
    /// dependents, and go or are unlinked first.
    pub effect: &'static str,
}

impl SweepPlan {
    /// The plan as data; `batch_size` is the size of the sample window, `used` the database's own plan of
    /// each statement, which is shown only with `analyze`.
    pub fn of(plan: &Plan, batch_size: u64, used: Vec<Used>, analyze: bool) -> Self {
        let (request, table, axis) = (plan.request(), plan.table(), plan.axis());
        let (technique, why) = match (plan.dialect(), plan.technique()) {
            _ if plan.only_reads() => ("page by page", "the plugin looks at the rows itself"),
            (Dialect::Sqlite, _) => ("one-transaction", "SQLite has one writer at a time"),
            (_, (Technique::OneStatement, why)) => ("one-statement", why),
            (_, (Technique::LockThenCheck, why)) => ("lock-then-check", why),
        };
        let mut relations = Vec::new();
        relations_of(&request.matching, &mut relations);
        let steps = plan.sample(batch_size).unwrap_or_default();
        let (action, assigns) = match &request.action {
            Action::Delete => ("delete", Vec::new()),
            Action::Read(_) => ("read", Vec::new()),
            Action::Update(assignments) => {
                let columns = assignments.iter().map(|set| set.column.clone());
                ("update", columns.collect())
            }
        };
        Self {
            table: table.id.to_string(),
            estimated_rows: table.estimated_rows,
            action,
            assigns,
            along: axis.along.clone(),
            physical: axis.physical,
            key: table.primary_key.clone(),
            index: index_of(table, axis, used.first()),
            note: axis.note.clone(),
            technique,
            why,
            relations,
            dependents: dependents_of(request),
            foreign_keys: foreign_keys_of(plan),
            statements: steps
                .into_iter()
                .zip(used.into_iter().chain(std::iter::repeat(Used::default())))
                .map(|((step, statement), used)| Step {
                    step,
                    sql: statement.text().to_owned(),
                    indexes: used.indexes,
                    plan: analyze.then_some(used.plan),
                })
                .collect(),
        }
    }
}

/// The index by which the first statement, which finds a window's end or a page, goes through the table.
fn index_of(table: &Table, axis: &Axis, used: Option<&Used>) -> Option<String> {
    if axis.physical {
        return None;
    }
    let mut own = table.indexes.iter();
    own.find(|index| used.is_some_and(|used| used.indexes.contains(&index.name)))
        .map(|index| index.name.clone())
}

fn pairs(on: &[Join]) -> Vec<String> {
    on.iter()
        .map(|join| format!("{} = {}", join.foreign, join.local))
        .collect()
}

fn relations_of(condition: &Condition, found: &mut Vec<Relation>) {
    let mut note = |kind, table: &String, on: &[Join]| {
        found.push(Relation {
            kind,
            table: table.clone(),
            on: pairs(on),
        });
    };
    match condition {
        Condition::Exists {
            table,
            on,
            matching,
        } => {
            note("exists", table, on);
            matching.iter().for_each(|m| relations_of(m, found));
        }
        Condition::NotExists {
            table,
            on,
            matching,
        } => {
            note("not-exists", table, on);
            matching.iter().for_each(|m| relations_of(m, found));
        }
        Condition::All(of) | Condition::Any(of) => of.iter().for_each(|t| relations_of(t, found)),
        Condition::Not(of) => relations_of(of, found),
        _ => {}
    }
}

fn dependents_of(request: &Request) -> Vec<DependentRows> {
    let dependents = request.dependents.iter();
    dependents
        .map(|dependent| DependentRows {
            table: dependent.table.clone(),
            on: pairs(&dependent.on),
            parent: dependent.parent,
            only_some: dependent.matching.is_some(),
            fate: match dependent.fate {
                Fate::Delete => "deleted",
                Fate::Unlink => "unlinked",
            },
        })
        .collect()
}

/// Every row that refers by the key is a dependent.
fn goes_first(plan: &Plan, key: &ForeignKey) -> bool {
    let mut dependents = plan.authorized.dependents().iter();
    dependents.any(|tied| {
        let last = tied.path.0.last();
        last.is_some_and(|link| link.parent == key.parent && link.covers(key))
    })
}

fn foreign_keys_of(plan: &Plan) -> Vec<ForeignKeyUse> {
    let keys = crate::preflight::foreign_keys(plan.request(), &plan.catalog);
    keys.into_iter()
        .map(|key| ForeignKeyUse {
            name: key.name.clone(),
            child: key.child.to_string(),
            columns: key.columns.clone(),
            parent: key.parent.to_string(),
            effect: match key.rule() {
                _ if goes_first(plan, &key) => "ahead",
                OnDelete::NoAction | OnDelete::Restrict => "blocks",
                OnDelete::Cascade => "cascades",
                OnDelete::SetNull => "sets null",
                OnDelete::SetDefault => "sets default",
            },
        })
        .collect()
}
