//! Jobs that are refused: each is told by itself, and the lines of the file that would let them run are
//! told once for all. Tables that two of them need would stand there twice otherwise, and a file with
//! such lines is refused whole.

use crate::request::JobName;
use crate::runner::RunnerError;
use crate::scope::{self, TO_ALLOW_IT};

/// Why a job is refused, without the lines that would let it run.
pub(super) fn in_words(job: &JobName, error: &RunnerError) -> String {
    let words = match error {
        RunnerError::Denied(refusal) => refusal.needs(),
        other => other.to_string(),
    };
    match words.contains(&job.to_string()) {
        true => words,
        false => format!("`{job}`: {words}"),
    }
}

/// The lines that would let all of these run, where there are any, under what to do with them.
pub(super) fn lines<'a>(errors: impl Iterator<Item = &'a RunnerError>) -> Option<String> {
    let refusals = errors.filter_map(|error| match error {
        RunnerError::Denied(refusal) => Some(refusal.as_ref()),
        _ => None,
    });
    let lines = scope::lines(refusals);
    (!lines.is_empty()).then(|| format!("{TO_ALLOW_IT}\n{lines}"))
}
