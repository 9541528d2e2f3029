//! Why a host could not be set up, or a job not begun.

use std::path::PathBuf;

use crate::catalog::{CatalogError, TimeFormError};
use crate::config::Place;
use crate::database::DatabaseError;
use crate::ledger::LedgerError;
use crate::plugin::{CallError, Cause, Digest, EngineError, LoadError, SettingsError};
use crate::preflight::Finding;
use crate::request::{Fault, JobName};
use crate::scope::Refusal;
use crate::store::StoreError;

/// Why a host could not be set up, or a job not begun. Nothing has been changed.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The database does not answer.
    #[error("the database cannot be used: {0}")]
    Database(#[from] DatabaseError),
    /// The database that the file names cannot be reached.
    #[error(
        "{database} cannot be used: {source}{}",
        if database.starts_with("sqlite:") {
            ". The file must be there, and besom be allowed to write it; besom makes none"
        } else {
            ""
        }
    )]
    Unreachable {
        /// The database, without password.
        database: String,
        /// What it said.
        source: DatabaseError,
    },
    /// The port of the HTTP API cannot be had.
    #[error("{0}")]
    Listen(std::io::Error),
    /// A file that was changed names another database, or another name for this host.
    #[error(
        "[database] and the host's name are in use and cannot change while it runs: restart besom for them, or \
         take them back"
    )]
    NeedsRestart,
    /// Its tables cannot be read.
    #[error("the database's tables cannot be read: {0}")]
    Catalog(#[from] CatalogError),
    /// The configuration's word on a column's time is wrong.
    #[error("[time-forms] in the configuration: {0}")]
    TimeForms(#[from] TimeFormError),
    /// The ledger refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The WebAssembly engine does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A component file cannot be read.
    #[error("plugin `{plugin}`: {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The plugin.
        plugin: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A component does not load.
    #[error("plugin `{plugin}` does not load: {source}")]
    Load {
        /// The plugin.
        plugin: String,
        /// Why.
        source: Box<LoadError>,
    },
    /// A component says another name than the file gives it.
    #[error(
        "plugin `{configured}` is a component that calls itself `{described}`: name it [plugins.{described}]"
    )]
    OtherName {
        /// The name in the file.
        configured: String,
        /// The name in its manifest.
        described: String,
    },
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No version of a plugin that the file names can be run.
    #[error("plugin `{plugin}` does not run: {why}")]
    Unavailable {
        /// The plugin.
        plugin: String,
        /// Why.
        why: String,
    },
    /// No version of the plugin can be put in use like this.
    #[error("plugin `{plugin}`: {why}")]
    NotInstallable {
        /// The plugin.
        plugin: String,
        /// Why, and the way out.
        why: String,
    },
    /// The job crashed on this version again and again.
    #[error(
        "`{job}` is suspended on {version}: it crashed {} times in a row, lastly: {why}; install another \
         version, or let this one try again by `besom plugin pin {} {digest}`", crate::store::STRIKES, job.plugin
    )]
    Quarantined {
        /// The job.
        job: JobName,
        /// The version.
        version: String,
        /// The component.
        digest: Box<Digest>,
        /// How it ended last.
        why: String,
    },
    /// No such plugin in the file.
    #[error("no plugin `{name}` in the configuration; it has: {known}")]
    UnknownPlugin {
        /// The name asked for.
        name: String,
        /// The names that are there.
        known: String,
    },
    /// No such job in the plugin.
    #[error("plugin `{plugin}` has no job `{job}`; it has: {known}", plugin = job.plugin, job = job.job)]
    UnknownJob {
        /// The job asked for.
        job: JobName,
        /// The names that are there.
        known: String,
    },
    /// A job that the plugin knows, or that the file speaks of, and that this file does not have.
    #[error("{why}")]
    NotThere {
        /// The job asked for.
        job: JobName,
        /// Why it is not there, and the way out.
        why: String,
    },
    /// A job of the file's own has a name that is a job's of the plugin, or was one's.
    #[error(
        "{place}: {} job of `{}`, and a job that is `like` another needs a name of its own: write \
         [plugins.{1}.jobs.another-name]",
        .today.as_ref().map_or_else(
            || format!("`{}` is a", name.job),
            |today| format!("`{}` was the name of `{today}`, a", name.job)
        ),
        name.plugin
    )]
    NameTaken {
        /// Where the file says `like`.
        place: Box<Place>,
        /// The name.
        name: JobName,
        /// What the job that had it is called today; `None`: it still has it.
        today: Option<String>,
    },
    /// The file names a job by two of its names.
    #[error(
        "{}: this is the job `{job}`, which {} names too: leave one of them", places.0, places.1
    )]
    TwoNames {
        /// The job, by its name of today.
        job: JobName,
        /// Where the file names it.
        places: Box<(Place, Place)>,
    },
    /// Jobs that wait for one another, so that none could ever begin.
    #[error(
        "jobs wait for one another: {0}; leave one of their plugins out of the configuration, or \
         have its `after` changed"
    )]
    Cycle(String),
    /// A grant in the file names no table, or one that another grant names too.
    #[error("[plugins.{plugin}.grant.{table:?}]: {why}")]
    Grant {
        /// The plugin.
        plugin: String,
        /// The name in the file.
        table: String,
        /// What is wrong with it.
        why: String,
    },
    /// A setting is unknown, of the wrong type, or below a floor.
    #[error("{}: {source}", .place.as_ref().map_or_else(|| format!("`{job}`"), ToString::to_string))]
    Settings {
        /// The job.
        job: JobName,
        /// Where the file has the setting, if it does.
        place: Option<Place>,
        /// Why.
        source: Box<SettingsError>,
    },
    /// The plugin refuses its settings.
    #[error("`{job}` cannot run under these settings: {why}")]
    Access {
        /// The job.
        job: JobName,
        /// The version that was asked.
        digest: Box<Digest>,
        /// Why.
        why: Box<CallError>,
    },
    /// The grant does not cover what the job needs. Several refusals of one plugin are allowed by one
    /// block of the file: see [`crate::scope::lines`].
    #[error(transparent)]
    Denied(Box<Refusal>),
    /// The grant contradicts itself, or the job asks for what no grant opens.
    #[error("{0}")]
    AtFault(Fault),
    /// The plugin knows a table or a column that this database does not have, and the operator does not
    /// name it: the job has nothing to do here. It is not at fault, and neither is the file.
    #[error("`{job}` is absent: {missing}")]
    Absent {
        /// The job.
        job: JobName,
        /// What is not there, as a part of a sentence: "table `x` is not in this database".
        missing: String,
    },
    /// Preflight found errors that are not tolerated.
    #[error("`{job}` does not run: {}", told(findings))]
    Stopped {
        /// The job.
        job: JobName,
        /// The errors.
        findings: Vec<Finding>,
    },
}

impl RunnerError {
    /// Whether it may be over another time with the same file and the same plugins: the database does not
    /// answer, or refuses. So nothing that lasts is concluded from it, of a version or of a run that lies still.
    pub fn passes(&self) -> bool {
        match self {
            Self::Database(_) | Self::Unreachable { .. } | Self::Catalog(_) => true,
            Self::Ledger(error) => !matches!(error, LedgerError::NotMigrated),
            Self::Store(StoreError::Ledger(error)) => !matches!(error, LedgerError::NotMigrated),
            _ => false,
        }
    }

    /// Whether it says nothing about a job that was looked at: the database does not answer just now, or not as
    /// it should. Narrower than [`passes`](Self::passes): a right or a table that the database says is missing may
    /// come, and until then it keeps this job from running.
    pub fn is_the_databases(&self) -> bool {
        /// Of SQLSTATE: a value that does not fit, and a right, a table or a column that is not there.
        const STAYING: [&str; 2] = ["22", "42"];
        match self {
            Self::Database(error) => !STAYING.iter().any(|class| error.code.starts_with(class)),
            Self::Catalog(error) => !matches!(error, CatalogError::TooOld { .. }),
            Self::Unreachable { .. } => true,
            _ => false,
        }
    }

    /// Whether the way out is in the command line or the configuration, rather than in the
    /// database or the plugin's conduct.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Database(_)
            | Self::Unreachable { .. }
            | Self::Catalog(_)
            | Self::Quarantined { .. }
            | Self::Absent { .. }
            | Self::Stopped { .. } => false,
            Self::Store(StoreError::Ledger(refused)) => matches!(refused, LedgerError::NotMigrated),
            Self::Ledger(refused) => matches!(refused, LedgerError::NotMigrated),
            // The plugin's own words are about its settings; anything else is its conduct.
            Self::Access { why, .. } => matches!(why.cause(), Cause::Failed(_)),
            _ => true,
        }
    }
}

/// Each error with the statements that mend it, and how to run all the same, where that leads anywhere.
pub(super) fn told(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut codes: Vec<&str> = Vec::new();
    for finding in findings {
        let Finding { code, message, .. } = finding;
        text.push_str(&format!("{message} ({code})\n"));
        for statement in &finding.fix {
            text.push_str(&format!("    {statement};\n"));
        }
        if !codes.contains(&code.as_str()) {
            codes.push(code);
        }
    }
    if findings.iter().any(|finding| finding.inevitable) {
        return text.trim_end().to_owned();
    }
    let flags: Vec<_> = codes
        .iter()
        .map(|code| format!("--tolerate {code}"))
        .collect();
    text + &format!("to run all the same: {}", flags.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Severity;

    fn stopped(findings: Vec<Finding>) -> String {
        let job = JobName::new("tokens", "revoked-access");
        RunnerError::Stopped { job, findings }.to_string()
    }

    #[test]
    fn a_right_that_is_missing_is_the_jobs_and_a_connection_that_is_cut_is_the_databases() {
        let of = |code| RunnerError::Database(DatabaseError::other(code, "why"));
        for stays in ["42501", "42P01", "22008"] {
            let error = of(stays);
            assert!(!error.is_the_databases() && error.passes(), "{stays}");
        }
        for passes in ["57P01", "40001", "connection"] {
            let error = of(passes);
            assert!(error.is_the_databases() && error.passes(), "{passes}");
        }
    }

    #[test]
    fn tolerance_is_offered_where_it_lets_the_job_run_and_nowhere_else() {
        let missing_index = || Finding::new("unindexed-sweep", Severity::Error, "no index");
        let mut out_of_range = Finding::new("value", Severity::Error, "no such instant");
        out_of_range.inevitable = true;

        let may_run = stopped(vec![missing_index()]);
        let fails_anyway = stopped(vec![missing_index(), out_of_range]);

        assert!(
            may_run.ends_with("to run all the same: --tolerate unindexed-sweep"),
            "{may_run}"
        );
        assert!(!fails_anyway.contains("--tolerate"), "{fails_anyway}");
        assert!(
            fails_anyway.ends_with("no such instant (value)"),
            "{fails_anyway}"
        );
    }
}
