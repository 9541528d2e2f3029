//! Workers that are gone.

use besom_plugin::prelude::*;

/// A live worker is seen every minute or so. With less than this, one slow minute would delete it
/// under its own feet.
const LEAST: Duration = Duration::from_secs(3600);

/// Workers shut down for longer than `retention`, then those that were not seen for as long, unless
/// a job refers to them, or one of them leads. Two sweeps, for two indexes: one condition with an OR could use neither in
/// order.
pub(crate) fn workers(retention: Duration) -> Result<Vec<Sweep>> {
    if retention < LEAST {
        return Err(Error::invalid(
            "retention-too-short",
            "setting `retention` is less than 1h for `workers`, which could delete a worker that is \
             alive: give it 1h or more",
        ));
    }
    let cutoff = now() - retention;
    let workers: String = setting("queue-workers-table")?;
    let shutdown_at: String = setting("queue-workers-shutdown-at-column")?;
    let last_seen_at: String = setting("queue-workers-last-seen-at-column")?;

    let gone = |since: &str| {
        let since = column(since).older_than(cutoff);
        Ok::<_, Error>(all([since, no_job_left()?, not_leading()?]))
    };
    let (shut_down, unseen) = (gone(&shutdown_at)?, gone(&last_seen_at)?);
    Ok(vec![
        delete(&workers).matching(shut_down).order_by(shutdown_at),
        delete(workers).matching(unseen).order_by(last_seen_at),
    ])
}

/// No job says that the worker started it.
fn no_job_left() -> Result<Condition> {
    let started_by: String = setting("queue-jobs-started-by-column")?;
    let id: String = setting("queue-workers-id-column")?;
    Ok(not_exists(
        setting::<String>("queue-jobs-table")?,
        join(started_by).to(id),
    ))
}

/// The one row of the leader's table does not name it. A leader renews that row every few seconds, and
/// it stays behind when the whole server stops: the worker that it names then goes with the next leader.
fn not_leading() -> Result<Condition> {
    let worker: String = setting("queue-leader-worker-column")?;
    let id: String = setting("queue-workers-id-column")?;
    Ok(not_exists(
        setting::<String>("queue-leader-table")?,
        join(worker).to(id),
    ))
}
