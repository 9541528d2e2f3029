//! `besom check`, `besom explain` and `besom run` on findings.

use serde_json::{Value, json};

use crate::cli::{Desk, both};

const TOKENS: &str = "[plugins.tokens]\nsettings = { family-column = \"family_id\" }\n";

const CODE: &str = "unindexed-foreign-key";

/// A table of the application's own that refers to access tokens, and is read whole for each that goes. By
/// its size that takes seconds; it has few rows, so that the tests do not.
async fn without_index(database: besom_tests::TestDatabase, more: &str) -> Desk {
    let desk = Desk::filled(database, 4_000, &format!("{TOKENS}{more}")).await;
    let table = "CREATE TABLE mirror (id bigint PRIMARY KEY, note text, \
         token uuid REFERENCES oauth2_access_tokens (oauth2_access_token_id));";
    let size = match desk.database.url.starts_with("postgres") {
        true => {
            "ALTER TABLE mirror ALTER note SET STORAGE PLAIN; \
             INSERT INTO mirror SELECT n, repeat('x', 5000) FROM generate_series(1, 2500) AS n"
        }
        false => {
            "CREATE TABLE filler (bytes blob); INSERT INTO filler VALUES (zeroblob(40000000)); ANALYZE; \
             INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('mirror', NULL, '5000000')"
        }
    };
    desk.script(&format!("{table}{size}")).await;
    desk
}

fn job<'a>(check: &'a Value, name: &str) -> &'a Value {
    let jobs = check["jobs"].as_array().unwrap();
    jobs.iter().find(|job| job["job"] == name).unwrap()
}

#[tokio::test]
async fn the_reference_schema_has_every_index_that_the_bundled_jobs_need() {
    for database in both().await {
        let file = format!(
            "{TOKENS}[plugins.sessions]\n[plugins.sessions.jobs.expire-inactive]\nsettings = {{ ttl = \"30d\" }}\n"
        );
        let desk = Desk::filled(database, 4_000, &file).await;
        let checked = desk.json(&["check", "--json"]);
        for job in checked["jobs"].as_array().unwrap() {
            let findings = job["findings"].as_array().unwrap();
            let stops = |finding: &&Value| finding["severity"] == "error";
            assert_eq!(findings.iter().find(stops), None, "{job:#}");
        }
        assert_eq!(desk.run(&["check", "--sql"]).code, 0);
    }
}

#[tokio::test]
async fn an_error_stops_its_job_and_no_other_and_what_check_prints_mends_it() {
    for database in both().await {
        let desk = without_index(database, "").await;

        let said = desk.run(&["check"]);
        assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
        // Two jobs sweep that table, each with rows of its own to go.
        for job in ["revoked-access", "expired-access"] {
            let heading = format!("tokens/{job}: error {CODE}: ");
            assert_eq!(said.stdout.matches(&heading).count(), 1, "{}", said.stdout);
        }
        let checked: Value = serde_json::from_str(&desk.run(&["check", "--json"]).stdout).unwrap();
        assert_eq!(
            job(&checked, "tokens/consumed-refresh")["findings"],
            json!([])
        );

        let said = desk.run(&["run", "tokens/expired-access"]);
        assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
        assert!(
            said.stderr.contains("CREATE INDEX") && said.stderr.contains("--tolerate"),
            "{}",
            said.stderr
        );
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);
        let said = desk.run(&["run", "tokens", "--json"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        let runs: Value = serde_json::from_str(&said.stdout).unwrap();
        let runs = runs.as_array().unwrap();
        let refused = runs.iter().filter(|run| run["outcome"] == "refused");
        assert_eq!((runs.len(), refused.count()), (8, 2));

        let script = desk.run(&["check", "--sql"]);
        assert_eq!(script.code, 1);
        assert_eq!(
            script.stdout.matches("CREATE INDEX").count(),
            1,
            "{}",
            script.stdout
        );
        for statement in script.stdout.lines().filter(|line| !line.starts_with("--")) {
            desk.script(statement.strip_suffix(';').unwrap()).await;
        }
        assert_eq!(desk.says(&["check", "--sql"]).matches("CREATE").count(), 0);
        desk.says(&["check"]);
        // Some of the demo's tokens never expire, which is good to know and no more.
        let run = ["run", "tokens/expired-access", "--json"];
        let done = desk.json(&[&run[..], &["--tolerate", "never-eligible"]].concat());
        assert_eq!(done[0]["findings"], json!([]));
    }
}

#[tokio::test]
async fn a_tolerated_error_is_a_warning_that_the_runs_record_keeps() {
    for database in both().await {
        let desk = without_index(database, "").await;

        let run = ["run", "tokens/expired-access", "--json", "--tolerate", CODE];
        let said = desk.run(&run);

        assert_eq!(said.code, 0, "{}", said.stderr);
        assert!(
            said.stderr.contains("tolerated: foreign key"),
            "{}",
            said.stderr
        );
        let runs: Value = serde_json::from_str(&said.stdout).unwrap();
        let finding = &runs[0]["findings"][0];
        assert_eq!(
            (
                &finding["code"],
                &finding["severity"],
                &finding["tolerated"]
            ),
            (&json!(CODE), &json!("warning"), &json!(true))
        );
        let id = runs[0]["run"].as_str().unwrap();
        let kept = desk.json(&["runs", "show", id, "--json"]);
        assert_eq!(kept["findings"], runs[0]["findings"]);
        let shown = desk.says(&["runs", "show", id]);
        assert!(
            shown.contains(&format!("tolerated error {CODE}: ")),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn what_costs_nothing_is_told_by_check_until_it_is_tolerated_and_by_no_run() {
    for database in both().await {
        let desk = Desk::filled(database, 4_000, TOKENS).await;
        desk.script(
            "CREATE TABLE mirror (id bigint PRIMARY KEY, \
             token uuid REFERENCES oauth2_access_tokens (oauth2_access_token_id)); \
             INSERT INTO mirror VALUES (1, NULL); \
             DROP INDEX oauth_access_tokens_revoked_at_idx",
        )
        .await;
        let codes = || {
            let checked = desk.json(&["check", "--json"]);
            let findings = job(&checked, "tokens/revoked-access")["findings"].clone();
            let findings = findings.as_array().unwrap().iter();
            let codes = findings.map(|found| found["code"].as_str().unwrap().to_owned());
            codes.collect::<Vec<_>>()
        };

        assert_eq!(codes(), [CODE]);
        let script = desk.says(&["check", "--sql"]);
        assert!(!script.contains("CREATE"), "{script}");
        let ran = desk.run(&["run", "tokens/revoked-access"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
        let record = desk.json(&["runs", "list", "--json"])[0]["run"].clone();
        let record = desk.json(&["runs", "show", record.as_str().unwrap(), "--json"]);
        assert_eq!(record["findings"][0]["code"], CODE, "{record:#}");

        let path = desk.folder.path().join("besom.toml");
        let file = std::fs::read_to_string(&path).unwrap();
        std::fs::write(
            &path,
            format!("{file}\n[defaults]\ntolerate = [\"{CODE}\"]\n"),
        )
        .unwrap();
        assert_eq!(codes(), [""; 0]);
    }
}

#[tokio::test]
async fn the_file_tolerates_for_all_jobs_for_a_plugin_or_for_one_job() {
    for (more, codes) in [
        (format!("[defaults]\ntolerate = [\"{CODE}\"]\n"), [0, 0]),
        (format!("tolerate = [\"other\", \"{CODE}\"]\n"), [0, 0]),
        (
            format!("[plugins.tokens.jobs.expired-access]\ntolerate = [\"{CODE}\"]\n"),
            [0, 1],
        ),
        (
            format!(
                "tolerate = [\"{CODE}\"]\n[plugins.tokens.jobs.revoked-access]\ntolerate = []\n"
            ),
            [0, 1],
        ),
    ] {
        let desk = without_index(besom_tests::sqlite(), &more).await;
        let jobs = ["tokens/expired-access", "tokens/revoked-access"];
        let said = jobs.map(|job| desk.run(&["run", job]).code);
        assert_eq!(said, codes, "{more}");
        assert_eq!(desk.run(&["check"]).code, codes[0].max(codes[1]), "{more}");
    }
}

#[tokio::test]
async fn a_job_is_explained_with_its_order_its_statements_and_what_hangs_on_its_rows() {
    for database in both().await {
        let desk = without_index(database, "").await;
        let told = desk.run(&["explain", "tokens/revoked-access", "--json"]);
        assert_eq!(told.code, 1, "{}", told.stderr);
        let told: Value = serde_json::from_str(&told.stdout).unwrap();
        let sweep = &told["sweeps"][0];
        assert_eq!(sweep["along"], "revoked_at");
        assert_eq!(sweep["index"], "oauth_access_tokens_revoked_at_idx");
        let postgres = desk.database.url.starts_with("postgres");
        let alone = desk.json(&["explain", "tokens/authorization-grants", "--json"]);
        let techniques = [&sweep["technique"], &alone["sweeps"][0]["technique"]];
        let expected = match postgres {
            true => ["lock-then-check", "one-statement"],
            false => ["one-transaction", "one-transaction"],
        };
        assert_eq!(techniques, expected, "{sweep:#} {alone:#}");
        let keys = sweep["foreign_keys"].as_array().unwrap();
        assert!(
            keys.iter().any(|key| key["child"]
                .as_str()
                .unwrap()
                .ends_with("oauth2_refresh_tokens")),
            "{keys:?}"
        );
        let steps = sweep["statements"].as_array().unwrap();
        assert_eq!(steps[0]["step"], "window");
        let batch = steps.last().unwrap();
        assert!(
            batch["sql"].as_str().unwrap().contains("DELETE FROM"),
            "{batch}"
        );
        assert_eq!(told["findings"][0]["code"], CODE);
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);

        let text = desk.run(&["explain", "tokens/expired-access"]).stdout;
        let technique = match postgres {
            true => "rows are locked first, then asked again: ",
            false => "one transaction a batch: ",
        };
        for words in [
            "sweep 1: delete from ",
            "along expires_at, index oauth_access_tokens_expires_at_idx",
            technique,
            "not-exists",
            CODE,
        ] {
            assert!(text.contains(words), "no {words} in {text}");
        }
        assert_eq!(desk.run(&["explain", "tokens/no-such-job"]).code, 2);
    }
}

#[tokio::test]
async fn two_hundred_thousand_tokens_without_an_index_are_found_and_run_after_the_statement() {
    // A job that deletes revoked personal sessions; of their tokens the product has an index for those only
    // that are valid. All the tokens hang on one of the sessions, so that statistics promise a token for
    // every session, and the others have none.
    let sessions = "[plugins.tokens.jobs.revoked-refresh]\nsettings = { \
         oauth2-refresh-tokens-table = \"personal_sessions\", \
         oauth2-refresh-tokens-id-column = \"personal_session_id\", \
         oauth2-refresh-tokens-next-column = \"owner_oauth2_client_id\" }\n";
    let more = format!("{TOKENS}{sessions}");
    let desk = Desk::filled(besom_tests::postgres().await, 4_000, &more).await;
    desk.script(
        "INSERT INTO users (user_id, username, created_at) VALUES (gen_random_uuid(), 'script', now());
         INSERT INTO personal_sessions (personal_session_id, owner_user_id, actor_user_id, human_name,
                                        scope_list, created_at, revoked_at)
             SELECT gen_random_uuid(), user_id, user_id, 'script', '{}', now() - interval '90 days',
                    CASE WHEN n <= 500 THEN now() - interval '60 days' END
             FROM users, generate_series(1, 5000) n WHERE username = 'script';
         INSERT INTO personal_access_tokens (personal_access_token_id, personal_session_id,
                                             access_token_sha256, created_at, revoked_at)
             SELECT gen_random_uuid(),
                    (SELECT personal_session_id FROM personal_sessions
                     WHERE human_name = 'script' AND revoked_at IS NOT NULL LIMIT 1),
                    sha256(n::text::bytea), now(), now()
             FROM generate_series(1, 200000) n;
         ANALYZE;",
    )
    .await;
    let ours = "SELECT count(*) FROM personal_sessions \
                WHERE human_name = 'script' AND revoked_at IS NOT NULL";

    let said = desk.run(&["check"]);
    assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("about 200,000 rows"),
        "{}",
        said.stdout
    );
    assert_eq!(desk.run(&["run", "tokens/revoked-refresh"]).code, 1);
    assert_eq!(desk.count(ours).await, 500);
    let script = desk.run(&["check", "--sql"]).stdout;
    let mut statements = script.lines().filter(|line| !line.starts_with("--"));
    let statement = statements.next().unwrap();
    assert_eq!(
        statement,
        "CREATE INDEX CONCURRENTLY \"personal_access_tokens_personal_session_id_idx1\" ON \
         \"public\".\"personal_access_tokens\" (\"personal_session_id\");"
    );
    assert_eq!(statements.next(), None, "{script}");
    desk.script(statement).await;

    desk.says(&["check"]);
    let runs = desk.json(&["run", "tokens/revoked-refresh", "--json"]);
    assert_eq!(runs[0]["outcome"], "drained", "{runs:#}");
    assert_eq!(desk.count(ours).await, 1);
    assert!(runs[0]["blocked"].as_u64() >= Some(1), "{runs:#}");
    let held = runs[0]["blocked_by"].as_object().unwrap();
    assert!(
        held.keys()
            .any(|table| table.ends_with("personal_access_tokens")),
        "{runs:#}"
    );
}

#[tokio::test]
async fn explain_tells_keys_of_dependents_from_keys_that_block() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, "[plugins.sessions]\n").await;
        let text = desk.run(&["explain", "sessions/finished-oauth2"]).stdout;

        let line = |child: &str| {
            let of = |line: &&str| line.contains("foreign key") && line.contains(child);
            text.lines().find(of).unwrap_or(&text).to_owned()
        };
        let tokens = line("oauth2_access_tokens (oauth2_session_id)");
        assert!(tokens.contains("ties dependents of"), "{tokens}");
        let grants = line("oauth2_authorization_grants (oauth2_session_id)");
        assert!(grants.contains("blocks rows of"), "{grants}");
    }
}
