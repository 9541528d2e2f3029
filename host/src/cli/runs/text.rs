//! Runs of the ledger as text.

use std::time::Duration;

use super::super::check::told;
use super::super::output::{Align, Table, Tone, many_lines, seconds, thousands};
use super::super::report::{self, blocked_by, verification};
use super::{BatchRecord, RunRecord};
use crate::runner::Verification;

fn tone(state: &str) -> Tone {
    match state {
        "failed" | "cancelled" => Tone::Bad,
        "suspended" => Tone::Warning,
        _ => Tone::Plain,
    }
}

/// The reason takes a line of its own, which the list has no room for.
fn in_short(found: &Verification) -> String {
    match found {
        Verification::Unverified(_) => "unverified".to_owned(),
        other => verification(other),
    }
}

/// The list as text.
pub fn list(records: &[RunRecord], color: bool) -> String {
    if records.is_empty() {
        return "no runs yet\n".to_owned();
    }
    let mut table = Table::new([
        ("run", Align::Left),
        ("started", Align::Left),
        ("job", Align::Left),
        ("mode", Align::Left),
        ("outcome", Align::Left),
        ("affected", Align::Right),
        ("seconds", Align::Right),
        ("verification", Align::Left),
    ]);
    for record in records {
        let reason = record
            .reason
            .as_deref()
            .map(|r| format!(" ({r})"))
            .unwrap_or_default();
        let cells = [
            record.run.to_string(),
            record.started.to_string(),
            record.job.to_string(),
            record.mode.as_str().to_owned(),
            format!("{}{reason}", record.state),
            thousands(record.totals.affected),
            record.elapsed.map_or_else(|| "–".to_owned(), seconds),
            in_short(&record.verification),
        ];
        table.row(cells, tone(&record.state));
    }
    table.render(color)
}

/// Where the run comes from, in words.
fn cause(record: &RunRecord) -> String {
    let mut words = match (&record.due, &record.asked_by) {
        (Some(due), _) => format!("{}, due {due}", record.cause.as_str()),
        (None, Some(by)) => format!("{} of {by}", record.cause.as_str()),
        (None, None) => record.cause.as_str().to_owned(),
    };
    if record.attempt > 1 {
        words.push_str(&format!(", attempt {}", record.attempt));
    }
    words
}

/// How long the run was held back, by reason.
fn held_back(record: &RunRecord) -> Option<String> {
    let told = |(reason, millis): (&String, &u64)| {
        format!("{} s ({reason})", seconds(Duration::from_millis(*millis)))
    };
    let all: Vec<_> = record.throttled.iter().map(told).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// One run with its batches as text.
pub fn run(record: &RunRecord, batches: &[BatchRecord], color: bool) -> String {
    let reason = record
        .reason
        .as_deref()
        .map(|r| format!(" ({r})"))
        .unwrap_or_default();
    let elapsed = record.elapsed.map_or_else(|| "–".to_owned(), seconds);
    let rows = record.totals;
    let mut text = format!(
        "run           {}\njob           {}\nplugin        {} ({})\nmode          {}\n\
         cause         {}\nhost          {}\noutcome       {}{reason}\nstarted       {}\nseconds       {elapsed}\n\
         affected      {}\ndependents    {}\ncascaded      {}\nblocked       {}\n\
         locked        {}\nexamined      {}\nrevived       {}\nverification  {}\n",
        record.run,
        record.job,
        record.plugin.0,
        record.plugin.1,
        record.mode.as_str(),
        cause(record),
        record.host,
        record.state,
        record.started,
        thousands(rows.affected),
        thousands(rows.dependents),
        thousands(rows.cascaded),
        thousands(rows.blocked),
        thousands(rows.locked),
        thousands(rows.examined),
        thousands(rows.revived),
        verification(&record.verification),
    );
    if let Some(runs) = report::in_vain(record.without_progress) {
        text.push_str(&format!("progress      {runs}\n"));
    }
    for sweep in &record.remains {
        text.push_str(&format!("  {}  {}\n", sweep.table, report::told(sweep)));
    }
    if let Some(by) = blocked_by(&record.blocked_by) {
        text.push_str(&format!("blocked by    {by}\n"));
    }
    if let Some(by) = held_back(record) {
        text.push_str(&format!("held back     {by}\n"));
    }
    if let Some(error) = &record.error {
        text.push_str(&format!("error         {error}\n"));
    }
    let mut text = many_lines(&text);
    for finding in &record.findings {
        text.push_str(&format!("\n{}", told(finding, color)));
    }
    if !batches.is_empty() {
        text.push('\n');
        text.push_str(&batch_table(batches).render(color));
    }
    text
}

fn batch_table(batches: &[BatchRecord]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new([
        ("batch", Right),
        ("committed", Left),
        ("examined", Right),
        ("affected", Right),
        ("dependents", Right),
        ("cascaded", Right),
        ("blocked", Right),
        ("locked", Right),
        ("revived", Right),
    ]);
    for batch in batches {
        let rows = batch.rows;
        let cells = [
            rows.examined,
            rows.affected,
            rows.dependents,
            rows.cascaded,
            rows.blocked,
            rows.locked,
            rows.revived,
        ];
        let head = [thousands(batch.seq), batch.at.to_string()];
        table.row(head.into_iter().chain(cells.map(thousands)), Tone::Plain);
    }
    table
}
