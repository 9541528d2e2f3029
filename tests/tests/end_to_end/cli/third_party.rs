//! A plugin that is not in the binary: granted what the operator's file says, and no more.

use super::{Desk, both, place};

async fn desk(database: besom_tests::TestDatabase, grant: &str) -> Desk {
    let file = format!("[plugins.hostile]\ncomponent = \"hostile.wasm\"\n{grant}");
    let desk = Desk::with_file(database, &file);
    place(
        desk.folder.path(),
        "hostile.wasm",
        &besom_tests::fixtures::hostile(),
    );
    desk.script(
        "CREATE TABLE victims (id bigint PRIMARY KEY); INSERT INTO victims VALUES (1), (2)",
    )
    .await;
    desk.says(&["migrate"]);
    desk
}

const GRANT: &str = "[plugins.hostile.grant.victims]\nread = [\"id\"]\ndelete = true\n";

#[tokio::test]
async fn a_plugin_without_a_grant_is_refused_with_the_toml_that_would_allow_it() {
    for database in both().await {
        let desk = desk(database, "").await;
        let said = desk.run(&["run", "hostile/wait"]);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        let said = format!("{}{}", said.stdout, said.stderr);
        for words in [
            "plugin `hostile`",
            "hostile/wait",
            "victims",
            "[plugins.hostile.grant.victims]",
            "delete = true",
        ] {
            assert!(said.contains(words), "no {words} in {said}");
        }
    }
}

#[tokio::test]
async fn a_trap_is_told_with_plugin_version_job_and_export_and_the_next_run_is_fine() {
    for database in both().await {
        let desk = desk(database, GRANT).await;
        let said = desk.run(&["run", "hostile/recursion"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(
            said.stderr.contains("hostile 1.0.0")
                && said.stderr.contains("job recursion")
                && said.stderr.contains("export run"),
            "{}",
            said.stderr
        );
        assert_eq!(
            desk.count("SELECT count(*) FROM besom_run WHERE state = 'failed' AND verification = 'unverified: failed'")
                .await,
            1
        );
        desk.says(&["run", "hostile/good"]);
    }
}

#[tokio::test]
async fn a_trap_before_the_run_fails_the_command_and_leaves_no_run() {
    for database in both().await {
        let desk = desk(database, "").await;
        let said = desk.run(&["run", "hostile/panic"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(said.stderr.contains("export access"), "{}", said.stderr);
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);
    }
}

#[tokio::test]
async fn a_component_that_is_none_is_refused_by_name() {
    let desk = desk(besom_tests::sqlite(), "").await;
    place(desk.folder.path(), "hostile.wasm", b"not a component");
    let said = desk.run(&["check"]);
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(said.stderr.contains("hostile"), "{}", said.stderr);
}

#[tokio::test]
async fn jobs_that_wait_for_one_another_are_refused_at_load_whatever_is_asked_of_them() {
    let desk = desk(besom_tests::sqlite(), GRANT).await;
    let ring = besom_tests::fixtures::hostile_describe(b"ring");
    place(desk.folder.path(), "hostile.wasm", &ring);
    for arguments in [&["check"][..], &["run", "hostile/good"]] {
        let said = desk.run(arguments);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        assert!(
            said.stderr.contains("`hostile/fail` after `hostile/good`"),
            "{}",
            said.stderr
        );
    }
    assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);
}
