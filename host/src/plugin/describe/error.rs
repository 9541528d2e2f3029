//! Why what `describe` answered is not a manifest.

use super::super::settings::ValueError;
use super::{ABOUT_BYTES, MOST, NAME_BYTES};

/// What `describe` answered is not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A name is empty, too long, or of other characters.
    #[error(
        "the manifest names a {what} {name:?}: a name is of a-z, 0-9 and -, \
         begins with a letter, and has at most {NAME_BYTES} bytes"
    )]
    Name {
        /// What it names.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two things of one name.
    #[error("the manifest has two {what}s named `{name}`: rename one")]
    Twice {
        /// What they are.
        what: &'static str,
        /// Their name.
        name: String,
    },
    /// Not a semantic version.
    #[error("the manifest's version {version:?} is not a semantic version such as 1.2.0: {reason}")]
    Version {
        /// What it says.
        version: String,
        /// Why that is none.
        reason: String,
    },
    /// A description that is too long or not printable.
    #[error(
        "the manifest's description of {of} has more than {ABOUT_BYTES} bytes or a control character"
    )]
    About {
        /// What it describes.
        of: String,
    },
    /// Too many of something.
    #[error("the manifest has {count} {what}s, more than {MOST}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
    },
    /// A plugin without jobs.
    #[error("the manifest of `{plugin}` has no job: a plugin offers at least one")]
    NoJobs {
        /// The plugin.
        plugin: String,
    },
    /// A kind of setting that this host does not know.
    #[error(
        "setting `{setting}` is of kind {kind:?}, which this host does not know: it knows text, \
         integer, float, boolean, duration, list<text>, list<integer>, choice:a|b, table, column"
    )]
    Kind {
        /// The setting.
        setting: String,
        /// Its kind.
        kind: String,
    },
    /// A default that is not of the setting's kind.
    #[error("the default of setting `{setting}` is not of its kind: {source}")]
    Default {
        /// The setting.
        setting: String,
        /// Why.
        #[source]
        source: ValueError,
    },
    /// A job's default for a setting that is not declared.
    #[error(
        "job `{job}` has a default for the setting `{setting}`, which the manifest does not declare"
    )]
    UndeclaredDefault {
        /// The job.
        job: String,
        /// The setting.
        setting: String,
    },
    /// A floor that is not of the setting's kind, or above its default.
    #[error("the `minimum` of setting `{setting}`: {why}")]
    Minimum {
        /// The setting.
        setting: String,
        /// What is wrong with it.
        why: String,
    },
    /// A job's default that is not of the setting's kind.
    #[error("the default of setting `{setting}` in job `{job}` is not of its kind: {source}")]
    JobDefault {
        /// The job.
        job: String,
        /// The setting.
        setting: String,
        /// Why.
        #[source]
        source: ValueError,
    },
    /// Not a five-field cron expression.
    #[error("the schedule of job `{job}`: {why}")]
    Schedule {
        /// The job.
        job: String,
        /// What is wrong with it.
        why: String,
    },
    /// A former name that is not this job's alone.
    #[error(
        "job `{job}` says that it was formerly `{name}`, which is {also}: a name is one job's, now \
         and before"
    )]
    Formerly {
        /// The job.
        job: String,
        /// The former name.
        name: String,
        /// Whose it is as well.
        also: String,
    },
    /// `after` names what is not a job.
    #[error("job `{job}` wants to run after {after:?}, which is not written `plugin/job`")]
    After {
        /// The job.
        job: String,
        /// What it names.
        after: String,
    },
}
