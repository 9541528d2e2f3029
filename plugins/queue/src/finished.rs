//! Background jobs that have run, well or badly.

use besom_plugin::prelude::*;

/// Jobs that ended before `cutoff`, or were created before it: `age-by` chooses. Their keys are
/// ULIDs, and no job ends before it is created, so the key bounds both, and one sweep along the
/// primary key needs no index of its own.
pub(crate) fn finished(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let jobs: String = setting("queue-jobs-table")?;
    let id: String = setting("queue-jobs-id-column")?;
    let next_attempt: String = setting("queue-jobs-next-attempt-column")?;
    let age_by: String = setting("age-by")?;

    let over = match age_by.as_str() {
        "created" => any([ended("completed")?, ended("failed")?]),
        _ => any([
            ended_before(cutoff, "completed")?,
            ended_before(cutoff, "failed")?,
        ]),
    };
    Ok(vec![
        delete(&jobs)
            .matching(all([column(id).id_older_than(cutoff), over]))
            // An earlier attempt forgets the one that came after it, and a schedule its last job.
            .sets_null(&jobs, next_attempt)
            .sets_null(
                setting::<String>("queue-schedules-table")?,
                setting::<String>("queue-schedules-last-job-column")?,
            ),
    ])
}

fn ended(how: &str) -> Result<Condition> {
    let status: String = setting("queue-jobs-status-column")?;
    let is: String = setting(&format!("{how}-status"))?;
    Ok(column(status).equals(is))
}

fn ended_before(cutoff: Timestamp, how: &str) -> Result<Condition> {
    let at: String = setting(&format!("queue-jobs-{how}-at-column"))?;
    Ok(all([ended(how)?, column(at).older_than(cutoff)]))
}
