//! Sweeps with dependents and assignments that go too far: each is told what is wrong with it, and
//! no row is touched.

use std::collections::BTreeMap;

use super::*;
use besom::scope::{Grants, TableGrant};

const POSTGRES: &str = "
    CREATE TABLE victims (id bigint PRIMARY KEY, state text, seen bigint NOT NULL, ip inet,
        born bigint, secret text, made bigint GENERATED ALWAYS AS (seen + 1) STORED);
    CREATE TABLE children (id bigint PRIMARY KEY, victim_id bigint, needed bigint NOT NULL,
        word text, secret text);
    CREATE TABLE kept (id bigint PRIMARY KEY, victim_id bigint);
    CREATE TABLE secrets (id bigint PRIMARY KEY, victim_id bigint, child_id bigint, word text);
    CREATE VIEW shown AS SELECT * FROM children;";

const SQLITE: &str = "
    CREATE TABLE victims (id INTEGER PRIMARY KEY, state TEXT, seen INTEGER NOT NULL, ip TEXT,
        born INTEGER, secret TEXT, made INTEGER GENERATED ALWAYS AS (seen + 1) STORED) STRICT;
    CREATE TABLE children (id INTEGER PRIMARY KEY, victim_id INTEGER, needed INTEGER NOT NULL,
        word TEXT, secret TEXT) STRICT;
    CREATE TABLE kept (id INTEGER PRIMARY KEY, victim_id INTEGER) STRICT;
    CREATE TABLE secrets (id INTEGER PRIMARY KEY, victim_id INTEGER, child_id INTEGER, word TEXT) STRICT;
    CREATE VIEW shown AS SELECT * FROM children;";

const ROWS: &str = "
    INSERT INTO victims (id, state, seen, ip, born, secret) VALUES (1, 'open', 5, '192.0.2.7', 6, 's');
    INSERT INTO children VALUES (1, 1, 1, 'w', 's');
    INSERT INTO kept VALUES (1, 1);
    INSERT INTO secrets VALUES (1, 1, 1, 'w');";

/// 1 as long as every row is as it was written.
pub(super) const UNTOUCHED: &str = "
    SELECT count(*) FROM victims AS v
    JOIN children AS c ON c.victim_id = v.id JOIN kept AS k ON k.victim_id = v.id
    JOIN secrets AS s ON s.victim_id = v.id
    WHERE v.state = 'open' AND v.seen = 5 AND v.ip = '192.0.2.7' AND v.secret = 's' AND v.born = 6";

/// `secrets` and every column named so are not granted; `kept` and `born` are to be read only.
fn grants() -> Grants {
    let grant = |read: &[&str], update: &[&str], delete| TableGrant {
        read: read.iter().map(|&column| column.to_owned()).collect(),
        update: update.iter().map(|&column| column.to_owned()).collect(),
        delete,
        ..TableGrant::default()
    };
    let tables = [
        (
            "victims",
            grant(
                &["id", "state", "seen", "ip", "born"],
                &["id", "state", "seen", "ip", "made"],
                true,
            ),
        ),
        (
            "children",
            grant(
                &["id", "victim_id", "needed", "word"],
                &["victim_id", "needed"],
                true,
            ),
        ),
        ("kept", grant(&["id", "victim_id"], &[], false)),
        ("shown", grant(&["victim_id", "word"], &["victim_id"], true)),
        ("besom_run", grant(&["id"], &["id"], true)),
        ("besom_batch", grant(&["run"], &["run"], true)),
    ];
    let tables = tables.map(|(name, grant)| (name.to_owned(), grant));
    Grants {
        tables: BTreeMap::from(tables),
    }
}

/// Each kind of database twice: where the file grants no more than [`grants`], and where it grants
/// everything and the plugin has said that it touches no more.
pub(super) async fn labs() -> Vec<Lab> {
    let mut labs = besom_tests::lab::both(POSTGRES, SQLITE).await;
    for lab in &mut labs {
        lab.grants = Some(grants());
    }
    let mut trusted = besom_tests::lab::both(POSTGRES, SQLITE).await;
    for lab in &mut trusted {
        lab.access = Some(grants());
    }
    labs.extend(trusted);
    for lab in &labs {
        lab.script(ROWS).await;
    }
    labs
}

/// What each part of the job was answered, by its label, on each kind of database.
async fn answers(job: &str, expected: &[(&str, &str)]) {
    let plugin = hostile(Limits::default()).await;
    for lab in labs().await {
        let context = lab.begin_as(JobName::new("hostile", job), NOW).await;

        let ran = plugin.run(job, &settings(&plugin), context, WALL).await;

        let error = ran.unwrap_err();
        let Cause::Failed(text) = error.cause() else {
            panic!("{job} ended otherwise on {:?}: {error}", lab.dialect());
        };
        let told: Vec<_> = text
            .split(", ")
            .filter_map(|line| line.split_once(": "))
            .collect();
        assert_eq!(told, expected, "{job} on {:?}", lab.dialect());
        if job != "sweep-too-late" {
            assert_eq!(
                lab.count(UNTOUCHED).await,
                1,
                "{job} on {:?}",
                lab.dialect()
            );
        }
    }
}

#[tokio::test]
async fn whatever_comes_after_the_first_step_is_too_late() {
    let late = "invalid too-late";
    let expected = [
        ("delete", "no error"),
        ("update", "no error"),
        ("order-by", late),
        ("delete-first", late),
        ("unlink-first", late),
        ("set-value", late),
        ("set-from-column", late),
        ("set-from-related", late),
        ("set-network", late),
    ];

    answers("sweep-too-late", &expected).await;
}

#[tokio::test]
async fn a_parent_is_an_earlier_dependent_that_is_deleted() {
    let labels = ["itself", "later", "beyond", "unlinked", "elsewhere"];

    answers(
        "sweep-parents",
        &labels.map(|label| (label, "invalid parent")),
    )
    .await;
}

#[tokio::test]
async fn a_join_has_a_pair_and_no_thousand() {
    let expected = [
        ("delete-first", "invalid empty-join"),
        ("unlink-first", "invalid empty-join"),
        ("set-from-related", "invalid empty-join"),
        ("many", "exhausted join-pairs"),
        ("many-related", "exhausted join-pairs"),
    ];

    answers("sweep-joins", &expected).await;
}

#[tokio::test]
async fn a_delete_assigns_nothing_and_an_update_has_no_dependents() {
    let expected = [
        ("set-value", "invalid not-assignable"),
        ("set-from-column", "invalid not-assignable"),
        ("set-from-related", "invalid not-assignable"),
        ("set-network", "invalid not-assignable"),
        ("delete-first", "invalid dependents"),
        ("unlink-first", "invalid dependents"),
    ];

    answers("sweep-kinds", &expected).await;
}

#[tokio::test]
async fn an_update_assigns_something_once_and_within_an_address() {
    let expected = [
        ("nothing", "invalid no-assignment"),
        ("twice", "invalid not-assignable"),
        ("again", "invalid not-assignable"),
        ("ipv4", "invalid value"),
        ("ipv6", "invalid value"),
        ("both", "invalid value"),
    ];

    answers("sweep-assignments", &expected).await;
}

#[tokio::test]
async fn thousands_of_parts_and_mebibytes_of_names_are_exhausted() {
    let expected = [
        ("wide", "exhausted sweep-dependents"),
        ("deep", "exhausted dependent-depth"),
        ("columns", "exhausted sweep-assignments"),
        ("value", "exhausted sweep-bytes"),
        ("column", "exhausted sweep-bytes"),
        ("dependent", "exhausted sweep-bytes"),
        ("join", "exhausted sweep-bytes"),
    ];

    answers("sweep-floods", &expected).await;
}

#[tokio::test]
async fn nothing_outside_the_grant_is_assigned_read_deleted_or_unlinked() {
    let labels = [
        "assigned",
        "read-only",
        "network",
        "source",
        "related",
        "related-column",
        "related-join",
        "dependent",
        "nested",
        "foreign",
        "local",
        "kept",
        "unlink",
    ];

    answers(
        "sweep-ungranted",
        &labels.map(|label| (label, "denied denied")),
    )
    .await;
}

#[tokio::test]
async fn what_is_no_table_or_column_to_change_is_refused_whatever_the_grant_says() {
    let expected = [
        ("view", "invalid not-a-table"),
        ("unlinked-view", "invalid not-a-table"),
        ("ledger", "denied denied"),
        ("unlinked-ledger", "denied denied"),
        ("missing", "invalid unknown-table"),
        ("foreign", "invalid unknown-column"),
        ("local", "invalid unknown-column"),
        ("injected", "invalid unknown-table"),
        ("quoted", "invalid unknown-column"),
        ("required", "invalid unlink"),
        ("column", "invalid unknown-column"),
        ("quoted-column", "invalid unknown-column"),
        ("source", "invalid unknown-column"),
        ("related-view", "invalid not-a-table"),
        ("related-missing", "invalid unknown-table"),
        ("key", "invalid not-assignable"),
        ("generated", "invalid not-assignable"),
    ];

    answers("sweep-names", &expected).await;
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_column_is_not_assigned() {
    let expected = [
        ("null", "invalid not-assignable"),
        ("text", "invalid value"),
        ("bytes", "invalid value"),
        ("boolean", "invalid value"),
        ("integer", "invalid value"),
        ("zero", "invalid value"),
        ("network", "invalid not-assignable"),
        ("kind", "invalid value"),
    ];

    answers("sweep-values", &expected).await;
}

#[tokio::test]
async fn a_refused_update_that_the_plugin_swallows_leaves_the_run_unfinished() {
    let plugin = hostile(Limits::default()).await;
    for lab in labs().await {
        let job = "sweep-swallowed";
        let context = lab.begin_as(JobName::new("hostile", job), NOW).await;

        let ran = plugin
            .run(job, &settings(&plugin), Arc::clone(&context), WALL)
            .await;

        ran.unwrap();
        assert!(context.settle().await.unfinished, "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn a_sweep_used_after_its_end_or_forged_from_a_condition_is_refused() {
    let plugin = hostile(Limits::default()).await;
    let [lab, ..] = &labs().await[..] else {
        panic!("no database");
    };
    for job in ["sweep-used-after-drop", "sweep-of-another-kind"] {
        let context = lab.begin_as(JobName::new("hostile", job), NOW).await;

        let ran = plugin
            .run(job, &settings(&plugin), Arc::clone(&context), WALL)
            .await;

        let error = ran.unwrap_err();
        assert!(matches!(error.cause(), Cause::Broken(_)), "{job}: {error}");
        assert_eq!(lab.count(UNTOUCHED).await, 1);
        lab.end(&context).await;
    }
}
