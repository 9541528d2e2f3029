//! Log lines on stderr, and spans to whoever collects them.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{Directive, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::exit::Refusal;
use super::output::ColorChoice;
use super::progress::Progress;
use super::traces::Traces;
use crate::config::{Collector, LogFormat};
use crate::request::SPANS;

/// The filter without `-v` and `--log`: besom's own account, and only warnings of anything else.
pub const DEFAULT_FILTER: &str = "warn,besom=info";

/// Here the driver shows values of the database's URL, of which one may be a password.
const SHOWS_VALUES: &str = "sqlx_postgres::options::parse";

/// What is logged, and how.
#[derive(Debug)]
pub(super) struct Logging<'a> {
    /// Instead of `verbosity`.
    pub(super) directives: Option<&'a str>,
    pub(super) verbosity: u8,
    pub(super) color: ColorChoice,
    pub(super) format: LogFormat,
    /// Who collects spans, and the name of this host for it.
    pub(super) collector: Option<(&'a Collector, &'a str)>,
}

impl Logging<'_> {
    /// Starts logging for the process. What it answers has to be finished before the process ends.
    ///
    /// # Errors
    /// When the directives are not a filter.
    pub(super) fn start(&self, progress: &Progress) -> Result<Option<Traces>, Refusal> {
        let filter = filter(self.directives, self.verbosity)?;
        let lines = tracing_subscriber::fmt::layer().with_writer(progress.log_writer());
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match self.format {
            LogFormat::Text => {
                let color = self.color.applies_to(&io::stderr());
                lines.with_ansi(color).with_filter(filter).boxed()
            }
            LogFormat::Json => {
                // The spans are a list, from the run inwards: the innermost would be there twice.
                let lines = lines.json().flatten_event(true).with_current_span(false);
                lines.with_filter(filter).boxed()
            }
        };
        let traces = self
            .collector
            .map(|(collector, host)| Traces::to(collector, host))
            .transpose()
            .map_err(|error| Refusal(format!("spans cannot be sent by OTLP: {error}")))?;
        let spans = traces.as_ref().map(|traces| {
            // What besom says in a span goes along with it; what it stands on has spans of its own.
            let ours = Targets::new().with_target("besom", LevelFilter::INFO);
            traces.layer().with_filter(ours)
        });
        let subscriber = Registry::default().with(lines).with(spans);
        // A second start in one process (tests) keeps the first logger, which is as good.
        let _ = tracing::subscriber::set_global_default(subscriber);
        Ok(traces)
    }
}

fn filter(directives: Option<&str>, verbosity: u8) -> Result<EnvFilter, Refusal> {
    let text = match (directives.filter(|text| !text.is_empty()), verbosity) {
        (Some(text), _) => text,
        (None, 0) => DEFAULT_FILTER,
        (None, 1) => "info,besom=debug",
        (None, _) => "debug,besom=trace",
    };
    let filter = EnvFilter::try_new(text).map_err(|error| {
        Refusal(format!(
            "--log (or BESOM_LOG) `{text}` is not a filter: {error}; write for example \
             `{DEFAULT_FILTER}`"
        ))
    })?;
    let always = [
        // A line of a run says whose it is, whatever else is left out.
        format!("{SPANS}=error"),
        format!("{SHOWS_VALUES}=off"),
    ];
    let always = always
        .iter()
        .filter_map(|text| text.parse::<Directive>().ok());
    Ok(always.fold(filter, EnvFilter::add_directive))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn directives_win_over_verbosity() {
        let shown = |directives, verbosity| filter(directives, verbosity).unwrap().to_string();
        assert!(shown(Some("besom::sql=trace"), 2).contains("besom::sql=trace"));
        assert!(!shown(Some("besom::sql=trace"), 2).contains("debug"));
        assert!(shown(None, 0).contains("besom=info"));
        assert!(shown(Some(""), 1).contains("besom=debug"));
    }

    #[test]
    fn spans_of_runs_pass_every_filter() {
        for directives in ["off", "warn", "besom::guest=debug"] {
            let shown = filter(Some(directives), 0).unwrap().to_string();
            assert!(shown.contains("besom::span=error"), "{shown}");
        }
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
