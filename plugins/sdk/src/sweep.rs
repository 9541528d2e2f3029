//! Sweeps: batched work on every row that meets a condition.

use crate::access::{self, TableAccess};
use crate::batch::{Outcome, Step};
use crate::condition::Condition;
use crate::error::Result;
use crate::host;
use crate::join::{Join, Related};
use crate::value::Value;

/// Batched work on every row of one table that meets a condition, as plain data until it is
/// [opened](Self::open) or [drained](Self::drain).
///
/// ```no_run
/// use besom_plugin::prelude::*;
///
/// # fn main() -> Result<()> {
/// let cutoff = now() - setting::<Duration>("retention")?;
/// let outcome = delete("sessions")
///     .matching(column("finished_at").older_than(cutoff))
///     .order_by("finished_at")
///     .delete_first("tokens", join("session_id").to("id"))
///     .drain()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a sweep does nothing until it is drained or opened"]
pub struct Sweep {
    table: String,
    action: Action,
    matching: Condition,
    order_by: Option<String>,
    dependents: Vec<Dependent>,
    touches: Vec<TableAccess>,
}

/// What happens to a row that meets the condition.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// It is deleted.
    Delete,
    /// It is given these values. A row that holds them already is not touched.
    Update(Vec<Assignment>),
}

/// One column's new value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // the methods of `Update` that build the cases document their parts
pub enum Assignment {
    Value {
        column: String,
        value: Value,
    },
    Column {
        column: String,
        source: String,
    },
    Related {
        column: String,
        table: String,
        on: Join,
        source: String,
    },
    Network {
        column: String,
        ipv4_prefix: u8,
        ipv6_prefix: u8,
    },
}

/// Rows of another table that go, or are unlinked, ahead of the row that they refer to, in the
/// same transaction.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// // A session goes with its tokens, and each token's log lines stay without a token.
/// let tokens = Dependent::delete("tokens", join("session_id").to("id"))
///     .unlink_first("token_log", join("token_id").to("id"));
/// let sweep = delete("sessions")
///     .matching(column("finished_at").older_than(now()))
///     .dependent(tokens);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Dependent {
    pub(crate) table: String,
    pub(crate) on: Join,
    pub(crate) matching: Option<Condition>,
    pub(crate) delete: bool,
    pub(crate) dependents: Vec<Dependent>,
}

/// A delete that still lacks its condition. See [`delete`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Delete {
    table: String,
}

/// An update that still lacks its condition. See [`update`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Update {
    table: String,
    assignments: Vec<Assignment>,
}

/// Deletes rows of `table`: `delete("t").matching(condition)`.
pub fn delete(table: impl Into<String>) -> Delete {
    Delete {
        table: table.into(),
    }
}

/// Updates rows of `table`: `update("t").set("column", value).matching(condition)`.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// let sweep = update("sessions")
///     .set("last_active_ip", Value::Null)
///     .matching(column("last_active_at").older_than(now()));
/// ```
pub fn update(table: impl Into<String>) -> Update {
    Update {
        table: table.into(),
        assignments: Vec::new(),
    }
}

impl Delete {
    /// The rows to delete: those that meet `condition`.
    pub fn matching(self, condition: Condition) -> Sweep {
        Sweep::new(self.table, Action::Delete, condition)
    }
}

impl Update {
    /// Assigns a value. Each column is assigned once, here and below.
    pub fn set(self, column: impl Into<String>, value: impl Into<Value>) -> Self {
        self.assign(Assignment::Value {
            column: column.into(),
            value: value.into(),
        })
    }

    /// Assigns the value of another column of the same row.
    pub fn set_from_column(self, column: impl Into<String>, source: impl Into<String>) -> Self {
        self.assign(Assignment::Column {
            column: column.into(),
            source: source.into(),
        })
    }

    /// Assigns column `source` of the one row of `table` that is joined to this one; with none or
    /// several, the row is left as it is.
    pub fn set_from_related(
        self,
        column: impl Into<String>,
        table: impl Into<String>,
        on: Join,
        source: impl Into<String>,
    ) -> Self {
        self.assign(Assignment::Related {
            column: column.into(),
            table: table.into(),
            on,
            source: source.into(),
        })
    }

    /// Keeps the network of the IP address in `column`, that many bits of it, and zeroes the rest.
    pub fn set_network(self, column: impl Into<String>, ipv4_bits: u8, ipv6_bits: u8) -> Self {
        self.assign(Assignment::Network {
            column: column.into(),
            ipv4_prefix: ipv4_bits,
            ipv6_prefix: ipv6_bits,
        })
    }

    /// The rows to update: those that meet `condition`. The host refuses an update that assigns
    /// nothing.
    pub fn matching(self, condition: Condition) -> Sweep {
        Sweep::new(self.table, Action::Update(self.assignments), condition)
    }

    fn assign(mut self, assignment: Assignment) -> Self {
        self.assignments.push(assignment);
        self
    }
}

impl Dependent {
    /// Rows of `table` joined to the row ahead of which they are deleted. A join may say which of them
    /// are meant, where rows of several tables hang on one column:
    ///
    /// ```
    /// use besom_plugin::prelude::*;
    ///
    /// let of_accounts = join("about_id").to("id").matching(column("about_kind").equals("account"));
    /// let notes = Dependent::delete("notes", of_accounts);
    /// ```
    pub fn delete(table: impl Into<String>, on: impl Into<Related>) -> Self {
        let Related { on, matching } = on.into();
        Self {
            table: table.into(),
            on,
            matching,
            delete: true,
            dependents: Vec::new(),
        }
    }

    /// Rows of `table` whose joined columns are set to NULL; the rows stay.
    pub fn unlink(table: impl Into<String>, on: impl Into<Related>) -> Self {
        Self {
            delete: false,
            ..Self::delete(table, on)
        }
    }

    /// Rows that are deleted ahead of this dependent's own.
    pub fn delete_first(self, table: impl Into<String>, on: impl Into<Related>) -> Self {
        self.dependent(Self::delete(table, on))
    }

    /// Rows that are unlinked ahead of this dependent's own.
    pub fn unlink_first(self, table: impl Into<String>, on: impl Into<Related>) -> Self {
        self.dependent(Self::unlink(table, on))
    }

    /// Adds a dependent of this dependent. The host refuses it for rows that are unlinked: they
    /// stay, and nothing goes ahead of them.
    pub fn dependent(mut self, dependent: Self) -> Self {
        self.dependents.push(dependent);
        self
    }
}

impl Sweep {
    fn new(table: String, action: Action, matching: Condition) -> Self {
        Self {
            table,
            action,
            matching,
            order_by: None,
            dependents: Vec::new(),
            touches: Vec::new(),
        }
    }

    /// The column whose index bounds the batches; without it, the primary key. The condition must
    /// imply that it is not NULL.
    pub fn order_by(mut self, column: impl Into<String>) -> Self {
        self.order_by = Some(column.into());
        self
    }

    /// Deletes the rows of `table` joined to a swept row ahead of it, in the same transaction: all of
    /// them, or those that meet the join's own condition.
    pub fn delete_first(self, table: impl Into<String>, on: impl Into<Related>) -> Self {
        self.dependent(Dependent::delete(table, on))
    }

    /// Sets the joined columns of the rows of `table` to NULL ahead of the swept row, in the same
    /// transaction.
    pub fn unlink_first(self, table: impl Into<String>, on: impl Into<Related>) -> Self {
        self.dependent(Dependent::unlink(table, on))
    }

    /// Adds a dependent with dependents of its own. The host refuses dependents of an update, whose
    /// rows stay.
    pub fn dependent(mut self, dependent: Dependent) -> Self {
        self.dependents.push(dependent);
        self
    }

    /// Says that the database deletes the rows of `table` whose `column` refers to a row that goes, where
    /// it has such a key: `ON DELETE CASCADE`. It changes nothing in what the sweep does, and adds to what
    /// it asks the operator for.
    pub fn cascades_to(self, table: impl Into<String>, column: impl Into<String>) -> Self {
        self.also_touches(access::table(table).reads([column]).deletes().if_there())
    }

    /// Says that the database empties `column` of the rows of `table` that refer to a row that goes, where
    /// it has such a key: `ON DELETE SET NULL`. It changes nothing in what the sweep does, and adds to what
    /// it asks the operator for.
    pub fn sets_null(self, table: impl Into<String>, column: impl Into<String>) -> Self {
        self.also_touches(access::table(table).updates([column]).if_there())
    }

    /// Asks the operator for more than follows from the sweep.
    pub fn also_touches(mut self, access: TableAccess) -> Self {
        self.touches.push(access);
        self
    }

    /// The swept table.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// What happens to a row.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// What makes a row eligible.
    pub fn condition(&self) -> &Condition {
        &self.matching
    }

    /// The column whose index bounds the batches; `None`: the primary key.
    pub fn order(&self) -> Option<&str> {
        self.order_by.as_deref()
    }

    pub(crate) fn dependents(&self) -> &[Dependent] {
        &self.dependents
    }

    pub(crate) fn touched(&self) -> &[TableAccess] {
        &self.touches
    }

    /// Opens the sweep, to go through it batch by batch.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`](crate::Error::Denied) where the grant does not cover it,
    /// [`Error::Invalid`](crate::Error::Invalid) where a part of it makes no sense for the table.
    pub fn open(&self) -> Result<Opened> {
        Ok(Opened {
            cursor: host::open(self)?,
        })
    }

    /// Opens the sweep and runs its batches until every eligible row has been visited or the host
    /// says stop.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and whatever fails a batch. The batches before it stay
    /// committed.
    pub fn drain(&self) -> Result<Outcome> {
        let mut opened = self.open()?;
        let mut outcome = Outcome::default();
        loop {
            match opened.next()? {
                Step::Batch(batch) => {
                    outcome.total += batch;
                    outcome.batches += 1;
                }
                Step::Drained => return Ok(outcome),
                Step::Suspended(reason) => {
                    outcome.suspended = Some(reason);
                    return Ok(outcome);
                }
            }
        }
    }
}

/// A sweep under way.
///
/// ```no_run
/// use besom_plugin::prelude::*;
///
/// # fn main() -> Result<()> {
/// let mut sweep = delete("t").matching(column("gone").equals(true)).open()?;
/// while let Step::Batch(batch) = sweep.next()? {
///     log(Level::Debug, "one batch", &[("affected", &batch.affected)]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Opened {
    cursor: host::Cursor,
}

impl Opened {
    /// Runs one batch in one transaction. The host chooses its size and may wait before it.
    ///
    /// # Errors
    ///
    /// Whatever fails the batch, after the host's own retries; nothing of it is committed then.
    #[allow(clippy::should_implement_trait)] // an iterator would hide that a step can fail
    pub fn next(&mut self) -> Result<Step> {
        self.cursor.next()
    }
}
