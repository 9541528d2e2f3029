//! Jobs that crash on a version, whichever host they crash on.
//!
//! Only traps and the guest's own limits count: what the database or the operator does to a run says
//! nothing about the version.

use crate::database::{Cells, Database, Statement};
use crate::ledger::{begin, micros, write_now};
use crate::plugin::Digest;
use crate::request::{JobName, Timestamp};

use super::audit::write as write_audit;
use super::deployments::raise;
use super::rows::{digest, fetch, words};
use super::{Action, Audit, Outcome, StoreError, Who};

/// Crashes in a row that suspend a job on a version: once is bad luck, twice a coincidence.
pub const STRIKES: u32 = 3;

/// In the place of a job's name where a version crashed before any job of it could be asked.
pub const EVERY_JOB: &str = "*";

/// A job that does not run on a version any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspended {
    /// The version.
    pub digest: Digest,
    /// The job; [`EVERY_JOB`] for the version as a whole.
    pub job: JobName,
    /// How it ended last.
    pub why: String,
    /// When that was.
    pub at: Timestamp,
}

/// Counts one crash of a job on a version, and answers how many there are in a row now. The last of
/// [`STRIKES`] makes every host look again.
///
/// # Errors
/// What the database says.
pub async fn strike(
    database: &Database,
    host: &str,
    of: &Digest,
    job: &JobName,
    why: &str,
) -> Result<u32, StoreError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    session.begin(begin(database.dialect())).await?;
    let mut w = Statement::new(session.dialect());
    w.push("INSERT INTO besom_quarantine (digest, plugin, job, strikes, why, at) VALUES (");
    w.bind(of.to_string()).push(", ");
    w.bind(job.plugin.as_str()).push(", ");
    w.bind(job.job.as_str()).push(", 1, ").bind(why).push(", ");
    write_now(&mut w, now);
    w.push(
        ") ON CONFLICT (digest, plugin, job) DO UPDATE SET strikes = besom_quarantine.strikes + 1, \
         why = excluded.why, at = excluded.at RETURNING strikes",
    );
    let rows = fetch(&mut session, &w).await?;
    let strikes = rows.first().map_or(0, |row| row.get(0).as_count());
    let strikes = u32::try_from(strikes).unwrap_or(u32::MAX);
    if strikes == STRIKES {
        let who = Who {
            name: host.to_owned(),
            origin: "service".to_owned(),
        };
        raise(&mut session, &job.plugin, host, now).await?;
        let audit = Audit {
            who: &who,
            action: Action::Quarantine,
            plugin: &job.plugin,
            version: None,
            digest: Some(*of),
            outcome: Outcome::Done,
            why: Some(format!("`{job}` crashed {strikes} times in a row: {why}")),
        };
        write_audit(&mut session, &audit, now).await?;
    }
    session.commit().await?;
    Ok(strikes)
}

/// The job has run to its end on this version, or the version has loaded: earlier crashes are not in a row with later ones. One
/// that is suspended stays so.
///
/// # Errors
/// What the database says.
pub async fn clear(database: &Database, of: &Digest, job: &JobName) -> Result<(), StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("DELETE FROM besom_quarantine WHERE digest = ")
        .bind(of.to_string());
    w.push(" AND plugin = ").bind(job.plugin.as_str());
    w.push(" AND job = ").bind(job.job.as_str());
    w.push(&format!(" AND strikes < {STRIKES}"));
    fetch(&mut session, &w).await.map(drop)
}

/// Somebody has put this version in use by hand: it starts anew.
///
/// # Errors
/// What the database says.
pub async fn absolve(database: &Database, plugin: &str, of: &Digest) -> Result<(), StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("DELETE FROM besom_quarantine WHERE digest = ")
        .bind(of.to_string());
    w.push(" AND plugin = ").bind(plugin);
    fetch(&mut session, &w).await.map(drop)
}

/// Every job that does not run on a version any more.
///
/// # Errors
/// What the database says.
pub async fn suspended(database: &Database) -> Result<Vec<Suspended>, StoreError> {
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("SELECT digest, plugin, job, why, ");
    w.push(&micros(session.dialect(), "at"));
    w.push(&format!(
        " FROM besom_quarantine WHERE strikes >= {STRIKES} ORDER BY plugin, job"
    ));
    let of_row = |row: &Cells| {
        Some(Suspended {
            digest: digest(row.get(0))?,
            job: JobName::new(&words(row.get(1))?, &words(row.get(2))?),
            why: words(row.get(3))?,
            at: Timestamp(row.get(4).as_integer()?),
        })
    };
    Ok(fetch(&mut session, &w)
        .await?
        .iter()
        .filter_map(of_row)
        .collect())
}
