//! Jobs that are refused: each is told by itself, and the lines of the file that would let them run are
//! told once for all. Tables that two of them need would stand there twice otherwise, and a file with
//! such lines is refused whole.

use crate::request::JobName;
use crate::runner::RunnerError;

/// Why a job is refused, without the lines that would let it run.
pub(super) fn in_words(job: &JobName, error: &RunnerError) -> String {
    let words = error.to_string();
    match words.contains(&job.to_string()) {
        true => words,
        false => format!("`{job}`: {words}"),
    }
}

/// The lines that would let all of these run, where there are any.
pub(super) fn lines<'a>(_errors: impl Iterator<Item = &'a RunnerError>) -> String {
    String::new()
}
