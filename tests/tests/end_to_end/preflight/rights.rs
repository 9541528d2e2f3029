//! `missing-privilege` and `row-security`: PostgreSQL alone has roles.

use besom::database::{Database, DatabaseOptions};

use super::*;
use crate::cli::Desk;

/// The lab as another role of the same server sees it, which has no rights yet.
async fn seen_by(owner: &Lab, role: &str) -> Lab {
    owner
        .script(&format!(
            "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation
                 THEN NULL; END $$;
             ALTER ROLE {role} NOBYPASSRLS; GRANT USAGE ON SCHEMA public TO {role};"
        ))
        .await;
    let url = &owner.home.url;
    let sign = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{sign}options[role]={role}");
    let database = Database::connect(&url, DatabaseOptions::default())
        .await
        .unwrap();
    Lab {
        home: besom_tests::sqlite(), // held by the owner
        database,
        options: owner.options.clone(),
        grants: None,
        access: None,
        lease: owner.lease,
        times: Default::default(),
        zone: None,
    }
}

const FAMILY: &str = "
    CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint);
    CREATE TABLE child (id bigint PRIMARY KEY, parent bigint REFERENCES parent (id));
    CREATE INDEX ON child (parent);
    CREATE TABLE toy (id bigint PRIMARY KEY, child bigint REFERENCES child (id) ON DELETE CASCADE);
    CREATE INDEX ON toy (child);
    CREATE TABLE note (id bigint PRIMARY KEY, parent bigint REFERENCES parent (id));
    CREATE INDEX ON note (parent);
    CREATE TABLE guard (id bigint PRIMARY KEY, parent bigint REFERENCES parent (id), live boolean);
    CREATE INDEX ON guard (parent);
    INSERT INTO parent VALUES (1, 1), (2, 1), (3, NULL);
    INSERT INTO child VALUES (1, 1); INSERT INTO toy VALUES (1, 1); INSERT INTO note VALUES (1, 2);";

fn family() -> Request {
    let none_live = Condition::NotExists {
        table: "guard".to_owned(),
        on: on("parent", "id"),
        matching: Some(Box::new(Condition::Compare {
            column: "live".to_owned(),
            operator: besom::request::Comparison::Equal,
            to: besom::request::Value::Boolean(true),
        })),
    };
    Request::delete("parent", Condition::All(vec![dead(), none_live])).delete_first(
        "child",
        on("parent", "id"),
        None,
    )
}

#[tokio::test]
async fn the_grants_that_are_printed_are_what_the_job_needs_and_no_delete_of_what_a_rule_takes() {
    let owner = Lab::postgres(FAMILY).await;
    let role = seen_by(&owner, "besom_preflight_rights").await;

    let all = findings(&role, &[family()]).await;

    assert!(all.iter().all(|f| f.code == "missing-privilege"), "{all:?}");
    assert!(all.iter().all(|f| f.severity == Severity::Error), "{all:?}");
    let grants: Vec<_> = all.iter().flat_map(|finding| &finding.fix).collect();
    for grant in [
        "GRANT SELECT (\"dead_at\", \"id\") ON \"public\".\"parent\" TO \"besom_preflight_rights\"",
        "GRANT DELETE ON \"public\".\"parent\" TO \"besom_preflight_rights\"",
        "GRANT UPDATE (\"id\") ON \"public\".\"parent\" TO \"besom_preflight_rights\"",
        "GRANT DELETE ON \"public\".\"child\" TO \"besom_preflight_rights\"",
        "GRANT UPDATE (\"id\") ON \"public\".\"toy\" TO \"besom_preflight_rights\"",
        "GRANT SELECT (\"parent\") ON \"public\".\"note\" TO \"besom_preflight_rights\"",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON \"public\".\"besom_lease\" TO \"besom_preflight_rights\"",
    ] {
        assert!(
            grants.iter().any(|g| *g == grant),
            "no {grant} in {grants:#?}"
        );
    }
    assert!(
        !grants
            .iter()
            .any(|g| g.contains("DELETE ON \"public\".\"toy\""))
    );
    for finding in &all {
        mend(&owner, finding).await;
    }
    assert!(codes(&role, &family()).await.is_empty());
    let (batch, _) = role.run(family()).await.unwrap();
    assert_eq!(
        (
            batch.affected,
            batch.dependents,
            batch.cascaded,
            batch.blocked
        ),
        (1, 1, 1, 1)
    );
}

#[tokio::test]
async fn a_table_that_two_sweeps_touch_is_told_once_a_right_with_the_columns_of_both() {
    let owner = Lab::postgres(FAMILY).await;
    let role = seen_by(&owner, "besom_preflight_twice").await;
    let first = Condition::Compare {
        column: "id".to_owned(),
        operator: besom::request::Comparison::Equal,
        to: besom::request::Value::Integer(1),
    };

    // The first reads `parent` of `note` for its foreign key, the second its `id`.
    let all = findings(&role, &[family(), Request::delete("note", first)]).await;

    let grants: Vec<_> = all.iter().flat_map(|finding| &finding.fix).collect();
    let on = |right: &str| {
        let of_note = |grant: &&&String| grant.contains(right) && grant.contains(".\"note\"");
        grants.iter().filter(of_note).count()
    };
    for right in ["GRANT SELECT", "GRANT UPDATE", "GRANT DELETE"] {
        assert_eq!(on(right), 1, "{right} in {grants:#?}");
    }
    assert_eq!(on("SELECT (\"id\", \"parent\")"), 1, "{grants:#?}");
    for finding in &all {
        mend(&owner, finding).await;
    }
    assert!(codes(&role, &family()).await.is_empty());
}

#[tokio::test]
async fn a_check_by_a_role_without_a_right_even_on_the_ledger_prints_every_grant() {
    let file = "[plugins.tokens]\n[plugins.sessions]\n";
    let desk = Desk::with_schema(besom_tests::postgres().await, file).await;
    let role = "besom_preflight_newcomer";
    let owner = Database::connect(&desk.database.url, DatabaseOptions::default())
        .await
        .unwrap();
    let mut session = owner.session().await.unwrap();
    session
        .run_script(&format!(
            "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation
                 THEN NULL; END $$;
             GRANT USAGE ON SCHEMA public TO {role};"
        ))
        .await
        .unwrap();
    let sign = match desk.database.url.contains('?') {
        true => '&',
        false => '?',
    };
    let url = format!("{}{sign}options[role]={role}", desk.database.url);
    let check = |more: &[&str]| {
        let mut command = desk.command(&[&["check"], more].concat());
        command.env("BESOM_DATABASE_URL", &url).output().unwrap()
    };

    let mut run = desk.command(&["run", "tokens/revoked-access"]);
    let run = run.env("BESOM_DATABASE_URL", &url).output().unwrap();
    let words = String::from_utf8_lossy(&run.stderr);
    assert!(words.contains("`besom check` prints the grants"), "{words}");

    let script = check(&["--sql"]);
    let grants = String::from_utf8(script.stdout).unwrap();
    assert_eq!(script.status.code(), Some(1), "{grants}");
    for statement in grants.lines().filter(|line| !line.starts_with("--")) {
        session.run_script(statement).await.unwrap();
    }

    let checked = check(&[]);
    let text = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{text}");
}

#[tokio::test]
async fn an_update_needs_the_columns_that_it_assigns() {
    let owner = Lab::postgres(
        "CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint, ip text);
         INSERT INTO parent VALUES (1, 1, 'x');",
    )
    .await;
    let role = seen_by(&owner, "besom_preflight_update").await;
    let value = besom::request::Source::Value(besom::request::Value::Null);
    let request = Request::update("parent", dead()).set("ip", value);

    let all = findings(&role, std::slice::from_ref(&request)).await;

    let grant = "GRANT UPDATE (\"ip\") ON \"public\".\"parent\" TO \"besom_preflight_update\"";
    assert!(all.iter().any(|f| f.fix == [grant]), "{all:#?}");
    assert!(
        !all.iter()
            .any(|f| f.message.contains("no DELETE on `public.parent`"))
    );
    for finding in &all {
        mend(&owner, finding).await;
    }
    let (batch, _) = role.run(request).await.unwrap();
    assert_eq!(batch.affected, 1);
}

#[tokio::test]
async fn a_role_that_rows_are_hidden_from_is_stopped_until_it_sees_them_all() {
    let owner = Lab::postgres(FAMILY).await;
    let role = seen_by(&owner, "besom_preflight_hidden").await;
    owner
        .script(
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO besom_preflight_hidden;
             ALTER TABLE guard ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON guard USING (id < 0);",
        )
        .await;

    let finding = found(&role, &family(), "row-security").await;

    assert_eq!(finding.severity, Severity::Error);
    assert!(
        finding.message.contains("`public.guard`"),
        "{}",
        finding.message
    );
    assert!(finding.fix.is_empty(), "{:?}", finding.fix);
    // Who tolerates it has a run that fails, so that it is not offered.
    let failed = role.run(family()).await.unwrap_err().to_string();
    assert!(failed.contains("row-level security"), "{failed}");
    assert!(finding.inevitable, "{finding:?}");
    let from = finding.message.find("ALTER ROLE").unwrap();
    let statement = finding.message[from..].split(')').next().unwrap();
    owner.script(statement).await;
    assert!(codes(&role, &family()).await.is_empty());
}

#[tokio::test]
async fn rows_without_a_key_and_leaves_of_a_partitioned_table_need_rights_that_are_printed() {
    let owner = Lab::postgres(
        "CREATE TABLE heap (dead_at bigint, note text);
         INSERT INTO heap VALUES (1, 'a'), (NULL, 'b');
         CREATE TABLE part (id bigint, dead_at bigint, note text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
         CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10);
         CREATE TABLE part_rest PARTITION OF part DEFAULT;
         INSERT INTO part VALUES (1, 1, 'a'), (2, NULL, 'b'), (11, 1, 'c');",
    )
    .await;
    let role = seen_by(&owner, "besom_preflight_places").await;
    for (table, gone) in [("heap", 1), ("part", 2)] {
        let request = Request::delete(table, dead());

        for finding in &findings(&role, std::slice::from_ref(&request)).await {
            assert_eq!(finding.code, "missing-privilege", "{finding:?}");
            mend(&owner, finding).await;
        }

        assert_eq!(codes(&role, &request).await, [] as [&str; 0]);
        let (batch, _) = role.run(request).await.unwrap();
        assert_eq!(batch.affected, gone, "{table}");
    }
}

#[tokio::test]
async fn sessions_that_can_change_nothing_are_told_before_a_run_and_by_it() {
    let mut lab = Lab::postgres(FAMILY).await;
    let url = &lab.home.url;
    let sign = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{sign}options[default_transaction_read_only]=on");
    assert!(
        !codes(&lab, &family())
            .await
            .contains(&"read-only-database".to_owned())
    );
    lab.database = Database::connect(&url, DatabaseOptions::default())
        .await
        .unwrap();

    let told = found(&lab, &family(), "read-only-database").await;

    assert!(told.stops() && told.inevitable, "{told:?}");
    let way_out = "SET default_transaction_read_only = off";
    assert!(told.message.contains(way_out), "{told:?}");
    let Err(refused) = lab.claim().take(&lab.database).await else {
        panic!("a run was begun");
    };
    let refused = format!("{refused:?}");
    assert!(
        refused.contains("default_transaction_read_only is on"),
        "{refused}"
    );
}
