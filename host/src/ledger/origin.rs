//! Why there is to be a run.

use crate::catalog::Dialect;
use crate::database::{Bind, Statement};
use crate::request::{RunId, Timestamp};

use super::write_time;

/// Why there is to be a run, and which attempt at it this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What brought it about.
    pub cause: Cause,
    /// The time of its schedule; `None` where somebody asked for it.
    pub due_at: Option<Timestamp>,
    /// Who asked for it.
    pub asked_by: Option<String>,
    /// 1, and one more with each that failed before it.
    pub attempt: u32,
    /// The entry of the queue that it answers.
    pub entry: Option<RunId>,
    /// The entry has become a run before.
    pub begun_before: bool,
}

/// What brought a run about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `besom run`.
    Command,
    /// Its time had come.
    Schedule,
    /// Somebody asked a running service for it.
    Request,
    /// A new version of its plugin is compared with the one in use.
    Shadow,
}

impl Cause {
    /// The cause as the ledger spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Schedule => "schedule",
            Self::Request => "request",
            Self::Shadow => "shadow",
        }
    }

    pub(super) fn read(text: &str) -> Self {
        match text {
            "schedule" => Self::Schedule,
            "request" => Self::Request,
            "shadow" => Self::Shadow,
            _ => Self::Command,
        }
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            cause: Cause::Command,
            due_at: None,
            asked_by: None,
            attempt: 1,
            entry: None,
            begun_before: false,
        }
    }
}

impl Origin {
    /// Whoever asked for a run knows it by its entry; later attempts are runs of their own.
    pub(super) fn first_run(&self) -> Option<RunId> {
        self.entry
            .filter(|_| self.attempt == 1 && !self.begun_before)
    }

    /// Writes `, cause, asked_by, attempt, due_at` as values.
    pub(super) fn write(&self, w: &mut Statement) {
        let asked_by = self.asked_by.as_deref();
        w.push(", ").bind(self.cause.as_str());
        w.push(", ").bind(asked_by.map_or(Bind::Null, Bind::from));
        w.push(", ").bind_as(i64::from(self.attempt), "integer");
        w.push(", ");
        match (self.due_at, w.dialect()) {
            (Some(due), _) => write_time(w, due),
            (None, Dialect::Postgres | Dialect::Sqlite) => drop(w.push("NULL")),
        }
    }
}
