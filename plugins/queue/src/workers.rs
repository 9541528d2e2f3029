//! Workers that are gone.

use besom_plugin::prelude::*;

/// A live worker is seen every minute or so. With less than this, one slow minute would delete it
/// under its own feet.
const LEAST: Duration = Duration::from_secs(3600);

/// Workers shut down for longer than `retention`, then those that were not seen for as long, unless
/// a job refers to them. Two sweeps, for two indexes: one condition with an OR could use neither in
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

    let shut_down = all([column(&shutdown_at).older_than(cutoff), no_job_left()?]);
    let unseen = all([column(&last_seen_at).older_than(cutoff), no_job_left()?]);
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
