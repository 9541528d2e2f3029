//! Which database cluster the ledger is in.
//!
//! A backup that is restored brings the ledger along: schedules, due times, runs under way. Whoever
//! restores one wants to look at the rows before anything deletes them again.

use super::{LedgerError, begin};
use crate::catalog::Dialect;
use crate::database::{Cause as DatabaseCause, Database, Session, Statement};

/// Where the ledger woke up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awoken {
    /// Where it was, or in the same cluster after a failover.
    Here,
    /// Elsewhere, with the reason in words.
    Elsewhere(String),
    /// The database does not tell.
    Unknown(String),
}

struct Place {
    system: String,
    timeline: i64,
}

/// Compares the cluster with the one that the ledger was written in. What is answered as
/// [`Awoken::Elsewhere`] is so until [`settle_here`].
///
/// # Errors
/// What the database says.
pub async fn awoken(database: &Database) -> Result<Awoken, LedgerError> {
    let mut session = database.session().await?;
    let here = match here(&mut session).await {
        Ok(Some(here)) => here,
        Ok(None) => return Ok(Awoken::Here),
        Err(LedgerError::Database(error)) if error.cause != DatabaseCause::ConnectionLost => {
            return Ok(Awoken::Unknown(error.message));
        }
        Err(LedgerError::Denied(error)) => return Ok(Awoken::Unknown(error.message)),
        Err(error) => return Err(error),
    };
    let mut w = Statement::new(session.dialect());
    w.push("SELECT system, timeline FROM besom_cluster");
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    let Some(row) = rows.first() else {
        write(&mut session, &here).await?;
        return Ok(Awoken::Here);
    };
    let written = Place {
        system: row.get(0).as_text().unwrap_or_default().to_owned(),
        timeline: row.get(1).as_integer().unwrap_or_default(),
    };
    if written.system != here.system {
        return Ok(Awoken::Elsewhere(format!(
            "the ledger was written in another database cluster (system identifier {}, and this is {}): \
             this looks like a restored or copied database",
            written.system, here.system
        )));
    }
    if here.timeline < written.timeline {
        return Ok(Awoken::Elsewhere(format!(
            "the ledger was written on timeline {} of this cluster, and this is timeline {}: it looks \
             like one that was restored to an earlier time",
            written.timeline, here.timeline
        )));
    }
    if here.timeline > written.timeline {
        write(&mut session, &here).await?;
    }
    Ok(Awoken::Here)
}

/// From now on the ledger belongs here.
///
/// # Errors
/// What the database says.
pub async fn settle_here(database: &Database) -> Result<(), LedgerError> {
    let mut session = database.session().await?;
    match here(&mut session).await? {
        Some(here) => write(&mut session, &here).await,
        None => Ok(()),
    }
}

/// `None` on SQLite: a file that is copied is the same to all who look.
async fn here(session: &mut Session) -> Result<Option<Place>, LedgerError> {
    if session.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    let mut w = Statement::new(Dialect::Postgres);
    // The first eight digits of a WAL file's name are its timeline, in hex: the last checkpoint's may
    // be that of before a promotion.
    w.push(
        "SELECT system_identifier::text, \
         ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint \
         FROM pg_control_system()",
    );
    let row = session.fetch_one(&w).await.map_err(LedgerError::of)?;
    Ok(Some(Place {
        system: row.get(0).as_text().unwrap_or_default().to_owned(),
        timeline: row.get(1).as_integer().unwrap_or_default(),
    }))
}

async fn write(session: &mut Session, here: &Place) -> Result<(), LedgerError> {
    session.begin(begin(session.dialect())).await?;
    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_cluster (one, system, timeline) VALUES (true, ")
        .bind(here.system.as_str())
        .push(", ");
    w.bind_as(here.timeline, "bigint");
    w.push(
        ") ON CONFLICT (one) DO UPDATE SET system = excluded.system, timeline = excluded.timeline",
    );
    session.execute(&w).await.map_err(LedgerError::of)?;
    session.commit().await?;
    Ok(())
}
