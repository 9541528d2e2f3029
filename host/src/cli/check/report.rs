//! What a check found, as text and as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::exit::Exit;
use super::super::output::{Align, Table, Tone, many_lines};
use crate::preflight::{Finding, Severity};
use crate::request::JobName;
use crate::runner::NOTHING_IS_HERE;
use crate::scope::TO_ALLOW_IT;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The database, without password.
    pub database: String,
    /// Every job of every plugin that the file names, but no opt-in job that it does not name.
    pub jobs: Vec<JobCheck>,
    /// The lines of the file that allow what is refused for want of a grant, by plugin.
    pub allowed_by: BTreeMap<String, String>,
    /// What stands out about the role that besom connects as.
    pub role: Vec<Finding>,
}

/// What a check found about one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobCheck {
    /// The job.
    #[serde(serialize_with = "displayed")]
    pub job: JobName,
    /// Its plugin's version.
    pub version: String,
    /// The tables that it touches.
    pub tables: Vec<String>,
    /// What the database lacks of what it would touch, where that leaves it nothing to do.
    pub absent: Option<String>,
    /// Why it may not run: a grant that does not cover it, a setting at fault.
    pub refusal: Option<String>,
    /// What preflight noticed, the host's and the plugin's.
    pub findings: Vec<Finding>,
}

fn displayed<S: serde::Serializer>(job: &JobName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(job)
}

impl JobCheck {
    fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    fn exit(&self) -> Exit {
        match (&self.refusal, self.worst()) {
            (Some(_), _) => Exit::Refused,
            (None, Some(Severity::Error)) => Exit::Failed,
            (None, _) => Exit::Done,
        }
    }

    fn verdict(&self) -> (&'static str, Tone) {
        if self.absent.is_some() {
            return ("absent", Tone::Plain);
        }
        match (self.exit(), self.worst()) {
            (Exit::Refused, _) => ("refused", Tone::Bad),
            (Exit::Failed, _) => ("error", Tone::Bad),
            (_, Some(Severity::Warning)) => ("warning", Tone::Warning),
            _ => ("ok", Tone::Plain),
        }
    }
}

impl CheckReport {
    /// How the command ends.
    pub fn exit(&self) -> Exit {
        let worst = Exit::worst(self.jobs.iter().map(JobCheck::exit));
        match self.nothing_is_here() {
            true => worst.max(Exit::Failed),
            false => worst,
        }
    }

    /// Every job is absent, which is more likely a mistake about the database than meant.
    fn nothing_is_here(&self) -> bool {
        !self.jobs.is_empty() && self.jobs.iter().all(|job| job.absent.is_some())
    }

    /// A job does not run for want of rights.
    pub(super) fn lacks_rights(&self) -> bool {
        let mut findings = self.jobs.iter().flat_map(|job| &job.findings);
        findings.any(|found| found.stops() && found.code == "missing-privilege")
    }

    /// Each refusal once, with the jobs that it meets: a setting at fault meets a whole plugin.
    pub(super) fn refusals(&self) -> Vec<(&str, Vec<String>)> {
        let jobs = self.jobs.iter();
        grouped(jobs.filter_map(|job| Some((job.refusal.as_deref()?, &job.job))))
    }

    /// What to write so that nothing is refused for want of a grant.
    pub(super) fn way_out(&self) -> Option<String> {
        let lines: String = self.allowed_by.values().map(String::as_str).collect();
        (!lines.is_empty()).then(|| format!("{TO_ALLOW_IT}\n{lines}"))
    }

    /// Each finding once, with the jobs that it meets: one table serves many.
    pub(super) fn findings(&self) -> Vec<(&Finding, Vec<String>)> {
        let jobs = self.jobs.iter();
        grouped(jobs.flat_map(|job| job.findings.iter().map(move |found| (found, &job.job))))
    }

    /// The report as text.
    pub fn text(&self, color: bool) -> String {
        let mut table = Table::new([
            ("job", Align::Left),
            ("version", Align::Left),
            ("check", Align::Left),
            ("tables", Align::Left),
        ]);
        for job in &self.jobs {
            let (verdict, tone) = job.verdict();
            let tables = match &job.absent {
                Some(missing) => missing.clone(),
                None => job.tables.join(", "),
            };
            table.row(
                [
                    job.job.to_string(),
                    job.version.clone(),
                    verdict.to_owned(),
                    tables,
                ],
                tone,
            );
        }
        let mut text = format!("database  {}\n\n", many_lines(&self.database));
        text.push_str(&table.render(color));
        if self.nothing_is_here() {
            let line = Tone::Bad.paint(NOTHING_IS_HERE, color);
            text.push_str(&format!("\n{line}\n"));
        }
        for (refusal, jobs) in self.refusals() {
            let line = format!("{}: {refusal}", jobs.join(", "));
            text.push_str(&format!(
                "\n{}\n",
                Tone::Bad.paint(&many_lines(&line), color)
            ));
        }
        if let Some(lines) = self.way_out() {
            text.push_str(&format!("\n{}", many_lines(&lines)));
        }
        for (finding, jobs) in self.findings() {
            text.push_str(&format!("\n{}: {}", jobs.join(", "), told(finding, color)));
        }
        for finding in &self.role {
            text.push_str(&format!("\n{}", told(finding, color)));
        }
        text
    }
}

/// A finding with the statements that mend it, as lines.
pub fn told(finding: &Finding, color: bool) -> String {
    let tone = match finding.severity {
        Severity::Info => Tone::Plain,
        Severity::Warning => Tone::Warning,
        Severity::Error => Tone::Bad,
    };
    let severity = match finding.tolerated {
        true => "tolerated error",
        false => finding.severity.as_str(),
    };
    let line = format!("{severity} {}: {}", finding.code, finding.message);
    let mut text = tone.paint(&many_lines(&line), color) + "\n";
    for statement in &finding.fix {
        text.push_str(&format!("    {};\n", many_lines(statement)));
    }
    text
}

/// Equal things once, in the order in which they were met, with the jobs that met them.
fn grouped<'a, T: PartialEq>(met: impl Iterator<Item = (T, &'a JobName)>) -> Vec<(T, Vec<String>)> {
    let mut grouped: Vec<(T, Vec<String>)> = Vec::new();
    for (thing, job) in met {
        match grouped.iter_mut().find(|(known, _)| *known == thing) {
            Some((_, jobs)) => jobs.push(job.to_string()),
            None => grouped.push((thing, vec![job.to_string()])),
        }
    }
    grouped
}
