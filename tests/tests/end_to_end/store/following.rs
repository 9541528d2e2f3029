//! Several hosts that take up a version together.

use std::path::Path;

use besom::config::{Config, Environment, Rules};
use besom::ledger;
use besom::runner::{Host, Install, Installed, Standing};
use besom::store::Who;
use besom_tests::fixtures::Versioned;

use super::*;

/// A host of this name, which is there.
pub async fn host(desk: &Desk, name: &str, file: &str) -> Host {
    let (url, pooler) = (&desk.database.url, desk.database.pooler());
    let text = format!(
        "[database]\nurl = \"{url}\"\npooler = \"{pooler}\"\n[host]\nname = \"{name}\"\n{ANY}{file}"
    );
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &[],
    };
    let config = Config::parse(&text, Path::new("besom.toml"), &rules).unwrap();
    let host = Host::open(config).await.unwrap();
    ledger::announce(host.database(), name, "1.0.0")
        .await
        .unwrap();
    host.report_running().await.unwrap();
    host
}

async fn brought(host: &Host, version: &Versioned) -> Installed {
    let install = Install {
        component: version.build(),
        signature: None,
        who: Who {
            name: "ann@box".to_owned(),
            origin: "test".to_owned(),
        },
        dry_run: false,
        shadow: None,
        same_version: false,
    };
    host.install(&install).await.unwrap()
}

/// One look; the host to go on with.
pub async fn look(host: Host) -> Host {
    host.followed().await.unwrap().unwrap_or(host)
}

pub fn runs(host: &Host) -> Option<String> {
    let plugin = host.plugins().get("versioned")?;
    Some(plugin.manifest().version.to_string())
}

#[tokio::test]
async fn a_version_is_in_use_once_every_host_has_it_ready() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        let one = host(&desk, "one", FILE).await;
        let two = host(&desk, "two", FILE).await;

        let installed = brought(&one, &Versioned::at("1.0.0")).await;
        let both = vec!["one".to_owned(), "two".to_owned()];
        assert_eq!(installed.place, Standing::Staged(both));
        let one = look(look(one).await).await;
        assert_eq!(runs(&one), None, "the other has not been asked");
        let two = look(two).await;
        assert_eq!(runs(&two).as_deref(), Some("1.0.0"));
        let one = look(one).await;
        assert_eq!(runs(&one).as_deref(), Some("1.0.0"));

        assert!(one.followed().await.unwrap().is_none(), "nothing is new");
        let hosts = listed(&desk, "versioned")["installed"]["hosts"].clone();
        let states: Vec<_> = hosts
            .as_array()
            .unwrap()
            .iter()
            .map(|h| &h["state"])
            .collect();
        assert_eq!(states, ["running", "running"]);
    }
}

#[tokio::test]
async fn a_version_that_one_host_cannot_run_is_in_use_nowhere() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        let one = host(&desk, "one", FILE).await;
        let narrow = FILE.replace("delete = true\n", "");
        let two = host(&desk, "two", &narrow).await;

        brought(&one, &Versioned::at("1.0.0")).await;
        let one = look(one).await;
        look(two).await;
        let one = look(one).await;

        assert_eq!(runs(&one), None);
        let refused = listed(&desk, "versioned")["installed"]["refused"].clone();
        let why = refused["why"].as_str().unwrap();
        assert!(
            why.contains("host `two`") && why.contains("may not delete"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_host_that_is_gone_is_not_waited_for() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    let one = host(&desk, "one", FILE).await;
    host(&desk, "two", FILE).await;
    brought(&one, &Versioned::at("1.0.0")).await;
    let one = look(one).await;
    assert_eq!(runs(&one), None);

    desk.script("UPDATE besom_host SET seen_at = 0 WHERE name = 'two'")
        .await;

    let one = look(one).await;
    assert_eq!(runs(&one).as_deref(), Some("1.0.0"));
}

#[tokio::test]
async fn a_host_goes_on_with_what_it_has_where_the_new_version_is_not_what_it_says() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &Versioned::at("1.0.0"));
        let one = host(&desk, "one", FILE).await;
        let other = besom_tests::fixtures::padded(&Versioned::at("2.0.0").build(), 1);

        forge_version(
            &desk,
            "versioned",
            "2.0.0",
            b"no component at all",
            Bind::Null,
        )
        .await;
        let one = one.followed().await.unwrap().unwrap();
        assert_eq!(runs(&one).as_deref(), Some("1.0.0"));
        assert_eq!(one.versions().passed_over().len(), 1);

        forge_version(&desk, "versioned", "2.0.1", &other, Bind::Null).await;
        // What was in use before is gone from the ledger's row: nothing that could run is left.
        let one = one.followed().await.unwrap().unwrap();
        assert_eq!(runs(&one), None);
        assert!(one.versions().unavailable().contains_key("versioned"));
        let audited =
            "SELECT count(*) FROM besom_audit WHERE action = 'load' AND outcome = 'refused'";
        assert_eq!(desk.count(audited).await, 3);
    }
}
