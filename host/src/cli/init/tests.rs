use super::*;
use crate::cli::plugin::{JobLine, SettingLine};
use crate::config::{Config, Environment, Rules, SECTIONS, TimingSettings};
use crate::request::JobName;

fn plugin() -> Inspection {
    let setting = |name: &str, kind: &str, default: Option<&str>| SettingLine {
        name: name.to_owned(),
        kind: kind.to_owned(),
        default: default.map(str::to_owned),
        about: "What it is for, in more words than one line of this file has room for, so \
                that it is broken\nsomewhere."
            .to_owned(),
    };
    let job = |name: &str, opt_in| JobLine {
        name: name.to_owned(),
        about: "Deletes rows.".to_owned(),
        schedule: None,
        schedule_variable: None,
        defaults: [("retention".to_owned(), "2h".to_owned())].into(),
        opt_in,
        access: Vec::new(),
        access_problem: None,
    };
    Inspection {
        name: "tokens".to_owned(),
        version: "1.0.0".to_owned(),
        about: "Deletes \"tokens\".".to_owned(),
        contract: String::new(),
        digest: String::new(),
        size: 0,
        imports: Vec::new(),
        jobs: vec![job("revoked-access", false), job("expire-inactive", true)],
        settings: vec![
            setting("retention", "duration", Some("1h")),
            setting("profile", "choice:mas|refresh-tokens", Some("mas")),
            setting("protect-refresh", "boolean", Some("true")),
            setting("keep", "integer", Some("10")),
            setting("ratio", "float", Some("0.5")),
            setting("states", "list<text>", Some("[\"a\", \"b\"]")),
            setting("one-state", "list<text>", Some("a")),
            setting("odd", "text", Some("a \"quoted\" $ and \\")),
            setting("table", "table", None),
        ],
    }
}

fn parse(text: &str) -> Config {
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &["tokens"],
    };
    Config::parse(text, Path::new(DEFAULT_FILE), &rules).unwrap()
}

/// The file with every default switched on.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if !key.starts_with(' ') && !key.is_empty() => key,
        _ => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_file_as_written_runs_every_bundled_plugin_with_every_default() {
    let config = parse(&contents(&[plugin()]));

    assert_eq!(config.database.url.expose(), "sqlite://besom.db");
    assert_eq!(config.plugins.keys().collect::<Vec<_>>(), ["tokens"]);
    assert!(config.plugins["tokens"].jobs.is_empty());
    assert!(config.plugins["tokens"].settings.values.is_empty());
}

#[test]
fn every_default_that_the_file_shows_is_the_default() {
    let written = parse(&contents(&[plugin()]));
    let text = uncommented(&contents(&[plugin()]));

    let shown = parse(&text);

    assert_eq!(shown.database, written.database);
    assert_eq!(shown.host.lease, written.host.lease);
    assert_eq!(shown.host.concurrency, written.host.concurrency);
    assert_eq!(shown.http.listen, written.http.listen);
    assert_eq!(shown.ledger, written.ledger);
    assert_eq!(shown.log, written.log);
    let limits = |config: &Config| {
        let job = config
            .job(&JobName::new("tokens", "revoked-access"))
            .unwrap();
        let timing = TimingSettings {
            window: None, // the file shows one, and has none
            ..job.timing
        };
        (job.batch_size, job.deadline, job.max_rows, timing)
    };
    assert_eq!(limits(&shown), limits(&written));
    assert!(shown.plugins.contains_key("acme-audit"));
    assert!(shown.plugins["tokens"].jobs.contains_key("expire-inactive"));
    let settings = &shown.plugins["tokens"].settings.values;
    assert_eq!(settings["retention"].as_str(), Some("1h"));
    assert_eq!(settings["protect-refresh"].as_bool(), Some(true));
    assert_eq!(settings["keep"].as_integer(), Some(10));
    assert_eq!(settings["states"].as_array().unwrap().len(), 2);
    assert_eq!(settings["one-state"].as_str(), Some("a"));
    assert_eq!(settings["odd"].as_str(), Some("a \"quoted\" $ and \\"));
    assert!(!settings.contains_key("table"), "it has no default");
}

#[test]
fn the_file_shows_every_section_that_there_is() {
    let text = contents(&[plugin()]);
    for section in SECTIONS {
        let shown = text.lines().any(|line| {
            line == format!("[{section}]") || line.starts_with(&format!("[{section}."))
        });
        assert!(shown, "[{section}] is not in the file");
    }
}

#[test]
fn no_line_of_the_file_is_too_long() {
    let text = contents(&[plugin()]);
    let long = text.lines().find(|line| line.chars().count() > 100);
    assert_eq!(long, None);
    assert!(text.contains("\n# Deletes rows. Runs only if it is named here.\n"));
}

#[test]
fn a_file_in_the_way_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(DEFAULT_FILE);
    create(&file, "mine").unwrap();

    let error = create(&file, "new").unwrap_err();

    assert_eq!(Exit::of_error(&error), Exit::Refused);
    assert!(error.to_string().contains("left as it is"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = create(Path::new("/nowhere/at/all/besom.toml"), "").unwrap_err();
    assert!(
        error.to_string().contains("/nowhere/at/all/besom.toml"),
        "{error}"
    );
}
