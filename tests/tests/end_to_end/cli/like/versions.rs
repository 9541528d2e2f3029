//! A job that is like another, under other versions of their plugin.

use super::*;

const HOSTILE: &str = "[plugins.hostile]\ncomponent = \"hostile.wasm\"\n\
    [plugins.hostile.grant.others]\nread = [\"id\"]\ndelete = true\n\
    [plugins.hostile.jobs.second]\nlike = \"good\"\nsettings = { table = \"others\" }\n";

#[tokio::test]
async fn it_follows_the_job_that_it_is_like_to_its_new_name() {
    for database in both().await {
        let desk = Desk::with_file(database, HOSTILE);
        place(desk.folder.path(), "hostile.wasm", &hostile());
        desk.script(TABLES).await;
        desk.says(&["migrate"]);
        desk.says(&["run", "hostile/second"]);
        let later = hostile_describe(b"past");
        place(desk.folder.path(), "hostile.wasm", &later);

        let said = desk.run(&["run", "hostile/second", "--json"]);

        assert_eq!(said.code, 0, "{}", said.stderr);
        let place = "plugins.hostile.jobs.second.like: this job of `hostile` is called `fine` now: write \
                     like = \"fine\"";
        assert!(said.stderr.contains(place), "{}", said.stderr);
        let runs = "SELECT count(*) FROM besom_run WHERE job = 'second' AND state = 'drained' AND \
                    settings LIKE '%others%'";
        assert_eq!(desk.count(runs).await, 2);

        // Nor may a job of the file's own have the old name.
        change(&desk, |text| {
            text.replace(
                "jobs.second]\nlike = \"good\"",
                "jobs.good]\nlike = \"fine\"",
            )
        });
        let refused = desk.run(&["check"]);
        assert_eq!(refused.code, 2);
        let words = "`good` was the name of `fine`, a job of `hostile`";
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
}

const STORE: &str = "[store]\ninstall = \"any\"\n[plugins.versioned]\nsource = \"store\"\n\
    [plugins.versioned.grant.victims]\nread = [\"id\"]\ndelete = true\n\
    [plugins.versioned.jobs.second]\nlike = \"old\"\n";

async fn installed(database: TestDatabase) -> Desk {
    let desk = Desk::with_file(database, STORE);
    desk.script(
        "CREATE TABLE victims (id bigint PRIMARY KEY); INSERT INTO victims VALUES (1), (2)",
    )
    .await;
    desk.says(&["migrate"]);
    install(&desk, &Versioned::at("1.0.0"));
    desk
}

fn install(desk: &Desk, version: &Versioned) {
    place(desk.folder.path(), "plugin.wasm", &version.build());
    let said = desk.run(&["plugin", "install", "plugin.wasm"]);
    let _ = said; // whether it is taken is what the tests look at
}

#[tokio::test]
async fn a_version_without_the_job_that_it_is_like_leaves_it_told_and_its_history_there() {
    for database in both().await {
        let desk = installed(database).await;
        desk.says(&["run", "versioned/second"]);

        install(
            &desk,
            &Versioned {
                job: "new",
                ..Versioned::at("2.0.0")
            },
        );

        let said = desk.run(&["check"]);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        assert!(
            said.stdout
                .contains("plugin `versioned` has no job `old` that this one could be like"),
            "{}",
            said.stdout
        );
        let shown = desk.json(&["runs", "list", "--job", "versioned/second", "--json"]);
        assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
        desk.says(&["plugin", "rollback", "versioned"]);
        desk.says(&["run", "versioned/second"]);
    }
}

#[tokio::test]
async fn a_version_with_a_job_of_its_name_does_not_take_its_place() {
    for database in both().await {
        let desk = installed(database).await;

        install(
            &desk,
            &Versioned {
                job: "second",
                ..Versioned::at("2.0.0")
            },
        );

        let ran = desk.json(&["run", "versioned/second", "--json"]);
        assert_eq!(ran[0]["affected"], 2, "{ran}");
        let version = "SELECT count(*) FROM besom_run WHERE job = 'second' AND version = '1.0.0'";
        assert_eq!(desk.count(version).await, 1);
    }
}

#[tokio::test]
async fn an_installed_version_of_a_bundled_plugin_is_granted_it_as_the_binarys_own_is() {
    for database in both().await {
        let desk = desk(
            database,
            &format!("[store]\ninstall = \"any\"\n{FILE}{OWN}"),
        )
        .await;
        let mut bundled = besom_bundle::PLUGINS.iter();
        let tokens = bundled.find(|one| one.name == "tokens").unwrap();
        // The same version under another digest comes in by `--watch` alone.
        let other = besom_tests::fixtures::padded(tokens.component, 3);
        let folder = desk.folder.path().join("watched");
        std::fs::create_dir(&folder).unwrap();
        place(&folder, "tokens.wasm", &other);
        let mut host = Server::start_with(&desk, "only", &["--watch", "watched"]);
        host.says("the versions of plugins that the ledger names are in force")
            .await;
        desk.says(&["trigger", LIKE]);
        until("it to run", async || left(&desk, "api_tokens").await == 3).await;
        let digest = besom::plugin::Digest::of(&other).to_string();
        let ran = format!(
            "SELECT count(*) FROM besom_run WHERE job = 'api-tokens' AND digest = '{digest}'"
        );
        assert_eq!(desk.count(&ran).await, 1);
        host.kill();
    }
}

#[tokio::test]
async fn a_version_on_which_it_crashes_again_and_again_is_suspended_for_it_alone() {
    let file = "[plugins.hostile]\ncomponent = \"hostile.wasm\"\n\
        [plugins.hostile.grant.victims]\nread = [\"id\"]\ndelete = true\n\
        [plugins.hostile.jobs.second]\nlike = \"recursion\"\n";
    let desk = Desk::with_file(besom_tests::sqlite(), file);
    place(desk.folder.path(), "hostile.wasm", &hostile());
    desk.script(TABLES).await;
    desk.says(&["migrate"]);
    for _ in 0..3 {
        assert_eq!(desk.run(&["run", "hostile/second"]).code, 1);
    }

    let suspended = desk.run(&["run", "hostile/second"]);
    let words = "`hostile/second` is suspended on 1.0.0";
    assert!(suspended.stderr.contains(words), "{}", suspended.stderr);
    let other = desk.run(&["run", "hostile/recursion"]);
    assert!(
        !other.stderr.contains("is suspended on 1.0.0: it crashed"),
        "{}",
        other.stderr
    );
    assert!(other.stderr.contains("job recursion"), "{}", other.stderr);
}
