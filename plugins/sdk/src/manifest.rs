//! The manifest: what a plugin says about itself.

use std::fmt;

/// What a plugin says about itself: the same answer always.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// let manifest = Manifest::new("audit", env!("CARGO_PKG_VERSION"), "Deletes old audit rows")
///     .setting(Setting::duration("retention", "How long rows are kept").default("90d"))
///     .setting(Setting::choice("level", ["all", "minor"], "Which rows go").default("minor"))
///     .job(Job::new("expired", "Rows past their retention").schedule("0 3 * * *"))
///     .job(Job::new("drafts", "Rows never finished").default("retention", "7d").opt_in());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Manifest {
    /// The plugin's name, as the operator's file uses it.
    pub name: String,
    /// The plugin's version, by semantic versioning.
    pub version: String,
    /// One sentence.
    pub about: String,
    /// What the operator can choose.
    pub settings: Vec<Setting>,
    /// What can be scheduled.
    pub jobs: Vec<Job>,
    /// Further keys that a host may know.
    pub extras: Vec<(String, String)>,
}

impl Manifest {
    /// A manifest without settings and jobs.
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        about: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            about: about.into(),
            settings: Vec::new(),
            jobs: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// Adds a setting.
    pub fn setting(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }

    /// Adds several settings.
    pub fn settings(mut self, settings: impl IntoIterator<Item = Setting>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// Adds a job.
    pub fn job(mut self, job: Job) -> Self {
        self.jobs.push(job);
        self
    }

    /// Adds several jobs.
    pub fn jobs(mut self, jobs: impl IntoIterator<Item = Job>) -> Self {
        self.jobs.extend(jobs);
        self
    }

    /// Adds a key that a host may know.
    pub fn extra(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.extras.push((key.into(), value.into()));
        self
    }
}

/// The type of a setting's value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A floating point number.
    Float,
    /// `true` or `false`.
    Boolean,
    /// A length of time, such as `30d`.
    Duration,
    /// A list of texts.
    Texts,
    /// A list of whole numbers.
    Integers,
    /// One of these texts.
    Choice(Vec<String>),
    /// The name of a table.
    Table,
    /// The name of a column.
    Column,
}

impl fmt::Display for Kind {
    /// The kind as the contract spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Texts => "list<text>",
            Self::Integers => "list<integer>",
            Self::Choice(of) => return write!(f, "choice:{}", of.join("|")),
            Self::Table => "table",
            Self::Column => "column",
        })
    }
}

/// One thing that the operator can choose, for the whole plugin or for one job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Setting {
    /// Its name in the operator's file, in kebab-case.
    pub name: String,
    /// The type of its value.
    pub kind: Kind,
    /// As in the operator's file, text without its quotes. `None`: no value until the operator
    /// gives one, or the job has a default of its own.
    pub default: Option<String>,
    /// One sentence.
    pub about: String,
    /// Further keys that a host may know.
    pub extras: Vec<(String, String)>,
}

impl Setting {
    /// A setting of any kind.
    pub fn new(name: impl Into<String>, kind: Kind, about: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            default: None,
            about: about.into(),
            extras: Vec::new(),
        }
    }

    /// A text.
    pub fn text(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, Kind::Text, about)
    }

    /// A whole number.
    pub fn integer(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, Kind::Integer, about)
    }

    /// `true` or `false`.
    pub fn boolean(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, Kind::Boolean, about)
    }

    /// A length of time.
    pub fn duration(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, Kind::Duration, about)
    }

    /// How long rows are kept: a length of time that the operator's `min-retention` is held against.
    pub fn retention(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::duration(name, about).extra("role", "retention")
    }

    /// One of a few texts.
    pub fn choice<C: Into<String>>(
        name: impl Into<String>,
        of: impl IntoIterator<Item = C>,
        about: impl Into<String>,
    ) -> Self {
        let of = of.into_iter().map(Into::into).collect();
        Self::new(name, Kind::Choice(of), about)
    }

    /// The name of a table.
    pub fn table(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, Kind::Table, about)
    }

    /// The name of a column.
    pub fn column(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self::new(name, Kind::Column, about)
    }

    /// The value where the operator gives none, as in the operator's file: `30d`, `true`, `10`,
    /// `["a", "b"]`, and text without quotes.
    pub fn default(mut self, value: impl fmt::Display) -> Self {
        self.default = Some(value.to_string());
        self
    }

    /// The least value, of a number or a length of time: the host refuses what is below it, whoever
    /// gives it.
    pub fn minimum(self, value: impl fmt::Display) -> Self {
        self.extra("minimum", value.to_string())
    }

    /// Adds a key that a host may know.
    pub fn extra(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.extras.push((key.into(), value.into()));
        self
    }
}

/// One job: what is scheduled, run and reported on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Job {
    /// Its name within the plugin, in kebab-case.
    pub name: String,
    /// One sentence.
    pub about: String,
    /// Five-field cron expression, until the operator gives another; `None`: only when asked for.
    pub schedule: Option<String>,
    /// Settings with another default in this job: name and default.
    pub defaults: Vec<(String, String)>,
    /// Runs only where the operator's file names it.
    pub opt_in: bool,
    /// Jobs, as `plugin/job`, that must be neither due nor running when this one starts.
    pub after: Vec<String>,
    /// Names that this job had before, so that configuration and history follow it.
    pub formerly: Vec<String>,
    /// Further keys that a host may know.
    pub extras: Vec<(String, String)>,
}

impl Job {
    /// A job that runs only when asked for, until it is given a schedule.
    pub fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            schedule: None,
            defaults: Vec::new(),
            opt_in: false,
            after: Vec::new(),
            formerly: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// When it runs, unless the operator says otherwise: minute, hour, day, month, weekday.
    pub fn schedule(mut self, cron: impl Into<String>) -> Self {
        self.schedule = Some(cron.into());
        self
    }

    /// An environment variable of the operator's that a fresh configuration takes the schedule from,
    /// where other tools read it already.
    pub fn schedule_variable(self, name: impl Into<String>) -> Self {
        self.extra("schedule-variable", name)
    }

    /// Another default for a setting, in this job only.
    pub fn default(mut self, setting: impl Into<String>, value: impl fmt::Display) -> Self {
        self.defaults.push((setting.into(), value.to_string()));
        self
    }

    /// Runs only where the operator's file names it.
    pub fn opt_in(mut self) -> Self {
        self.opt_in = true;
        self
    }

    /// Jobs, as `plugin/job`, that must be neither due nor running when this one starts.
    pub fn after<J: Into<String>>(mut self, jobs: impl IntoIterator<Item = J>) -> Self {
        self.after.extend(jobs.into_iter().map(Into::into));
        self
    }

    /// Names that this job had before.
    pub fn formerly<J: Into<String>>(mut self, names: impl IntoIterator<Item = J>) -> Self {
        self.formerly.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds a key that a host may know.
    pub fn extra(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.extras.push((key.into(), value.into()));
        self
    }
}
