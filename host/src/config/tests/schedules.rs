//! Schedules, zones and where no job runs; floors and fractions.

use super::*;
use crate::schedule::CatchUp;

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
fn looks_at_jobs_are_as_far_apart_as_the_file_says() {
    assert_eq!(
        parse("").unwrap().schedule.look_every,
        Duration::from_secs(120)
    );
    let file = "[schedule]\nlook-every = \"30s\"";
    assert_eq!(
        parse(file).unwrap().schedule.look_every,
        Duration::from_secs(30)
    );
    refused(
        "[schedule]\nlook-every = \"0s\"",
        &["schedule.look-every", "from 1s to 1d"],
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

#[test]
fn a_job_says_when_it_may_run_and_how_often_it_is_tried() {
    let config = parse(
        "[defaults]\ntimezone = \"Europe/Berlin\"\nwindow = \"22:00-06:00\"\nretries = 5\n\
         [plugins.tokens]\njitter = \"5m\"\ndays = \"mon-fri\"\n\
         [plugins.tokens.jobs.a]\nwindow = \"1:00-5:30 America/New_York\"\ncatch-up = \"skip\"\n\
         retries = 0\nretry-after = \"1m\"\njitter = \"0s\"\n\
         [plugins.tokens.jobs.b]\ntimezone = \"Asia/Tokyo\"\ncatch-up = \"once\"\n\
         [plugins.sessions]\n",
    )
    .unwrap();
    let job = |plugin, name| config.job(&JobName::new(plugin, name)).unwrap().timing;
    let window = |timing: &TimingSettings| timing.window.map(|window| window.to_string());

    let a = job("tokens", "a");
    assert_eq!(window(&a).unwrap(), "01:00-05:30 America/New_York, mon-fri");
    assert_eq!((a.catch_up, a.retries), (CatchUp::Skip, 0));
    assert_eq!(
        (a.retry_after, a.jitter),
        (Duration::from_secs(60), Duration::ZERO)
    );
    let b = job("tokens", "b");
    assert_eq!(window(&b).unwrap(), "22:00-06:00 Asia/Tokyo, mon-fri");
    assert_eq!((b.catch_up, b.retries), (CatchUp::Once, 5));
    assert_eq!(
        (b.retry_after, b.jitter),
        (DEFAULT_RETRY_AFTER, Duration::from_secs(300))
    );
    assert_eq!(
        window(&job("sessions", "x")).unwrap(),
        "22:00-06:00 Europe/Berlin"
    );
}

#[test]
fn without_a_word_a_job_may_run_at_any_time_and_is_tried_again() {
    let timing = parse("[plugins.tokens]")
        .unwrap()
        .job(&JobName::new("tokens", "x"))
        .unwrap()
        .timing;

    assert_eq!((timing.window, timing.jitter), (None, Duration::ZERO));
    assert_eq!(
        (timing.catch_up, timing.retries),
        (CatchUp::Once, DEFAULT_RETRIES)
    );
    assert_eq!(timing.retry_after, DEFAULT_RETRY_AFTER);
}

#[test]
fn days_without_a_window_are_whole_days_in_the_jobs_zone() {
    let config =
        parse("[plugins.tokens]\ndays = \"sat,sun\"\ntimezone = \"Europe/Berlin\"").unwrap();
    let window = config
        .job(&JobName::new("tokens", "x"))
        .unwrap()
        .timing
        .window
        .unwrap();
    assert_eq!(window.to_string(), "00:00-24:00 Europe/Berlin, sat-sun");
}

#[test]
fn variables_give_the_times_of_jobs_too() {
    let file = format!("{DATABASE}[plugins.tokens.jobs.a]\n");
    let variables = [
        ("BESOM_DEFAULTS__WINDOW", "22:00-06:00"),
        ("BESOM_DEFAULTS__DAYS", "fri-mon"),
        ("BESOM_DEFAULTS__RETRY_AFTER", "5s"),
        ("BESOM_PLUGINS__TOKENS__RETRIES", "0"),
        ("BESOM_PLUGINS__TOKENS__JITTER", "1m"),
        ("BESOM_PLUGINS__TOKENS__JOBS__A__CATCH_UP", "skip"),
    ];

    let config = parse_in(&file, variables).unwrap();

    let timing = config.job(&JobName::new("tokens", "a")).unwrap().timing;
    assert_eq!(
        timing.window.unwrap().to_string(),
        "22:00-06:00 UTC, mon,fri-sun"
    );
    assert_eq!((timing.retries, timing.catch_up), (0, CatchUp::Skip));
    assert_eq!(timing.retry_after, Duration::from_secs(5));
    assert_eq!(timing.jitter, Duration::from_secs(60));
    let error = parse_in(&file, [("BESOM_DEFAULTS_RETRY_AFTER", "5s")]).unwrap_err();
    assert!(
        error.to_string().contains("BESOM_DEFAULTS__RETRY_AFTER"),
        "{error}"
    );
    let error = parse_in(&file, [("BESOM_DEFAULTS__DAYS", "weekdays")]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("BESOM_DEFAULTS__DAYS: defaults.days"),
        "{error}"
    );
}

#[test]
fn what_says_no_time_is_refused_with_its_place_and_the_way_out() {
    for (key, value, way_out) in [
        ("jitter", "\"2d\"", "from 0s to 1d"),
        ("jitter", "5", "a string such as"),
        ("window", "\"22-06\"", "22:00-06:00 Europe/Berlin"),
        ("window", "\"22:00-06:00 Berlin\"", "Europe/Berlin or UTC"),
        ("window", "\"22:00-22:00\"", "00:00-24:00"),
        (
            "window",
            "true",
            "a string such as \"22:00-06:00 Europe/Berlin\"",
        ),
        ("days", "\"mo-fr\"", "such as mon-fri"),
        ("days", "[\"mon\"]", "a string such as \"mon-fri\""),
        ("catch-up", "\"all\"", "write one of the two"),
        ("retries", "51", "from 0 to 50"),
        ("retries", "-1", "from 0 to 50"),
        ("retry-after", "\"0s\"", "from 1s to 30m"),
    ] {
        refused(
            &format!("[plugins.tokens.jobs.a]\n{key} = {value}"),
            &[
                &format!("etc/besom.toml:4: plugins.tokens.jobs.a.{key}: "),
                way_out,
            ],
        );
    }
    refused(
        "[defaults]\nwindows = \"22:00-06:00\"",
        &["did you mean `window`?"],
    );
    refused("[schedule]\njitter = \"5m\"", &[":4: schedule.jitter"]);
}
