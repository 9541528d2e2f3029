//! The check itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::behind::{events, nothing_behind};
use super::cutoffs::past_cutoffs;
use super::family::Family;
use super::instants::with_instants;
use super::refusal::Refusal;
use super::tables::{find, find_column, holds_id, relatable, sweepable};
use super::zoned::{is_zoned, is_zoned_join, joins_the_same};
use super::{Authorized, Granted, Grants, TableGrant};
use crate::catalog::{Catalog, Event, Table, TableId};
use crate::request::{
    Action, Comparison, Condition, Fault, JobName, Join, Missing, Request, Right, Timestamp,
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The job, with its plugin.
    pub job: JobName,
    /// The plugin ships in this binary, and is granted what its `access` names beside what the file says.
    pub bundled: bool,
}

/// Turns a request into one that may be run, or says what is missing.
///
/// # Errors
/// `invalid` for names that are not in the catalog and relations that cannot be swept, `denied`
/// with the TOML that would allow it for what the grant does not cover.
pub fn authorize(
    request: Request,
    granted: &Granted,
    subject: &Subject,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Authorized<Request>, Fault> {
    let table = Arc::clone(find(catalog, &request.table)?);
    check(request, &table, None, granted, subject, catalog, now)
}

/// The same for a leaf of a partitioned table, under that table's grant.
pub(super) fn authorize_leaf(
    request: Request,
    leaf: &Arc<Table>,
    root: &Arc<Table>,
    granted: &Granted,
    subject: &Subject,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Authorized<Request>, Fault> {
    check(request, leaf, Some(root), granted, subject, catalog, now)
}

fn check(
    request: Request,
    table: &Arc<Table>,
    root: Option<&Arc<Table>>,
    granted: &Granted,
    subject: &Subject,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Authorized<Request>, Fault> {
    request.check()?;
    let table = Arc::clone(table);
    sweepable(&table)?;
    let request = with_instants(request, &table, catalog)?;
    let granted = &granted.spelled(catalog)?;
    let mut check = Check {
        catalog,
        now,
        granted,
        root: root.map(|root| (&table.id, &root.id)),
        given: by_table(&granted.whole, catalog),
        said: by_table(&granted.access, catalog),
        missing: Vec::new(),
        zoned: false,
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
        return Err(Fault::from(Refusal {
            subject: subject.clone(),
            missing: check.missing,
            given: granted.file.clone(),
        }));
    }
    let touched = events(&table, &request, &family.dependents, &family.consequences);
    nothing_behind(&touched, &table, &family.dependents, catalog)?;
    let of_keys = touched.iter().any(|(id, event)| {
        let lost = catalog.by_id(id).filter(|_| *event == Event::Delete);
        lost.is_some_and(|table| {
            let mut keys = table.referenced_by.iter();
            keys.any(|key| is_zoned(key, catalog))
        })
    });
    let zoned = check.zoned || of_keys;
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
        zoned,
    })
}

/// A check under way: what has been asked for so far, and what of it the grant does not give.
pub(super) struct Check<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) now: Timestamp,
    granted: &'a Granted,
    /// The leaf that is asked for, and the partitioned table under whose grant it is.
    root: Option<(&'a TableId, &'a TableId)>,
    /// The whole grant.
    given: BTreeMap<TableId, &'a TableGrant>,
    /// What the plugin says that it touches.
    said: BTreeMap<TableId, &'a TableGrant>,
    missing: Vec<Missing>,
    /// Some join or key that was met goes by the zone of the session.
    pub(super) zoned: bool,
}

impl Check<'_> {
    /// Every column that the condition looks at, in this table and in related ones.
    pub(super) fn condition(
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
        joins_the_same(table, related, on, self.catalog)?;
        self.zoned |= is_zoned_join(table, related, on, self.catalog);
        for join in on {
            self.reads(related, &join.foreign, "a join")?;
            self.reads(table, &join.local, "a join")?;
        }
        Ok(())
    }

    /// Notes the right as missing unless the grant gives it and the plugin has said that it uses it.
    pub(super) fn needs_right(
        &mut self,
        table: &Table,
        right: Right,
        column: Option<&str>,
        because: &str,
    ) {
        let id = self.granted_as(table);
        let unsaid = !gives(&self.said, id, right, column);
        self.note(table, right, column, because, unsaid);
    }

    /// The same for what the database does by itself: the whole grant counts, of which the plugin need
    /// not know.
    pub(super) fn needs_by_rule(
        &mut self,
        table: &Table,
        right: Right,
        column: Option<&str>,
        because: &str,
    ) {
        self.note(table, right, column, because, false);
    }

    fn note(
        &mut self,
        table: &Table,
        right: Right,
        column: Option<&str>,
        because: &str,
        unsaid: bool,
    ) {
        let id = self.granted_as(table);
        if !unsaid && gives(&self.given, id, right, column) {
            return;
        }
        let need = Missing {
            table: self.granted.name_of(id, self.catalog),
            right,
            column: column.map(str::to_owned),
            because: because.to_owned(),
            unsaid,
        };
        if !self.missing.contains(&need) {
            self.missing.push(need);
        }
    }

    /// The table whose grant a table is under.
    fn granted_as<'t>(&'t self, table: &'t Table) -> &'t TableId {
        match self.root {
            Some((leaf, root)) if *leaf == table.id => root,
            _ => &table.id,
        }
    }

    /// The grant's `min-age` and `where` on a table, as conditions on the row that is changed: its own and
    /// those of every partitioned table that it is a part of.
    ///
    /// # Errors
    /// `ambiguous-grant` where the grant narrows a partition of it: the rows of one partition cannot be
    /// told from the others' in what the database does by itself.
    pub(super) fn narrowing(&self, table: &Table) -> Result<Vec<Condition>, Fault> {
        let mut all = Vec::new();
        for (id, grant) in self.given.iter().filter(|(_, grant)| grant.narrows()) {
            if self.catalog.holds(id, &table.id) {
                self.narrow(table, grant, &mut all)?;
            } else if self.catalog.holds(&table.id, id) {
                return Err(Fault::invalid(
                    "ambiguous-grant",
                    format!(
                        "the grant narrows `{id}`, which is a partition of `{}`, and the job changes that \
                         as a whole: write `min-age` and `where` for `{}`, and none for `{id}`",
                        table.id, table.id
                    ),
                ));
            }
        }
        Ok(all)
    }

    fn narrow(
        &self,
        table: &Table,
        grant: &TableGrant,
        all: &mut Vec<Condition>,
    ) -> Result<(), Fault> {
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
        Ok(())
    }
}

fn gives(
    grants: &BTreeMap<TableId, &TableGrant>,
    table: &TableId,
    right: Right,
    column: Option<&str>,
) -> bool {
    let grant = grants.get(table);
    grant.is_some_and(|grant| grant.gives(right, column))
}

fn by_table<'a>(grants: &'a Grants, catalog: &Catalog) -> BTreeMap<TableId, &'a TableGrant> {
    let found = |(name, grant): (&String, &'a TableGrant)| {
        Some((catalog.table(name).ok()?.id.clone(), grant))
    };
    grants.tables.iter().filter_map(found).collect()
}
