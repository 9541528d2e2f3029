//! The commands of an operator who puts versions in use, and takes them out.

use besom_tests::fixtures::{self, Versioned, padded, version_of};

use super::*;

#[tokio::test]
async fn a_version_is_in_use_as_soon_as_it_is_installed_and_the_one_before_after_a_rollback() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        let said = desk.run(&["run", JOB]);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(
            said.stderr.contains("besom plugin install FILE"),
            "{}",
            said.stderr
        );
        let checked = desk.run(&["check"]);
        assert_eq!(checked.code, 2, "{}", checked.stdout);
        assert!(
            checked.stdout.contains("no version of it is installed"),
            "{}",
            checked.stdout
        );

        let one = install(&desk, &Versioned::at("1.0.0"));
        let two = install(&desk, &Versioned::at("2.0.0"));
        assert_eq!(ran(&desk, JOB).await, "2.0.0");
        let entry = listed(&desk, "versioned");
        assert_eq!(entry["source"], "installed");
        assert_eq!(entry["installed"]["active"]["digest"], two);
        assert_eq!(entry["installed"]["previous"]["digest"], one);

        let said = desk.says(&["plugin", "rollback", "versioned"]);
        assert!(said.contains("version 1.0.0"), "{said}");
        assert_eq!(ran(&desk, JOB).await, "1.0.0");
        let said = desk.run(&["plugin", "rollback", "versioned"]);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stderr.contains("no version before"), "{}", said.stderr);

        desk.says(&["plugin", "remove", "versioned"]);
        assert_eq!(desk.run(&["run", JOB]).code, 2);
        let done = "SELECT count(*) FROM besom_audit WHERE by LIKE '%@%' AND outcome =";
        assert_eq!(desk.count(&format!("{done} 'done'")).await, 4);
        assert_eq!(desk.count(&format!("{done} 'refused'")).await, 1);
    }
}

#[tokio::test]
async fn a_dry_run_says_whether_a_version_could_be_installed_and_leaves_no_trace() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    place(
        desk.folder.path(),
        "good.wasm",
        &Versioned::at("1.0.0").build(),
    );
    place(desk.folder.path(), "bad.wasm", b"not a component");

    let said = desk.says(&["plugin", "install", "good.wasm", "--dry-run"]);
    assert!(said.contains("could be installed"), "{said}");
    let refused = desk.run(&["plugin", "install", "bad.wasm", "--dry-run"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);

    let rows = "SELECT (SELECT count(*) FROM besom_component) + (SELECT count(*) FROM besom_deployment) \
                + (SELECT count(*) FROM besom_audit)";
    assert_eq!(desk.count(rows).await, 0);
}

#[tokio::test]
async fn a_version_that_asks_for_more_waits_with_the_toml_that_allows_it() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &Versioned::at("1.0.0"));
        let wider = Versioned {
            table: "users",
            ..Versioned::at("2.0.0")
        };
        place(desk.folder.path(), "wider.wasm", &wider.build());

        let said = desk.run(&["plugin", "install", "wider.wasm"]);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        assert!(
            said.stdout.contains("may not delete rows of table `users`"),
            "{}",
            said.stdout
        );
        assert_eq!(ran(&desk, JOB).await, "1.0.0");
        let pending = &listed(&desk, "versioned")["installed"]["pending"];
        assert_eq!(pending["version"], "2.0.0");
        let why = pending["why"].as_str().unwrap();
        let (_, toml) = why.split_once("besom.toml:\n").unwrap();

        let said = desk.run(&["plugin", "promote", "versioned"]);
        assert_eq!(said.code, 2, "promoted without a grant: {}", said.stdout);
        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}\n{toml}")).unwrap();
        desk.says(&["plugin", "promote", "versioned"]);

        assert_eq!(ran(&desk, JOB).await, "2.0.0");
        assert_eq!(desk.count("SELECT count(*) FROM users").await, 0);
    }
}

#[tokio::test]
async fn a_version_in_a_bundled_ones_place_that_asks_for_more_runs_once_all_of_it_is_pasted() {
    for database in both().await {
        let desk = Desk::with_schema(database, &format!("{ANY}[plugins.tokens]\n")).await;
        desk.script(
            "CREATE TABLE leftovers (id bigint PRIMARY KEY); INSERT INTO leftovers VALUES (1), (2); \
             CREATE TABLE hangers_on (id bigint PRIMARY KEY, of bigint REFERENCES leftovers (id) \
             ON DELETE CASCADE); CREATE INDEX hangers_of ON hangers_on (of); \
             INSERT INTO hangers_on VALUES (7, 1)",
        )
        .await;
        let wider = Versioned {
            name: "tokens",
            job: "revoked-access",
            table: "leftovers",
            ..Versioned::at("9.0.0")
        };
        place(desk.folder.path(), "wider.wasm", &wider.build());
        let file = desk.folder.path().join("besom.toml");
        let as_before = std::fs::read_to_string(&file).unwrap();
        let write = |more: &str| std::fs::write(&file, format!("{as_before}\n{more}")).unwrap();
        let lines = |why: &str| why.split_once("besom.toml:\n").unwrap().1.to_owned();
        let refused = |missing: &[&str]| {
            let said = desk.run(&["plugin", "promote", "tokens"]);
            assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
            assert_eq!(
                said.stderr.matches("may not").count(),
                missing.len(),
                "{}",
                said.stderr
            );
            for missing in missing {
                assert!(
                    said.stderr.contains(missing),
                    "no {missing} in {}",
                    said.stderr
                );
            }
            lines(&said.stderr)
        };

        let said = desk.run(&["plugin", "install", "wider.wasm"]);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        let pending = &listed(&desk, "tokens")["installed"]["pending"];
        let asked_for = lines(pending["why"].as_str().unwrap());

        // Some of it is not enough.
        write("[plugins.tokens.grant.leftovers]\ndelete = true\n");
        let whole = refused(&["read column `id` of table `leftovers`"]);
        let whole = whole.replace("# in place of what stands there:\n", "");
        assert_eq!(whole.trim_end(), asked_for.trim_end());
        // What hangs on the rows of the version's own table is the database's to say.
        write(&asked_for);
        let hangers = refused(&["delete rows of table `hangers_on`"]);
        assert_eq!(
            hangers.trim_end(),
            "\n[plugins.tokens.grant.hangers_on]\ndelete = true"
        );

        write(&format!("{asked_for}{hangers}"));
        desk.says(&["plugin", "promote", "tokens"]);
        assert_eq!(ran(&desk, "tokens/revoked-access").await, "9.0.0");
        let left = "SELECT (SELECT count(*) FROM leftovers) + (SELECT count(*) FROM hangers_on)";
        assert_eq!(desk.count(left).await, 0);
    }
}

#[tokio::test]
async fn what_is_no_sound_version_is_refused_and_the_one_in_use_goes_on() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &Versioned::at("1.0.0"));
        let trap = Versioned {
            mode: "trap",
            ..Versioned::at("2.0.0")
        };
        let stranger = Versioned {
            name: "stranger",
            ..Versioned::default()
        };
        let whole = Versioned::at("3.0.0").build();
        let cases: [(Vec<u8>, &str); 7] = [
            (
                whole[..whole.len() / 2].to_vec(),
                "the component is damaged",
            ),
            (b"not a component".to_vec(), "not a WebAssembly component"),
            (trap.build(), "describe is broken"),
            (fixtures::spins_at_start(), "without calling the host"),
            (fixtures::wrong_major(), "needs besom:cleanup 2.0.0"),
            (stranger.build(), "source = \"store\""),
            (
                padded(&Versioned::at("1.0.0").build(), 1),
                "is another component already",
            ),
        ];
        for (component, words) in cases {
            place(desk.folder.path(), "plugin.wasm", &component);

            let said = desk.run(&["plugin", "install", "plugin.wasm"]);

            assert_eq!(said.code, 2, "{words}: {}{}", said.stdout, said.stderr);
            assert!(said.stderr.contains(words), "no {words} in {}", said.stderr);
        }
        assert_eq!(ran(&desk, JOB).await, "1.0.0");
        let refused =
            "SELECT count(*) FROM besom_audit WHERE outcome = 'refused' AND why IS NOT NULL";
        assert_eq!(desk.count(refused).await, 7);
        let last = &listed(&desk, "versioned")["installed"]["refused"];
        assert!(
            last["why"].as_str().unwrap().contains("another component"),
            "{last}"
        );
        assert!(
            last["from"].as_str().unwrap().ends_with("plugin.wasm"),
            "{last}"
        );
    }
}

#[tokio::test]
async fn the_bundled_version_is_not_replaced_by_another_of_the_same_number() {
    let desk = Desk::with_schema(besom_tests::sqlite(), "[plugins.tokens]\n").await;
    let other = padded(besom_bundle::PLUGINS[0].component, 1);
    place(desk.folder.path(), "tokens.wasm", &other);

    let said = desk.run(&["plugin", "install", "tokens.wasm"]);

    assert_eq!(said.code, 2, "{}", said.stdout);
    let words = format!(
        "version {} is another component already",
        version_of("tokens")
    );
    assert!(said.stderr.contains(&words), "{}", said.stderr);
}

#[tokio::test]
async fn a_pinned_version_stays_until_the_pin_is_lifted_or_another_is_promoted() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    let one = install(&desk, &Versioned::at("1.0.0"));
    desk.says(&["plugin", "pin", "versioned", &one]);
    place(
        desk.folder.path(),
        "two.wasm",
        &Versioned::at("2.0.0").build(),
    );

    let said = desk.run(&["plugin", "install", "two.wasm"]);
    assert_eq!(said.code, 2, "{}", said.stdout);
    assert!(said.stdout.contains("is pinned to"), "{}", said.stdout);
    assert_eq!(ran(&desk, JOB).await, "1.0.0");

    desk.says(&["plugin", "promote", "versioned"]);
    assert_eq!(ran(&desk, JOB).await, "2.0.0");
    desk.says(&["plugin", "pin", "versioned", &one]);
    desk.says(&["plugin", "pin", "versioned", "none"]);
    assert_eq!(ran(&desk, JOB).await, "1.0.0");
    desk.says(&["plugin", "install", "two.wasm"]);
    assert_eq!(ran(&desk, JOB).await, "2.0.0");
}

#[tokio::test]
async fn a_shadow_stands_beside_the_version_in_use_until_it_is_promoted() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    install(&desk, &Versioned::at("1.0.0"));
    place(
        desk.folder.path(),
        "two.wasm",
        &Versioned::at("2.0.0").build(),
    );

    desk.says(&["plugin", "install", "two.wasm", "--shadow=5"]);
    let installed = listed(&desk, "versioned")["installed"].clone();
    assert_eq!(installed["shadow"]["version"], "2.0.0");
    assert_eq!(installed["shadow_runs"], 5);
    assert_eq!(ran(&desk, JOB).await, "1.0.0");

    desk.says(&["plugin", "promote", "versioned"]);
    assert_eq!(ran(&desk, JOB).await, "2.0.0");
    assert!(listed(&desk, "versioned")["installed"]["shadow"].is_null());
}

#[tokio::test]
async fn a_component_is_compiled_in_a_process_of_its_own_into_the_cache() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let cache = format!("cache = \"{}\"", fixtures::code_cache().display());
    std::fs::write(&file, text.replace(&cache, "cache = \"code\"")).unwrap();

    install(&desk, &Versioned::at("1.0.0"));

    let code = std::fs::read_dir(desk.folder.path().join("code")).unwrap();
    assert_eq!(code.count(), 1);
    let mut compiler = desk.command(&["compile-component", "code"]);
    let child = compiler
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        child.status.code(),
        Some(1),
        "of nothing nothing is compiled"
    );
}

#[tokio::test]
async fn components_that_nothing_refers_to_are_collected_after_a_day() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        for version in ["1.0.0", "2.0.0", "3.0.0"] {
            install(&desk, &Versioned::at(version));
        }
        assert_eq!(desk.count("SELECT count(*) FROM besom_component").await, 3);

        let old = match desk.database.url.starts_with("sqlite") {
            true => "0",
            false => "now() - interval '2 days'",
        };
        desk.script(&format!("UPDATE besom_component SET stored_at = {old}"))
            .await;
        install(&desk, &Versioned::at("4.0.0"));

        // The one in use and the one before it.
        assert_eq!(desk.count("SELECT count(*) FROM besom_component").await, 2);
        desk.says(&["plugin", "rollback", "versioned"]);
        assert_eq!(ran(&desk, JOB).await, "3.0.0");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_compiler_is_held_by_limits_of_the_operating_system() {
    let desk = Desk::with_file(besom_tests::sqlite(), "");
    let mut compiler = desk
        .command(&["compile-component", "code"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();

    // It sets its limits before it reads, and waits for the component now.
    let limits = format!("/proc/{}/limits", compiler.id());
    crate::service::until("the limits", async || {
        let text = std::fs::read_to_string(&limits).unwrap();
        let is = |name: &str, limit: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.is_some_and(|line| line.split_whitespace().any(|word| word == limit))
        };
        is("Max data size", "2147483648") && is("Max cpu time", "120")
    })
    .await;

    drop(compiler.stdin.take());
    assert_eq!(compiler.wait().unwrap().code(), Some(1));
}

#[tokio::test]
async fn a_version_is_not_granted_what_the_database_lacks_and_the_lines_that_it_prints_hold() {
    let component = |name: &str| {
        let mut bundled = besom_bundle::PLUGINS.iter();
        bundled.find(|one| one.name == name).unwrap().component
    };
    for database in both().await {
        let desk = Desk::with_file(
            database,
            &format!("{ANY}[plugins.tokens]\nsource = \"store\"\n"),
        );
        let tables = super::super::cli::absent::tables(&desk);
        desk.script(&tables).await;
        desk.script(
            "DROP INDEX refresh_tokens_revoked; ALTER TABLE refresh_tokens RENAME COLUMN revoked TO gone",
        )
        .await;
        desk.says(&["migrate"]);
        place(desk.folder.path(), "tokens.wasm", component("tokens"));
        let install = ["plugin", "install", "tokens.wasm"];

        let waits = desk.run(&install).stdout;

        let (_, lines) = waits
            .split_once("To allow it, write in besom.toml:\n")
            .unwrap();
        let (lines, _) = lines.split_once("\n\n").unwrap_or((lines, ""));
        let path = desk.folder.path().join("besom.toml");
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{before}{lines}\n")).unwrap();
        let said = desk.run(&install);
        assert_eq!(said.code, 0, "{lines}\n{}{}", said.stdout, said.stderr);
        assert!(!lines.contains("revoked"), "{lines}");
        assert!(
            lines.contains("[plugins.tokens.grant.refresh_tokens]"),
            "{lines}"
        );
        let checked = desk.run(&["check", "--json"]).stdout;
        let checked: serde_json::Value = serde_json::from_str(&checked).unwrap();
        for job in checked["jobs"].as_array().unwrap() {
            assert!(job["absent"].is_string(), "{job}");
        }
    }
}
