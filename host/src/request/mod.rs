//! The words that the rooms share: requests, conditions, values, batches, faults.
//!
//! Nothing here knows SQL, the contract's generated types, or a database. A request is plain data
//! that anybody may build; only [`crate::scope`] turns one into something that may be executed.

mod action;
mod condition;
mod fault;
mod names;
mod needs;
mod reading;
mod right;
mod rules;

pub use action::{Action, Assignment, Dependent, Fate, Source};
pub use condition::{Comparison, Condition, Join, Value};
pub use fault::{Fault, Problem};
pub use names::{JobName, NameError, RunId, Timestamp};
pub use reading::{Look, Page, Reading, Values};
pub use right::{Denied, Missing, Right};

/// The target of the spans that group the log: a run's, and in it a batch's. Nothing else has it, and
/// every filter lets it through, so that each line of a run says whose it is.
pub const SPANS: &str = "besom::span";

/// Rows that have outlived their purpose, what is to happen to them, and the order in which to go
/// through them.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The swept table, as the plugin named it: `table` or `schema.table`.
    pub table: String,
    /// What makes a row eligible.
    pub matching: Condition,
    /// The column whose index bounds the batches; `None`: the primary key.
    pub order_by: Option<String>,
    /// What happens to an eligible row.
    pub action: Action,
    /// Rows that go ahead of a deleted one.
    pub dependents: Vec<Dependent>,
}

impl Request {
    /// A request to delete every row of `table` that meets `matching`.
    pub fn delete(table: impl Into<String>, matching: Condition) -> Self {
        Self::new(table, matching, Action::Delete)
    }

    /// A request to give every row of `table` that meets `matching` new values, which follow by
    /// [`Request::set`].
    pub fn update(table: impl Into<String>, matching: Condition) -> Self {
        Self::new(table, matching, Action::Update(Vec::new()))
    }

    fn new(table: impl Into<String>, matching: Condition, action: Action) -> Self {
        Self {
            table: table.into(),
            matching,
            order_by: None,
            action,
            dependents: Vec::new(),
        }
    }

    /// The same request, swept along the index of `column`.
    #[must_use]
    pub fn order_by(mut self, column: impl Into<String>) -> Self {
        self.order_by = Some(column.into());
        self
    }

    /// The same update with one more column assigned. On a request that deletes, nothing.
    #[must_use]
    pub fn set(mut self, column: impl Into<String>, source: Source) -> Self {
        if let Action::Update(assignments) = &mut self.action {
            let column = column.into();
            assignments.push(Assignment { column, source });
        }
        self
    }

    /// The same request with rows of `table` deleted ahead of their parent: the swept row, or a
    /// dependent by its place in the list.
    #[must_use]
    pub fn delete_first(
        self,
        table: impl Into<String>,
        on: Vec<Join>,
        parent: Option<usize>,
    ) -> Self {
        self.with(table.into(), on, parent, Fate::Delete)
    }

    /// The same with the joined columns set to NULL, and the rows left where they are.
    #[must_use]
    pub fn unlink_first(
        self,
        table: impl Into<String>,
        on: Vec<Join>,
        parent: Option<usize>,
    ) -> Self {
        self.with(table.into(), on, parent, Fate::Unlink)
    }

    fn with(mut self, table: String, on: Vec<Join>, parent: Option<usize>, fate: Fate) -> Self {
        self.dependents.push(Dependent {
            table,
            on,
            parent,
            matching: None,
            fate,
        });
        self
    }

    /// The same with only those rows of the dependent named last that meet `matching`. Without a
    /// dependent, nothing.
    #[must_use]
    pub fn where_they_meet(mut self, matching: Condition) -> Self {
        if let Some(last) = self.dependents.last_mut() {
            last.matching = Some(matching);
        }
        self
    }
}

/// What one committed batch did, or would have done in a dry run. All counts are rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Batch {
    /// Rows looked at, by which the sweep advances.
    pub examined: u64,
    /// Rows deleted or updated.
    pub affected: u64,
    /// Rows deleted or unlinked ahead of them, as the request asked.
    pub dependents: u64,
    /// Rows that the database's own ON DELETE rules took or changed with them.
    pub cascaded: u64,
    /// Eligible rows passed over because another transaction held them.
    pub locked: u64,
    /// Eligible rows passed over because a row outside the request refers to them.
    pub blocked: u64,
    /// Rows that stopped being eligible between the look and the act.
    pub revived: u64,
}

impl Batch {
    /// Rows that this batch changed in any way: what row budgets count.
    pub fn changed(&self) -> u64 {
        self.affected + self.dependents + self.cascaded
    }
}

impl std::ops::AddAssign for Batch {
    fn add_assign(&mut self, other: Self) {
        self.examined += other.examined;
        self.affected += other.affected;
        self.dependents += other.dependents;
        self.cascaded += other.cascaded;
        self.locked += other.locked;
        self.blocked += other.blocked;
        self.revived += other.revived;
    }
}

/// What a sweep answers when it is asked for its next batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// One committed batch.
    Batch(Batch),
    /// Every eligible row has been visited.
    Drained,
    /// Stop here; the rest stays for the next run.
    Suspended(Suspension),
}

/// Why a sweep stops before it is drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspension {
    /// The run's deadline has passed.
    Deadline,
    /// The run has changed as many rows as it may.
    RowBudget,
    /// The run has changed as large a part of the table as it may.
    MaxFraction,
    /// The host is shutting down.
    ShuttingDown,
    /// The hours in which the job may run are over.
    WindowClosed,
    /// Somebody paused the job.
    Paused,
    /// Another version of the plugin is to go on instead.
    Upgraded,
    /// What the run's statements take for given about the schema is so no more.
    SchemaChanged,
    /// The database refuses row after row.
    Refused,
}

impl Suspension {
    /// The reason as the contract spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::RowBudget => "row-budget",
            Self::MaxFraction => "max-fraction",
            Self::ShuttingDown => "shutting-down",
            Self::WindowClosed => "window-closed",
            Self::Paused => "paused",
            Self::Upgraded => "upgraded",
            Self::SchemaChanged => "schema-changed",
            Self::Refused => "refused",
        }
    }
}

/// A run is asked to stop after its batch in hand, for any host to go on with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parking {
    /// The reason, as the plugin and the run's report have it.
    pub why: Suspension,
    /// How long the run lies still at least.
    pub wait: std::time::Duration,
}

/// Whether a run changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Rows are deleted.
    Apply,
    /// Rows are counted in a read-only transaction; nothing changes.
    DryRun,
}

impl Mode {
    /// The mode as the ledger and the JSON output spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::DryRun => "dry-run",
        }
    }
}
