//! A job's former names: what stands under them in the ledger is the job's.

use super::LedgerError;
use crate::database::{Session, Statement};
use crate::request::JobName;

/// Ends a comparison of a column with every name of a job: ` IN ($1, …)`.
pub(super) fn among(w: &mut Statement, job: &str, formerly: &[String]) {
    w.push(" IN (").bind(job);
    for name in formerly {
        w.push(", ").bind(name.as_str());
    }
    w.push(")");
}

/// Gives the job every run that stands under a former name. The caller has seen to it that no two of
/// them are active; a fence goes by a run's id, so a run that goes on is not disturbed.
pub(super) async fn rename(
    session: &mut Session,
    job: &JobName,
    formerly: &[String],
) -> Result<(), LedgerError> {
    let Some((first, others)) = formerly.split_first() else {
        return Ok(());
    };
    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_run SET job = ").bind(job.job.as_str());
    w.push(" WHERE plugin = ").bind(job.plugin.as_str());
    w.push(" AND job");
    among(&mut w, first, others);
    // A dry run under way ends by its id, too, whatever it is called.
    session.execute(&w).await.map_err(LedgerError::of)?;
    // A due time that both names have stays once.
    for (table, same) in [
        ("besom_queue", "n.due_at = o.due_at"),
        ("besom_schedule", "n.plugin = o.plugin"),
    ] {
        let mut w = Statement::new(session.dialect());
        w.push(&format!("UPDATE {table} AS o SET job = "))
            .bind(job.job.as_str());
        w.push(" WHERE o.plugin = ").bind(job.plugin.as_str());
        w.push(" AND o.job");
        among(&mut w, first, others);
        w.push(&format!(
            " AND NOT EXISTS (SELECT 1 FROM {table} AS n WHERE n.plugin = o.plugin AND {same} AND n.job = "
        ));
        w.bind(job.job.as_str()).push(")");
        session.execute(&w).await.map_err(LedgerError::of)?;
    }
    Ok(())
}
