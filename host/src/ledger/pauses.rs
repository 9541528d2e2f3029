//! What is paused, on every host that shares the ledger.

use std::fmt;
use std::str::FromStr;

use super::{LedgerError, micros, write_now};
use crate::database::{Cells, Database, Statement};
use crate::request::{JobName, Timestamp};

/// What a pause holds back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Every job.
    Everything,
    /// Every job of a plugin.
    Plugin(String),
    /// One job.
    Job(JobName),
}

impl Scope {
    /// Whether the job is among them.
    pub fn covers(&self, job: &JobName) -> bool {
        match self {
            Self::Everything => true,
            Self::Plugin(plugin) => *plugin == job.plugin,
            Self::Job(one) => one == job,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => Ok(()),
            Self::Plugin(plugin) => f.write_str(plugin),
            Self::Job(job) => job.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = crate::request::NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" => Self::Everything,
            job if job.contains('/') => Self::Job(job.parse()?),
            plugin => Self::Plugin(plugin.to_owned()),
        })
    }
}

/// A pause in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// What is held back.
    pub what: Scope,
    /// Why, in words.
    pub why: String,
    /// Who said so.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// Holds jobs back until [`resume`]. A second pause of the same leaves the first one's words.
///
/// # Errors
/// What the database says.
pub async fn pause(
    database: &Database,
    what: &Scope,
    why: &str,
    by: &str,
) -> Result<(), LedgerError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_pause (what, why, by, at) VALUES (")
        .bind(what.to_string())
        .push(", ")
        .bind(why)
        .push(", ")
        .bind(by)
        .push(", ");
    write_now(&mut w, now);
    w.push(") ON CONFLICT (what) DO NOTHING");
    session.execute(&w).await.map_err(LedgerError::of)?;
    Ok(())
}

/// Ends a pause; false where there was none of just this.
///
/// # Errors
/// What the database says.
pub async fn resume(database: &Database, what: &Scope) -> Result<bool, LedgerError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("DELETE FROM besom_pause WHERE what = ")
        .bind(what.to_string())
        .push(" RETURNING 1");
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    Ok(!rows.is_empty())
}

/// The pauses in force, the widest first.
///
/// # Errors
/// What the database says.
pub async fn pauses(database: &Database) -> Result<Vec<Pause>, LedgerError> {
    let mut session = database.session().await?;
    let dialect = session.dialect();
    let mut w = Statement::new(dialect);
    w.push("SELECT what, why, by, ")
        .push(&micros(dialect, "at"));
    w.push(" FROM besom_pause ORDER BY what");
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    let of_row = |row: &Cells| {
        Some(Pause {
            what: row.get(0).as_text()?.parse().ok()?,
            why: row.get(1).as_text()?.to_owned(),
            by: row.get(2).as_text()?.to_owned(),
            at: Timestamp(row.get(3).as_integer()?),
        })
    };
    Ok(rows.iter().filter_map(of_row).collect())
}
