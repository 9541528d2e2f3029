//! The claim on a run, kept alive by heartbeats.

use std::time::Duration;

use super::fence::lease_left;
use super::{Fence, LedgerError, write_after};
use crate::database::{Database, DatabaseError, Session, Statement};
use crate::request::{RunId, Timestamp};

/// Keeps a claim alive.
#[derive(Debug, Clone)]
pub struct Lease {
    database: Database,
    run: RunId,
    /// The claim's: the host's name alone may be another host's, too.
    token: i64,
    host: String,
    length: Duration,
}

impl Lease {
    pub(super) fn new(database: &Database, fence: Fence, host: &str, length: Duration) -> Self {
        Self {
            database: database.clone(),
            run: fence.run,
            token: fence.token,
            host: host.to_owned(),
            length,
        }
    }

    /// Renews the lease; false where the run is no longer this host's.
    ///
    /// # Errors
    /// What the database says; the caller may try again until the lease has ended.
    pub async fn renew(&self) -> Result<bool, DatabaseError> {
        let now = self.database.now().await?;
        let mut session = self.database.session().await?;
        let mut w = Statement::new(session.dialect());
        w.push("UPDATE besom_lease SET expires = ");
        write_after(&mut w, self.length, now);
        self.write_mine(&mut w);
        w.push(" AND ");
        self.write_token(&mut w);
        w.push(" RETURNING 1");
        Ok(!session.fetch(&w).await?.is_empty())
    }

    /// Gives the run up, for any host to go on with it; without effect where another has it already.
    ///
    /// # Errors
    /// What the database says; the lease then runs out by itself.
    pub async fn give_up(&self) -> Result<(), DatabaseError> {
        let now = self.database.now().await?;
        let mut session = self.database.session().await?;
        let mut w = Statement::new(session.dialect());
        w.push("DELETE FROM besom_lease AS l");
        self.write_mine(&mut w);
        w.push(" AND (");
        self.write_token(&mut w);
        // Whoever took only the run's tables has raised the token, and left the lease as it was.
        w.push(" OR ");
        lease_left(&mut w, now);
        w.push(" <= 0)");
        session.execute(&w).await.map(drop)
    }

    fn write_mine(&self, w: &mut Statement) {
        w.push(" WHERE run = ")
            .bind_as(self.run.to_string(), "uuid");
        w.push(" AND host = ").bind(self.host.as_str());
    }

    /// The claim still stands. Read, not locked: a heartbeat never waits for a batch.
    fn write_token(&self, w: &mut Statement) {
        w.push("EXISTS (SELECT 1 FROM besom_run AS r WHERE r.id = ")
            .bind_as(self.run.to_string(), "uuid");
        w.push(" AND r.token = ").bind(self.token).push(")");
    }

    /// How long one renewal holds.
    pub fn length(&self) -> Duration {
        self.length
    }
}

/// Makes the run this host's, for as long as a lease lasts.
pub(super) async fn write_lease(
    session: &mut Session,
    run: RunId,
    host: &str,
    length: Duration,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_lease (run, host, expires) VALUES (");
    w.bind_as(run.to_string(), "uuid")
        .push(", ")
        .bind(host)
        .push(", ");
    write_after(&mut w, length, now);
    w.push(") ON CONFLICT (run) DO UPDATE SET host = excluded.host, expires = excluded.expires");
    session.execute(&w).await.map_err(LedgerError::of)?;
    Ok(())
}
