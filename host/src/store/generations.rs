//! What each host made of a version: whether it is ready, and what it runs.

use std::fmt;

use crate::database::{Cells, Database, Statement};
use crate::ledger::{self, HostRecord, begin, micros, write_now};
use crate::plugin::Digest;
use crate::request::Timestamp;

use super::StoreError;
use super::rows::{digest, fetch, text, words};

/// What a host made of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Built and checked; it could be run.
    Ready,
    /// It could not be run here.
    Failed,
    /// New runs begin with it.
    Running,
}

/// One host's word on one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The host.
    pub host: String,
    /// The plugin.
    pub plugin: String,
    /// The version.
    pub digest: Digest,
    /// What became of it there.
    pub state: State,
    /// Why it failed.
    pub why: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What the hosts that are there say of a version together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every one of them has it ready.
    Ready,
    /// These have not said anything yet.
    Waiting(Vec<String>),
    /// One of them cannot run it.
    Failed {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Running => "running",
        })
    }
}

/// What the living hosts say of a version together.
pub fn verdict(hosts: &[HostRecord], said: &[Generation], plugin: &str, of: &Digest) -> Verdict {
    let mut waiting = Vec::new();
    for host in hosts.iter().filter(|host| host.alive) {
        let word = said
            .iter()
            .find(|said| said.host == host.name && said.plugin == plugin && said.digest == *of);
        match word {
            Some(said) if said.state == State::Failed => {
                return Verdict::Failed {
                    host: host.name.clone(),
                    why: said.why.clone().unwrap_or_default(),
                };
            }
            Some(_) => {}
            None => waiting.push(host.name.clone()),
        }
    }
    match waiting.is_empty() {
        true => Verdict::Ready,
        false => Verdict::Waiting(waiting),
    }
}

/// Says what this host made of a version. One that runs takes the place of the one before.
///
/// # Errors
/// What the database says.
pub async fn report(
    database: &Database,
    host: &str,
    plugin: &str,
    of: &Digest,
    state: State,
    why: Option<&str>,
) -> Result<(), StoreError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    session.begin(begin(database.dialect())).await?;
    if state == State::Running {
        let mut w = Statement::new(session.dialect());
        w.push("DELETE FROM besom_generation WHERE host = ")
            .bind(host)
            .push(" AND plugin = ")
            .bind(plugin)
            .push(
                " AND (state = 'running' OR NOT EXISTS (SELECT 1 FROM besom_deployment AS d WHERE \
                 d.plugin = besom_generation.plugin AND d.staged = besom_generation.digest))",
            );
        fetch(&mut session, &w).await?;
        // What hosts that are long gone once said is nobody's concern.
        let mut w = Statement::new(session.dialect());
        w.push("DELETE FROM besom_generation WHERE host NOT IN (SELECT name FROM besom_host) AND host <> ")
            .bind(host);
        fetch(&mut session, &w).await?;
    }
    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_generation (host, plugin, digest, state, why, at) VALUES (");
    w.bind(host).push(", ").bind(plugin);
    w.push(", ").bind(of.to_string());
    w.push(", ").bind(state.to_string());
    w.push(", ").bind(text(why)).push(", ");
    write_now(&mut w, now);
    w.push(
        ") ON CONFLICT (host, plugin, digest) DO UPDATE SET state = excluded.state, why = excluded.why, \
         at = excluded.at",
    );
    fetch(&mut session, &w).await?;
    session.commit().await?;
    Ok(())
}

/// Forgets what the hosts said of a version, so that they are asked anew.
pub(crate) async fn forget(
    database: &Database,
    plugin: &str,
    of: &Digest,
) -> Result<(), StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("DELETE FROM besom_generation WHERE state <> 'running' AND plugin = ")
        .bind(plugin)
        .push(" AND digest = ")
        .bind(of.to_string());
    fetch(&mut session, &w).await.map(drop)
}

/// What every host said.
///
/// # Errors
/// What the database says.
pub async fn generations(database: &Database) -> Result<Vec<Generation>, StoreError> {
    let all = ledger::hosts(database).await?;
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("SELECT host, plugin, digest, state, why, ");
    w.push(&micros(session.dialect(), "at"));
    w.push(" FROM besom_generation ORDER BY plugin, host, at DESC");
    let rows = fetch(&mut session, &w).await?;
    let of_row = |row: &Cells| {
        let host = words(row.get(0))?;
        all.iter().find(|known| known.alive && known.name == host)?;
        Some(Generation {
            host,
            plugin: words(row.get(1))?,
            digest: digest(row.get(2))?,
            state: match row.get(3).as_text()? {
                "ready" => State::Ready,
                "running" => State::Running,
                _ => State::Failed,
            },
            why: words(row.get(4)),
            at: Timestamp(row.get(5).as_integer()?),
        })
    };
    Ok(rows.iter().filter_map(of_row).collect())
}
