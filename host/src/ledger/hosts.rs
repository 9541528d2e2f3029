//! The hosts that share a database, by their heartbeat.

use std::time::Duration;

use super::{LedgerError, begin, micros, write_now};
use crate::database::{Cells, Database, Statement};
use crate::request::Timestamp;

/// A host that has been there lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRecord {
    /// The name under which it holds leases.
    pub name: String,
    /// besom's version there.
    pub version: String,
    /// Since when it serves.
    pub started_at: Timestamp,
    /// Its last heartbeat.
    pub seen_at: Timestamp,
    /// It counts as alive.
    pub alive: bool,
}

/// A host that has not been heard of for so long counts as gone; it says so every third second.
const ALIVE: Duration = Duration::from_secs(10);

/// Hosts whose last word is older are forgotten: a name often holds a process id.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// Says that this host is there, and forgets those that have long been gone.
///
/// # Errors
/// What the database says.
pub async fn announce(database: &Database, name: &str, version: &str) -> Result<(), LedgerError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    session.begin(begin(database.dialect())).await?;
    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_host (name, version, started_at, seen_at) VALUES (")
        .bind(name)
        .push(", ")
        .bind(version);
    for _ in ["started_at", "seen_at"] {
        w.push(", ");
        write_now(&mut w, now);
    }
    w.push(
        ") ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, version = excluded.version",
    );
    session.execute(&w).await.map_err(LedgerError::of)?;
    let mut w = Statement::new(session.dialect());
    let long_ago = Timestamp(now.0.saturating_sub(micros_of(FORGOTTEN)));
    let far_ahead = Timestamp(now.0.saturating_add(micros_of(FORGOTTEN)));
    w.push("DELETE FROM besom_host WHERE seen_at < ");
    super::write_time(&mut w, long_ago);
    w.push(" OR seen_at > ");
    super::write_time(&mut w, far_ahead);
    session.execute(&w).await.map_err(LedgerError::of)?;
    session.commit().await?;
    Ok(())
}

/// Says that this host is gone.
///
/// # Errors
/// What the database says; the host then counts as gone a little later.
pub async fn depart(database: &Database, name: &str) -> Result<(), LedgerError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("DELETE FROM besom_host WHERE name = ").bind(name);
    session.execute(&w).await.map_err(LedgerError::of)?;
    Ok(())
}

/// Every host that is not forgotten, by name.
///
/// # Errors
/// What the database says.
pub async fn hosts(database: &Database) -> Result<Vec<HostRecord>, LedgerError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    let dialect = session.dialect();
    let mut w = Statement::new(dialect);
    w.push("SELECT name, version, ")
        .push(&micros(dialect, "started_at"));
    w.push(", ").push(&micros(dialect, "seen_at"));
    w.push(" FROM besom_host ORDER BY name");
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    let of_row = |row: &Cells| {
        let seen_at = Timestamp(row.get(3).as_integer()?);
        Some(HostRecord {
            name: row.get(0).as_text()?.to_owned(),
            version: row.get(1).as_text()?.to_owned(),
            started_at: Timestamp(row.get(2).as_integer()?),
            seen_at,
            // Seen in the future: by a clock that has been put back since.
            alive: now.0.abs_diff(seen_at.0) <= micros_of(ALIVE).unsigned_abs(),
        })
    };
    Ok(rows.iter().filter_map(of_row).collect())
}

fn micros_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
