//! Somebody who can write the ledger and not the file: no code of his runs, and no grant grows.

use besom::plugin::SecretKey;
use besom_tests::fixtures::{Versioned, padded, version_of};

use super::*;

#[tokio::test]
async fn other_bytes_under_a_known_digest_are_not_run_and_the_version_before_goes_on() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &Versioned::at("1.0.0"));
        let digest = install(&desk, &Versioned::at("1.1.0"));
        let other = padded(&Versioned::at("1.1.0").build(), 7);

        let bytes = ("UPDATE besom_component SET bytes = ", Bind::Blob(other));
        forge(
            &desk,
            &[bytes, (" WHERE digest = ", digest.as_str().into())],
            "",
        )
        .await;

        assert_eq!(ran(&desk, JOB).await, "1.0.0");
        let passed = &listed(&desk, "versioned")["installed"]["passed_over"][0];
        let why = passed["why"].as_str().unwrap();
        assert!(why.contains("somebody has changed the ledger"), "{why}");
    }
}

#[tokio::test]
async fn a_plugin_that_calls_itself_tokens_and_asks_for_users_is_not_run() {
    // Whether the column that it asks for is there or not.
    let there = [
        ("", ""),
        (
            "ALTER TABLE users ADD COLUMN id integer",
            "read = [\"id\"]\n",
        ),
    ];
    for (database, (column, read)) in [
        (besom_tests::postgres().await, there[0]),
        (besom_tests::postgres().await, there[1]),
        (besom_tests::sqlite(), there[0]),
        (besom_tests::sqlite(), there[1]),
    ] {
        let desk = Desk::with_schema(database, &format!("{ANY}[plugins.tokens]\n")).await;
        desk.script(column).await;
        let wolf = Versioned {
            name: "tokens",
            version: "9.0.0",
            job: "revoked-access",
            table: "users",
            ..Versioned::default()
        };

        forge_version(&desk, "tokens", "9.0.0", &wolf.build(), Bind::Null).await;

        assert_eq!(
            ran(&desk, "tokens/revoked-access").await,
            version_of("tokens")
        );
        let installed = &listed(&desk, "tokens")["installed"];
        let why = installed["passed_over"][0]["why"].as_str().unwrap();
        for words in [
            "plugin `tokens`, job `tokens/revoked-access`:\n  may not ",
            "may not delete rows of table `users`",
            &format!("\n[plugins.tokens.grant.users]\n{read}delete = true\n"),
        ] {
            assert!(why.contains(words), "no {words} in {why}");
        }
        assert!(!why.contains("source"), "{why}");
    }
}

#[tokio::test]
async fn a_version_within_the_grant_of_the_embedded_one_runs_in_its_place() {
    for database in both().await {
        let desk = Desk::with_schema(database, &format!("{ANY}[plugins.tokens]\n")).await;
        let patched = padded(besom_bundle::PLUGINS[0].component, 1);

        forge_version(&desk, "tokens", &version_of("tokens"), &patched, Bind::Null).await;

        desk.says(&["run", "tokens/revoked-access"]);
        let digest = Digest::of(&patched).to_string();
        assert_eq!(listed(&desk, "tokens")["digest"], digest);
        let runs = "SELECT count(*) FROM besom_run WHERE digest =";
        assert_eq!(desk.count(&format!("{runs} '{digest}'")).await, 1);
    }
}

#[tokio::test]
async fn a_forged_deployment_of_an_unsigned_version_is_not_run_where_signatures_are_wanted() {
    for database in both().await {
        let desk = desk(database, "[store]\ninstall = \"signed\"\n").await;
        let component = Versioned::default().build();

        forge_version(&desk, "versioned", "1.0.0", &component, Bind::Null).await;

        let said = desk.run(&["run", JOB]);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stderr.contains("it is not signed"), "{}", said.stderr);
        assert_eq!(desk.count("SELECT count(*) FROM victims").await, 3);
    }
}

#[tokio::test]
async fn a_forged_deployment_of_what_is_not_there_leaves_the_bundled_version_running() {
    for database in both().await {
        let desk = Desk::with_schema(database, &format!("{ANY}[plugins.tokens]\n")).await;

        deploy(&desk, "tokens", &Digest::of(b"nothing").to_string()).await;

        assert_eq!(
            ran(&desk, "tokens/revoked-access").await,
            version_of("tokens")
        );
    }
}

#[tokio::test]
async fn a_signature_by_another_key_or_over_another_version_is_not_enough() {
    for database in both().await {
        let (key, stranger) = (
            SecretKey::generate().unwrap(),
            SecretKey::generate().unwrap(),
        );
        let trusted = key.public().unwrap();
        let store = format!("[store]\ninstall = \"signed\"\ntrusted-keys = [\"{trusted}\"]\n");
        let desk = desk(database, &store).await;
        let component = Versioned::default().build();
        let digest = Digest::of(&component);
        let by_a_stranger = stranger.sign(&digest, "versioned", "1.0.0").unwrap();
        let of_another = key.sign(&digest, "versioned", "0.9.0").unwrap();
        let good = key.sign(&digest, "versioned", "1.0.0").unwrap();

        let text = by_a_stranger.to_string();
        forge_version(&desk, "versioned", "1.0.0", &component, text.into()).await;
        let said = desk.run(&["run", JOB]);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(
            said.stderr.contains("not among the trusted-keys"),
            "{}",
            said.stderr
        );

        let set = "UPDATE besom_component SET signature =";
        desk.script(&format!("{set} '{of_another}'")).await;
        let said = desk.run(&["run", JOB]);
        assert!(said.stderr.contains("tampered with"), "{}", said.stderr);

        desk.script(&format!("{set} '{good}'")).await;
        assert_eq!(ran(&desk, JOB).await, "1.0.0");
    }
}

#[tokio::test]
async fn a_file_or_a_bundled_plugin_that_is_not_what_is_pinned_does_not_run() {
    let digest = Digest::of(b"another");
    let file = format!(
        "[plugins.tokens]\ndigest = \"{digest}\"\n\
         [plugins.versioned]\ncomponent = \"plugin.wasm\"\ndigest = \"{digest}\"\n"
    );
    let desk = Desk::with_file(besom_tests::sqlite(), &file);
    place(
        desk.folder.path(),
        "plugin.wasm",
        &Versioned::default().build(),
    );
    desk.script("CREATE TABLE victims (id bigint PRIMARY KEY)")
        .await;

    let before = desk.run(&["run", JOB]);
    desk.says(&["migrate"]);
    for said in [
        before,
        desk.run(&["run", JOB]),
        desk.run(&["run", "tokens"]),
    ] {
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        let words = format!("pins digest {digest}");
        assert!(said.stderr.contains(&words), "{}", said.stderr);
    }
}

#[tokio::test]
async fn what_the_file_pins_runs_whatever_the_ledger_says_is_in_use() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    let one = install(&desk, &Versioned::at("1.0.0"));
    install(&desk, &Versioned::at("2.0.0"));
    assert_eq!(ran(&desk, JOB).await, "2.0.0");

    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let pin = format!("source = \"store\"\ndigest = \"sha256:{one}\"\n");
    let pinned = text.replace("source = \"store\"\n", &pin);
    std::fs::write(&file, pinned.replace("\"any\"", "\"pinned\"")).unwrap();
    assert_eq!(ran(&desk, JOB).await, "1.0.0");

    std::fs::write(&file, text.replace("\"any\"", "\"pinned\"")).unwrap();
    let said = desk.run(&["run", JOB]);
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(said.stderr.contains("pins none"), "{}", said.stderr);

    std::fs::write(&file, text.replace("\"any\"", "\"off\"")).unwrap();
    let said = desk.run(&["run", JOB]);
    assert!(
        said.stderr.contains("no installed version runs"),
        "{}",
        said.stderr
    );
}
