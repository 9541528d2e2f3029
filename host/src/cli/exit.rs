//! What the process says with its exit code.

use std::process::ExitCode;

use crate::config::{ConfigError, UrlError};
use crate::ledger::LedgerError;
use crate::request::{Fault, NameError};
use crate::runner::{Outcome, RunReport, RunnerError, Verification};

/// How a command ended, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything was done. Code 0.
    Done,
    /// A run was suspended and left a backlog. Code 3.
    Backlog,
    /// Wrong usage, a configuration at fault, or something denied. Code 2.
    Refused,
    /// Something failed. Code 1.
    Failed,
}

impl Exit {
    /// The exit of several parts: the worst of theirs.
    pub fn worst(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::Done)
    }

    /// The exit of several jobs, of which each is told by itself: as bad as the worst, but refused only where
    /// nothing else became of any of them. Whoever reads that code takes it that nothing has happened.
    pub fn of_jobs(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut parts: Vec<Self> = parts.into_iter().collect();
        parts.sort();
        match (parts.first(), parts.last()) {
            (Some(best), Some(Self::Refused)) if *best != Self::Refused => Self::Failed,
            (_, worst) => worst.copied().unwrap_or(Self::Done),
        }
    }

    /// The exit of one run.
    pub fn of_run(report: &RunReport) -> Self {
        match report.outcome {
            Outcome::Drained => Self::Done,
            _ if report.denied => Self::Refused,
            Outcome::Suspended => Self::Backlog,
            Outcome::Failed | Outcome::Cancelled => Self::Failed,
        }
    }

    /// The same, where nothing may be left: what drained and is not verified has failed.
    pub fn of_verified_run(report: &RunReport) -> Self {
        match (report.outcome, &report.verification) {
            (Outcome::Drained, Verification::Verified) => Self::Done,
            (Outcome::Drained, _) => Self::Failed,
            _ => Self::of_run(report),
        }
    }

    /// The exit of a job that did not run.
    pub fn of_refused_job(error: &RunnerError) -> Self {
        match error.is_configuration() {
            true => Self::Refused,
            false => Self::Failed,
        }
    }

    /// The exit of a command that ended in an error.
    pub fn of_error(error: &anyhow::Error) -> Self {
        let refused = error.chain().any(|cause| {
            cause.is::<ConfigError>()
                || cause.is::<UrlError>()
                || cause.is::<NameError>()
                || cause.is::<Refusal>()
                || cause
                    .downcast_ref()
                    .is_some_and(RunnerError::is_configuration)
                || matches!(
                    cause.downcast_ref(),
                    Some(LedgerError::NotMigrated | LedgerError::UnknownRun(_))
                )
                || matches!(
                    cause.downcast_ref(),
                    Some(Fault::Denied(_) | Fault::Invalid(_))
                )
        });
        if refused { Self::Refused } else { Self::Failed }
    }

    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Refused => 2,
            Self::Backlog => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command that cannot be carried out as it was given: an unknown job, a file in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::super::report::samples;
    use super::*;
    use crate::request::Problem;

    #[test]
    fn the_codes_are_those_of_the_help() {
        assert_eq!(Exit::Done.code(), 0);
        assert_eq!(Exit::Failed.code(), 1);
        assert_eq!(Exit::Refused.code(), 2);
        assert_eq!(Exit::Backlog.code(), 3);
    }

    #[test]
    fn several_jobs_exit_as_the_worst_of_them() {
        assert_eq!(Exit::worst([]), Exit::Done);
        assert_eq!(Exit::worst([Exit::Done, Exit::Backlog]), Exit::Backlog);
        assert_eq!(
            Exit::worst([Exit::Failed, Exit::Refused, Exit::Done]),
            Exit::Failed
        );
    }

    #[test]
    fn a_refused_job_among_others_is_a_failure_and_alone_a_refusal() {
        use Exit::{Backlog, Done, Failed, Refused};
        assert_eq!(Exit::of_jobs([]), Done);
        assert_eq!(Exit::of_jobs([Refused, Refused]), Refused);
        assert_eq!(Exit::of_jobs([Done, Refused, Done]), Failed);
        assert_eq!(Exit::of_jobs([Refused, Failed]), Failed);
        assert_eq!(Exit::of_jobs([Backlog, Refused]), Failed);
        assert_eq!(Exit::of_jobs([Backlog, Done]), Backlog);
    }

    #[test]
    fn a_run_exits_by_its_outcome() {
        assert_eq!(Exit::of_run(&samples::drained()), Exit::Done);
        assert_eq!(Exit::of_run(&samples::suspended()), Exit::Backlog);
        assert_eq!(Exit::of_run(&samples::failed()), Exit::Failed);
        let denied = RunReport {
            denied: true,
            ..samples::failed()
        };
        assert_eq!(Exit::of_run(&denied), Exit::Refused);
    }

    #[test]
    fn a_demo_is_done_only_where_every_run_is_verified() {
        let left = RunReport {
            verification: Verification::Left(1),
            ..samples::drained()
        };
        assert_eq!(Exit::of_verified_run(&samples::drained()), Exit::Done);
        assert_eq!(Exit::of_verified_run(&left), Exit::Failed);
        assert_eq!(Exit::of_verified_run(&samples::suspended()), Exit::Backlog);
    }

    #[test]
    fn an_error_of_the_operators_making_is_refused_under_any_context() {
        let fault =
            |fault: Fault| Exit::of_error(&anyhow::Error::new(fault).context("while running"));
        let problem = Problem::new("denied", "no");
        assert_eq!(fault(Fault::closed("no")), Exit::Refused);
        assert_eq!(fault(Fault::Database(problem)), Exit::Failed);
        let refusal = anyhow::Error::new(Refusal("no such job".to_owned()));
        assert_eq!(Exit::of_error(&refusal), Exit::Refused);
        assert_eq!(Exit::of_error(&anyhow::anyhow!("disk full")), Exit::Failed);
    }
}
