//! Log lines on stderr.

use std::io;

use tracing_subscriber::EnvFilter;

use super::exit::Refusal;
use super::output::ColorChoice;
use super::progress::Progress;

/// The filter without `-v` and `--log`: besom's own account, and only warnings of anything else.
pub const DEFAULT_FILTER: &str = "warn,besom=info";

/// Starts logging for the process. The filter is `directives` if given, else by `verbosity`.
///
/// # Errors
/// When the directives are not a filter.
pub fn start(
    directives: Option<&str>,
    verbosity: u8,
    color: ColorChoice,
    progress: &Progress,
) -> Result<(), Refusal> {
    let filter = filter(directives, verbosity)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(color.applies_to(&io::stderr()))
        .with_writer(progress.log_writer())
        .finish();
    // A second start in one process (tests) keeps the first logger, which is as good.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

fn filter(directives: Option<&str>, verbosity: u8) -> Result<EnvFilter, Refusal> {
    let text = match (directives.filter(|text| !text.is_empty()), verbosity) {
        (Some(text), _) => text,
        (None, 0) => DEFAULT_FILTER,
        (None, 1) => "info,besom=debug",
        (None, _) => "debug,besom=trace",
    };
    EnvFilter::try_new(text).map_err(|error| {
        Refusal(format!(
            "--log (or BESOM_LOG) `{text}` is not a filter: {error}; write for example \
             `{DEFAULT_FILTER}`"
        ))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn directives_win_over_verbosity() {
        let shown = |directives, verbosity| filter(directives, verbosity).unwrap().to_string();
        assert_eq!(shown(Some("besom=trace"), 2), "besom=trace");
        assert!(shown(None, 0).contains("besom=info"));
        assert!(shown(Some(""), 1).contains("besom=debug"));
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_an_example() {
        let error = filter(Some("besom=loud"), 0).unwrap_err().to_string();
        assert!(
            error.contains("besom=loud") && error.contains(DEFAULT_FILTER),
            "{error}"
        );
    }
}
