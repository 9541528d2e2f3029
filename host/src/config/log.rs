//! `[log]`: how log lines look, and where the spans of runs go.

use std::str::FromStr;

use hyper::Uri;

use super::document::Section;
use super::error::ConfigError;

/// How log lines look, and where the spans of runs go. What is logged is `--log`'s to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// Who collects the spans; `None`: nobody.
    pub otlp: Option<Collector>,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// Takes spans by OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector(String);

/// The keys of `[log]`.
pub(super) const KEYS: [&str; 2] = ["format", "otlp"];

impl LogConfig {
    pub(super) fn read(root: &Section<'_>) -> Result<Self, ConfigError> {
        let mut log = Self::default();
        let Some(node) = root.get("log") else {
            return Ok(log);
        };
        let section = node.section()?;
        section.only(&KEYS, &[])?;
        if let Some(node) = section.get("format") {
            log.format = match node.text("json")?.as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err(node.error("must be \"text\" or \"json\"")),
            };
        }
        if let Some(node) = section.get("otlp") {
            let text = node.text("http://127.0.0.1:4318")?;
            log.otlp = match text.as_str() {
                "off" => None,
                url => Some(url.parse().map_err(|problem: &str| node.error(problem))?),
            };
        }
        Ok(log)
    }
}

impl Collector {
    /// Where it takes spans.
    pub fn traces(&self) -> String {
        format!("{}/v1/traces", self.0)
    }
}

impl FromStr for Collector {
    /// The way out. It does not show the URL, which may hold a password.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be the URL of a collector, such as http://127.0.0.1:4318, or \"off\"";
        let uri: Uri = text.parse().map_err(|_| wrong)?;
        if uri.scheme_str() == Some("https") {
            return Err(
                "must begin with http://: besom hands spans to a collector on this machine or network, \
                 which speaks TLS to those further away",
            );
        }
        let plain = uri.scheme_str() == Some("http") && uri.query().is_none();
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => Err(
                "must not hold a password; write `OTEL_EXPORTER_OTLP_HEADERS` into the environment instead",
            ),
            Some(_) if plain => Ok(Self(text.trim_end_matches('/').to_owned())),
            _ => Err(wrong),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_a_plain_url() {
        let traces = |text: &str| text.parse::<Collector>().unwrap().traces();
        assert_eq!(
            traces("http://127.0.0.1:4318"),
            "http://127.0.0.1:4318/v1/traces"
        );
        assert_eq!(traces("http://otel/in/"), "http://otel/in/v1/traces");
        for wrong in [
            "",
            "127.0.0.1:4318",
            "https://otel",
            "http://me:secret@otel",
            "grpc://otel",
            "http://otel?x=1",
        ] {
            let problem = wrong.parse::<Collector>().unwrap_err();
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
