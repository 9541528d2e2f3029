//! The rights that are printed are enough, and each of them is needed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{EVERYTHING, Office};
use crate::cli::{Desk, besom};

const PLUGINS: [&str; 6] = [
    "tokens",
    "sessions",
    "ips",
    "queue",
    "upstream-oauth",
    "recovery",
];

const OPT_IN: [&str; 2] = [
    "sessions/expire-inactive",
    "upstream-oauth/backfill-user-session",
];

async fn office(rows: Option<u64>, role: &str) -> Office {
    let database = besom_tests::postgres().await;
    let desk = match rows {
        Some(rows) => Desk::filled(database, rows, EVERYTHING).await,
        None => Desk::with_schema(database, EVERYTHING).await,
    };
    Office::of(desk, role).await
}

fn runs(report: &Value) -> Vec<&Value> {
    report.as_array().unwrap().iter().collect()
}

#[tokio::test]
async fn a_role_with_the_printed_grants_and_no_others_runs_every_job_of_the_bundle() {
    let office = office(Some(6_000), "besom_least_all").await;
    office.grant(&[]).await;
    let jobs: Vec<&str> = PLUGINS.into_iter().chain(OPT_IN).collect();

    assert_eq!(office.lacking(), []);
    assert_eq!(office.about_the_role(), []);
    let told = office.json(&[&["run", "--dry-run", "--json"][..], &jobs].concat());
    let done = office.json(&[&["run", "--json"][..], &jobs].concat());

    for (run, dry) in runs(&done).iter().zip(runs(&told)) {
        assert_eq!(run["outcome"], "drained", "{run:#}");
        assert_eq!(dry["outcome"], "drained", "{dry:#}");
        assert_eq!(run["verified"], json!(true), "{run:#}");
        assert!(run["affected"].as_u64() > Some(0), "{run:#}");
    }
    let names: BTreeSet<&str> = runs(&done)
        .iter()
        .map(|run| run["job"].as_str().unwrap())
        .collect();
    let checked = office.json(&["check", "--json"]);
    let every = checked["jobs"].as_array().unwrap().iter();
    let every: BTreeSet<&str> = every.map(|job| job["job"].as_str().unwrap()).collect();
    assert_eq!(names, every);
    assert_eq!(office.run(&["runs", "list"]).code, 0);
}

#[tokio::test]
async fn a_role_without_any_right_is_told_every_statement_and_no_job_is_refused() {
    let office = office(None, "besom_least_none").await;

    let lacking = office.lacking();

    // Only the plugin's own preflight looks at the providers.
    let looks = |(job, fix): &(String, String)| {
        job == "upstream-oauth/orphaned-links" && fix.contains("upstream_oauth_providers")
    };
    assert!(lacking.iter().any(looks), "{lacking:#?}");
    for (_, fix) in lacking {
        office.desk.script(&fix).await;
    }
    assert_eq!(office.lacking(), []);
}

#[tokio::test]
async fn a_missing_right_that_is_tolerated_leaves_no_check_of_the_plugins_out() {
    let office = office(None, "besom_least_blind").await;
    office.grant(&[]).await;
    let revoke = format!(
        "REVOKE SELECT ON upstream_oauth_providers FROM {}",
        office.role
    );
    office.desk.script(&revoke).await;
    let job = "upstream-oauth/orphaned-links";

    let said = office.run(&["run", job, "--tolerate", "missing-privilege"]);

    assert_eq!(said.code, 1, "{}", said.stderr);
    assert!(said.stderr.contains("not-looked"), "{}", said.stderr);
    office.grant(&[]).await;
    assert_eq!(office.lacking(), []);
}

#[tokio::test]
async fn any_one_right_that_is_taken_away_is_missed() {
    let office = office(None, "besom_least_one").await;
    office.grant(&[]).await;
    let told = office.desk.json(&["grants", "--json"]);
    let mut taken = 0;
    for (place, table) in told["tables"].as_array().unwrap().iter().enumerate() {
        let rights = table["rights"].as_array().unwrap();
        // A check a right would take minutes, so of each table another one; of the ledger all.
        let ledger = table["table"].as_str().unwrap().contains("besom_");
        for (number, right) in rights.iter().enumerate() {
            if !ledger && number != place % rights.len() {
                continue;
            }
            let right = right.as_str().unwrap();
            let on = format!("{right} ON {} ", table["table"].as_str().unwrap());
            let role = &office.role;
            office
                .desk
                .script(&format!("REVOKE {on} FROM {role}"))
                .await;

            let lacking = office.lacking();

            assert!(!lacking.is_empty(), "without {on}");
            for (_, fix) in lacking {
                office.desk.script(&fix).await;
            }
            taken += 1;
        }
    }
    assert!(taken > 20, "{taken}");
    assert_eq!(office.lacking(), []);
    assert_eq!(office.about_the_role(), []);
}

#[tokio::test]
async fn the_statements_are_the_same_each_time_and_may_be_run_twice() {
    let office = office(None, "besom \"least\" twice").await;
    let print = ["grants", "--sql", &office.role];

    let script = office.desk.says(&print);

    assert_eq!(script, office.desk.says(&print));
    assert!(
        script.contains("TO \"besom \"\"least\"\" twice\";"),
        "{script}"
    );
    assert!(
        !script.contains("TRUNCATE") && !script.contains("ALL"),
        "{script}"
    );
    office.desk.script(&script).await;
    office.desk.script(&script).await;
}

#[tokio::test]
async fn grants_for_some_jobs_are_for_these_alone() {
    let office = office(Some(2_000), "besom_least_some").await;
    let job = "tokens/revoked-refresh";

    office.grant(&[job]).await;

    assert_eq!(
        office.json(&["run", job, "--json"])[0]["outcome"],
        "drained"
    );
    assert_eq!(office.run(&["run", "recovery/registrations"]).code, 1);
    let text = office.desk.says(&["grants", job]);
    assert!(text.contains("oauth2_refresh_tokens"), "{text}");
    assert!(!text.contains("user_registrations"), "{text}");
    let unknown = office.desk.run(&["grants", "tokens/revoked-refrsh"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("did you mean"),
        "{}",
        unknown.stderr
    );
}

#[tokio::test]
async fn sqlite_has_no_rights_to_print_and_says_so() {
    let desk = Desk::with_schema(besom_tests::sqlite(), "[plugins.tokens]\n").await;

    let said = desk.run(&["grants", "--sql", "besom"]);

    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(
        said.stderr.contains("SQLite has no roles"),
        "{}",
        said.stderr
    );
    assert_eq!(desk.json(&["check", "--json"])["role"], json!([]));
}

#[test]
fn a_role_that_could_not_be_one_is_refused() {
    let long = "r".repeat(64);
    for name in ["", &long] {
        let output = besom().args(["grants", "--sql", name]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
    }
}

#[tokio::test]
async fn what_a_narrowed_grant_looks_at_is_among_the_rights() {
    let more = "[plugins.tokens]\n[plugins.tokens.grant.oauth2_access_tokens]\n\
                min-age = { column = \"created_at\", age = \"1h\" }\n\
                [plugins.tokens.grant.oauth2_refresh_tokens]\n\
                min-age = { column = \"created_at\", age = \"1h\" }\n";
    let desk = Desk::filled(besom_tests::postgres().await, 2_000, more).await;
    let office = Office::of(desk, "besom_least_narrowed").await;
    let job = "tokens/expired-access";

    office.grant(&[job]).await;

    let run = office.json(&["run", job, "--json"]);
    assert_eq!(run[0]["outcome"], "drained", "{run:#}");
    assert!(run[0]["affected"].as_u64() > Some(0), "{run:#}");
}
