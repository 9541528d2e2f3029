//! Schedules, zones and where no job runs; floors and fractions.

use super::*;

#[test]
fn a_job_has_a_schedule_a_zone_and_may_be_switched_off() {
    let config = parse(
        "[defaults]\ntimezone = \"Europe/Berlin\"\n\
         [plugins.tokens]\nenabled = false\n\
         [plugins.tokens.jobs.expired-access]\nschedule = \"5 */4 * * mon-fri\"\nenabled = true\n",
    )
    .unwrap();
    let job = |name| config.job(&JobName::new("tokens", name)).unwrap();

    let expired = job("expired-access");
    assert_eq!(expired.schedule.unwrap().to_string(), "5 */4 * * mon-fri");
    assert_eq!(expired.timezone.name(), "Europe/Berlin");
    assert!(expired.enabled);
    assert_eq!(
        job("revoked-access").schedule,
        None,
        "as the plugin proposes"
    );
    assert!(!job("revoked-access").enabled);
}

#[test]
fn the_old_variable_gives_the_schedule_and_is_named_where_it_is_wrong() {
    let file = format!(
        "{DATABASE}[plugins.tokens.jobs.refresh-tokens]\n\
         schedule = \"${{REFRESH_TOKEN_CLEANUP_CRON:-0 3 * * *}}\"\n"
    );
    let schedule = |config: Config| {
        let job = config.job(&JobName::new("tokens", "refresh-tokens"))?;
        Some(job.schedule?.to_string())
    };
    let variable = |value| [("REFRESH_TOKEN_CLEANUP_CRON", value)];

    assert_eq!(schedule(parse_in(&file, []).unwrap()).unwrap(), "0 3 * * *");
    let set = parse_in(&file, variable("30 2 * * 0")).unwrap();
    assert_eq!(schedule(set).unwrap(), "30 2 * * 0");
    let error = parse_in(&file, variable("0 0 3 * * *"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("etc/besom.toml:4: plugins.tokens.jobs.refresh-tokens.schedule: `0 0 3"),
        "{error}"
    );
    assert!(error.contains("REFRESH_TOKEN_CLEANUP_CRON"), "{error}");
}

#[test]
fn what_is_no_schedule_or_zone_is_refused() {
    let job = "[plugins.tokens.jobs.expired-access]\n";
    refused(
        &format!("{job}schedule = \"61 * * * *\""),
        &[
            ":4: plugins.tokens.jobs.expired-access.schedule",
            "the minute `61`",
        ],
    );
    refused(
        &format!("{job}schedule = 5"),
        &["a string such as \"0 3 * * *\""],
    );
    refused(
        &format!("{job}timezone = \"Berlin\""),
        &["expired-access.timezone", "Europe/Berlin"],
    );
    for section in ["[defaults]", "[plugins.tokens]"] {
        refused(
            &format!("{section}\nschedule = \"0 3 * * *\""),
            &[":4: ", "belongs to one job"],
        );
    }
}

#[test]
fn no_job_runs_where_the_environment_is_named() {
    let file = format!("{DATABASE}[schedule]\nskip-in = [\"test\", \"ci\"]\n");
    let skipped = |variables: [(&str, &str); 1]| {
        let config = parse_in(&file, variables).unwrap();
        config.schedule.skipped().map(str::to_owned)
    };

    assert_eq!(skipped([("BESOM_ENV", "ci")]).as_deref(), Some("ci"));
    assert_eq!(skipped([("BESOM_ENV", "production")]), None);
    assert_eq!(skipped([("BESOM_ENV", "")]), None);
    assert_eq!(parse("").unwrap().schedule.skipped(), None);
    refused(
        "[schedule]\nskip_in = [\"test\"]",
        &[":4: schedule.skip_in", "did you mean `skip-in`?"],
    );
}

#[test]
fn floors_and_fractions_are_within_reason() {
    let config = parse("[defaults]\nmin-retention = \"7d\"\nmax-fraction = 0.5\n[plugins.tokens]\nmax-fraction = 1")
        .unwrap();
    let job = config.job(&JobName::new("tokens", "x")).unwrap();
    assert_eq!(job.min_retention, Some(Duration::from_secs(7 * 86_400)));
    assert_eq!(job.max_fraction, Fraction::new(1.0));
    for text in ["0", "1.1", "-0.2", "\"20%\"", "true", "nan"] {
        refused(
            &format!("[defaults]\nmax-fraction = {text}"),
            &["defaults.max-fraction", "0.2"],
        );
    }
    refused("[defaults]\nmin-retention = \"0s\"", &["from 1s to 36500d"]);
}

#[test]
fn a_fraction_is_at_least_one_row() {
    let fifth = Fraction::new(0.2).unwrap();

    assert_eq!(
        [0, 1, 4, 10, 11].map(|rows| fifth.of(rows)),
        [1, 1, 1, 2, 2]
    );
    assert_eq!(Fraction::new(1.0).unwrap().of(u64::MAX), u64::MAX);
    assert_eq!(
        (fifth.to_string().as_str(), Fraction::new(1e-7)),
        ("20 %", None)
    );
}
