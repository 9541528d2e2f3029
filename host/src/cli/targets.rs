//! Which jobs a command line names.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::exit::{Exit, Refusal};
use super::output::many_lines;
use super::refused;
use crate::config;
use crate::plugin::{self, Plugin};
use crate::request::{JobName, NameError};
use crate::runner::{Host, NOTHING_IS_HERE, RunnerError, Stray};

/// What is to run: a job, or every job of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every job of a plugin, except opt-in jobs that the file does not name.
    Plugin(String),
    /// One job.
    Job(JobName),
}

impl FromStr for Target {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.contains('/') {
            text.parse().map(Self::Job)
        } else {
            Ok(Self::Plugin(text.to_owned()))
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin(name) => f.write_str(name),
            Self::Job(job) => job.fmt(f),
        }
    }
}

/// A job that could run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The job.
    pub job: JobName,
    /// It runs only where the command names it: its plugin says opt-in, and the file does not name
    /// it; or the file says `enabled = false`.
    pub opt_in: bool,
}

/// The jobs that the targets name, each once, in the order in which they are named; within a
/// plugin in the order of `offers`.
///
/// # Errors
/// When a target names nothing that is offered; the message says what was probably meant.
pub fn select(targets: &[Target], offers: &[Offer]) -> Result<Vec<JobName>, Refusal> {
    let mut selected: Vec<JobName> = Vec::new();
    for target in targets {
        let mut known = false;
        for offer in offers.iter().filter(|offer| target.names(offer)) {
            known = true;
            if !selected.contains(&offer.job) {
                selected.push(offer.job.clone());
            }
        }
        if !known {
            return Err(unknown(target, offers));
        }
    }
    Ok(selected)
}

impl Target {
    fn names(&self, offer: &Offer) -> bool {
        match self {
            Self::Plugin(plugin) => offer.job.plugin == *plugin && !offer.opt_in,
            Self::Job(job) => offer.job == *job,
        }
    }
}

fn unknown(target: &Target, offers: &[Offer]) -> Refusal {
    let (what, name, known): (_, _, Vec<String>) = match target {
        Target::Plugin(name) if offers.iter().any(|offer| offer.job.plugin == *name) => {
            return Refusal(format!(
                "every job of `{name}` is opt-in or not enabled: name one on the command line, or in \
                 besom.toml"
            ));
        }
        Target::Plugin(name) => (
            "plugin",
            name.clone(),
            offers.iter().map(|o| o.job.plugin.clone()).collect(),
        ),
        Target::Job(job) => (
            "job",
            job.to_string(),
            offers.iter().map(|o| o.job.to_string()).collect(),
        ),
    };
    let meant = config::nearest(&name, known.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Refusal(format!(
        "no {what} `{name}` is configured{meant} (`besom plugin list` shows what there is; a \
         plugin runs only where besom.toml has a [plugins.NAME])"
    ))
}

/// The jobs that the targets name, or, without any, every job that runs without being named.
///
/// # Errors
/// As [`select`].
pub(super) fn jobs_of(host: &Host, targets: &[Target]) -> Result<Vec<JobName>, Refusal> {
    let offers = offers(host);
    if !targets.is_empty() {
        return selected(host, targets);
    }
    let all = offers.into_iter().filter(|offer| !offer.opt_in);
    Ok(all.map(|offer| offer.job).collect())
}

/// The jobs that the targets name, each once.
///
/// # Errors
/// As [`select`], and for a job that the file's profile leaves out.
pub(super) fn selected(host: &Host, targets: &[Target]) -> Result<Vec<JobName>, Refusal> {
    for target in targets {
        if let Target::Job(job) = target {
            let there = host.refuse_not_there(job);
            there.map_err(|error| Refusal(error.to_string()))?;
        }
    }
    select(targets, &offers(host))
}

/// Those that a command would have met under the targets, had the file their names right: all where none is
/// named, and else those of plugins that are named as a whole.
pub(super) fn in_view(unknown: Vec<Stray>, targets: &[Target]) -> impl Iterator<Item = Stray> {
    let met = |stray: &Stray| {
        targets.is_empty() || targets.contains(&Target::Plugin(stray.job.plugin.clone()))
    };
    unknown.into_iter().filter(move |stray| met(stray))
}

/// Tells them as errors, and how the command ends for them beside the jobs that it has.
pub(super) fn tell_unknown(unknown: impl Iterator<Item = Stray>) -> Exit {
    Exit::worst(unknown.map(|stray| {
        let job = stray.job.clone();
        let words = refused::in_words(&job, &stray.into_error());
        tracing::error!("{}", many_lines(&words));
        Exit::Failed
    }))
}

/// The jobs that a command is about, as far as this database has what they clean.
pub(super) struct Here {
    /// Those that are here.
    pub(super) jobs: Vec<JobName>,
    /// The others, which have been told, and what is missing.
    pub(super) absent: BTreeMap<JobName, String>,
    /// How the command ends for them.
    pub(super) exit: Exit,
}

/// Tells those of the jobs that are absent in this database. One that a target names is an error, as it is
/// where nothing else is left.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn present_here(
    host: &Host,
    mut jobs: Vec<JobName>,
    targets: &[Target],
    set: &[(String, String)],
) -> Result<Here, RunnerError> {
    let catalog = host.catalog().await?;
    let absent = host.absent(&jobs, set, &catalog).await?;
    jobs.retain(|job| !absent.contains_key(job));
    let nothing_is_here = jobs.is_empty() && !absent.is_empty();
    let mut exit = Exit::Done;
    for (job, missing) in &absent {
        match targets.contains(&Target::Job(job.clone())) {
            true => {
                tracing::error!("`{job}` is absent: {missing}");
                exit = Exit::Failed;
            }
            false => tracing::warn!("`{job}` is absent and left out: {missing}"),
        }
    }
    if nothing_is_here && exit == Exit::Done {
        tracing::error!("{NOTHING_IS_HERE}");
        exit = Exit::Failed;
    }
    Ok(Here { jobs, absent, exit })
}

/// The jobs of the configured plugins, in the order of their manifests.
pub(super) fn offers(host: &Host) -> Vec<Offer> {
    let of_plugin = |(name, plugin): (&String, &Plugin)| {
        let offer = |job: &plugin::Job| {
            let full = JobName::new(name, &job.name);
            let opt_in = !host.config().runs_by_itself(&full, job.opt_in);
            Offer { job: full, opt_in }
        };
        plugin.manifest().jobs.iter().map(offer).collect::<Vec<_>>()
    };
    host.plugins().iter().flat_map(of_plugin).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn offers() -> Vec<Offer> {
        let offer = |job: &str, opt_in| Offer {
            job: job.parse().unwrap(),
            opt_in,
        };
        vec![
            offer("tokens/revoked-access", false),
            offer("tokens/expired-access", false),
            offer("sessions/expire-inactive", true),
            offer("sessions/expired", false),
            offer("ips/all", true),
        ]
    }

    fn selected(targets: &[&str]) -> Result<Vec<String>, String> {
        let targets: Vec<Target> = targets.iter().map(|text| text.parse().unwrap()).collect();
        let jobs = select(&targets, &offers()).map_err(|error| error.to_string())?;
        Ok(jobs.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_plugin_stands_for_all_its_jobs_and_each_runs_once() {
        let jobs = selected(&["tokens/expired-access", "tokens"]).unwrap();
        assert_eq!(jobs, ["tokens/expired-access", "tokens/revoked-access"]);
    }

    #[test]
    fn an_opt_in_job_runs_only_when_it_is_named() {
        assert_eq!(selected(&["sessions"]).unwrap(), ["sessions/expired"]);
        let named = selected(&["sessions/expire-inactive"]).unwrap();
        assert_eq!(named, ["sessions/expire-inactive"]);
        assert!(selected(&["ips"]).unwrap_err().contains("is opt-in"));
    }

    #[test]
    fn an_unknown_job_is_refused_with_what_was_meant() {
        let error = selected(&["tokens/revoked-acces"]).unwrap_err();
        assert!(
            error.contains("did you mean `tokens/revoked-access`?"),
            "{error}"
        );
        let error = selected(&["token"]).unwrap_err();
        assert!(
            error.contains("no plugin `token`") && error.contains("`tokens`?"),
            "{error}"
        );
    }

    #[test]
    fn a_name_without_its_half_is_refused() {
        assert!("tokens/".parse::<Target>().is_err());
        assert!("".parse::<Target>().is_err());
    }
}
