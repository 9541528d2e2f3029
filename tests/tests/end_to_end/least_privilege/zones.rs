//! In which zone the server's own sessions begin is not shown to a role of few rights.

use serde_json::Value;

use super::Office;
use crate::cli::{Desk, Said};

const JOB: &str = "[plugins.sessions]
settings = { profile = \"server-sessions\", sessions-table = \"app_logins\", \
    sessions-absolute-expires-at-column = \"ends_at\", retention = \"0s\" }
";

const LOGINS: &str = "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at timestamp);
    INSERT INTO app_logins SELECT n, (now() AT TIME ZONE 'America/New_York') + interval '2 hours'
        FROM generate_series(1, 20) AS n;
    INSERT INTO app_logins SELECT 100 + n, (now() AT TIME ZONE 'America/New_York') - interval '30 days'
        FROM generate_series(1, 5) AS n;";

async fn office() -> Office {
    let desk = Desk::with_file(besom_tests::postgres().await, JOB);
    desk.says(&["migrate"]);
    desk.script(LOGINS).await;
    let office = Office::of(desk, "besom_least_zone").await;
    office.grant(&["sessions/expired"]).await;
    office
}

impl Office {
    /// As the role, where the configuration says the zone.
    fn run_in(&self, zone: &str, arguments: &[&str]) -> Said {
        let url = &self.desk.database.url;
        let sign = if url.contains('?') { '&' } else { '?' };
        let mut command = self.desk.command(arguments);
        command.env(
            "BESOM_DATABASE_URL",
            format!("{url}{sign}options[role]={}", self.role),
        );
        Said::of(
            command
                .env("BESOM_DATABASE__TIME_ZONE", zone)
                .output()
                .unwrap(),
        )
    }
}

#[tokio::test]
async fn a_time_without_a_zone_is_read_only_by_the_operators_word() {
    let office = office().await;

    let checked = office.json(&["check", "--json"]);
    let ran = office.run(&["run", "sessions/expired"]);

    let jobs = checked["jobs"].as_array().unwrap();
    let expired = jobs.iter().find(|job| job["job"] == "sessions/expired");
    let findings = expired.unwrap()["findings"].as_array().unwrap();
    let found: Vec<&Value> = findings
        .iter()
        .filter(|finding| finding["code"] == "zoneless-timestamp")
        .collect();
    assert_eq!(found.len(), 1, "{findings:#?}");
    assert_eq!(found[0]["severity"], "error");
    let message = found[0]["message"].as_str().unwrap();
    for part in ["is not shown to this role", "time-zone = \"UTC\""] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        office.desk.count("SELECT count(*) FROM app_logins").await,
        25
    );

    let ran = office.run_in("America/New_York", &["run", "sessions/expired"]);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let left = "SELECT count(*) FROM app_logins WHERE id <= 20";
    assert_eq!(office.desk.count(left).await, 20);
    assert_eq!(
        office.desk.count("SELECT count(*) FROM app_logins").await,
        20
    );
}

#[tokio::test]
async fn a_zone_that_is_none_is_refused_with_how_zones_are_named() {
    let office = office().await;

    let said = office.run_in("Berlin time", &["check"]);

    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(said.stderr.contains("IANA"), "{}", said.stderr);
}
