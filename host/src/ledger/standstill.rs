//! Runs of a job, one after the other, that changed nothing and left rows.
//!
//! Nothing of it is stored: a run that was drained, or that changed a row, ends the count.

use super::LedgerError;
use crate::catalog::Dialect;
use crate::database::{Cells, Database, Statement};
use crate::request::JobName;

/// Came to no end.
const STUCK: &str = "IN ('suspended', 'failed')";

/// Whether the job got on in the run of that alias.
fn got_on(alias: &str) -> String {
    format!(
        "{alias}.mode = 'apply' AND ({alias}.state = 'drained' OR \
         {alias}.affected + {alias}.dependents + {alias}.cascaded > 0)"
    )
}

/// Before every run.
fn never(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "'-infinity'::timestamptz",
        Dialect::Sqlite => "-9223372036854775808",
    }
}

/// Writes how many runs in a row had changed nothing when the run `r` ended so: that one and those before
/// it; 0 where it did.
pub(super) fn write_runs_without_progress(w: &mut Statement) {
    let since = format!(
        "coalesce((SELECT max(p.started_at) FROM besom_run AS p WHERE p.plugin = r.plugin AND \
         p.job = r.job AND p.started_at <= r.started_at AND {}), {})",
        got_on("p"),
        never(w.dialect())
    );
    w.push(&format!(
        "CASE WHEN r.mode = 'apply' AND r.state {STUCK} THEN (SELECT count(*) FROM besom_run AS s \
         WHERE s.plugin = r.plugin AND s.job = r.job AND s.mode = 'apply' AND s.state {STUCK} AND \
         s.started_at <= r.started_at AND s.started_at > {since}) ELSE 0 END"
    ));
}

/// For every job that has run, its latest runs in a row that changed nothing.
///
/// # Errors
/// [`LedgerError::NotMigrated`], or what the database says.
pub async fn without_progress(database: &Database) -> Result<Vec<(JobName, u64)>, LedgerError> {
    let mut w = Statement::new(database.dialect());
    w.push(&format!(
        "SELECT r.plugin, r.job, count(CASE WHEN r.state {STUCK} AND \
         r.started_at > coalesce(p.at, {}) THEN 1 END) FROM besom_run AS r LEFT JOIN \
         (SELECT p.plugin, p.job, max(p.started_at) AS at FROM besom_run AS p WHERE {} \
         GROUP BY p.plugin, p.job) AS p ON p.plugin = r.plugin AND p.job = r.job \
         WHERE r.mode = 'apply' GROUP BY r.plugin, r.job",
        never(database.dialect()),
        got_on("p")
    ));
    let mut session = database.session().await?;
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    let of_row = |row: &Cells| {
        let job = JobName::new(row.get(0).as_text()?, row.get(1).as_text()?);
        Some((job, row.get(2).as_count()))
    };
    Ok(rows.iter().filter_map(of_row).collect())
}
