//! Every command, on both databases, with its exit code.

use serde_json::{Value, json};

use super::{Desk, besom, both};

const TOKENS: &str = "[plugins.tokens]\nsettings = { family-column = \"family_id\" }\n";

/// What a dry run and the run after it must agree on.
fn numbers(runs: &Value) -> Vec<Value> {
    let keys = [
        "job",
        "outcome",
        "affected",
        "dependents",
        "cascaded",
        "blocked",
        "locked",
        "examined",
        "revived",
    ];
    let of = |run: &Value| {
        Value::Object(
            keys.iter()
                .map(|key| ((*key).to_owned(), run[key].clone()))
                .collect(),
        )
    };
    runs.as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn a_dry_run_of_every_job_is_what_the_run_then_does_number_for_number() {
    for database in both().await {
        let desk = Desk::filled(database, 20_000, TOKENS).await;

        let dry = desk.json(&["run", "tokens", "--dry-run", "--json"]);
        let done = desk.json(&["run", "tokens", "--json"]);

        assert_eq!(numbers(&dry), numbers(&done));
        let runs = done.as_array().unwrap();
        assert_eq!(runs.len(), 8);
        assert!(
            runs.iter().all(|run| run["affected"].as_u64() > Some(0)),
            "{done:#}"
        );
        assert!(
            runs.iter()
                .all(|run| run["verified"] == json!(true) && run["mode"] == json!("apply"))
        );
        assert!(
            dry.as_array()
                .unwrap()
                .iter()
                .all(|run| run["mode"] == json!("dry-run") && run["estimated"] == json!(false))
        );
        let again = desk.json(&["run", "tokens", "--json"]);
        assert!(
            again
                .as_array()
                .unwrap()
                .iter()
                .all(|run| run["affected"] == json!(0)),
            "{again:#}"
        );
    }
}

#[tokio::test]
async fn a_budget_suspends_with_code_three_and_the_next_run_goes_on() {
    for database in both().await {
        let desk = Desk::filled(database, 20_000, TOKENS).await;

        let said = desk.run(&[
            "run",
            "tokens/revoked-access",
            "--max-rows",
            "100",
            "--json",
        ]);
        assert_eq!(said.code, 3, "{}", said.stderr);
        let runs: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(runs[0]["outcome"], "suspended");
        assert_eq!(runs[0]["reason"], "row-budget");
        let changed = runs[0]["affected"].as_u64().unwrap();
        assert!((1..=100).contains(&changed), "{changed}");

        let rest = desk.json(&["run", "tokens/revoked-access", "--json"]);
        assert_eq!(rest[0]["outcome"], "drained");
    }
}

#[tokio::test]
async fn the_ledger_shows_the_runs_and_their_batches() {
    for database in both().await {
        let desk = Desk::filled(database, 20_000, TOKENS).await;
        let done = desk.json(&["run", "tokens/revoked-access", "--json"]);
        let id = done[0]["run"].as_str().unwrap();

        let list = desk.json(&["runs", "list", "--json"]);
        assert_eq!(list[0]["run"], id);
        assert_eq!(list[0]["affected"], done[0]["affected"]);
        let shown = desk.json(&["runs", "show", id, "--json"]);
        let sum: u64 = shown["ledger"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b["affected"].as_u64().unwrap())
            .sum();
        assert_eq!(Some(sum), done[0]["affected"].as_u64());
        assert!(desk.says(&["runs"]).contains("tokens/revoked-access"));
        let unknown = desk.run(&["runs", "show", "01900000-0000-7000-8000-000000000000"]);
        assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    }
}

#[tokio::test]
async fn a_check_changes_nothing_and_names_what_is_wrong() {
    for database in both().await {
        let good = Desk::filled(database, 2_000, TOKENS).await;
        assert!(good.says(&["check"]).contains("tokens/consumed-refresh"));

        let misspelt = format!("{TOKENS}[plugins.tokens.jobs.revoked-acess]\nbatch-size = 5\n");
        let desk = Desk::with_file(good.database, &misspelt);
        let said = desk.run(&["check"]);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        assert!(
            said.stdout.contains("revoked-acess") && said.stdout.contains("besom.toml"),
            "{}",
            said.stdout
        );

        let wrong = Desk::with_file(
            desk.database,
            "[plugins.tokens]\nsettings = { retentoin = \"1d\" }\n",
        );
        let said = wrong.run(&["check"]);
        assert_eq!(said.code, 2);
        assert!(
            said.stdout.contains("retentoin") && said.stdout.contains("retention"),
            "{}",
            said.stdout
        );
    }
}

#[tokio::test]
async fn a_table_of_the_files_that_is_not_there_is_found_by_check() {
    let file = "[plugins.tokens]\nsettings = { oauth2-access-tokens-table = \"access_tokens\" }\n";
    for database in both().await {
        let desk = Desk::with_file(database, file);
        desk.says(&["migrate"]);
        let said = desk.run(&["check", "--json"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(said.stdout.contains("unknown-table"), "{}", said.stdout);
        let said = desk.run(&["run", "tokens/revoked-access"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(said.stdout.contains("`access_tokens`") || said.stderr.contains("`access_tokens`"));
    }
}

#[tokio::test]
async fn a_database_without_ledger_is_told_what_to_do() {
    for database in both().await {
        let desk = Desk::with_file(database, "[plugins.tokens]\n");
        // SQLite's file is made by whoever migrates the application; here by anybody.
        desk.script("CREATE TABLE mine (id bigint PRIMARY KEY)")
            .await;
        for command in [&["run", "tokens/revoked-access"][..], &["runs"], &["check"]] {
            let said = desk.run(command);
            assert_eq!(said.code, 2, "{command:?}: {}", said.stderr);
            assert!(
                said.stderr.contains("besom migrate"),
                "{command:?}: {}",
                said.stderr
            );
        }
        assert!(desk.says(&["migrate"]).contains("applied 0001_runs"));
        assert!(desk.says(&["migrate"]).contains("is up to date"));
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_with_code_two_and_a_way_out() {
    let desk = Desk::filled(besom_tests::sqlite(), 2_000, TOKENS).await;
    let cases: [(&[&str], &str); 6] = [
        (
            &["run", "tokens/revoked-acess"],
            "did you mean `tokens/revoked-access`",
        ),
        (&["run", "sessions"], "no plugin `sessions`"),
        (
            &["run", "tokens", "--set", "retentoin=1d"],
            "did you mean `retention`",
        ),
        (
            &["run", "tokens/revoked-access", "--set", "retention=soon"],
            "retention",
        ),
        (&["-c", "elsewhere.toml", "check"], "besom init"),
        (&["plugin", "inspect", "nothing.wasm"], "nothing.wasm"),
    ];
    for (arguments, words) in cases {
        let said = desk.run(arguments);
        assert_eq!(said.code, 2, "{arguments:?}: {}", said.stderr);
        assert!(
            said.stderr.contains(words),
            "{arguments:?}: {}",
            said.stderr
        );
        assert_eq!(said.stdout, "", "results only on stdout");
    }
    assert_eq!(
        desk.count("SELECT count(*) FROM besom_run").await,
        0,
        "nothing ran"
    );
}

#[test]
fn init_writes_a_file_that_check_accepts_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        besom()
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap()
    };
    let first = run(&["init"]);
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let text = std::fs::read_to_string(folder.path().join("besom.toml")).unwrap();
    for written in [
        "[plugins.tokens]",
        "[plugins.sessions]",
        "#[plugins.sessions.jobs.expire-inactive]",
        "[plugins.ips]",
        "[plugins.queue]",
        "[plugins.upstream-oauth]",
        "#[plugins.upstream-oauth.jobs.backfill-user-session]",
        "[plugins.recovery]",
    ] {
        assert!(text.contains(written), "no {written} in {text}");
    }
    assert_eq!(run(&["init"]).status.code(), Some(2));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("besom.toml")).unwrap(),
        text
    );
}

#[test]
fn plugins_are_listed_and_looked_into_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("tokens.wasm"),
        besom_bundle::PLUGINS[0].component,
    )
    .unwrap();
    let run = |arguments: &[&str]| -> Value {
        let output = besom()
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let list = run(&["plugin", "list", "--json"]);
    assert_eq!(list[0]["name"], "tokens");
    let inside = run(&["plugin", "inspect", "tokens.wasm", "--json"]);
    assert_eq!(inside["contract"], "besom:cleanup@1.1.0");
    assert_eq!(inside["digest"], list[0]["digest"]);
    assert_eq!(inside["jobs"].as_array().unwrap().len(), 8);
    assert!(inside["jobs"][0]["access"][0]["delete"] == json!(true));
    assert!(
        inside["imports"]
            .as_array()
            .unwrap()
            .iter()
            .any(|i| i.as_str().unwrap().contains("besom:cleanup/sweeps"))
    );
}

#[test]
fn a_password_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[database]\nurl = \"postgres://me:hunter2@127.0.0.1:1/db\"\n[plugins.tokens]\n";
    std::fs::write(folder.path().join("besom.toml"), text).unwrap();
    for arguments in [
        &["check"][..],
        &["run", "tokens"],
        &["migrate"],
        &["-vv", "runs"],
    ] {
        let output = besom()
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_narrowing_bites_however_its_table_is_spelled() {
    for (database, schema) in both().await.into_iter().zip(["public", "main"]) {
        let grant = |table: &str| {
            format!(
                "{TOKENS}[plugins.tokens.grant.{table}]\n\
                 min-age = {{ column = \"oauth2_access_token_id\", age = \"3650d\" }}\n"
            )
        };
        let desk = Desk::filled(
            database,
            2_000,
            &grant(&format!("\"{schema}.oauth2_access_tokens\"")),
        )
        .await;
        let done = desk.json(&["run", "tokens/revoked-access", "--json"]);
        assert_eq!(done[0]["affected"], 0, "{done:#}");

        let nowhere = Desk::with_file(desk.database, &grant("oauth2_acess_tokens"));
        let said = nowhere.run(&["run", "tokens/revoked-access"]);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(
            said.stderr.contains("oauth2_acess_tokens"),
            "{}",
            said.stderr
        );

        let twice = format!(
            "{}{}",
            grant("oauth2_access_tokens"),
            grant(&format!("\"{schema}.oauth2_access_tokens\"")).replace(TOKENS, "")
        );
        let said = Desk::with_file(nowhere.database, &twice).run(&["run", "tokens/revoked-access"]);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stderr.contains("the same table"), "{}", said.stderr);
    }
}

#[test]
fn a_database_that_is_not_there_is_named_with_what_to_do_and_without_its_password() {
    let folder = tempfile::TempDir::with_prefix("besom-desk-").unwrap();
    std::fs::write(folder.path().join("besom.toml"), "").unwrap();
    let migrate = |url: &str| {
        let mut command = super::besom();
        command.current_dir(folder.path()).arg("migrate");
        let said = command.env("BESOM_DATABASE_URL", url).output().unwrap();
        assert_eq!(said.status.code(), Some(1));
        String::from_utf8(said.stderr).unwrap()
    };

    let sqlite = migrate("sqlite://none.db");
    assert!(
        sqlite.contains("sqlite://none.db cannot be used") && sqlite.contains("must be there"),
        "{sqlite}"
    );
    let postgres = migrate("postgres://me:secret@localhost:1/auth");
    assert!(
        postgres.contains("localhost:1/auth cannot be used") && !postgres.contains("secret"),
        "{postgres}"
    );
}

#[tokio::test]
async fn another_writer_of_the_file_is_told_with_the_key_that_waits_for_it() {
    let desk = Desk::filled(besom_tests::sqlite(), 6_000, TOKENS).await;
    let pool = super::connect(&desk.database).await;
    let mut writer = pool.session().await.unwrap();
    writer.begin("BEGIN IMMEDIATE").await.unwrap();

    let said = desk.run(&["run", "tokens/revoked-access"]);
    writer.rollback().await.unwrap();

    assert_eq!(said.code, 1, "{}", said.stderr);
    for part in [
        "another program, or another job of besom, has been writing it",
        "`lock-timeout` of [database]",
    ] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    desk.says(&["run", "tokens/revoked-access"]);
}
