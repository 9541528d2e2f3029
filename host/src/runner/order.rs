//! The order of jobs that wait for one another.

use crate::request::JobName;

use super::RunnerError;

/// Puts each job behind those of `after` that are among them; otherwise the order stays.
///
/// # Errors
/// [`RunnerError::Cycle`], naming the jobs.
pub(super) fn in_order(jobs: Vec<(JobName, Vec<JobName>)>) -> Result<Vec<JobName>, RunnerError> {
    let mut waiting = jobs;
    let mut ordered: Vec<JobName> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let free = waiting.iter().position(|(_, after)| {
            !after
                .iter()
                .any(|before| waiting.iter().any(|(name, _)| name == before))
        });
        match free {
            Some(index) => ordered.push(waiting.remove(index).0),
            None => {
                let names: Vec<_> = waiting
                    .iter()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect();
                return Err(RunnerError::Cycle(names.join(", ")));
            }
        }
    }
    Ok(ordered)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn job(name: &str) -> JobName {
        name.parse().unwrap()
    }

    #[test]
    fn a_job_runs_behind_those_it_waits_for() {
        let jobs = vec![
            (job("t/c"), vec![job("t/a"), job("t/b")]),
            (job("t/a"), vec![]),
            (job("t/b"), vec![job("other/x")]),
        ];
        let ordered = in_order(jobs).unwrap();
        assert_eq!(ordered, [job("t/a"), job("t/b"), job("t/c")]);
    }

    #[test]
    fn a_cycle_is_named() {
        let jobs = vec![
            (job("t/a"), vec![job("t/b")]),
            (job("t/b"), vec![job("t/a")]),
        ];
        let refused = in_order(jobs).unwrap_err().to_string();
        assert!(refused.contains("`t/a`, `t/b`"), "{refused}");
    }
}
