//! `besom schedule`, which needs no database.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Said, besom};

const JOBS: &str = "\
[defaults]
timezone = \"Europe/Berlin\"
[plugins.tokens]
window = \"22:00-06:00\"
days = \"mon-fri\"
[plugins.tokens.jobs.expired-access]
schedule = \"30 2 * * *\"
jitter = \"5m\"
[plugins.tokens.jobs.revoked-access]
enabled = false
[plugins.sessions]
";

/// What the command answers in a folder whose file names a database that is not there.
fn schedule(arguments: &[&str]) -> Said {
    let folder = TempDir::with_prefix("besom-desk-").unwrap();
    let cache = besom_tests::fixtures::code_cache();
    let text = format!(
        "[database]\nurl = \"postgres://nobody@127.0.0.1:1/none\"\n[host]\ncache = \"{}\"\n{JOBS}",
        cache.display()
    );
    std::fs::write(folder.path().join("besom.toml"), text).unwrap();
    let mut command = besom();
    command.current_dir(folder.path()).arg("schedule");
    Said::of(command.args(arguments).output().unwrap())
}

fn job(name: &str, lines: &Value) -> Value {
    let mut jobs = lines.as_array().unwrap().iter();
    jobs.find(|line| line["job"] == name).unwrap().clone()
}

#[test]
fn every_job_is_shown_with_its_due_times_or_why_it_has_none() {
    let said = schedule(&["--next", "3", "--json"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let lines: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(
        said.stderr
            .contains("without the versions of plugins that are installed in the database"),
        "{}",
        said.stderr
    );

    let expired = job("tokens/expired-access", &lines);
    assert_eq!(expired["schedule"], json!("30 2 * * *"));
    assert_eq!(expired["source"], json!("file"));
    assert_eq!(expired["timezone"], json!("Europe/Berlin"));
    assert_eq!(
        expired["window"],
        json!("22:00-06:00 Europe/Berlin, mon-fri")
    );
    assert_eq!(expired["jitter"], json!("5m"));
    let next = expired["next"].as_array().unwrap();
    assert_eq!(next.len(), 3);
    for due in next {
        let text = |key: &str| due[key].as_str().unwrap().to_owned();
        // Right after the gap on one day of the year.
        let (local, utc) = (text("local"), text("utc"));
        assert!(
            local.contains("T02:30:00+0") || local.contains("T03:00:00+02"),
            "{due}"
        );
        assert!(
            utc.ends_with(":30:00Z") || utc.ends_with("T01:00:00Z"),
            "{due}"
        );
        // To the second they are as long as one another.
        assert!(text("begins")[..19] >= utc[..19], "{due}");
    }
    let revoked = job("tokens/revoked-access", &lines);
    assert_eq!(
        (&revoked["idle"], &revoked["next"]),
        (&json!("disabled"), &json!([]))
    );
    let inactive = job("sessions/expire-inactive", &lines);
    assert_eq!(inactive["idle"], json!("opt-in"));
    let proposed = job("sessions/finished-oauth2", &lines);
    assert_eq!(
        (&proposed["idle"], &proposed["source"]),
        (&Value::Null, &json!("plugin"))
    );
    assert_eq!(proposed["window"], Value::Null);
}

#[test]
fn the_table_shows_one_line_a_due_time_of_the_jobs_that_are_named() {
    let said = schedule(&[
        "tokens/expired-access",
        "tokens/revoked-access",
        "--next",
        "2",
    ]);

    assert_eq!(said.code, 0, "{}", said.stderr);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 5, "{}", said.stdout);
    assert!(
        lines[2].starts_with("tokens/expired-access  30 2 * * *"),
        "{}",
        said.stdout
    );
    assert!(
        lines[2].contains("  file  ") && lines[2].contains(" CE"),
        "{}",
        said.stdout
    );
    assert!(lines[3].starts_with("    "), "{}", said.stdout);
    let headings = ["due", "in UTC", "begins", "window"];
    assert!(
        headings.iter().all(|heading| lines[0].contains(heading)),
        "{}",
        said.stdout
    );
    assert!(
        lines[4].contains("never: enabled = false"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_job_that_is_not_there_is_refused_with_the_nearest_name() {
    let said = schedule(&["tokens/expired-acess"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr
            .contains("did you mean `tokens/expired-access`?"),
        "{}",
        said.stderr
    );

    let said = schedule(&["--next", "0"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("1..=1000"), "{}", said.stderr);
}
