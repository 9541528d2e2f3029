//! What the others need is printed where a job is refused.

use besom_tests::postgres;

use super::Office;
use crate::cli::Desk;
use crate::cli::refused::{FILE, REFUSED, notes};

#[tokio::test]
async fn the_rights_of_the_others_are_printed_and_the_refused_jobs_are_named() {
    let desk = Desk::with_schema(postgres().await, FILE).await;
    notes(&desk).await;

    let said = desk.run(&["grants", "--json"]);

    assert_eq!(said.code, 1, "{}", said.stderr);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let mut unknown: Vec<_> = report["unknown"].as_array().unwrap().iter().collect();
    unknown.sort_by_key(|job| job.as_str());
    assert_eq!(unknown, REFUSED);
    for job in REFUSED {
        assert!(said.stderr.contains(job), "{}", said.stderr);
    }
    let block = "[plugins.recovery.grant.notes]";
    assert_eq!(said.stderr.matches(block).count(), 1, "{}", said.stderr);
    let tables = report["tables"].as_array().unwrap();
    let has = |name: &str| tables.iter().any(|table| table["table"] == name);
    assert!(has("public.oauth2_access_tokens") && has("public.user_registrations"));
    assert!(!has("public.password_resets"), "{report:#}");

    // What is printed is enough for those that can run.
    let office = Office::of(desk, "besom_least_refused").await;
    let script = office.desk.run(&["grants", "--sql", &office.role]);
    assert_eq!(script.code, 1);
    office.desk.script(&script.stdout).await;
    assert_eq!(
        office
            .run(&["run", "tokens", "recovery/registrations"])
            .code,
        0
    );

    // What is not known is not taken away.
    let revoke = office
        .desk
        .run(&["grants", "--sql", &office.role, "--revoke"]);
    assert_eq!(
        (revoke.code, revoke.stdout.as_str()),
        (1, ""),
        "{}",
        revoke.stderr
    );
}
