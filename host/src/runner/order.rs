//! The order of jobs that wait for one another.

use crate::request::JobName;

use super::RunnerError;

/// Puts each job behind those of `after` that are among them; otherwise the order stays. A job that
/// is not among them, such as one of a plugin that is not configured, is not waited for.
///
/// # Errors
/// [`RunnerError::Cycle`], naming the jobs of one cycle.
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
            None => return Err(RunnerError::Cycle(cycle(&waiting))),
        }
    }
    Ok(ordered)
}

/// One cycle among jobs of which each waits for another of them: going back from any of them leads
/// into one, and jobs that merely wait for it are left out.
fn cycle(waiting: &[(JobName, Vec<JobName>)]) -> String {
    let mut path: Vec<&JobName> = Vec::new();
    let mut next = waiting.first().map(|(name, _)| name);
    while let Some(job) = next {
        if let Some(start) = path.iter().position(|passed| *passed == job) {
            let names = path.iter().skip(start).chain(std::iter::once(&job));
            let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            return names.join(" after ");
        }
        path.push(job);
        let after = waiting.iter().find(|(name, _)| name == job);
        next = after.and_then(|(_, after)| {
            let among = |before: &&JobName| waiting.iter().any(|(name, _)| name == *before);
            after.iter().find(among)
        });
    }
    String::new()
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

    fn refusal(jobs: Vec<(JobName, Vec<JobName>)>) -> String {
        in_order(jobs).unwrap_err().to_string()
    }

    #[test]
    fn a_cycle_is_named_without_the_jobs_that_merely_wait_for_it() {
        let jobs = vec![
            (job("t/behind"), vec![job("u/x"), job("t/a")]),
            (job("t/a"), vec![job("t/before"), job("t/b")]),
            (job("t/b"), vec![job("t/a")]),
            (job("t/before"), vec![]),
        ];
        let refused = refusal(jobs);
        assert!(
            refused.contains("`t/a` after `t/b` after `t/a`"),
            "{refused}"
        );
        assert!(
            !refused.contains("behind") && !refused.contains("before"),
            "{refused}"
        );
    }

    #[test]
    fn a_job_that_waits_for_itself_is_a_cycle() {
        let refused = refusal(vec![(job("t/a"), vec![job("t/a")])]);
        assert!(refused.contains("`t/a` after `t/a`"), "{refused}");
    }
}
