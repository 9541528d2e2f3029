//! Findings: what preflight notices.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look; the job runs.
    Warning,
    /// The job does not run, unless the operator tolerates the finding's code.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Something that preflight noticed: data or settings that would make the job fail or do harm.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// let finding = Finding::error("unknown-provider", "3 links point at a provider that is gone")
///     .extra("provider", "old-idp");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Finding {
    /// A name that an operator may tolerate, in kebab-case. It never changes its meaning.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, and the way out.
    pub message: String,
    /// Further keys that a host may know.
    pub extras: Vec<(String, String)>,
}

impl Finding {
    /// A finding worth knowing.
    pub fn info(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Info, message)
    }

    /// A finding worth a look.
    pub fn warning(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    /// A finding that keeps the job from running.
    pub fn error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    /// Adds a key that a host may know.
    pub fn extra(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.extras.push((key.into(), value.into()));
        self
    }

    fn new(code: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity,
            message: message.into(),
            extras: Vec::new(),
        }
    }
}
