//! The check itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cutoffs::past_cutoffs;
use super::family::Family;
use super::refusal::refuse;
use super::tables::{find, find_column, holds_id, relatable, sweepable};
use super::{Authorized, Grants, Missing, Right, TableGrant};
use crate::catalog::{Catalog, Table, TableId};
use crate::request::{Action, Comparison, Condition, Fault, JobName, Join, Request, Timestamp};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The job, with its plugin.
    pub job: JobName,
    /// The plugin ships in this binary, and is granted what its `access` names.
    pub bundled: bool,
}

/// Turns a request into one that may be run, or says what is missing.
///
/// # Errors
/// `invalid` for names that are not in the catalog and relations that cannot be swept, `denied`
/// with the TOML that would allow it for what the grant does not cover.
pub fn authorize(
    request: Request,
    grants: &Grants,
    subject: &Subject,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Authorized<Request>, Fault> {
    let table = Arc::clone(find(catalog, &request.table)?);
    check(request, &table, None, grants, subject, catalog, now)
}

/// The same for a leaf of a partitioned table, under that table's grant.
pub(super) fn authorize_leaf(
    request: Request,
    leaf: &Arc<Table>,
    root: &Arc<Table>,
    grants: &Grants,
    subject: &Subject,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Authorized<Request>, Fault> {
    check(request, leaf, Some(root), grants, subject, catalog, now)
}

fn check(
    request: Request,
    table: &Arc<Table>,
    root: Option<&Arc<Table>>,
    grants: &Grants,
    subject: &Subject,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Authorized<Request>, Fault> {
    request.check()?;
    let table = Arc::clone(table);
    sweepable(&table)?;
    let grants = &grants.spelled(catalog)?;
    let mut given = by_table(grants, catalog);
    if let Some(root) = root {
        match given.get(&root.id).copied() {
            Some(grant) => drop(given.insert(table.id.clone(), grant)),
            None => drop(given.remove(&table.id)),
        }
    }
    let mut check = Check {
        catalog,
        now,
        given,
        missing: Vec::new(),
    };

    check.condition(&table, &request.matching, true)?;
    if !matches!(request.action, Action::Read(_)) {
        past_cutoffs(&table, &request.matching, now, false)?;
    }
    if let Some(column) = &request.order_by {
        check.reads(&table, column, "order-by")?;
    }
    let family = match &request.action {
        Action::Delete => {
            check.needs_right(&table, Right::Delete, None, "the sweep deletes its rows");
            check.family(&table, &request.dependents)?
        }
        Action::Update(assignments) => {
            check.assignments(&table, &request, assignments)?;
            Family::default()
        }
        Action::Read(look) => {
            for column in &look.columns {
                check.reads(&table, column, "the read")?;
            }
            Family::default()
        }
    };
    if !check.missing.is_empty() {
        return Err(refuse(subject, &check.missing, &grants.tables));
    }
    let narrowing = match request.action {
        // What may be looked at is the columns' to say; what may be changed, also the rows'.
        Action::Read(_) => Vec::new(),
        Action::Delete | Action::Update(_) => check.narrowing(&table)?,
    };
    Ok(Authorized {
        request,
        table,
        root: root.cloned(),
        narrowing,
        family,
    })
}

/// Whether a grant covers an access list, table by table under the names that both use (see
/// [`Grants::spelled`]): asked before a run begins, so that a plugin that needs more says so at once and not in the middle.
///
/// # Errors
/// `denied`, with the TOML that would allow it.
pub fn covers(given: &Grants, asked: &Grants, subject: &Subject) -> Result<(), Fault> {
    let missing = lacking(given, asked);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(refuse(subject, &missing, &given.tables))
    }
}

/// What of an access list a grant does not cover.
pub fn lacking(given: &Grants, asked: &Grants) -> Vec<Missing> {
    let mut missing = Vec::new();
    for (table, wanted) in &asked.tables {
        let none = TableGrant::default();
        let have = given.tables.get(table).unwrap_or(&none);
        let mut note = |right, column: Option<&String>| {
            missing.push(Missing {
                table: table.clone(),
                right,
                column: column.cloned(),
                because: "the plugin's `access` names it".to_owned(),
            });
        };
        wanted
            .read
            .difference(&have.read)
            .for_each(|column| note(Right::Read, Some(column)));
        wanted
            .update
            .difference(&have.update)
            .for_each(|column| note(Right::Update, Some(column)));
        if wanted.delete && !have.delete {
            note(Right::Delete, None);
        }
        if wanted.all_rows && !have.all_rows {
            note(Right::AllRows, None);
        }
    }
    missing
}

/// A check under way: what has been asked for so far, and what of it the grant does not give.
pub(super) struct Check<'a> {
    pub(super) catalog: &'a Catalog,
    now: Timestamp,
    given: BTreeMap<TableId, (&'a str, &'a TableGrant)>,
    missing: Vec<Missing>,
}

impl Check<'_> {
    /// Every column that the condition looks at, in this table and in related ones.
    fn condition(
        &mut self,
        table: &Table,
        condition: &Condition,
        swept: bool,
    ) -> Result<(), Fault> {
        match condition {
            Condition::Compare { column, .. }
            | Condition::OlderThan { column, .. }
            | Condition::IdOlderThan { column, .. }
            | Condition::IsNull { column }
            | Condition::IsNotNull { column }
            | Condition::OneOf { column, .. }
            | Condition::StartsWith { column, .. } => self.reads(table, column, "the condition"),
            Condition::CompareColumns { column, to, .. } => {
                self.reads(table, column, "the condition")?;
                self.reads(table, to, "the condition")
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
                let related = Arc::clone(find(self.catalog, other)?);
                self.joins(table, &related, on)?;
                matching
                    .as_ref()
                    .map_or(Ok(()), |m| self.condition(&related, m, false))
            }
            Condition::BeyondNewest {
                group_by, order_by, ..
            } => {
                for column in group_by.iter().chain([order_by]) {
                    self.reads(table, column, "beyond-newest")?;
                }
                Ok(())
            }
            Condition::All(of) | Condition::Any(of) => of
                .iter()
                .try_for_each(|term| self.condition(table, term, swept)),
            Condition::Not(of) => self.condition(table, of, swept),
            Condition::Everything => {
                if swept {
                    self.needs_right(table, Right::AllRows, None, "the condition is `everything`");
                }
                Ok(())
            }
        }
    }

    pub(super) fn reads(
        &mut self,
        table: &Table,
        column: &str,
        because: &str,
    ) -> Result<(), Fault> {
        let found = find_column(table, column)?;
        self.needs_right(table, Right::Read, Some(&found.name), because);
        Ok(())
    }

    /// Both sides of a join to `related`, which is an ordinary table.
    pub(super) fn joins(
        &mut self,
        table: &Table,
        related: &Table,
        on: &[Join],
    ) -> Result<(), Fault> {
        relatable(related)?;
        if on.is_empty() {
            return Err(Fault::invalid(
                "empty-join",
                format!(
                    "the relation to `{}` joins no column: name at least one pair",
                    related.id
                ),
            ));
        }
        for join in on {
            self.reads(related, &join.foreign, "a join")?;
            self.reads(table, &join.local, "a join")?;
        }
        Ok(())
    }

    /// Notes the right as missing unless the grant gives it.
    pub(super) fn needs_right(
        &mut self,
        table: &Table,
        right: Right,
        column: Option<&str>,
        because: &str,
    ) {
        let (name, given) = match self.given.get(&table.id) {
            Some((name, grant)) => ((*name).to_owned(), Some(*grant)),
            None => (self.catalog.spelling(&table.id), None),
        };
        let allowed = given.is_some_and(|grant| match (right, column) {
            (Right::Read, Some(column)) => grant.read.contains(column),
            (Right::Update, Some(column)) => grant.update.contains(column),
            (Right::Delete, _) => grant.delete,
            (Right::AllRows, _) => grant.all_rows,
            (Right::Read | Right::Update, None) => false,
        });
        let need = Missing {
            table: name,
            right,
            column: column.map(str::to_owned),
            because: because.to_owned(),
        };
        if !allowed && !self.missing.contains(&need) {
            self.missing.push(need);
        }
    }

    /// The grant's `min-age` and `where` on a table, as conditions on the row that is changed.
    pub(super) fn narrowing(&self, table: &Table) -> Result<Vec<Condition>, Fault> {
        let Some((_, grant)) = self.given.get(&table.id) else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        if let Some(floor) = &grant.min_age {
            let column = find_column(table, &floor.column)?;
            let age = i64::try_from(floor.age.as_micros()).unwrap_or(i64::MAX);
            let cutoff = self.now.minus_micros(age);
            let name = column.name.clone();
            all.push(if holds_id(table, column) {
                Condition::IdOlderThan {
                    column: name,
                    cutoff,
                }
            } else {
                Condition::OlderThan {
                    column: name,
                    cutoff,
                    offset: 0,
                }
            });
        }
        for (column, value) in &grant.filter {
            all.push(Condition::Compare {
                column: find_column(table, column)?.name.clone(),
                operator: Comparison::Equal,
                to: value.clone(),
            });
        }
        Ok(all)
    }
}

fn by_table<'a>(
    grants: &'a Grants,
    catalog: &Catalog,
) -> BTreeMap<TableId, (&'a str, &'a TableGrant)> {
    let mut given = BTreeMap::new();
    for (name, grant) in &grants.tables {
        if let Ok(table) = catalog.table(name) {
            given.insert(table.id.clone(), (name.as_str(), grant));
        }
    }
    given
}
