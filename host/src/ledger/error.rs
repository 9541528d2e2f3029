//! Why the ledger did not do what was asked.

use crate::database::DatabaseError;
use crate::request::{JobName, RunId};

/// Why the ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The tables are not there, or not all of their columns.
    #[error(
        "this database has no besom ledger yet, or one of an earlier version: run `besom migrate` first \
         (on PostgreSQL a role sees it where its schema is on the search path, with USAGE)"
    )]
    NotMigrated,
    /// Another host runs the job.
    #[error(
        "`{job}` is running already: run {run} on host `{host}`, whose lease ends in {seconds} s unless it is renewed"
    )]
    Busy {
        /// The job.
        job: JobName,
        /// Its active run.
        run: RunId,
        /// The host that holds the lease.
        host: String,
        /// Seconds until the lease ends.
        seconds: i64,
    },
    /// Another run changes one of the job's tables.
    #[error(
        "`{relation}` is being cleaned by {} on host `{host}`; one run at a time changes a table, so \
         try again when that one has ended",
        job.as_ref().map_or_else(|| "another run".to_owned(), |job| format!("`{job}`"))
    )]
    TableBusy {
        /// The table.
        relation: String,
        /// The job that has it, where it is known.
        job: Option<JobName>,
        /// The host that runs it.
        host: String,
    },
    /// Another host has the entry of the queue, or it is done.
    #[error("another host has taken this run already")]
    Taken,
    /// SQLite has no clock of its own, and the host's went back.
    #[error(
        "this host's clock is {behind_seconds} s behind the last run in the ledger: set the clock right; \
         every cut-off would be wrong"
    )]
    ClockWentBack {
        /// How far it is behind.
        behind_seconds: i64,
    },
    /// The run is no longer this host's, so its outcome is not this host's to record.
    #[error("run {0} was taken over by another host or ended; its record stands as it is there")]
    Lost(RunId),
    /// Host after host has gone on with the run, and none came as far as a batch.
    #[error(
        "run {0} has been gone on with again and again without a batch, and has failed: what it does seems to \
         end its hosts. Their logs say how; the job's next run begins anew"
    )]
    InVain(RunId),
    /// No run of that id.
    #[error("no run {0} in the ledger: `besom runs list` shows the recent ones")]
    UnknownRun(RunId),
    /// The role lacks a right on the ledger's tables.
    #[error(
        "the role may not keep besom's ledger: {0}; `besom check` prints the grants that it lacks"
    )]
    Denied(DatabaseError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl LedgerError {
    /// Tells a ledger that is not there from other failures.
    pub(crate) fn of(error: DatabaseError) -> Self {
        let missing = matches!(error.code.as_str(), "42P01" | "42703")
            || (error.message.contains("no such table") && error.message.contains("besom_"))
            || error.message.contains("no such column");
        if missing {
            Self::NotMigrated
        } else if error.code == "42501" {
            Self::Denied(error)
        } else {
            Self::Database(error)
        }
    }
}
