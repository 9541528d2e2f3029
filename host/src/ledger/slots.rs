//! One run at a time on a table: two jobs that change the same tables would lock in opposite orders.
//!
//! A slot is its run's while that run's lease lasts. Who takes it from a run whose host is gone raises
//! that run's token first, so that a host which merely slept finds its next batch refused.

use std::collections::BTreeSet;

use super::claim::raise_token;
use super::fence::lease_left;
use super::{LedgerError, run_id};
use crate::catalog::Dialect;
use crate::database::{Database, Session, Statement};
use crate::request::{JobName, RunId, Timestamp};

/// Takes a slot for each table, all or none.
pub(super) async fn take(
    session: &mut Session,
    run: RunId,
    relations: &[String],
    now: Timestamp,
) -> Result<(), LedgerError> {
    let mut relations: Vec<&str> = relations.iter().map(String::as_str).collect();
    // In one order everywhere, so that two hosts never wait for each other.
    relations.sort_unstable();
    relations.dedup();
    if relations.is_empty() {
        return Ok(());
    }
    let mut stale: Vec<RunId> = Vec::new();
    for held in held(session, &relations, now).await? {
        if held.run == run {
            continue;
        }
        if held.left > 0 {
            return Err(held.refusal());
        }
        if !stale.contains(&held.run) {
            stale.push(held.run);
        }
    }
    for stale in &stale {
        raise_token(session, *stale).await?;
    }
    // By the runs, too: while a token was waited for, others may have taken what was free.
    for run in stale.iter().chain([&run]) {
        let mut w = Statement::new(session.dialect());
        w.push("DELETE FROM besom_slot WHERE run = ")
            .bind_as(run.to_string(), "uuid");
        w.push(" AND relation IN (");
        listed(&mut w, &relations);
        w.push(")");
        session.execute(&w).await.map_err(LedgerError::of)?;
    }

    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_slot (relation, run) VALUES ");
    for (index, relation) in relations.iter().enumerate() {
        w.push(if index == 0 { "(" } else { ", (" });
        w.bind(*relation).push(", ");
        w.bind_as(run.to_string(), "uuid").push(")");
    }
    w.push(" ON CONFLICT (relation) DO NOTHING RETURNING relation");
    let taken = session.fetch(&w).await.map_err(LedgerError::of)?;
    let taken: Vec<_> = taken
        .iter()
        .filter_map(|row| row.get(0).as_text())
        .collect();
    match relations.iter().find(|relation| !taken.contains(relation)) {
        // Another host took it between the two statements.
        Some(relation) => Err(LedgerError::TableBusy {
            relation: (*relation).to_owned(),
            job: None,
            host: "another host".to_owned(),
        }),
        None => Ok(()),
    }
}

/// Frees the tables of a run that is over, or lies still.
pub(super) async fn free(session: &mut Session, run: RunId) -> Result<(), LedgerError> {
    let mut w = Statement::new(session.dialect());
    w.push("DELETE FROM besom_slot WHERE run = ")
        .bind_as(run.to_string(), "uuid");
    session.execute(&w).await.map_err(LedgerError::of)?;
    Ok(())
}

/// The tables that runs under way have to themselves.
///
/// # Errors
/// What the database says.
pub async fn busy(database: &Database) -> Result<BTreeSet<String>, LedgerError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("SELECT s.relation FROM besom_slot AS s JOIN besom_lease AS l ON l.run = s.run WHERE ");
    lease_left(&mut w, now);
    w.push(" > 0");
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    let names = rows.iter().filter_map(|row| row.get(0).as_text());
    Ok(names.map(str::to_owned).collect())
}

struct Held {
    relation: String,
    run: RunId,
    job: JobName,
    host: String,
    /// Microseconds until its run's lease ends.
    left: i64,
}

impl Held {
    fn refusal(self) -> LedgerError {
        LedgerError::TableBusy {
            relation: self.relation,
            job: Some(self.job),
            host: self.host,
        }
    }
}

/// The slots among these that are held, locked.
async fn held(
    session: &mut Session,
    relations: &[&str],
    now: Timestamp,
) -> Result<Vec<Held>, LedgerError> {
    let dialect = session.dialect();
    let mut w = Statement::new(dialect);
    w.push("SELECT s.relation, ").push(match dialect {
        Dialect::Postgres => "s.run::text",
        Dialect::Sqlite => "s.run",
    });
    w.push(", r.plugin, r.job, coalesce(l.host, r.host), coalesce(");
    lease_left(&mut w, now);
    w.push(", 0) FROM besom_slot AS s JOIN besom_run AS r ON r.id = s.run");
    // A run that ended by the hand of another host holds nothing any more.
    w.push(" LEFT JOIN besom_lease AS l ON l.run = s.run AND r.state = 'running' WHERE s.relation IN (");
    listed(&mut w, relations);
    w.push(") ORDER BY s.relation");
    if dialect == Dialect::Postgres {
        w.push(" FOR UPDATE OF s");
    }
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    rows.iter()
        .map(|row| {
            let text = |index: usize| row.get(index).as_text().unwrap_or_default().to_owned();
            Ok(Held {
                relation: text(0),
                run: run_id(row.get(1))?,
                job: JobName::new(text(2), text(3)),
                host: text(4),
                left: row.get(5).as_integer().unwrap_or_default(),
            })
        })
        .collect()
}

fn listed(w: &mut Statement, relations: &[&str]) {
    for (index, relation) in relations.iter().enumerate() {
        if index > 0 {
            w.push(", ");
        }
        w.bind(*relation);
    }
}
