//! `besom explain` names the index that the database's own plan names.

use crate::cli::{Desk, both};

const JOB: &str = "ips/inactive-oauth2";

fn index(desk: &Desk) -> serde_json::Value {
    let explained = desk.json(&["explain", JOB, "--json"]);
    explained["sweeps"][0]["index"].clone()
}

/// A product's session table, its addresses erased but for the newest of those that are due.
fn sessions(postgres: bool) -> String {
    let columns = "oauth2_session_id, oauth2_client_id, scope_list, created_at, last_active_at, last_active_ip";
    let client = "(SELECT oauth2_client_id FROM oauth2_clients LIMIT 1)";
    let erase = "UPDATE oauth2_sessions SET last_active_ip = NULL; INSERT INTO oauth2_sessions";
    match postgres {
        true => format!(
            "{erase} ({columns})
             SELECT md5('far end' || n)::uuid, {client}, '{{}}',
                    now() - interval '400 days', now() - interval '400 days' + make_interval(secs => n * 60),
                    CASE WHEN n > 98560 THEN '192.0.2.7'::inet END
             FROM generate_series(1, 100000) n; ANALYZE oauth2_sessions"
        ),
        false => format!(
            "{erase} ({columns})
             WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000)
             SELECT randomblob(16), {client}, '[]',
                    (unixepoch() - 400 * 86400) * 1000000, (unixepoch() - 400 * 86400 + n * 60) * 1000000,
                    CASE WHEN n > 98560 THEN '192.0.2.7' END FROM s; ANALYZE"
        ),
    }
}

#[tokio::test]
async fn addresses_at_the_far_end_are_erased_by_the_narrow_index_that_the_product_has() {
    for database in both().await {
        let postgres = database.url.starts_with("postgres");
        let file = "[plugins.ips]\nsettings = { retention = \"30d\" }\n\
                    [plugins.ips.jobs.inactive-oauth2]\ndeadline = \"1s\"\n";
        let desk = Desk::filled(database, 2000, file).await;
        desk.script(&sessions(postgres)).await;

        // The index is the one that the database says, and there is nothing to mend.
        assert_eq!(index(&desk), "oauth2_sessions_inactive_ips_idx");
        desk.says(&["check"]);

        // With the narrow one alone it goes as well.
        desk.script("DROP INDEX oauth2_sessions_last_active_at_idx")
            .await;
        assert_eq!(index(&desk), "oauth2_sessions_inactive_ips_idx");
        desk.says(&["check"]);
        let done = desk.json(&["run", JOB, "--json"]);
        assert_eq!(done[0]["affected"], 1_440, "{done:#}");
        assert_eq!(done[0]["verified"], true, "{done:#}");
        assert!(
            done[0]["examined"].as_u64().unwrap() <= 1_440 + 1_000,
            "{done:#}"
        );

        // Where none serves none is named.
        desk.script("DROP INDEX oauth2_sessions_inactive_ips_idx")
            .await;
        let told = index(&desk);
        assert!(
            told.is_null() || !told.as_str().unwrap().contains("inactive"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn an_invalid_index_and_one_that_the_planner_passes_over_are_not_named() {
    let database = besom_tests::postgres().await;
    let desk = Desk::filled(database, 2000, "[plugins.ips]\n").await;
    desk.script(&sessions(true)).await;
    desk.script(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'oauth2_sessions_inactive_ips_idx'::regclass",
    )
    .await;
    let explained = desk.run(&["explain", JOB, "--json"]);
    let explained: serde_json::Value = serde_json::from_str(&explained.stdout).unwrap();
    assert_eq!(
        explained["sweeps"][0]["index"],
        "oauth2_sessions_last_active_at_idx"
    );
}

#[tokio::test]
async fn the_databases_own_plan_is_shown_where_it_is_asked_for() {
    for database in both().await {
        let postgres = database.url.starts_with("postgres");
        let desk = Desk::filled(database, 500, "[plugins.ips]\n").await;
        let addresses = "SELECT count(*) FROM oauth2_sessions WHERE last_active_ip IS NOT NULL";
        let before = desk.count(addresses).await;

        let told = desk.says(&["explain", JOB, "--analyze"]);

        let met = match postgres {
            true => "using oauth2_sessions_inactive_ips_idx on oauth2_sessions r1",
            // Which of two that serve is the narrower SQLite knows after ANALYZE.
            false => "SEARCH r1 USING INDEX oauth2_sessions_",
        };
        assert!(told.contains(met), "{told}");
        // Of what a batch changes the plan is shown, and nothing is run.
        assert_eq!(postgres, told.contains("actual rows="), "{told}");
        assert_eq!(desk.count(addresses).await, before);
        assert!(!desk.says(&["explain", JOB]).contains(met));
    }
}

#[tokio::test]
async fn explaining_changes_nothing() {
    for database in both().await {
        let desk = Desk::filled(database, 500, "[plugins.sessions]\n").await;
        let rows = "SELECT (SELECT count(*) FROM oauth2_sessions) + (SELECT count(*) FROM oauth2_access_tokens)";
        let before = desk.count(rows).await;
        let explained = desk.json(&["explain", "sessions/finished-oauth2", "--json"]);
        let statements = explained["sweeps"][0]["statements"].as_array().unwrap();
        let used = |step: &serde_json::Value| !step["indexes"].as_array().unwrap().is_empty();
        assert!(
            statements.iter().filter(|step| used(step)).count() >= 2,
            "{explained:#}"
        );
        assert_eq!(desk.count(rows).await, before);
    }
}
