//! What became of the jobs of a command: runs, and jobs that did not run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::exit::Exit;
use super::super::output::many_lines;
use super::super::refused;
use super::super::report::RunJson;
use crate::ledger::Pause;
use crate::preflight::Finding;
use crate::request::JobName;
use crate::runner::{Hindrance, RunReport, RunnerError, Stray};

/// What became of the jobs of a command.
#[derive(Debug, Default)]
pub struct Ran {
    /// The runs that began.
    pub reports: Vec<RunReport>,
    /// The jobs of which none began.
    pub not_run: Vec<NotRun>,
    /// Of the jobs of the file that run by themselves, this database has none.
    pub nothing_is_here: bool,
}

/// A job that did not run.
#[derive(Debug)]
pub struct NotRun {
    /// The job.
    pub job: JobName,
    /// Why not.
    pub why: Why,
}

/// Why a job did not run.
#[derive(Debug)]
pub enum Why {
    /// Something keeps it from running; or it is absent, and has nothing to do on this database.
    Refused(RunnerError),
    /// Somebody paused it: who, why, and how that ends.
    Paused(String),
}

/// One of them in the JSON output.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum LineJson<'a> {
    /// A run.
    Run(Box<RunJson<'a>>),
    /// A job that did not run.
    NotRun {
        /// The job.
        job: String,
        /// `refused`, `paused` or `absent`.
        outcome: &'static str,
        /// What keeps it from running, with the way out.
        refused: Option<String>,
        /// What is not there.
        absent: Option<&'a str>,
        /// The same in words of which there are few.
        codes: Vec<String>,
        /// The findings, where they are the reason.
        findings: Vec<Finding>,
    },
}

impl Ran {
    /// Nothing ran, and nothing was to.
    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty() && self.not_run.is_empty()
    }

    /// Notes a job that does not run, and tells it.
    pub(super) fn refuse(&mut self, job: &JobName, error: RunnerError) {
        match &error {
            RunnerError::Absent { missing, .. } => {
                tracing::warn!("`{job}` is absent and left out: {missing}");
            }
            error => match self.refused_as(error) {
                Some(other) => tracing::error!("`{job}` does not run, for the reason of `{other}`"),
                None => tracing::error!("{}", many_lines(&refused::in_words(job, error))),
            },
        }
        let (job, why) = (job.clone(), Why::Refused(error));
        self.not_run.push(NotRun { job, why });
    }

    /// A job that was told with this reason already: a grant or a setting at fault meets a whole plugin.
    fn refused_as(&self, error: &RunnerError) -> Option<&JobName> {
        let words = error.to_string();
        let mut told = self.not_run.iter();
        let same = told.find(|one| one.refusal().is_some_and(|told| told.to_string() == words));
        same.map(|one| &one.job)
    }

    /// Notes what the file names and nobody has, and tells it.
    pub(super) fn refuse_all(&mut self, unknown: impl Iterator<Item = Stray>) {
        for stray in unknown {
            let job = stray.job.clone();
            self.refuse(&job, stray.into_error());
        }
    }

    /// Notes jobs that are absent and have been told.
    pub(super) fn left_out(&mut self, absent: BTreeMap<JobName, String>) {
        self.not_run
            .extend(absent.into_iter().map(|(job, missing)| NotRun {
                job: job.clone(),
                why: Why::Refused(RunnerError::Absent { job, missing }),
            }));
    }

    /// Every job was absent.
    pub(super) fn is_absent(&self) -> bool {
        let absent = |one: &NotRun| matches!(one.why, Why::Refused(RunnerError::Absent { .. }));
        self.reports.is_empty() && !self.not_run.is_empty() && self.not_run.iter().all(absent)
    }

    /// Notes a job that is paused, and tells it. A pause holds on every host, whoever sits at it.
    pub(super) fn skip(&mut self, job: &JobName, pause: &Pause) {
        let resume = format!("besom resume {}", pause.what);
        let why = format!(
            "paused by {}: {}. `{}` ends that; --dry-run works",
            pause.by,
            pause.why,
            resume.trim()
        );
        tracing::error!("{}", many_lines(&format!("`{job}` is {why}")));
        let (job, why) = (job.clone(), Why::Paused(why));
        self.not_run.push(NotRun { job, why });
    }

    /// Tells the lines of the file that would let refused jobs run.
    pub(super) fn tell_lines(&self) {
        if let Some(lines) = refused::lines(self.not_run.iter().filter_map(NotRun::refusal)) {
            tracing::error!("{}", many_lines(&lines));
        }
    }

    /// How the command ends. An absent job is as good as one that found nothing to do.
    pub fn exit(&self) -> Exit {
        let runs = self.reports.iter().map(Exit::of_run);
        let others = self
            .not_run
            .iter()
            .filter_map(|not_run| match &not_run.why {
                Why::Refused(RunnerError::Absent { .. }) => None,
                Why::Refused(error) => Some(Exit::of_refused_job(error)),
                Why::Paused(_) => Some(Exit::Failed),
            });
        let wrong = self.nothing_is_here.then_some(Exit::Failed);
        Exit::of_jobs(runs.chain(others).chain(wrong))
    }

    /// All of it as JSON.
    pub fn to_json(&self) -> Vec<LineJson<'_>> {
        let runs = self.reports.iter().map(RunJson::from);
        let runs = runs.map(|run| LineJson::Run(Box::new(run)));
        runs.chain(self.not_run.iter().map(NotRun::to_json))
            .collect()
    }
}

impl NotRun {
    /// What keeps the job from running; `None` for one that is paused or absent.
    pub fn refusal(&self) -> Option<&RunnerError> {
        match &self.why {
            Why::Refused(RunnerError::Absent { .. }) | Why::Paused(_) => None,
            Why::Refused(error) => Some(error),
        }
    }

    fn to_json(&self) -> LineJson<'_> {
        let job = self.job.to_string();
        let (outcome, refused, absent) = match &self.why {
            Why::Refused(RunnerError::Absent { missing, .. }) => {
                ("absent", None, Some(missing.as_str()))
            }
            Why::Refused(error) => ("refused", Some(error.to_string()), None),
            Why::Paused(why) => ("paused", Some(why.clone()), None),
        };
        let by = self.refusal().map(Hindrance::of);
        let (codes, findings) = by.map_or_else(Default::default, |by| {
            (by.codes.into_iter().collect(), by.findings)
        });
        LineJson::NotRun {
            job,
            outcome,
            refused,
            absent,
            codes,
            findings,
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::super::super::report::samples;
    use super::*;
    use crate::preflight::Severity;

    fn job() -> JobName {
        JobName::new("recovery", "sessions")
    }

    fn stopped() -> RunnerError {
        let found = Finding::new("unindexed-foreign-key", Severity::Error, "no index");
        let findings = vec![found];
        RunnerError::Stopped {
            job: job(),
            findings,
        }
    }

    #[test]
    fn the_json_has_the_runs_and_the_jobs_that_did_not_run() {
        let mut ran = Ran {
            reports: vec![samples::drained()],
            ..Ran::default()
        };
        ran.refuse(&job(), stopped());
        let missing = "table `t` is not in this database".to_owned();
        ran.refuse(
            &job(),
            RunnerError::Absent {
                job: job(),
                missing,
            },
        );

        let json = serde_json::to_value(ran.to_json()).unwrap_or_default();

        assert_eq!(json[0]["outcome"], "drained");
        assert_eq!(json[1]["job"], "recovery/sessions");
        assert_eq!(json[1]["outcome"], "refused");
        assert_eq!(json[1]["codes"][0], "unindexed-foreign-key");
        assert_eq!(json[1]["findings"][0]["message"], "no index");
        let refused = json[1]["refused"].as_str().unwrap_or_default();
        assert!(refused.contains("no index"), "{refused}");
        assert_eq!(json[2]["outcome"], "absent");
        assert_eq!(json[2]["absent"], "table `t` is not in this database");
    }

    #[test]
    fn an_absent_job_is_no_failure_and_a_refused_one_beside_runs_is() {
        let mut ran = Ran::default();
        let missing = "table `t` is not in this database".to_owned();
        ran.refuse(
            &job(),
            RunnerError::Absent {
                job: job(),
                missing,
            },
        );
        assert_eq!(ran.exit(), Exit::Done);

        ran.reports.push(samples::drained());
        assert_eq!(ran.exit(), Exit::Done);
        ran.refuse(&job(), stopped());
        assert_eq!(ran.exit(), Exit::Failed);
    }
}
