//! Runs as a table and as JSON: what `run` and `demo` print.

mod remains;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::output::{Align, Table, Tone, many_lines, seconds, thousands};
use crate::preflight::{Finding, WAITS_FURTHER_ON};
use crate::request::{Batch, Mode};
use crate::runner::{Outcome, Remains, RunReport, Verification};

pub use crate::runner::{milliseconds, verification};
pub use remains::told;
use remains::unread;

/// One run in the JSON output. Counts are rows.
#[derive(Debug, Serialize)]
pub struct RunJson<'a> {
    job: String,
    run: String,
    mode: &'static str,
    outcome: &'static str,
    reason: Option<&'a str>,
    error: Option<&'a str>,
    affected: u64,
    dependents: u64,
    cascaded: u64,
    blocked: u64,
    locked: u64,
    examined: u64,
    revived: u64,
    batches: u64,
    runs_without_progress: u64,
    seconds: f64,
    /// `null`: nobody looked, or the look gave no answer.
    verified: Option<bool>,
    verification: String,
    /// The same by sweep; empty where nobody looked.
    remains: &'a [Remains],
    /// Counts of a dry run that the run itself may not match.
    estimated: bool,
    blocked_by: &'a BTreeMap<String, u64>,
    /// What would let blocked rows go.
    cures: Vec<String>,
    findings: &'a [Finding],
}

impl<'a> From<&'a RunReport> for RunJson<'a> {
    fn from(report: &'a RunReport) -> Self {
        let Batch {
            examined,
            affected,
            dependents,
            cascaded,
            locked,
            blocked,
            revived,
        } = report.totals;
        Self {
            job: report.job.to_string(),
            run: report.run.to_string(),
            mode: report.mode.as_str(),
            outcome: report.outcome.as_str(),
            reason: report.reason.as_deref(),
            error: report.error.as_deref(),
            affected,
            dependents,
            cascaded,
            blocked,
            locked,
            examined,
            revived,
            batches: report.batches,
            runs_without_progress: report.without_progress,
            seconds: milliseconds(report.elapsed),
            verified: match report.verification {
                Verification::Verified => Some(true),
                Verification::Left(_) => Some(false),
                Verification::Unverified(_) | Verification::NotDone => None,
            },
            verification: verification(&report.verification),
            remains: &report.remains,
            estimated: report.estimated,
            blocked_by: &report.blocked_by,
            cures: cures(report),
            findings: &report.findings,
        }
    }
}

/// The table of these runs, then a line for each that needs one.
pub fn text(reports: &[RunReport], color: bool) -> String {
    let mut text = table(reports).render(color);
    let notes: Vec<String> = reports
        .iter()
        .flat_map(|report| [held(report), note(report, color)])
        .flatten()
        .collect();
    let dry = reports.iter().any(|report| report.mode == Mode::DryRun);
    if dry || !notes.is_empty() {
        text.push('\n');
    }
    if dry {
        text.push_str("dry run: nothing was changed\n");
    }
    if reports.iter().any(|report| report.estimated) {
        text.push_str("~ estimated: chains and the work of earlier jobs may change it\n");
    }
    text + &notes.concat()
}

fn table(reports: &[RunReport]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new([
        ("job", Left),
        ("affected", Right),
        ("dependents", Right),
        ("cascaded", Right),
        ("blocked", Right),
        ("locked", Right),
        ("seconds", Right),
        ("rows/s", Right),
        ("verified", Left),
    ]);
    let mut totals = Batch::default();
    let mut elapsed = Duration::ZERO;
    for report in reports {
        totals += report.totals;
        elapsed += report.elapsed;
        let verified = verified_cell(report);
        let estimated = if report.estimated { "~" } else { "" };
        table.row(
            cells(
                report.job.to_string(),
                report.totals,
                report.elapsed,
                verified,
                estimated,
            ),
            tone(report),
        );
    }
    if reports.len() > 1 {
        let verified = reports
            .iter()
            .filter(|r| r.verification == Verification::Verified)
            .count();
        let verified = if verified == 0 {
            "–".to_owned()
        } else {
            format!("{verified} of {}", reports.len())
        };
        let estimated = if reports.iter().any(|report| report.estimated) {
            "~"
        } else {
            ""
        };
        table.totals(cells(
            "total".to_owned(),
            totals,
            elapsed,
            verified,
            estimated,
        ));
    }
    table
}

fn cells(
    job: String,
    rows: Batch,
    elapsed: Duration,
    verified: String,
    estimated: &str,
) -> [String; 9] {
    [
        job,
        format!("{estimated}{}", thousands(rows.affected)),
        thousands(rows.dependents),
        thousands(rows.cascaded),
        thousands(rows.blocked),
        thousands(rows.locked),
        seconds(elapsed),
        rate(rows.changed(), elapsed),
        verified,
    ]
}

/// Rows changed a second; a dash where there is nothing to divide.
fn rate(rows: u64, elapsed: Duration) -> String {
    let elapsed = elapsed.as_micros();
    if rows == 0 || elapsed == 0 {
        return "–".to_owned();
    }
    let rate = u128::from(rows) * 1_000_000 / elapsed;
    thousands(u64::try_from(rate).unwrap_or(u64::MAX))
}

fn verified_cell(report: &RunReport) -> String {
    match (&report.verification, report.outcome) {
        (Verification::Verified, _) => "yes".to_owned(),
        (Verification::Left(rows), _) => format!("{} left", thousands(*rows)),
        (_, other) if other != Outcome::Drained => other.as_str().to_owned(),
        (Verification::Unverified(_), _) if report.mode == Mode::Apply => "unverified".to_owned(),
        (Verification::Unverified(_) | Verification::NotDone, _) => "–".to_owned(),
    }
}

fn tone(report: &RunReport) -> Tone {
    match (report.outcome, &report.verification) {
        (Outcome::Failed | Outcome::Cancelled, _) => Tone::Bad,
        (Outcome::Suspended, _) | (_, Verification::Left(_)) => Tone::Warning,
        (_, Verification::Unverified(_)) if report.mode == Mode::Apply => Tone::Warning,
        (Outcome::Drained, _) => Tone::Plain,
    }
}

/// Which tables' rows hold the blocked ones.
fn held(report: &RunReport) -> Option<String> {
    let by = blocked_by(&report.blocked_by)?;
    let told: Vec<_> = std::iter::once(by).chain(cures(report)).collect();
    let told = told.join("; ");
    Some(format!(
        "{}: blocked by {}\n",
        report.job,
        many_lines(&told)
    ))
}

/// What would let blocked rows go, where besom knows.
fn cures(report: &RunReport) -> Vec<String> {
    let tables = report.hold_each_other.iter();
    tables.map(|table| remains::cure(table)).collect()
}

/// Blocked rows by table, the most first; `None` where none is.
pub fn blocked_by(tables: &BTreeMap<String, u64>) -> Option<String> {
    let mut tables: Vec<_> = tables.iter().filter(|(_, rows)| **rows > 0).collect();
    tables.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
    let told: Vec<_> = tables
        .iter()
        .map(|(table, rows)| format!("{table} ({})", thousands(**rows)))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// That runs change nothing, once that is more than one.
pub fn in_vain(runs: u64) -> Option<String> {
    (runs > 1).then(|| format!("no progress for {} runs", thousands(runs)))
}

/// What the table has no room for: why a run ended early, what is left.
fn note(report: &RunReport, color: bool) -> Option<String> {
    let job = &report.job;
    let reason = report
        .reason
        .as_deref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let line = match (report.outcome, &report.verification) {
        (Outcome::Failed | Outcome::Cancelled, _) => {
            let error = report
                .error
                .as_deref()
                .map(|e| format!(": {e}"))
                .unwrap_or_default();
            format!("{job} {}{reason}{error}", report.outcome.as_str())
        }
        (Outcome::Suspended, _) => {
            let stuck = in_vain(report.without_progress);
            let stuck = stuck.map(|runs| format!("; {runs}")).unwrap_or_default();
            let waits = report
                .findings
                .iter()
                .filter(|found| found.code == WAITS_FURTHER_ON);
            let waits = waits.map(|found| format!("\n{job}: {}", found.message));
            let waits = waits.collect::<String>();
            format!("{job} suspended{reason}: the rest is left to the next run{stuck}{waits}")
        }
        (Outcome::Drained, Verification::Left(_)) => left(report).join("\n"),
        (Outcome::Drained, Verification::Unverified(why)) if report.mode == Mode::Apply => {
            let lines = [format!("{job} unverified: {why}")].into_iter();
            lines.chain(left(report)).collect::<Vec<_>>().join("\n")
        }
        (Outcome::Drained, _) if report.mode == Mode::DryRun => {
            let lines = report.remains.iter().flat_map(unread);
            lines
                .map(|line| format!("{job}: {line}"))
                .collect::<Vec<_>>()
                .join("\n")
        }
        (Outcome::Drained, _) => return None,
    };
    (!line.is_empty()).then(|| tone(report).paint(&many_lines(&line), color) + "\n")
}

/// A line for each sweep that has left rows.
fn left(report: &RunReport) -> Vec<String> {
    let sweeps = report.remains.iter().filter(|sweep| sweep.left > 0);
    let lines = sweeps.map(|sweep| {
        // The cure is told with what holds the blocked rows.
        let rows = match report.hold_each_other.contains(&sweep.table) {
            true => remains::rows(sweep),
            false => told(sweep),
        };
        format!("{}: {}: {rows}", report.job, sweep.table)
    });
    lines.collect()
}

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
