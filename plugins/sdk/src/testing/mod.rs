//! A host for unit tests: runs a plugin's jobs natively and tells what they decided.
//!
//! It answers settings, the clock and scripted steps. It judges no condition: a sweep meets what the
//! test says, and a reader the rows that the test gives it ([`FakeHost::rows`]), in pages, of which it
//! may delete and change some. As
//! the real host does, it refuses a sweep that the plugin's own access list does not cover or that
//! contradicts itself (an update with dependents, say), and a setting that the manifest does not
//! declare.
//!
//! ```
//! use besom_plugin::prelude::*;
//! use besom_plugin::testing::FakeHost;
//! # struct Audit;
//! # impl Plugin for Audit {
//! #     fn describe() -> Manifest {
//! #         Manifest::new("audit", "1.0.0", "")
//! #             .setting(Setting::duration("retention", "").default("90d"))
//! #             .job(Job::new("expired", ""))
//! #     }
//! #     fn plan(_job: &str) -> Result<Vec<Sweep>> {
//! #         let cutoff = now() - setting::<Duration>("retention")?;
//! #         Ok(vec![delete("audit_log").matching(column("created_at").older_than(cutoff))])
//! #     }
//! # }
//!
//! let now = Timestamp::from_micros(1_700_000_000_000_000);
//! let ten = Batch { affected: 10, ..Batch::default() };
//!
//! let ran = FakeHost::at(now)
//!     .set("retention", Duration::from_secs(60))
//!     .answer("audit_log", [Ok(Step::Batch(ten)), Ok(Step::Drained)])
//!     .run::<Audit>("expired");
//!
//! let cutoff = now - Duration::from_secs(60);
//! assert_eq!(ran.result, Ok(()));
//! assert_eq!(
//!     ran.sweeps(),
//!     [&delete("audit_log").matching(column("created_at").older_than(cutoff))],
//! );
//! assert_eq!(ran.opened[0].steps, 2);
//! ```

pub(crate) mod host;
mod notation;
mod rules;
mod state;
mod tables;

pub use tables::Acted;

pub use state::{Logged, Swept};

use std::collections::{HashMap, VecDeque};

use crate::access::TableAccess;
use crate::batch::Step;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::plugin::Plugin;
use crate::rows::Reading;
use crate::setting::SettingValue;
use crate::sweep::Sweep;
use crate::time::Timestamp;
use crate::value::Value;
use state::{Grant, State};
use tables::Table;

/// A host that a test sets up and hands a plugin to. It serves any number of calls, each of which
/// begins afresh.
#[derive(Debug, Clone)]
#[must_use]
pub struct FakeHost {
    now: Timestamp,
    settings: HashMap<String, SettingValue>,
    steps: HashMap<String, VecDeque<VecDeque<Result<Step>>>>,
    pages: HashMap<String, VecDeque<Result<Reading>>>,
    counts: HashMap<String, u64>,
    tables: HashMap<String, Table>,
    page_rows: u32,
    max_rows: u64,
}

/// What came of one call of [`FakeHost::run`].
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// What the job returned.
    pub result: Result<()>,
    /// The sweeps that the job opened, in order.
    pub opened: Vec<Swept>,
    /// What the job logged.
    pub logs: Vec<Logged>,
    /// What it did to rows of pages that it read: the table, and which rows.
    pub acted: Vec<(String, Acted)>,
    /// What is left in the tables that the host held, by name.
    pub rows: HashMap<String, Vec<Vec<Value>>>,
}

impl Ran {
    /// The sweeps that the job opened, in order, as it wrote them.
    pub fn sweeps(&self) -> Vec<&Sweep> {
        self.opened.iter().map(|swept| &swept.sweep).collect()
    }
}

impl FakeHost {
    /// A host whose clock stands at `now`, whose settings are the manifest's defaults and whose
    /// tables have no eligible row.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            settings: HashMap::new(),
            steps: HashMap::new(),
            pages: HashMap::new(),
            counts: HashMap::new(),
            tables: HashMap::new(),
            page_rows: tables::PAGE_ROWS,
            max_rows: u64::MAX,
        }
    }

    /// Gives a setting a value, as an operator would.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<SettingValue>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// What the next sweep of `table` answers, step by step; after the last of them it is drained.
    /// Called again for the sweep after that one.
    pub fn answer(
        mut self,
        table: impl Into<String>,
        steps: impl IntoIterator<Item = Result<Step>>,
    ) -> Self {
        let sweeps = self.steps.entry(table.into()).or_default();
        sweeps.push_back(steps.into_iter().collect());
        self
    }

    /// Rows of `table` with these columns, in the order of their key: what a reader meets, whatever its
    /// condition. Give those that meet it.
    ///
    /// ```
    /// # use besom_plugin::prelude::*;
    /// # use besom_plugin::testing::FakeHost;
    /// let host = FakeHost::at(Timestamp::from_micros(0)).rows("letters", ["id"], [[1], [2], [3]]);
    /// ```
    pub fn rows<C: Into<String>, R: IntoIterator<Item: Into<Value>>>(
        mut self,
        table: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        let rows = rows.into_iter().map(|row| row.into_iter().map(Into::into));
        let held = Table {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: rows.map(|row| Some(row.collect())).collect(),
        };
        self.tables.insert(table.into(), held);
        self
    }

    /// How many rows a page has at most; without it, 1000.
    pub fn page_rows(mut self, most: u32) -> Self {
        self.page_rows = most.max(1);
        self
    }

    /// After so many rows changed by readers the host suspends the run.
    pub fn max_rows(mut self, most: u64) -> Self {
        self.max_rows = most;
        self
    }

    /// What reads of `table` answer, page by page; after the last of them they are drained.
    pub fn pages(
        mut self,
        table: impl Into<String>,
        pages: impl IntoIterator<Item = Result<Reading>>,
    ) -> Self {
        self.pages.entry(table.into()).or_default().extend(pages);
        self
    }

    /// How many rows of `table` match, whatever the condition; without it, none.
    pub fn count(mut self, table: impl Into<String>, rows: u64) -> Self {
        self.counts.insert(table.into(), rows);
        self
    }

    /// Runs a job, granted what its access list asks for.
    pub fn run<P: Plugin>(&self, job: &str) -> Ran {
        let granted = match self.access::<P>(job) {
            Ok(list) => Grant::Only(list),
            Err(error) => {
                return Ran {
                    result: Err(error),
                    opened: Vec::new(),
                    logs: Vec::new(),
                    acted: Vec::new(),
                    rows: left(self.tables.clone()),
                };
            }
        };
        let (result, state) = self.call::<P, _>(job, granted, || P::run(job));
        Ran {
            result: result.and_then(|inner| inner),
            opened: state.opened,
            logs: state.logs,
            acted: state.acted,
            rows: left(state.tables),
        }
    }

    /// What a job touches under these settings.
    ///
    /// # Errors
    ///
    /// What the plugin says is wrong with them.
    pub fn access<P: Plugin>(&self, job: &str) -> Result<Vec<TableAccess>> {
        let (result, _) = self.call::<P, _>(job, Grant::Nothing, || P::access(job));
        result.and_then(|inner| inner)
    }

    /// What a job's preflight finds.
    ///
    /// # Errors
    ///
    /// What kept it from looking.
    pub fn preflight<P: Plugin>(&self, job: &str) -> Result<Vec<Finding>> {
        let granted = Grant::Only(self.access::<P>(job)?);
        let (result, _) = self.call::<P, _>(job, granted, || P::preflight(job));
        result.and_then(|inner| inner)
    }

    fn call<P: Plugin, T>(
        &self,
        job: &str,
        granted: Grant,
        of: impl FnOnce() -> T,
    ) -> (Result<T>, State) {
        let settings = self.settings_of::<P>(job);
        let mut state = State::new(self.now, granted);
        state.steps = self.steps.clone();
        state.pages = self.pages.clone();
        state.counts = self.counts.clone();
        state.tables = self.tables.clone();
        state.page_rows = self.page_rows;
        state.budget = self.max_rows;
        match settings {
            Ok(settings) => {
                state.settings = settings;
                let (answer, state) = host::with(state, of);
                (Ok(answer), state)
            }
            Err(error) => (Err(error), state),
        }
    }

    /// Every declared setting with its value in force.
    fn settings_of<P: Plugin>(&self, job: &str) -> Result<HashMap<String, Option<SettingValue>>> {
        let manifest = P::describe();
        let Some(job) = manifest.jobs.iter().find(|known| known.name == job) else {
            return Err(Error::unknown_job(job));
        };
        let mut settings = HashMap::new();
        for setting in &manifest.settings {
            let own = job.defaults.iter().find(|(name, _)| *name == setting.name);
            let default = own.map(|(_, default)| default).or(setting.default.as_ref());
            let value = match (self.settings.get(&setting.name), default) {
                (Some(value), _) => Some(value.clone()),
                (None, Some(text)) => Some(notation::read(setting, text)?),
                (None, None) => None,
            };
            settings.insert(setting.name.clone(), value);
        }
        let declared = |name: &&String| !settings.contains_key(*name);
        let undeclared = self
            .settings
            .keys()
            .chain(job.defaults.iter().map(|(name, _)| name));
        match undeclared.into_iter().find(declared) {
            Some(name) => Err(state::undeclared(name)),
            None => Ok(settings),
        }
    }
}

fn left(tables: HashMap<String, Table>) -> HashMap<String, Vec<Vec<Value>>> {
    let left = tables.into_iter();
    left.map(|(name, table)| (name, table.left())).collect()
}
