#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn described() -> Described {
    Described {
        name: "tokens".into(),
        version: "1.2.0".into(),
        about: "Cleans tokens.".into(),
        settings: vec![DescribedSetting {
            extras: Vec::new(),
            name: "retention".into(),
            kind: "duration".into(),
            default: Some("30d".into()),
            about: "How long.".into(),
        }],
        jobs: vec![DescribedJob {
            name: "expired".into(),
            schedule: Some("5 */4 * * *".into()),
            after: vec!["sessions/finished".into()],
            ..DescribedJob::default()
        }],
    }
}

#[test]
fn a_sound_manifest_passes() {
    let manifest = Manifest::check(described()).unwrap();

    assert_eq!(manifest.version, semver::Version::new(1, 2, 0));
    assert_eq!(
        manifest.job("expired").unwrap().after,
        [JobName::new("sessions", "finished")]
    );
    let default = manifest.setting("retention").unwrap().default.clone();
    assert_eq!(default, Some(SettingValue::Duration(30 * 86_400_000_000)));
}

#[test]
fn every_fault_of_a_manifest_is_named() {
    type Spoil = fn(&mut Described);
    let spoilt: [(Spoil, &str); 18] = [
        (|m| m.name = "Tokens".into(), "plugin \"Tokens\""),
        (|m| m.name = String::new(), "plugin \"\""),
        (|m| m.jobs[0].name = "a\u{1b}[31m".into(), "\\u{1b}"),
        (|m| m.version = "1.2".into(), "semantic version"),
        (|m| m.about = "bell\u{7}".into(), "control character"),
        (
            |m| m.jobs.push(m.jobs[0].clone()),
            "two jobs named `expired`",
        ),
        (
            |m| m.settings.push(m.settings[0].clone()),
            "two settings named `retention`",
        ),
        (|m| m.jobs.clear(), "has no job"),
        (|m| m.settings[0].kind = "colour".into(), "kind \"colour\""),
        (
            |m| m.settings[0].default = Some("soon".into()),
            "default of setting `retention`",
        ),
        (
            |m| m.jobs[0].schedule = Some("0 0 3 * * *".into()),
            "five fields",
        ),
        (
            |m| m.jobs[0].defaults = vec![("keep".into(), "1".into())],
            "which the manifest does not declare",
        ),
        (
            |m| m.jobs[0].defaults = vec![("retention".into(), "soon".into())],
            "in job `expired` is not of its kind",
        ),
        (|m| m.jobs[0].after = vec!["finished".into()], "plugin/job"),
        (
            |m| m.jobs[0].formerly = vec!["Old".into()],
            "former job \"Old\"",
        ),
        (
            |m| m.jobs[0].formerly = vec!["expired".into()],
            "formerly `expired`, which is its name still",
        ),
        (
            |m| {
                m.jobs[0].formerly = vec!["stale".into()];
                m.jobs.push(DescribedJob {
                    name: "stale".into(),
                    ..DescribedJob::default()
                });
            },
            "formerly `stale`, which is another job's name now",
        ),
        (
            |m| {
                m.jobs[0].formerly = vec!["old".into()];
                m.jobs.push(DescribedJob {
                    name: "stale".into(),
                    formerly: vec!["old".into()],
                    ..DescribedJob::default()
                });
            },
            "job `stale` says that it was formerly `old`, which is a former name of `expired` too",
        ),
    ];
    for (spoil, words) in spoilt {
        let mut said = described();
        spoil(&mut said);

        let error = Manifest::check(said).unwrap_err().to_string();

        assert!(error.contains(words), "{error:?} should contain {words:?}");
    }
}

fn of_profiles(kind: &str, profiles: &[&str]) -> Manifest {
    let mut said = described();
    said.settings.push(DescribedSetting {
        name: "profile".into(),
        kind: kind.into(),
        default: Some("all".into()),
        ..DescribedSetting::default()
    });
    let extra = |name: &&str| ("profile".to_owned(), (*name).to_owned());
    said.jobs[0].extras = profiles.iter().map(extra).collect();
    Manifest::check(said).unwrap()
}

fn settings(profile: Option<&str>) -> toml::Table {
    let value = |name: &str| ("profile".to_owned(), name.into());
    profile.map(value).into_iter().collect()
}

#[test]
fn a_job_is_left_out_by_the_nearest_word_on_the_profile_and_by_no_other_value() {
    let manifest = of_profiles("choice:all|mas|other|third", &["mas", "third"]);
    let job = manifest.job("expired").unwrap();
    let chosen = |of_plugin, of_job| {
        let (of_plugin, of_job) = (settings(of_plugin), settings(of_job));
        manifest.other_profile(job, &of_plugin, &of_job)
    };

    assert_eq!(chosen(None, None), None, "by default every job is there");
    assert_eq!(chosen(Some("all"), None), None);
    assert_eq!(chosen(Some("mas"), None), None);
    assert_eq!(chosen(Some("third"), None), None);
    assert_eq!(chosen(Some("other"), None), Some("other".to_owned()));
    assert_eq!(chosen(Some("other"), Some("mas")), None);
    assert_eq!(chosen(Some("mas"), Some("other")), Some("other".to_owned()));
    assert_eq!(chosen(Some("masse"), None), None, "refused as a setting");
}

#[test]
fn a_profile_that_nobody_can_choose_means_nothing() {
    for (kind, profiles) in [
        ("text", &["mas"][..]),
        ("choice:all|other", &["mas"]),
        ("choice:all|other", &[]),
    ] {
        let manifest = of_profiles(kind, profiles);
        let job = manifest.job("expired").unwrap();

        assert_eq!(job.profiles, Vec::<String>::new(), "{kind}");
        let other = manifest.other_profile(job, &settings(Some("other")), &settings(None));
        assert_eq!(other, None, "{kind}");
    }
    let mut said = described();
    said.jobs[0].extras = vec![("profile".into(), "mas".into())];
    let manifest = Manifest::check(said).unwrap();
    assert_eq!(manifest.jobs[0].profiles, Vec::<String>::new());
}

#[test]
fn a_job_had_again_is_the_same_under_another_name_without_what_is_the_first_ones_alone() {
    let mut said = described();
    said.jobs[0].opt_in = true;
    said.jobs[0].about = "Expired rows".into();
    said.jobs[0].formerly = vec!["stale".into()];
    said.jobs[0].extras = vec![("schedule-variable".into(), "CRON".into())];
    let manifest = Manifest::check(said).unwrap();

    let again = manifest.jobs[0].again_as("second");

    assert_eq!(
        (again.name.as_str(), again.known_as()),
        ("second", "expired")
    );
    assert_eq!(again.about, "Like `expired`: Expired rows");
    assert_eq!(again.schedule, manifest.jobs[0].schedule);
    assert_eq!(again.after, manifest.jobs[0].after);
    assert!(!again.opt_in && again.formerly.is_empty() && again.schedule_variable.is_none());
    assert_eq!(manifest.jobs[0].known_as(), "expired");
}
