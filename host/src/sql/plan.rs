//! A plan: an authorised request with everything that writing its SQL needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::assign::Networks;
use super::axis::Axis;
use super::pick::Picked;
use super::probes::{probes_of, settled};
use crate::catalog::{
    Catalog, Column, Dialect, IdForm, Kind, Presence, Table, TableId, TimeForm, Times,
};
use crate::request::{Action, Comparison, Condition, Fault, Request, Value};
use crate::scope::Authorized;

/// How columns hold times, keys with times inside and truth values, found before the SQL is written.
#[derive(Debug, Clone, Default)]
pub struct Forms {
    times: BTreeMap<(TableId, String), Times>,
    ids: BTreeMap<(TableId, String), IdForm>,
    /// SQLite: columns whose truth values are written as words.
    words: BTreeSet<(TableId, String)>,
    /// Columns that are asked for NULL, and what a value of theirs says.
    presence: BTreeMap<(TableId, String), Presence>,
}

/// A column that must be looked at before the SQL is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The table.
    pub table: Arc<Table>,
    /// The column.
    pub column: Column,
    /// What it is compared as.
    pub read_as: ReadAs,
    /// The column that it is compared with, where nothing else says that it is a time.
    pub beside: Option<String>,
    /// Rows are ordered by it, and it may hold numbers that are no times.
    pub ordered: bool,
}

/// What the values of a column are compared as, where their type alone does not say how they are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadAs {
    /// A time.
    Time,
    /// A key with a time inside.
    Id,
    /// A truth value, on SQLite.
    Truth,
    /// A value that is there or not.
    Presence,
    /// A value of the storage class of what it is compared with, on SQLite.
    Class,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Forms {
    /// Notes what a probe found.
    pub fn note_time(&mut self, probe: &Probe, times: Times) {
        self.times
            .insert((probe.table.id.clone(), probe.column.name.clone()), times);
    }

    /// Notes what a probe found.
    pub fn note_id(&mut self, probe: &Probe, form: IdForm) {
        self.ids
            .insert((probe.table.id.clone(), probe.column.name.clone()), form);
    }

    /// Table and column of the ids among which a stray one was found, and that one.
    pub(crate) fn strays(&self) -> impl Iterator<Item = (&TableId, &str, &str)> {
        let ids = self.ids.iter();
        ids.filter_map(|((table, column), form)| {
            let stray = form.stray.as_deref()?;
            Some((table, column.as_str(), stray))
        })
    }

    /// Notes that truth values were found written as words.
    pub fn note_words(&mut self, probe: &Probe) {
        self.words
            .insert((probe.table.id.clone(), probe.column.name.clone()));
    }

    /// Notes what a probe found.
    pub fn note_presence(&mut self, probe: &Probe, presence: Presence) {
        let place = (probe.table.id.clone(), probe.column.name.clone());
        self.presence.insert(place, presence);
    }

    /// What a value of the column says, where it is asked for NULL: what nobody has looked at is in doubt.
    pub(crate) fn presence(&self, dialect: Dialect, table: &Table, column: &Column) -> Presence {
        if let Ok(times) = self.time(&table.id, column) {
            return Presence::Times(times);
        }
        let found = self.presence.get(&(table.id.clone(), column.name.clone()));
        let by_type = || Presence::by_type(dialect, table, column);
        found
            .cloned()
            .or_else(by_type)
            .unwrap_or(Presence::Doubtful)
    }

    /// How the column holds instants, where a comparison or the values that were looked at say so.
    pub(crate) fn instants(&self, table: &TableId, column: &Column) -> Result<Times, Fault> {
        let found = self.presence.get(&(table.clone(), column.name.clone()));
        match (self.time(table, column), found) {
            (Err(_), Some(Presence::Times(times))) => Ok(times.clone()),
            (known, _) => known,
        }
    }

    /// SQLite: truth values of the column may be written as words.
    pub(crate) fn words(&self, table: &TableId, column: &str) -> bool {
        self.words.contains(&(table.clone(), column.to_owned()))
    }

    /// Both columns of a comparison hold instants.
    pub(crate) fn are_times(&self, table: &TableId, left: &Column, right: &Column) -> bool {
        self.time(table, left).is_ok() && self.time(table, right).is_ok()
    }

    pub(crate) fn time(&self, table: &TableId, column: &Column) -> Result<Times, Fault> {
        match column.kind {
            Kind::Timestamp | Kind::LocalTimestamp => Ok(by_type(column)),
            _ => self
                .times
                .get(&(table.clone(), column.name.clone()))
                .cloned()
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
    /// The addresses of the batch in hand, by the column that set-network assigns.
    pub(crate) networks: BTreeMap<String, Networks>,
    /// The rows to be acted on, where a plugin has named them; `None`: all that are eligible.
    pub(crate) picked: Option<Arc<Picked>>,
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
        let axis = Axis::choose(&authorized, &catalog, &forms)?;
        let plan = Self {
            authorized,
            catalog,
            forms,
            axis,
            history,
            networks: BTreeMap::new(),
            picked: None,
        };
        plan.remaining(1)?;
        plan.write_dependents()?;
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
        let mut probes = Self::compared(authorized, catalog)?;
        let stamps = |kind: &Kind| matches!(kind, Kind::Timestamp | Kind::LocalTimestamp);
        probes.retain(|probe| probe.read_as != ReadAs::Time || !stamps(&probe.column.kind));
        Ok(probes)
    }

    /// The columns that are compared as times or as keys with one, or that get an instant; of two that are
    /// compared with each other both.
    fn compared(authorized: &Authorized<Request>, catalog: &Catalog) -> Result<Vec<Probe>, Fault> {
        let mut probes = Vec::new();
        let table = authorized.table();
        for condition in
            std::iter::once(&authorized.request().matching).chain(authorized.narrowing())
        {
            probes_of(table, condition, catalog, &mut probes)?;
        }
        if let Action::Update(assignments) = &authorized.request().action {
            for assignment in assignments {
                if let Some(at) = assignment.source.instant() {
                    let as_compared = Condition::Compare {
                        column: assignment.column.clone(),
                        operator: Comparison::Equal,
                        to: Value::Timestamp(at),
                    };
                    probes_of(table, &as_compared, catalog, &mut probes)?;
                }
            }
        }
        if let Action::Read(look) = &authorized.request().action {
            for column in &look.columns {
                if let Some(shown) = super::shown::as_asked(table, column)? {
                    probes_of(table, &shown, catalog, &mut probes)?;
                }
            }
        }
        let dependents = authorized.dependents().iter();
        let dependents = dependents.map(|tied| (&tied.path, &tied.narrowing));
        let consequences = authorized.consequences().iter();
        let consequences = consequences.map(|c| (&c.path, &c.narrowing));
        for (path, narrowing) in dependents.chain(consequences) {
            if let Some(child) = path.child().and_then(|id| catalog.by_id(id)) {
                let asked = path.0.last().and_then(|link| link.matching.as_ref());
                for condition in narrowing.iter().chain(asked) {
                    probes_of(child, condition, catalog, &mut probes)?;
                }
            }
        }
        Ok(settled(probes))
    }

    /// The columns that are compared as times and whose type does not say by whose clock they are.
    pub(crate) fn clocked(&self) -> Vec<Probe> {
        let mut compared = Self::compared(&self.authorized, &self.catalog).unwrap_or_default();
        compared
            .retain(|probe| probe.read_as == ReadAs::Time && probe.column.kind != Kind::Timestamp);
        compared
    }

    /// Those of PostgreSQL's `timestamp` and `date` among them, of whose zone the operator has said nothing. A text is
    /// refused without a word on it, whatever the zone.
    pub(crate) fn zoneless(&self) -> Vec<Probe> {
        let mut clocked = self.clocked();
        clocked.retain(|probe| {
            let zoneless = matches!(probe.column.kind, Kind::LocalTimestamp | Kind::Date);
            zoneless && !probe.column.is_declared_time()
        });
        clocked
    }

    /// The swept table.
    pub fn table(&self) -> &Arc<Table> {
        self.authorized.table()
    }

    /// The request as it was asked for.
    pub fn request(&self) -> &Request {
        self.authorized.request()
    }

    /// How many columns tell one row of the swept table from another.
    pub(crate) fn key_width(&self) -> usize {
        super::physical::key_types(self.table()).len()
    }

    /// The same in either dialect: SQLite has one rowid.
    pub(crate) fn row_width(&self) -> usize {
        match self.table().has_rowid {
            true => 1,
            false => self.key_width(),
        }
    }

    /// The dialect it is written in.
    pub fn dialect(&self) -> Dialect {
        self.catalog.dialect()
    }

    /// The order of the sweep.
    pub fn axis(&self) -> &Axis {
        &self.axis
    }

    /// The same plan with the addresses of a batch read.
    pub(crate) fn with_networks(&self, networks: BTreeMap<String, Networks>) -> Self {
        Self {
            networks,
            ..self.clone()
        }
    }

    pub(crate) fn find_table(&self, name: &str) -> Result<Arc<Table>, Fault> {
        self.catalog
            .table(name)
            .cloned()
            .map_err(|unknown| Fault::invalid("unknown-table", unknown.to_string()))
    }
}

/// What a column of a type of times holds, with the operator's word.
fn by_type(column: &Column) -> Times {
    match &column.time_form {
        Some(times) if times.is_declared() => times.clone(),
        said => Times::found(TimeForm::Native).since(said.as_ref().and_then(Times::oldest)),
    }
}
