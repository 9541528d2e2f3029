//! What a job will ask for, found out by letting it ask and doing nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::prepare::Prepared;
use super::{Host, RunnerError};
use crate::config::JobSettings;
use crate::plugin::CallError;
use crate::preflight::{Finding, Given, Rehearsed, Severity};
use crate::request::{Fault, Missing, Mode, Timestamp};
use crate::scope::{Granted, Refusal, Subject};
use crate::sweep::{RunContext, RunOptions};

/// A rehearsal never comes to ask; the plugin's own time for it is far shorter.
const NO_DEADLINE: Duration = Duration::from_secs(3600);

impl Host {
    /// Lets the plugin open its sweeps, and nothing more. Where it breaks off with nothing refused, the
    /// run itself will tell why; what is known until then is checked.
    ///
    /// What the grant does not cover is neither planned nor looked at, and the plugin hears that it is drained
    /// as of anything else. So it goes on, and the lines which the refusal prints are all that the job needs.
    pub(super) async fn rehearse(
        &self,
        prepared: &Prepared,
        now: Timestamp,
    ) -> Result<(Rehearsed, Option<Finding>, Option<CallError>), RunnerError> {
        let context = RunContext::rehearsal(
            self.database.clone(),
            Arc::clone(&prepared.catalog),
            Arc::new(prepared.granted.clone()),
            prepared.subject(),
            now,
            before_the_run(&prepared.limits),
        );
        let called = prepared
            .plugin
            .rehearse(&prepared.job.job, &prepared.settings, Arc::clone(&context))
            .await;
        let progress = context.settle().await;
        let rehearsed = Rehearsed {
            plans: progress.drained,
            refused: progress.refused,
            looked: progress.looked,
            given: Given {
                plugin: prepared.job.plugin.clone(),
                grants: prepared.granted.file.clone(),
            },
        };
        let mut missing: Vec<Missing> = Vec::new();
        for (_, fault) in &rehearsed.refused {
            let Fault::Denied(denied) = fault else {
                continue;
            };
            if denied.missing.is_empty() {
                return Err(RunnerError::AtFault(fault.clone()));
            }
            for need in &denied.missing {
                if !missing.contains(need) {
                    missing.push(need.clone());
                }
            }
        }
        match missing.is_empty() {
            true => Ok(heard(rehearsed, called)),
            false => Err(refused(&prepared.subject(), missing, &prepared.granted)),
        }
    }
}

fn heard(
    rehearsed: Rehearsed,
    called: Result<(), CallError>,
) -> (Rehearsed, Option<Finding>, Option<CallError>) {
    let failure = match &called {
        Err(error) if rehearsed.refused.is_empty() => Some(Finding::new(
            "not-rehearsed",
            Severity::Warning,
            format!(
                "the plugin broke off before it had asked for everything, so not all of it could \
                 be checked beforehand: {error}"
            ),
        )),
        _ => None,
    };
    let crashed = called.err().filter(|error| error.cause().is_misbehaviour());
    (rehearsed, failure, crashed)
}

pub(super) fn refused(subject: &Subject, missing: Vec<Missing>, granted: &Granted) -> RunnerError {
    RunnerError::Denied(Box::new(Refusal {
        subject: subject.clone(),
        missing,
        given: granted.file.clone(),
    }))
}

pub(super) fn before_the_run(limits: &JobSettings) -> RunOptions {
    RunOptions {
        mode: Mode::DryRun,
        batch_size: u64::from(limits.batch_size),
        deadline: NO_DEADLINE,
        max_rows: limits.max_rows,
        max_fraction: None,
        stop: CancellationToken::new(),
        why: Arc::default(),
    }
}
