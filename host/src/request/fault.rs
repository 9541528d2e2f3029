//! Why a request was not carried out, in the contract's own kinds.

use super::Denied;

/// A code and a sentence that says what is at fault and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// SQLSTATE, SQLite's extended code, or a code of besom's own.
    pub code: String,
    /// What is at fault, and the way out.
    pub message: String,
}

impl Problem {
    /// A problem with its code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

/// Why a request was not carried out. Each kind reaches the guest as the same kind of the
/// contract's `error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The grant does not cover it; the message shows the grant that would.
    #[error("denied: {}", .0.problem.message)]
    Denied(Denied),
    /// An unknown table or column, or a value that does not fit.
    #[error("invalid: {}", .0.message)]
    Invalid(Problem),
    /// A limit of this plugin was reached.
    #[error("exhausted: {}", .0.message)]
    Exhausted(Problem),
    /// A statement or lock timeout that outlasted the host's own retries.
    #[error("timeout: {} (code {})", .0.message, .0.code)]
    Timeout(Problem),
    /// The database refused, after the host's own retries.
    #[error("database: {} (code {})", .0.message, .0.code)]
    Database(Problem),
    /// Anything else: what this version does not do yet, a lost lease.
    #[error("{}", .0.message)]
    Other(Problem),
}

impl Fault {
    /// The problem inside.
    pub fn problem(&self) -> &Problem {
        match self {
            Self::Denied(denied) => &denied.problem,
            Self::Invalid(p)
            | Self::Exhausted(p)
            | Self::Timeout(p)
            | Self::Database(p)
            | Self::Other(p) => p,
        }
    }

    /// Shorthand for a [`Fault::Denied`] that no grant would help against.
    pub fn closed(message: impl Into<String>) -> Self {
        Self::Denied(Denied {
            problem: Problem::new("denied", message),
            missing: Vec::new(),
        })
    }

    /// Shorthand for an [`Fault::Invalid`].
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::Invalid(Problem::new(code, message))
    }

    /// What the contract has and this version does not do yet.
    pub fn unsupported(what: &str) -> Self {
        Self::Other(Problem::new(
            "unsupported",
            format!(
                "{what} is not supported by this version of besom; it will come with a later one"
            ),
        ))
    }
}
