//! Why something was not done, in the contract's own kinds.

use std::fmt;

/// A code and a sentence that says what is at fault and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// SQLSTATE, SQLite's extended code, or a code that besom's documentation lists.
    pub code: String,
    /// What is at fault, and the way out.
    pub message: String,
}

/// Why something was not done.
///
/// A job hands it on with `?`: the host knows the kind already, and logs the text of what the job
/// returns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The grant does not cover it; the message shows the grant that would.
    Denied(Problem),
    /// An unknown table, column, setting or job, or a value that does not fit.
    Invalid(Problem),
    /// A limit of this plugin was reached; the code names it.
    Exhausted(Problem),
    /// A statement or lock timeout that outlasted the host's own retries.
    Timeout(Problem),
    /// The database refused, after the host's own retries.
    Database(Problem),
    /// Anything else: what this host does not do yet, or an error of the plugin's own.
    Other(Problem),
}

/// What every call of this crate answers. The second parameter lets `Result<T, E>` keep its usual
/// meaning beside the prelude.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::Invalid`] with a code and a message.
    pub fn invalid(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(Problem {
            code: code.into(),
            message: message.into(),
        })
    }

    /// An error of the plugin's own.
    pub fn other(message: impl Into<String>) -> Self {
        Self::Other(Problem {
            code: "plugin".to_owned(),
            message: message.into(),
        })
    }

    /// What a plugin answers when it is asked for a job that its manifest does not have.
    pub fn unknown_job(job: &str) -> Self {
        Self::invalid("unknown-job", format!("this plugin has no job `{job}`"))
    }

    /// The problem inside.
    pub fn problem(&self) -> &Problem {
        match self {
            Self::Denied(problem)
            | Self::Invalid(problem)
            | Self::Exhausted(problem)
            | Self::Timeout(problem)
            | Self::Database(problem)
            | Self::Other(problem) => problem,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { code, message } = self.problem();
        match self {
            Self::Denied(_) => write!(f, "denied: {message}"),
            Self::Invalid(_) => write!(f, "invalid: {message}"),
            Self::Exhausted(_) => write!(f, "exhausted: {message} (limit {code})"),
            Self::Timeout(_) => write!(f, "timeout: {message} (code {code})"),
            Self::Database(_) => write!(f, "database: {message} (code {code})"),
            Self::Other(_) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}
