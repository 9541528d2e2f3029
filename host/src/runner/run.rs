//! The run itself.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use tracing::field::Empty;

use super::grace::grace;
use super::{Host, Outcome, Prepared, RunReport, RunnerError, Verification};
use crate::ledger::{
    self, Again, Cause, Claim, Claimed, Ending, Entry, Lease, LedgerError, Origin,
};
use crate::plugin::{CallError, Usage};
use crate::preflight::{Finding, WAITS_FURTHER_ON, waits_further_on};
use crate::request::{Mode, Parking, RunId, SPANS, Suspension};
use crate::sql::Plan;
use crate::sweep::{Progress, Remains, RunContext, RunOptions, unread_only, verify};

/// What the operator says about one run, beyond the file.
#[derive(Debug, Clone)]
pub struct JobOptions {
    /// Whether rows are changed.
    pub mode: Mode,
    /// `name=value`, as `--set` gives them.
    pub set: Vec<(String, String)>,
    /// Codes of findings that do not keep the jobs from running, beside those of the file.
    pub tolerate: Vec<String>,
    /// Instead of the file's `max-rows-per-run`.
    pub max_rows: Option<u64>,
    /// Instead of the file's `deadline`.
    pub deadline: Option<Duration>,
    /// Cancelled when the host shuts down.
    pub stop: CancellationToken,
    /// The entry of the queue that the run answers; `None`: nobody waits for it there.
    pub queued: Option<Queued>,
    /// What brings it about, where no entry says so.
    pub cause: Cause,
}

/// A run that a service took from the queue.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The entry, which this host has reserved.
    pub entry: Entry,
    /// What follows if the run fails.
    pub again: Again,
    /// Why the run was stopped, once it has been: said before `stop` is cancelled.
    pub parking: Arc<OnceLock<Parking>>,
    /// The unfinished run that is to go on, and no other, as [`Host::as_begun`] found it.
    pub only: Option<RunId>,
}

impl Host {
    /// Runs a job to its outcome, which the ledger then holds. `history` carries a dry run's
    /// findings to the dry runs after it.
    ///
    /// # Errors
    /// Only before the run has begun; what goes wrong later is the report's to say.
    pub async fn run(
        &self,
        prepared: &Prepared,
        options: &JobOptions,
        history: &mut Vec<Arc<Plan>>,
        watch: impl FnOnce(Arc<RunContext>),
    ) -> Result<RunReport, RunnerError> {
        let began = Instant::now();
        let claim = Claim {
            job: prepared.job.clone(),
            formerly: prepared.formerly().to_vec(),
            mode: options.mode,
            host: self.config.host.name.clone(),
            version: prepared.plugin.manifest().version.to_string(),
            digest: prepared.plugin.digest().to_string(),
            contract: format!("besom:cleanup@{}", prepared.plugin.contract()),
            settings: prepared.settings.to_json(),
            lease: self.config.host.lease,
            relations: prepared.relations(),
            origin: match &options.queued {
                Some(queued) => queued.entry.origin(),
                None => Origin {
                    cause: options.cause,
                    ..Origin::default()
                },
            },
            only: options.queued.as_ref().and_then(|queued| queued.only),
        };
        let (claimed, lease) = claim.take(&self.database).await?;
        let job = &prepared.job;
        let span = tracing::error_span!(
            target: SPANS,
            "run",
            run = %claimed.fence.run,
            plugin = job.plugin,
            version = claim.version,
            job = job.job,
            mode = options.mode.as_str(),
            outcome = Empty,
            affected = Empty,
        );
        let run = self.claimed(prepared, options, history, watch, claimed, lease, began);
        let report = run.instrument(span.clone()).await;
        span.record("outcome", report.outcome.as_str())
            .record("affected", report.totals.affected);
        Ok(report)
    }

    #[allow(clippy::too_many_arguments)] // each is one thing, and this is called once a run
    async fn claimed(
        &self,
        prepared: &Prepared,
        options: &JobOptions,
        history: &mut Vec<Arc<Plan>>,
        watch: impl FnOnce(Arc<RunContext>),
        claimed: Claimed,
        lease: Lease,
        began: Instant,
    ) -> RunReport {
        let job = &prepared.job;
        tracing::info!(resumed = claimed.resumed, "run begins");
        let deadline = options.deadline.unwrap_or(prepared.limits.deadline);
        let stop = options.stop.child_token();
        let parking = options.queued.as_ref().map(|queued| &queued.parking);
        let context = RunContext::new(
            self.database.clone(),
            Arc::clone(&prepared.catalog),
            Arc::new(prepared.granted.clone()),
            prepared.subject(),
            &claimed,
            history.clone(),
            RunOptions {
                mode: options.mode,
                batch_size: u64::from(prepared.limits.batch_size),
                deadline,
                max_rows: options
                    .max_rows
                    .unwrap_or(prepared.limits.max_rows)
                    .saturating_sub(claimed.changed),
                max_fraction: prepared.limits.max_fraction,
                stop: stop.clone(),
                why: parking.map(Arc::clone).unwrap_or_default(),
            },
        );
        watch(Arc::clone(&context));
        let heartbeat = tokio::spawn(keep_alive(lease.clone(), stop.clone()).in_current_span());
        let (called, usage) = prepared
            .plugin
            .run_metered(
                &job.job,
                &prepared.settings,
                Arc::clone(&context),
                deadline + grace(&self.database),
            )
            .await;
        if let Some(frames) = called.as_ref().err().and_then(CallError::backtrace) {
            tracing::debug!("where the plugin was:\n{frames}");
        }
        // Nothing of this run commits after this, whatever became of the guest.
        let progress = context.settle().await;
        self.note_conduct(prepared, called.as_ref().err()).await;
        let mut report = self
            .conclude(prepared, options, &progress, called.err(), began, &lease)
            .await;
        report.guest = usage;
        heartbeat.abort();
        if options.mode == Mode::DryRun {
            history.clone_from(&progress.history);
        }
        report
    }

    async fn conclude(
        &self,
        prepared: &Prepared,
        options: &JobOptions,
        progress: &Progress,
        failure: Option<CallError>,
        began: Instant,
        lease: &Lease,
    ) -> RunReport {
        let error = failure.map(|failure| failure.to_string());
        let (outcome, reason) = match (&error, progress.suspended, progress.unfinished) {
            (Some(_), ..) => (Outcome::Failed, None),
            (None, Some(why), _) => (Outcome::Suspended, Some(why.as_str().to_owned())),
            (None, None, true) => (Outcome::Suspended, Some("left-by-plugin".to_owned())),
            (None, None, false) => (Outcome::Drained, None),
        };
        let remains = match (outcome, options.mode) {
            (Outcome::Drained, Mode::Apply) => verify(&self.database, &progress.ended).await,
            (_, Mode::DryRun) => unread_only(&self.database, &progress.ended).await,
            _ => Vec::new(),
        };
        let verification = match (outcome, options.mode) {
            (_, Mode::DryRun) => Verification::Unverified("dry run".to_owned()),
            (Outcome::Drained, Mode::Apply) => Verification::of(&remains),
            (ended, Mode::Apply) => {
                let why = reason.as_ref().map(|why| format!(" ({why})"));
                let why = why.unwrap_or_default();
                Verification::Unverified(format!("{}{why}", ended.as_str()))
            }
        };
        let parked = options
            .queued
            .as_ref()
            .and_then(|queued| queued.parking.get())
            .filter(|parked| {
                progress.suspended == Some(parked.why) && outcome == Outcome::Suspended
            });
        let handed_over = parked.is_some_and(|parked| parked.why == Suspension::Upgraded);
        let mut report = RunReport {
            job: prepared.job.clone(),
            run: progress.fence.run,
            mode: options.mode,
            outcome,
            reason,
            totals: progress.totals,
            batches: progress.batches,
            elapsed: began.elapsed(),
            verification,
            remains,
            error,
            denied: progress.denied,
            estimated: progress.estimated,
            blocked_by: progress.blocked_by.clone(),
            hold_each_other: progress.hold_each_other.clone(),
            findings: left_waiting(prepared, progress, outcome),
            parked: false,
            held_back: progress.held_back.clone(),
            guest: Usage::default(),
            without_progress: 0,
        };
        if let Some(parking) = parked.filter(|_| !handed_over) {
            match ledger::park(&self.database, &progress.fence, parking.wait).await {
                Ok(()) => report.parked = true,
                Err(error) => unrecorded(&mut report, &error, lease).await,
            }
            announce(&report);
            return report;
        }
        let findings = Finding::to_ledger(&report.findings);
        let blocked_by = report.blocked_by_json();
        let found = report.verification.to_ledger();
        let remains = Remains::to_ledger(&report.remains);
        let throttled = serde_json::to_string(&progress.throttled).unwrap_or_else(|_| "{}".into());
        let ending = Ending {
            state: report.outcome.as_str(),
            reason: report.reason.as_deref(),
            error: report.error.as_deref(),
            verification: found.as_deref(),
            dry_run: (options.mode == Mode::DryRun).then_some((progress.totals, progress.batches)),
            findings: &findings,
            blocked_by: &blocked_by,
            remains: &remains,
            throttled: &throttled,
            again: match (&options.queued, report.outcome, report.denied) {
                (Some(_), Outcome::Suspended, _) if handed_over => Again::Anew,
                (Some(queued), Outcome::Failed, false) => queued.again,
                _ => Again::No,
            },
        };
        match ledger::finish(&self.database, &progress.fence, options.mode, &ending).await {
            Ok((totals, batches)) => {
                report.totals = totals;
                report.batches = batches;
                report.without_progress = self.without_progress(progress.fence.run).await;
            }
            Err(error) => unrecorded(&mut report, &error, lease).await,
        }
        announce(&report);
        report
    }
}

impl Host {
    /// What the ledger says of a run that has just ended; that it does not answer is no news.
    async fn without_progress(&self, run: RunId) -> u64 {
        match ledger::show(&self.database, run).await {
            Ok(record) => record.without_progress,
            Err(error) => {
                tracing::debug!(%error, "runs without progress were not counted");
                0
            }
        }
    }
}

/// What preflight noticed, and what a suspended run has left waiting.
fn left_waiting(prepared: &Prepared, progress: &Progress, outcome: Outcome) -> Vec<Finding> {
    let left = progress.further_on.iter();
    let left = left.filter(|_| outcome == Outcome::Suspended);
    let left = left.map(|left| waits_further_on(left, &prepared.catalog));
    prepared.findings.iter().cloned().chain(left).collect()
}

/// The outcome is not in the ledger. A run that another host has taken over is that host's; any other
/// lies still until its lease ends, and some host goes on with it.
async fn unrecorded(report: &mut RunReport, error: &LedgerError, lease: &Lease) {
    report.outcome = Outcome::Failed;
    let what = format!("the outcome could not be recorded: {error}");
    report.error = Some(match report.error.take() {
        Some(error) => format!("{error}; {what}"),
        None => what,
    });
    if matches!(error, LedgerError::Lost(_)) {
        // Where the lease is still ours, nobody has the run: its tables were taken, not the run.
        if let Err(error) = lease.give_up().await {
            tracing::debug!(%error, "the lease was not given up; it runs out");
        }
    }
}

/// Renews the lease until it is told to stop; a host that finds its run gone stops it.
async fn keep_alive(lease: Lease, stop: CancellationToken) {
    /// Two renewals may fail before the lease ends.
    const RENEWALS: u32 = 3;
    let mut beat = tokio::time::interval(lease.length() / RENEWALS);
    beat.tick().await;
    loop {
        beat.tick().await;
        match lease.renew().await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("the run was taken over by another host");
                stop.cancel();
                return;
            }
            Err(error) => tracing::warn!(%error, "the lease was not renewed; trying again"),
        }
    }
}

/// The end of every run, failed ones included, in one line: what it did until then, and what it left.
fn announce(report: &RunReport) {
    let RunReport {
        outcome, totals, ..
    } = report;
    let seconds = report.elapsed.as_secs_f64();
    let (affected, cascaded, blocked, locked) = (
        totals.affected,
        totals.cascaded,
        totals.blocked,
        totals.locked,
    );
    let dependents = totals.dependents;
    let outcome = outcome.as_str();
    let verification = report.verification.to_ledger().unwrap_or_default();
    for finding in &report.findings {
        if finding.code == WAITS_FURTHER_ON {
            tracing::warn!(code = finding.code, "{}", finding.message);
        }
    }
    for sweep in &report.remains {
        for (column, unread) in &sweep.unread_of {
            let examples = unread.examples.join(", ");
            tracing::warn!(
                column,
                rows = unread.rows,
                examples,
                "rows stay because a value cannot be read"
            );
        }
        let Remains { table, left, .. } = sweep;
        let (locked, refused, arrived) = (sweep.locked, sweep.refused, sweep.arrived);
        let (kept, blocked) = (sweep.kept, sweep.blocked);
        if sweep.left > 0 {
            tracing::info!(
                table,
                left,
                locked,
                refused,
                kept,
                arrived,
                blocked,
                "rows are left"
            );
        } else if blocked > 0 {
            tracing::info!(table, blocked, "rows stay that others refer to");
        }
    }
    // Each with what it alone has to say.
    macro_rules! ended {
        ($level:ident $(, $more:ident)*) => {
            tracing::$level!(
                outcome,
                $($more,)*
                affected,
                dependents,
                cascaded,
                blocked,
                locked,
                seconds,
                verification,
                "run ended"
            )
        };
    }
    match (&report.error, report.outcome) {
        (Some(error), _) => ended!(error, error),
        (None, Outcome::Suspended) if report.without_progress > 1 => {
            let reason = report.reason.as_deref().unwrap_or_default();
            let runs_without_progress = report.without_progress;
            ended!(warn, reason, runs_without_progress);
        }
        (None, Outcome::Suspended) => {
            let reason = report.reason.as_deref().unwrap_or_default();
            ended!(warn, reason);
        }
        _ => ended!(info),
    }
}
