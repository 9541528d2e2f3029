#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::super::manifest::Job;
use super::*;
use crate::plugin::SettingKind;

const DAY: u64 = 86_400_000_000;

fn manifest() -> Manifest {
    let setting = |name: &str, kind: &str, default: Option<&str>| {
        let kind: SettingKind = kind.parse().unwrap();
        Setting {
            minimum: None,
            retention: false,
            name: name.into(),
            default: default.map(|text| SettingValue::from_text(&kind, text).unwrap()),
            kind,
            about: String::new(),
        }
    };
    Manifest {
        name: "tokens".into(),
        version: semver::Version::new(1, 0, 0),
        about: String::new(),
        settings: vec![
            setting("retention", "duration", Some("30d")),
            setting("profile", "choice:mas|refresh-tokens", Some("mas")),
            setting("columns", "list<text>", Some("a, b")),
            setting("levels", "list<integer>", Some("[1, 2]")),
            setting("share", "float", Some("0.5")),
            setting("keep", "integer", Some("10")),
            setting("protect", "boolean", Some("true")),
            setting("table", "table", Some("t")),
        ],
        jobs: vec![Job {
            schedule_variable: None,
            name: "revoked".into(),
            about: String::new(),
            schedule: None,
            defaults: vec![("retention".into(), SettingValue::Duration(DAY / 24))],
            opt_in: false,
            after: Vec::new(),
            formerly: Vec::new(),
            profiles: Vec::new(),
            like: None,
        }],
    }
}

fn resolve(plugin: &str, job: &str, set: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let overrides: Vec<_> = set
        .iter()
        .map(|(n, v)| ((*n).into(), (*v).into()))
        .collect();
    Settings::resolve(
        &manifest(),
        "expired",
        &plugin.parse().unwrap(),
        &job.parse().unwrap(),
        &overrides,
    )
}

fn resolve_for(
    job: &str,
    plugin: &str,
    set: &[(String, String)],
) -> Result<Settings, SettingsError> {
    let none = toml::Table::new();
    Settings::resolve(&manifest(), job, &plugin.parse().unwrap(), &none, set)
}

#[test]
fn the_nearer_value_wins() {
    let defaults = resolve("", "", &[]).unwrap();
    let plugin = resolve("retention = '20d'", "", &[]).unwrap();
    let job = resolve("retention = '20d'", "retention = '1h30m'", &[]).unwrap();
    let set = resolve(
        "retention = '20d'",
        "retention = '1h30m'",
        &[("retention", "0s")],
    )
    .unwrap();

    assert_eq!(
        defaults.get("retention"),
        Some(&SettingValue::Duration(30 * DAY))
    );
    assert_eq!(
        plugin.get("retention"),
        Some(&SettingValue::Duration(20 * DAY))
    );
    assert_eq!(
        job.get("retention"),
        Some(&SettingValue::Duration(5_400_000_000))
    );
    assert_eq!(set.get("retention"), Some(&SettingValue::Duration(0)));
}

#[test]
fn lists_are_written_as_in_toml_or_with_commas() {
    let settings = resolve(
        "",
        "",
        &[("columns", "[\"x\", \"y,z\"]"), ("levels", "3,4")],
    )
    .unwrap();

    let columns = SettingValue::Texts(vec!["x".into(), "y,z".into()]);
    assert_eq!(settings.get("columns"), Some(&columns));
    assert_eq!(
        settings.get("levels"),
        Some(&SettingValue::Integers(vec![3, 4]))
    );
}

#[test]
fn an_unknown_name_is_refused_with_a_suggestion_or_else_with_the_list() {
    let error = resolve("", "retentoin = '20d'", &[])
        .unwrap_err()
        .to_string();

    assert!(
        error.contains("no setting `retentoin` (in the job's settings)"),
        "{error}"
    );
    assert!(error.ends_with("; did you mean `retention`?"), "{error}");

    let error = resolve("", "xyz = 1", &[]).unwrap_err().to_string();

    assert!(!error.contains("did you mean"), "{error}");
    assert!(
        error.contains("; it has ") && error.contains("`protect`"),
        "{error}"
    );
}

#[test]
fn a_value_of_another_kind_is_refused() {
    let cases = [
        ("retention = 30", "30 is not a duration such as \"30d\""),
        ("retention = '-1d'", "is not a duration"),
        ("profile = 'other'", "one of `mas`, `refresh-tokens`"),
        ("columns = [1]", "a list of texts"),
        ("share = 'half'", "a finite number"),
        ("share = inf", "a finite number"),
        ("protect = 'yes'", "true or false"),
        ("keep = 1.5", "a whole number"),
    ];
    for (toml, words) in cases {
        let error = resolve(toml, "", &[]).unwrap_err().to_string();

        assert!(error.contains(words), "{error:?} should contain {words:?}");
        assert!(error.contains("the plugin's settings"), "{error}");
    }
}

#[test]
fn a_setting_that_nobody_gives_has_no_value() {
    let mut manifest = manifest();
    manifest.settings[0].default = None;
    let none = toml::Table::new();

    let settings = Settings::resolve(&manifest, "expired", &none, &none, &[]).unwrap();

    assert!(settings.declares("retention"));
    assert_eq!(settings.get("retention"), None);
    assert!(!settings.to_json().contains("retention"));
}

#[test]
fn a_default_of_the_job_is_nearer_than_the_settings_own() {
    let defaults = resolve_for("revoked", "", &[]).unwrap();
    let operator = resolve_for("revoked", "retention = '20d'", &[]).unwrap();

    assert_eq!(
        defaults.get("retention"),
        Some(&SettingValue::Duration(DAY / 24))
    );
    assert_eq!(
        operator.get("retention"),
        Some(&SettingValue::Duration(20 * DAY))
    );
}

#[test]
fn a_run_records_the_same_for_the_same_settings_whoever_gave_them() {
    let by_file = resolve("share = 2\nkeep = -3\nretention = '24h 2us'", "", &[]).unwrap();
    let by_command = resolve("share = 2\nkeep = -3", "", &[("retention", "1d 2us")]).unwrap();

    let json = by_command.to_json();

    assert_eq!(by_file.to_json(), json);
    assert!(json.contains(r#""retention":"1day 2us""#), "{json}");
    let other = resolve("share = 2\nkeep = -3", "", &[("retention", "1d 3us")]).unwrap();
    assert_ne!(other.to_json(), json);
}

#[test]
fn a_duration_beyond_a_century_is_refused_by_the_settings_name() {
    let refused = resolve("", "retention = '99999999d'", &[]).unwrap_err();

    assert_eq!(refused.setting(), Some("retention"));
    let error = refused.to_string();
    assert!(
        error.contains("\"99999999d\" is not within 36500d"),
        "{error}"
    );
    assert!(resolve("", "retention = '36500d'", &[]).is_ok());
}
