//! A later version of a plugin calls a job by another name: what the operator wrote and the ledger holds
//! stays the job's.

use besom_tests::fixtures::{hostile, hostile_describe};

use super::super::service::{Server, until};
use super::{Desk, both, place};

const FILE: &str = "[plugins.hostile]\ncomponent = \"hostile.wasm\"\n\
    [plugins.hostile.grant.others]\nread = [\"id\"]\ndelete = true\n\
    [plugins.hostile.grant.victims]\nread = [\"id\"]\ndelete = true\n\
    [plugins.hostile.jobs.good]\nsettings = { table = \"others\" }\n";

async fn desk(database: besom_tests::TestDatabase, more: &str) -> Desk {
    let desk = Desk::with_file(database, &format!("{FILE}{more}"));
    place(desk.folder.path(), "hostile.wasm", &hostile());
    desk.script(
        "CREATE TABLE victims (id bigint PRIMARY KEY); CREATE TABLE others (id bigint PRIMARY KEY)",
    )
    .await;
    desk.says(&["migrate"]);
    desk
}

fn upgrade(desk: &Desk) {
    let later = hostile_describe(b"past");
    place(desk.folder.path(), "hostile.wasm", &later);
}

#[tokio::test]
async fn configuration_history_and_commands_by_the_old_name_are_the_jobs() {
    for database in both().await {
        let desk = desk(database, "").await;
        desk.says(&["run", "hostile/good"]);
        upgrade(&desk);

        // By either name, before it has run under the new one.
        for name in ["hostile/fine", "hostile/good"] {
            let listed = desk.json(&["runs", "list", "--job", name, "--json"]);
            assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
        }
        assert_eq!(
            desk.json(&["runs", "list", "--job", "hostile/wait", "--json"]),
            serde_json::json!([])
        );

        let said = desk.run(&["run", "hostile/good", "--json"]);

        assert_eq!(said.code, 0, "{}", said.stderr);
        let line = 1 + std::fs::read_to_string(desk.folder.path().join("besom.toml"))
            .unwrap()
            .lines()
            .position(|l| l.contains("jobs.good"))
            .unwrap();
        for words in [
            "`hostile/good` is called `hostile/fine` now".to_owned(),
            format!(
                "besom.toml:{line}: plugins.hostile.jobs.good: this job is called `hostile/fine` now"
            ),
        ] {
            assert!(
                said.stderr.contains(&words),
                "no {words} in {}",
                said.stderr
            );
        }
        let runs: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(runs[0]["job"], "hostile/fine");
        let fine = "SELECT count(*) FROM besom_run WHERE job = 'fine' AND settings LIKE '%others%'";
        assert_eq!(desk.count(fine).await, 2);
        let explained = desk.json(&["explain", "hostile/good", "--json"]);
        assert_eq!(explained["job"], "hostile/fine");
        // Where jobs are checked, the old name is no stranger.
        let checked = desk.run(&["check"]);
        assert!(
            !checked.stdout.contains("no such job"),
            "{}",
            checked.stdout
        );
    }
}

#[tokio::test]
async fn a_job_that_comes_behind_another_finds_it_by_its_old_name() {
    let desk = desk(besom_tests::sqlite(), "").await;
    upgrade(&desk);
    let said = desk.run(&["run", "hostile/recursion", "hostile/fine", "--json"]);
    let runs: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(runs[0]["job"], "hostile/fine", "{runs}");
    assert_eq!(runs[1]["job"], "hostile/recursion", "{runs}");
}

#[tokio::test]
async fn a_file_that_names_the_job_by_both_names_is_refused_with_both_lines() {
    let desk = desk(
        besom_tests::sqlite(),
        "[plugins.hostile.jobs.fine]\nbatch-size = 500\n",
    )
    .await;
    upgrade(&desk);
    for arguments in [&["check"][..], &["run", "hostile/fine"]] {
        let said = desk.run(arguments);
        assert_eq!(said.code, 2, "{}", said.stderr);
        for words in [
            "jobs.fine: this is the job `hostile/fine`",
            "jobs.good names too",
        ] {
            assert!(said.stderr.contains(words), "no {words} in {}", said.stderr);
        }
    }
    assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);
}

#[tokio::test]
async fn a_job_that_was_paused_by_its_old_name_stays_paused_under_the_new_one() {
    let desk = desk(besom_tests::postgres().await, "").await;
    desk.says(&["pause", "hostile/good"]);
    upgrade(&desk);
    desk.says(&["trigger", "hostile/fine"]);

    let host = Server::start(&desk, "only");
    host.says("serving").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let runs = "SELECT count(*) FROM besom_run WHERE job = 'fine'";
    assert_eq!(desk.count(runs).await, 0, "{}", host.log());
    let refused = desk.run(&["run", "hostile/fine"]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("besom resume hostile/good"),
        "{}",
        refused.stderr
    );

    desk.says(&["resume", "hostile/good"]);
    until("the job to run", async || desk.count(runs).await == 1).await;
}
