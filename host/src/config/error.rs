//! Why a configuration is refused: each error names file, line and key, and the way out.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where something stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the operator named it, or the environment variable.
    pub file: String,
    /// The line, from 1; 0 where an environment variable says it.
    pub line: usize,
    /// The whole path of the key, such as `plugins.tokens.batch-size`; empty for the file itself.
    pub key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "environment variable {}: {}", self.file, self.key);
        }
        write!(f, "{}:{}", self.file, self.line)?;
        if self.key.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.key)
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no file.
    #[error(
        "there is no configuration file {}: write one with `besom init`, or name one with \
         `-c FILE`", .file.display()
    )]
    Absent {
        /// The file that was looked for.
        file: PathBuf,
    },
    /// The file is there and cannot be read.
    #[error("cannot read the configuration file {}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not TOML. The message never quotes the line: it may hold a password.
    #[error("{place}: not valid TOML: {problem}")]
    Syntax {
        /// Where the file stops being TOML.
        place: Place,
        /// What the parser expected.
        problem: String,
    },
    /// A key is unknown, missing, or has a value that does not do.
    #[error("{place}: {problem}")]
    Key {
        /// The key.
        place: Place,
        /// What is at fault, and the way out.
        problem: String,
    },
    /// A value that came from the environment does not do.
    #[error("environment variable {variable}: {problem}")]
    Environment {
        /// The variable.
        variable: String,
        /// What is at fault, and the way out.
        problem: String,
    },
}

impl ConfigError {
    /// The error at one key. Other rooms use it for what only they can check: a setting's type, a
    /// job that the plugin does not have.
    pub fn at(place: &Place, problem: impl Into<String>) -> Self {
        Self::Key {
            place: place.clone(),
            problem: problem.into(),
        }
    }
}

/// The known word nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Below this, Jaro-Winkler pairs words that merely share a few letters.
    const NEAR: f64 = 0.8;
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The end of a sentence about an unknown word: `; did you mean …?` where a known one is near.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(
        || ".".to_owned(),
        |meant| format!("; did you mean `{meant}`?"),
    )
}

/// Words as a list for a message: `a`, `b` and `c`.
pub(super) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
