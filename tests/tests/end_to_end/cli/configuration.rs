//! What the file and the environment say about jobs, as the commands heed it.

use serde_json::Value;

use super::{Desk, Said, both};

const TOKENS: &str = "[plugins.tokens]\nsettings = { profile = \"mas\" }\n";

fn run_with(desk: &Desk, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = desk.command(arguments);
    for (name, value) in variables {
        command.env(name, value);
    }
    Said::of(command.output().unwrap())
}

#[tokio::test]
async fn a_variable_changes_what_goes() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, TOKENS).await;
        let retention = "BESOM_PLUGINS__TOKENS__SETTINGS__RETENTION";
        let dry = ["run", "tokens/revoked-access", "--dry-run", "--json"];
        let affected = |said: Said| {
            assert_eq!(said.code, 0, "{}", said.stderr);
            let runs: Value = serde_json::from_str(&said.stdout).unwrap();
            runs[0]["affected"].as_u64().unwrap()
        };

        let all = affected(run_with(&desk, &dry, &[]));
        let none = affected(run_with(&desk, &dry, &[(retention, "36000d")]));
        assert!(all > 0 && none == 0, "{all} {none}");

        let said = run_with(&desk, &dry, &[(retention, "soon")]);
        assert_eq!(said.code, 2);
        assert!(
            said.stderr
                .contains(&format!("environment variable {retention}")),
            "{}",
            said.stderr
        );
    }
}

#[tokio::test]
async fn no_job_runs_in_an_environment_that_is_to_be_skipped() {
    for database in both().await {
        let desk = Desk::filled(
            database,
            2_000,
            &format!("{TOKENS}[schedule]\nskip-in = [\"test\"]\n"),
        )
        .await;
        let before = desk
            .count("SELECT count(*) FROM oauth2_access_tokens")
            .await;

        let told = run_with(&desk, &["run", "tokens"], &[("BESOM_ENV", "test")]);
        assert_eq!(
            (told.code, told.stdout.trim()),
            (
                0,
                "skipped tokens: BESOM_ENV is `test`, which [schedule] skip-in names (--dry-run works)"
            ),
            "{}",
            told.stderr
        );
        let skipped = run_with(
            &desk,
            &["run", "tokens", "--json"],
            &[("BESOM_ENV", "test")],
        );
        assert_eq!(
            (skipped.code, skipped.stdout.trim()),
            (0, "[]"),
            "{}",
            skipped.stderr
        );
        assert!(
            skipped.stderr.contains("BESOM_ENV is `test`"),
            "{}",
            skipped.stderr
        );
        assert_eq!(
            desk.count("SELECT count(*) FROM oauth2_access_tokens")
                .await,
            before
        );
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);

        let dry = run_with(
            &desk,
            &["run", "tokens", "--dry-run"],
            &[("BESOM_ENV", "test")],
        );
        assert_eq!(dry.code, 0, "{}", dry.stderr);
        let elsewhere = run_with(&desk, &["run", "tokens"], &[("BESOM_ENV", "production")]);
        assert_eq!(elsewhere.code, 0, "{}", elsewhere.stderr);
        assert!(
            desk.count("SELECT count(*) FROM oauth2_access_tokens")
                .await
                < before
        );
    }
}

#[tokio::test]
async fn a_job_that_is_not_enabled_runs_only_where_it_is_named() {
    for database in both().await {
        let more = format!("{TOKENS}[plugins.tokens.jobs.revoked-access]\nenabled = false\n");
        let desk = Desk::filled(database, 2_000, &more).await;

        let all = desk.json(&["run", "tokens", "--dry-run", "--json"]);
        let jobs: Vec<_> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["job"].clone())
            .collect();
        assert!(
            !jobs.contains(&Value::from("tokens/revoked-access")),
            "{jobs:?}"
        );
        assert!(!desk.says(&["check"]).contains("tokens/revoked-access"));
        let named = desk.json(&["run", "tokens/revoked-access", "--json"]);
        assert!(named[0]["affected"].as_u64() > Some(0));
    }
}

#[tokio::test]
async fn a_setting_at_fault_is_named_with_file_line_and_key() {
    for database in both().await {
        let desk =
            Desk::with_schema(database, "[plugins.tokens.settings]\nretentoin = \"1h\"\n").await;

        let said = desk.run(&["run", "tokens/revoked-access"]);

        assert_eq!(said.code, 2);
        for words in [
            "besom.toml:7: plugins.tokens.settings.retentoin",
            "did you mean `retention`?",
        ] {
            assert!(
                said.stderr.contains(words),
                "{words} is not in {}",
                said.stderr
            );
        }
    }
}

#[tokio::test]
async fn a_retention_below_the_floor_stops_its_job_before_it_runs() {
    for database in both().await {
        let more = "[defaults]\nmin-retention = \"2h\"\n[plugins.tokens]\nsettings = { retention = \"3h\" }\n\
                    [plugins.tokens.jobs.revoked-refresh.settings]\nretention = \"30m\"\n";
        let desk = Desk::filled(database, 2_000, more).await;

        let said = desk.run(&["run", "tokens"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        for words in [
            "besom.toml:11: plugins.tokens.jobs.revoked-refresh.settings.retention",
            "30m\", below \"2h\", the least that `min-retention` allows",
        ] {
            assert!(
                said.stderr.contains(words),
                "{words} is not in {}",
                said.stderr
            );
        }
        let runs = |of: &str| format!("SELECT count(*) FROM besom_run WHERE job {of}");
        assert_eq!(desk.count(&runs("= 'revoked-refresh'")).await, 0);
        assert!(desk.count(&runs("= 'revoked-access'")).await > 0);

        let set = desk.run(&["run", "tokens/revoked-access", "--set", "retention=0s"]);
        assert_eq!(set.code, 2, "{}", set.stderr);
        assert!(set.stderr.contains("`min-retention`"), "{}", set.stderr);
        assert_eq!(desk.run(&["run", "tokens/revoked-access"]).code, 0);
    }
}

#[tokio::test]
async fn a_job_that_would_take_too_large_a_part_fails_and_says_so() {
    for database in both().await {
        let more = format!("{TOKENS}max-fraction = 0.001\n");
        let desk = Desk::filled(database, 2_000, &more).await;
        let before = desk
            .count("SELECT count(*) FROM oauth2_access_tokens")
            .await;

        let said = desk.run(&["run", "tokens/revoked-access", "--json"]);

        assert_eq!(said.code, 1, "{}", said.stderr);
        let runs: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(runs[0]["outcome"], "failed");
        let error = runs[0]["error"].as_str().unwrap();
        assert!(error.contains("max-fraction allows a run"), "{error}");
        assert_eq!(
            desk.count("SELECT count(*) FROM oauth2_access_tokens")
                .await,
            before
        );
    }
}

#[tokio::test]
async fn init_takes_a_schedule_from_the_variable_that_other_tools_have() {
    for database in both().await {
        let desk = Desk::with_file(database, "");
        desk.says(&["init", "new.toml"]);

        let text = std::fs::read_to_string(desk.folder.path().join("new.toml")).unwrap();
        let lines = "\n[plugins.tokens.jobs.refresh-tokens]\n\
                     schedule = \"${REFRESH_TOKEN_CLEANUP_CRON:-0 3 * * *}\"\n";
        assert!(text.contains(lines), "{text}");
        let url = [("REFRESH_TOKEN_CLEANUP_CRON", "not a schedule")];
        let said = run_with(&desk, &["-c", "new.toml", "plugin", "list"], &url);
        assert_eq!(said.code, 2, "{}", said.stdout);
        assert!(
            said.stderr.contains("REFRESH_TOKEN_CLEANUP_CRON"),
            "{}",
            said.stderr
        );
    }
}
