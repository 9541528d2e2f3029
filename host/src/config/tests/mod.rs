//! The rules of the file, one test a rule. Small parts are tested beside their code.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod plugins;
mod schedules;
mod variables;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::catalog::{TimeForm, Times};

const DATABASE: &str = "[database]\nurl = \"sqlite://besom.db\"\n";

fn parse_in<const N: usize>(
    text: &str,
    variables: [(&str, &str); N],
) -> Result<Config, ConfigError> {
    let rules = Rules {
        environment: Environment::of(variables),
        bundled: &[
            "tokens",
            "sessions",
            "ips",
            "queue",
            "upstream-oauth",
            "recovery",
        ],
    };
    Config::parse(text, Path::new("etc/besom.toml"), &rules)
}

/// A file with a good `[database]` on its first two lines.
fn parse(rest: &str) -> Result<Config, ConfigError> {
    parse_in(&format!("{DATABASE}{rest}"), [])
}

#[track_caller]
fn refused(rest: &str, parts: &[&str]) {
    let error = parse(rest).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn a_file_with_a_database_only_has_every_default() {
    let config = parse("[plugins.tokens]").unwrap();

    assert_eq!(config.database.url.expose(), "sqlite://besom.db");
    assert_eq!(config.database.lock_timeout, Duration::from_millis(500));
    assert_eq!(config.database.statement_timeout, Duration::from_secs(15));
    assert_eq!(config.database.max_connections, 6);
    assert_eq!(config.host.lease, Duration::from_secs(15));
    assert!(
        config
            .host
            .name
            .ends_with(&format!("-{}", std::process::id()))
    );
    let job = config
        .job(&JobName::new("tokens", "revoked-access"))
        .unwrap();
    assert_eq!((job.batch_size, job.max_rows), (1000, 500_000));
    assert_eq!(job.deadline, Duration::from_secs(300));
}

#[test]
fn a_job_wins_over_its_plugin_and_a_plugin_over_the_defaults() {
    let config = parse(
        "[defaults]\nbatch-size = 10\ndeadline = \"1m\"\nmax-rows-per-run = 1_000\n\
         [plugins.tokens]\ndeadline = \"2m\"\nbatch-size = 20\nsettings = { a = 1, b = 2 }\n\
         [plugins.tokens.jobs.expired-access]\nbatch-size = 30\nsettings = { b = 3 }\n",
    )
    .unwrap();
    let limits = |plugin, job| {
        let job = config.job(&JobName::new(plugin, job))?;
        Some((job.batch_size, job.deadline.as_secs(), job.max_rows))
    };

    assert_eq!(limits("tokens", "expired-access"), Some((30, 120, 1000)));
    assert_eq!(limits("tokens", "revoked-access"), Some((20, 120, 1000)));
    assert_eq!(
        limits("sessions", "expired"),
        None,
        "the file does not name it"
    );
    let job = config
        .job(&JobName::new("tokens", "expired-access"))
        .unwrap();
    assert_eq!(job.plugin_settings["b"].as_integer(), Some(2));
    assert_eq!(job.job_settings["b"].as_integer(), Some(3));
}

#[test]
fn a_setting_keeps_its_place_for_the_errors_of_whoever_types_it() {
    let config = parse(
        "[plugins.tokens]\nsettings = { a = 1, b = 2 }\n\
         [plugins.tokens.jobs.expired-access.settings]\nb = \"${X:-3}\"\n",
    )
    .unwrap();
    let job = JobName::new("tokens", "expired-access");
    let place = |name| config.setting_place(&job, name).map(ToString::to_string);

    assert_eq!(
        place("a").unwrap(),
        "etc/besom.toml:4: plugins.tokens.settings.a"
    );
    let of_job = "etc/besom.toml:6: plugins.tokens.jobs.expired-access.settings.b";
    assert_eq!(place("b").unwrap(), of_job);
    assert_eq!(place("c"), None);
    assert_eq!(
        config.job(&job).unwrap().job_settings["b"].as_str(),
        Some("3")
    );
}

#[test]
fn an_unknown_key_is_refused_with_file_line_path_and_suggestion() {
    refused(
        "\n[plugins.tokens]\nbatch_size = 5\n",
        &[
            "etc/besom.toml:5: plugins.tokens.batch_size",
            "did you mean `batch-size`?",
        ],
    );
    refused(
        "[databse]\n",
        &["etc/besom.toml:3: databse", "did you mean `database`?"],
    );
    refused(
        "[defaults]\ndeadlines = \"5m\"\n",
        &[":4: defaults.deadlines", "`deadline`"],
    );
    refused("[host]\nlaese = \"5m\"\n", &[":4: host.laese", "`lease`"]);
}

#[test]
fn a_setting_beside_the_host_keys_is_shown_its_place() {
    refused(
        "[plugins.tokens.jobs.expired-access]\nretention = \"14d\"\n",
        &[
            ":4: plugins.tokens.jobs.expired-access.retention",
            "settings = { retention = … }",
        ],
    );
    refused(
        "[defaults]\nsettings = { a = 1 }\n",
        &[":4: defaults.settings", "[plugins.NAME]"],
    );
}

#[test]
fn keys_of_later_versions_are_refused_as_such() {
    refused(
        "[defaults]\npace = \"gentle\"",
        &[
            "etc/besom.toml:4: ",
            "defaults.pace",
            "this version of besom does not have",
        ],
    );
}

#[test]
fn zero_and_absurd_values_are_refused_with_the_range() {
    refused(
        "[defaults]\nbatch-size = 0",
        &["defaults.batch-size", "from 1 to 10000"],
    );
    refused("[defaults]\nbatch-size = 10_001", &["from 1 to 10000"]);
    refused("[defaults]\nbatch-size = -5", &["from 1 to 10000"]);
    refused(
        "[defaults]\nbatch-size = 99999999999999999999",
        &["from 1 to 10000"],
    );
    refused(
        "[defaults]\nbatch-size = true",
        &["a whole number, not a boolean"],
    );
    refused(
        "[defaults]\nmax-rows-per-run = 0",
        &["max-rows-per-run", "from 1 to"],
    );
    refused(
        "[defaults]\ndeadline = \"0s\"",
        &["defaults.deadline", "from 1s to 7d"],
    );
    refused("[defaults]\ndeadline = \"8d\"", &["from 1s to 7d"]);
    refused(
        "[defaults]\ndeadline = 300",
        &["a string such as \"30s", "not an integer"],
    );
    refused("[host]\nlease = \"1s\"", &["host.lease", "from 2s to 10m"]);
    refused("[host]\nname = \" \"", &["host.name", "1 to 200"]);
    let database = |rest: &str| {
        parse_in(&format!("{DATABASE}{rest}"), [])
            .unwrap_err()
            .to_string()
    };
    assert!(database("lock-timeout = \"0s\"").contains("from 10ms to 30s"));
    assert!(database("statement-timeout = \"20m\"").contains("from 100ms to 10m"));
    assert!(database("max-connections = 1").contains("connections from 2 to 100"));
    let few = database("max-connections = 4\n[host]\nconcurrency = 3");
    assert!(few.contains("3 runs at once need 5 connections"), "{few}");
    assert!(few.contains("concurrency"), "{few}");
    assert!(database("lock-timeout = \"20s\"").contains("must be shorter"));
    assert!(database("pooler = \"session\"").contains("write \"transaction\" where PgBouncer"));
}

#[test]
fn a_number_may_come_from_the_environment() {
    let text = format!("{DATABASE}[defaults]\nbatch-size = \"${{ROWS:-250}}\"\n[plugins.tokens]");
    let batch_size = |config: Config| config.job(&JobName::new("tokens", "x")).unwrap().batch_size;

    assert_eq!(batch_size(parse_in(&text, []).unwrap()), 250);
    assert_eq!(batch_size(parse_in(&text, [("ROWS", "500")]).unwrap()), 500);
    let error = parse_in(&text, [("ROWS", "many")]).unwrap_err().to_string();
    assert!(error.contains("from 1 to 10000"), "{error}");
}

#[test]
fn the_environment_overrides_the_url_and_then_the_files_need_not_resolve() {
    let text = "[database]\nurl = \"${DATABASE_URL}\"\n";
    let url = |config: Config| config.database.url.expose().to_owned();

    let missing = parse_in(text, []).unwrap_err().to_string();
    assert!(
        missing.contains("etc/besom.toml:2: database.url"),
        "{missing}"
    );
    assert!(missing.contains("DATABASE_URL is not set"), "{missing}");
    let set = parse_in(text, [("DATABASE_URL", "sqlite://a")]).unwrap();
    assert_eq!(url(set), "sqlite://a");
    let overridden = parse_in(text, [("BESOM_DATABASE_URL", "sqlite://b")]).unwrap();
    assert_eq!(url(overridden), "sqlite://b");
    let no_section = parse_in("", [("BESOM_DATABASE_URL", "sqlite://b")]).unwrap();
    assert_eq!(url(no_section), "sqlite://b");
}

#[test]
fn without_a_url_the_error_says_what_to_write() {
    for text in ["", "[database]\n"] {
        let error = parse_in(text, []).unwrap_err().to_string();
        assert!(
            error.contains("database.url is missing: write url ="),
            "{error}"
        );
    }
}

#[test]
fn no_error_and_no_debug_output_shows_a_password() {
    let secret = "postgres://auth:hunter2@db/auth";
    let broken = [
        format!("[database]\nurl = \"{secret}\n"),
        format!("[database]\nurl = \"{secret}\" x\n"),
        "[database]\nurl = \"mysql://auth:hunter2@db/auth\"\n".to_owned(),
        "[database]\nurl = \"postgres://auth:hunter2$@db/auth\"\n".to_owned(),
        format!("[database]\nurl = \"{secret}\"\nurl = \"{secret}\"\n"),
        format!("[database]\nurl = \"{secret}\"\n[host]\nname = 1\n"),
    ];
    for text in broken {
        let error = parse_in(&text, []).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
    let environment = [("BESOM_DATABASE_URL", "mysql://u:hunter2@db")];
    let error = parse_in("", environment).unwrap_err().to_string();
    assert!(
        !error.contains("hunter2") && error.contains("BESOM_DATABASE_URL"),
        "{error}"
    );

    let config = parse_in(&format!("[database]\nurl = \"{secret}\"\n"), []).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    refused("[plugins.tokens\n", &["etc/besom.toml:3", "not valid TOML"]);
    refused(
        "[host]\nname = \"a\"\nname = \"b\"\n",
        &["etc/besom.toml:5", "duplicate"],
    );
}

#[test]
fn without_a_file_the_error_says_how_to_get_one() {
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &[],
    };
    let file = Path::new("/nowhere/besom.toml");

    let error = Config::load(Some(file), &rules).unwrap_err().to_string();

    assert!(
        error.contains("/nowhere/besom.toml") && error.contains("besom init"),
        "{error}"
    );
}

#[test]
fn a_column_whose_name_has_a_dot_is_written_in_quotes_within_the_key() {
    let config = parse(
        "[time-forms]\n'public.session.\"expires.at\"' = \"unix-ms\"\n'\"odd.table\".at' = \"unix-s\"\n",
    )
    .unwrap();

    let mut named: Vec<_> = config
        .times
        .iter()
        .map(|t| (t.schema.as_deref(), t.table.as_str(), t.column.as_str()))
        .collect();
    named.sort_unstable();

    assert_eq!(
        named,
        [
            (None, "odd.table", "at"),
            (Some("public"), "session", "expires.at"),
        ]
    );
}

#[test]
fn the_operators_word_on_time_columns() {
    let config = parse(
        "[time-forms]\n\"audit_log.created_at\" = \"unix-ms\"\n\
         \"main.audit_log.seen\" = \"rfc3339\"\nnotes.at = \"sql-text\"\n",
    )
    .unwrap();
    let mut forms: Vec<_> = config
        .times
        .iter()
        .map(|t| {
            (
                t.schema.as_deref(),
                t.table.as_str(),
                t.column.as_str(),
                t.times.forms()[0],
            )
        })
        .collect();
    forms.sort_by_key(|form| form.2);

    assert_eq!(
        forms,
        [
            (None, "notes", "at", TimeForm::SqlText),
            (None, "audit_log", "created_at", TimeForm::UnixMs),
            (Some("main"), "audit_log", "seen", TimeForm::Rfc3339),
        ]
    );
    refused(
        "[time-forms]\n\"a.b\" = \"unix_ms\"\n",
        &["time-forms.\"a.b\"", "`unix-ms`?"],
    );
    refused(
        "[time-forms]\ncreated_at = \"unix-ms\"\n",
        &[":4: ", "\"table.column\""],
    );
    refused("[time-forms]\n\"a.\" = \"unix-ms\"\n", &["an empty part"]);
    refused("[time-forms]\n'a.\"b' = \"unix-ms\"\n", &["stray quote"]);
}

#[test]
fn paths_count_from_the_files_own_folder() {
    let config = parse("[host]\nname = \"n\"\nlease = \"30s\"\ncache = \"cache\"\n").unwrap();
    assert_eq!(config.host.cache.as_deref(), Some(Path::new("etc/cache")));
    assert_eq!(
        (config.host.name.as_str(), config.host.lease.as_secs()),
        ("n", 30)
    );

    let cache = |variables| parse_in(DATABASE, [variables]).unwrap().host.cache;
    assert_eq!(
        cache(("HOME", "/home/b")).unwrap(),
        Path::new("/home/b/.cache/besom")
    );
    assert_eq!(
        cache(("XDG_CACHE_HOME", "/x")).unwrap(),
        Path::new("/x/besom")
    );
    assert_eq!(cache(("OTHER", "")), None);
}

#[test]
fn a_column_of_several_forms_a_zone_and_the_oldest_that_is_real() {
    let config = parse(
        "[time-forms]\n\"a.list\" = [\"unix-s\", \"rfc3339\"]\n\"a.zone\" = \"local:America/Los_Angeles\"\n\
         \"public.a.born\" = { form = \"date\", oldest = \"1900-01-01\" }\n\
         b.made = { oldest = 1900-01-01 }\n\"b.next\" = \"value\"\n",
    )
    .unwrap();
    let said = |column: &str| {
        let mut times = config.times.iter();
        times.find(|t| t.column == column).unwrap().times.clone()
    };
    let century = Some(crate::request::Timestamp(-2_208_988_800_000_000));
    let zone = TimeForm::Local(chrono_tz::Tz::America__Los_Angeles);

    let list = [TimeForm::UnixS, TimeForm::Rfc3339];
    assert_eq!(said("next"), Times::values());
    assert_eq!(said("next").to_string(), "\"value\"");
    assert_eq!(said("list"), Times::declared(list));
    assert_eq!(said("zone"), Times::declared([zone]));
    assert_eq!(
        said("born"),
        Times::declared([TimeForm::Date]).since(century)
    );
    assert_eq!(said("made"), Times::declared([]).since(century));

    for (said, parts) in [
        ("\"local:Berlin\"", ["no time zone", "Europe/Berlin"]),
        ("[]", ["one form", "at least"]),
        ("[\"native\", \"unix-s\"]", ["`native`", "alone"]),
        ("[\"value\", \"unix-s\"]", ["`value`", "alone"]),
        (
            "{ form = \"value\", oldest = \"1900-01-01\" }",
            ["`value`", "leave one of them out"],
        ),
        ("\"values\"", ["no such form", "`value`?"]),
        (
            "[\"sql-text\", \"local:UTC\"]",
            ["read the same text", "once"],
        ),
        ("[\"unix-s\", \"unix\"]", ["no such form", "unix-ms"]),
        ("{ oldest = \"soon\" }", ["oldest", "1900-01-01"]),
        ("{ oldest = 7 }", ["oldest", "a day"]),
    ] {
        refused(&format!("[time-forms]\n\"a.b\" = {said}\n"), &parts);
    }
}
