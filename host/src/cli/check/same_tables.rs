//! `same-tables`: a job that is like another and cleans the very tables of it.

use super::JobCheck;
use crate::plugin::{Job, Plugin};
use crate::preflight::{Finding, Severity};

/// Notes each job that is like another of these jobs and names the same tables: its settings are its own,
/// so that the longer of two retentions keeps nothing.
pub(super) fn note(plugin: &Plugin, jobs: &mut [JobCheck]) {
    let original = |job: &JobCheck| {
        let job = plugin.manifest().job(&job.job.job)?;
        Some((job.known_as().to_owned(), Job::is_like(job)))
    };
    let mut found = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        let Some((name, true)) = original(job) else {
            continue;
        };
        let same = |other: &&JobCheck| {
            other.job != job.job
                && !job.tables.is_empty()
                && other.tables == job.tables
                && original(other).is_some_and(|(of, _)| of == name)
        };
        if let Some(other) = jobs.iter().find(same) {
            let text = format!(
                "`{}` is like `{name}` and cleans the same tables as `{}`, and each has settings of its own: of \
                 two retentions the shorter wins. Give it tables of its own, or set `enabled = false` for one",
                job.job, other.job
            );
            found.push((at, Finding::new("same-tables", Severity::Warning, text)));
        }
    }
    for (at, finding) in found {
        if let Some(job) = jobs.get_mut(at) {
            job.findings.push(finding);
        }
    }
}
