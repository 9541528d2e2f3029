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
