//! `BESOM_…` variables that stand in for keys of the file.

use super::*;
use crate::request::Value;

const FILE: &str = "[database]
url = \"sqlite://besom.db\"
[plugins.tokens]
settings = { profile = \"mas\" }
[plugins.acme-audit]
component = \"acme.wasm\"
[plugins.acme-audit.grant.\"public.Audit_Log\"]
read = [\"id\"]
";

#[track_caller]
fn fails<const N: usize>(variables: [(&str, &str); N], parts: &[&str]) {
    let error = parse_in(FILE, variables).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn a_variable_stands_in_for_every_kind_of_key() {
    let config = parse_in(
        FILE,
        [
            ("BESOM_DATABASE__LOCK_TIMEOUT", "1s"),
            ("BESOM_DATABASE__MAX_CONNECTIONS", "7"),
            ("BESOM_DEFAULTS__BATCH_SIZE", "50"),
            ("BESOM_DEFAULTS__MAX_FRACTION", "0.25"),
            ("BESOM_HOST__NAME", "pod-${HOME}"),
            ("BESOM_PLUGINS__TOKENS__DEADLINE", "2m"),
            ("BESOM_PLUGINS__TOKENS__ENABLED", "false"),
            ("BESOM_PLUGINS__TOKENS__SETTINGS__RETENTION", "90d"),
            (
                "BESOM_PLUGINS__TOKENS__JOBS__EXPIRED_ACCESS__SCHEDULE",
                "5 4 * * *",
            ),
            (
                "BESOM_PLUGINS__TOKENS__JOBS__EXPIRED_ACCESS__TOLERATE",
                "a-code, b-code",
            ),
            (
                "BESOM_PLUGINS__TOKENS__JOBS__EXPIRED_ACCESS__SETTINGS__RETENTION",
                "9d",
            ),
            (
                "BESOM_PLUGINS__ACME_AUDIT__GRANT__PUBLIC_AUDIT_LOG__DELETE",
                "true",
            ),
            (
                "BESOM_PLUGINS__ACME_AUDIT__GRANT__PUBLIC_AUDIT_LOG__READ",
                "id,at",
            ),
            (
                "BESOM_PLUGINS__ACME_AUDIT__GRANT__PUBLIC_AUDIT_LOG__MIN_AGE__COLUMN",
                "at",
            ),
            (
                "BESOM_PLUGINS__ACME_AUDIT__GRANT__PUBLIC_AUDIT_LOG__MIN_AGE__AGE",
                "9d",
            ),
            (
                "BESOM_PLUGINS__ACME_AUDIT__GRANT__AUDIT_NOTES__WHERE__TENANT_ID",
                "7",
            ),
            ("BESOM_TIME_FORMS__AUDIT_LOG__CREATED_AT", "unix-ms"),
        ],
    );
    let config = config.unwrap_or_else(|error| panic!("{error}"));

    assert_eq!(config.database.lock_timeout, Duration::from_secs(1));
    assert_eq!(config.database.max_connections, 7);
    assert_eq!(config.host.name, "pod-${HOME}", "not looked at again");
    let job = config
        .job(&JobName::new("tokens", "expired-access"))
        .unwrap();
    assert_eq!((job.batch_size, job.deadline.as_secs()), (50, 120));
    assert_eq!(job.max_fraction, Fraction::new(0.25));
    assert!(!job.enabled);
    assert_eq!(job.schedule.unwrap().to_string(), "5 4 * * *");
    assert_eq!(job.tolerate, ["a-code", "b-code"]);
    assert_eq!(job.plugin_settings["profile"].as_str(), Some("mas"));
    assert_eq!(job.plugin_settings["retention"].as_str(), Some("90d"));
    assert_eq!(job.job_settings["retention"].as_str(), Some("9d"));
    let tables = &config.plugins["acme-audit"].grants.tables;
    let grant = &tables["public.Audit_Log"];
    assert!(grant.delete);
    assert_eq!(Vec::from_iter(&grant.read), ["at", "id"]);
    assert_eq!(grant.min_age.as_ref().unwrap().column, "at");
    let filter = &tables["audit_notes"].filter["tenant_id"];
    assert_eq!(
        *filter,
        Value::Other("7".into()),
        "fits whatever the column is"
    );
    assert_eq!(
        (
            config.times[0].table.as_str(),
            config.times[0].times.forms()
        ),
        ("audit_log", [TimeForm::UnixMs].as_slice())
    );
}

#[test]
fn what_a_variable_says_is_refused_under_its_own_name() {
    fails(
        [("BESOM_DEFAULTS__BATCH_SIZE", "0")],
        &[
            "environment variable BESOM_DEFAULTS__BATCH_SIZE: defaults.batch-size",
            "from 1 to 10000",
        ],
    );
    fails(
        [("BESOM_DEFAULTS__BATCH_SIZE", "")],
        &["BESOM_DEFAULTS__BATCH_SIZE", "from 1 to 10000"],
    );
    fails(
        [("BESOM_DEFAULTS__BATHC_SIZE", "5")],
        &[
            "BESOM_DEFAULTS__BATHC_SIZE",
            "unknown key",
            "did you mean `batch-size`?",
        ],
    );
    fails(
        [("BESOM_PLUGINS__TOKENS__ENABLED", "maybe")],
        &["plugins.tokens.enabled", "`true` or `false`"],
    );
    fails(
        [("BESOM_PLUGINS__TOKENS__GRANT__T__DELETE", "maybe")],
        &[
            "environment variable BESOM_PLUGINS__TOKENS__GRANT__T__DELETE",
            "`true` or `false`",
        ],
    );
    fails([("BESOM_HOST__NAME__FIRST", "x")], &["host.name"]);
    let text = format!("{FILE}[host]\nname = \"x\"\n");
    let error = parse_in(&text, [("BESOM_HOST__NAME__FIRST", "x")])
        .unwrap_err()
        .to_string();
    assert!(error.contains("is no table but string"), "{error}");
}

#[test]
fn a_name_that_leads_nowhere_is_refused_with_the_nearest_one() {
    fails(
        [("BESOM_DEFUALTS__DEADLINE", "5m")],
        &["no section `DEFUALTS`", "did you mean `DEFAULTS`?"],
    );
    fails([("BESOM_DEFAULTS__", "5m")], &["part without a name"]);
    fails(
        [("BESOM_PLUGINS__TOKEN__DEADLINE", "5m")],
        &[
            "names no plugin `token`",
            "did you mean `TOKENS`?",
            "it adds none",
        ],
    );
    fails(
        [("BESOM_DEFAULTS_DEADLINE", "5m")],
        &["two underscores: BESOM_DEFAULTS__DEADLINE"],
    );
    fails(
        [("BESOM_PLUGINS_TOKENS_DEADLINE", "5m")],
        &["two underscores: BESOM_PLUGINS__TOKENS_DEADLINE"],
    );
}

#[test]
fn variables_of_other_meaning_are_left_alone() {
    let others = [
        ("BESOM_CONFIG", "x"),
        ("BESOM_LOG", "debug"),
        ("BESOM_ENV", "prod"),
        ("BESOM_PLUGINS_DIR", "x"),
        ("BESOM_TEST_POSTGRES", "x"),
        // A container platform's, for a service that is called besom.
        ("BESOM_SERVICE_HOST", "10.0.0.1"),
        ("BESOM_PORT_7878_TCP_ADDR", "10.0.0.1"),
    ];

    assert!(parse_in(FILE, others).is_ok());
}

#[test]
fn the_database_has_one_word_from_the_environment() {
    let url = [("BESOM_DATABASE__URL", "sqlite://other.db")];
    let config = parse_in(FILE, url).unwrap();
    assert_eq!(config.database.url.expose(), "sqlite://other.db");

    fails(
        [
            ("BESOM_DATABASE_URL", "postgres://u:secret@h/d"),
            ("BESOM_DATABASE__URL", "sqlite://other.db"),
        ],
        &["BESOM_DATABASE__URL: BESOM_DATABASE_URL says the same"],
    );
    let error = parse_in(FILE, [("BESOM_DATABASE__URL", "mysql://u:secret@h/d")]).unwrap_err();
    assert!(error.to_string().contains("BESOM_DATABASE__URL"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_switch_from_the_environment_that_is_no_truth_value_is_told_with_what_the_file_says() {
    let text = "[database]\nurl = \"sqlite://b.db\"\n[plugins.tokens]\nenabled = \"${CLEAN_TOKENS:-true}\"\n";
    let error = parse_in(text, [("CLEAN_TOKENS", "No")]).unwrap_err();

    let error = error.to_string();
    assert!(
        error.ends_with(
            "what `${CLEAN_TOKENS:-true}` stands for must be `true` or `false`, in small letters"
        ),
        "{error}"
    );
    assert!(
        error.contains("besom.toml:4: plugins.tokens.enabled"),
        "{error}"
    );
}
