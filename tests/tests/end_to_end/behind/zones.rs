//! Columns that are equal by the zone of the session: PostgreSQL converts a `timestamp` to a `timestamptz` by it.

use besom::request::{Comparison, Dependent, Fate, Suspension};
use besom::sweep::Sweep;
use chrono_tz::Tz;

use super::*;
use crate::cli::Desk;

const ZONED: &str = "zoned-tie";

/// Midnight in New York, which is another time in UTC.
fn tables(of: &str, own: &str, rule: &str) -> String {
    let key = match rule {
        "" => String::new(),
        rule => {
            format!(", FOREIGN KEY (session, made) REFERENCES sessions (id, made) ON DELETE {rule}")
        }
    };
    format!(
        "CREATE TABLE sessions (id bigint, made {of}, dead_at bigint, PRIMARY KEY (id, made));
         CREATE TABLE orders (id bigint PRIMARY KEY, session bigint, made {own} {key});
         CREATE INDEX orders_session ON orders (session, made);
         BEGIN; SET LOCAL timezone = 'America/New_York';
         INSERT INTO sessions VALUES (1, '2026-01-01 00:00', 1), (2, '2026-01-02 00:00', NULL);
         INSERT INTO orders VALUES (1, 1, '2026-01-01 00:00'), (2, 2, '2026-01-02 00:00');
         COMMIT;"
    )
}

fn told(zone: &str) -> String {
    format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), '{zone}'); END $$"
    )
}

async fn in_new_york(of: &str, own: &str, rule: &str) -> Lab {
    let lab = Lab::postgres(&tables(of, own, rule)).await;
    lab.script(&told("America/New_York")).await;
    lab
}

const ROWS: &str = "SELECT (SELECT count(*) FROM sessions) * 10 + (SELECT count(*) FROM orders)";

/// The statement of the message.
async fn as_printed(lab: &Lab, request: &Request) -> String {
    let finding = crate::preflight::found(lab, request, ZONED).await;
    let mut lines = finding.message.lines();
    let statement = lines.find(|line| line.starts_with("ALTER TABLE"));
    statement
        .unwrap_or_else(|| panic!("{}", finding.message))
        .to_owned()
}

const PAIRS: [(&str, &str); 3] = [
    ("timestamptz", "timestamp"),
    ("timestamp", "timestamptz"),
    ("timestamptz", "date"),
];

#[tokio::test]
async fn a_key_that_goes_by_the_zone_is_refused_until_both_columns_have_one_type() {
    for (of, own) in PAIRS {
        for (rule, gone, left) in [
            ("NO ACTION", 0, 22),
            ("RESTRICT", 0, 22),
            ("CASCADE", 1, 11),
            ("SET NULL", 1, 12),
        ] {
            let lab = in_new_york(of, own, rule).await;
            let code = refused(&lab, &sessions(), ROWS).await;
            assert_eq!(code, ZONED, "{of} {own} {rule}");

            let mend = as_printed(&lab, &sessions()).await;
            lab.script(&mend).await;

            let batch = drained(&lab, &sessions()).await;
            assert_eq!(batch.affected, gone, "{of} {own} {rule}: {mend}");
            assert_eq!(lab.count(ROWS).await, left, "{of} {own} {rule}: {mend}");
        }
    }
}

#[tokio::test]
async fn a_key_below_what_a_cascade_takes_is_refused_as_well() {
    let lab = in_new_york("timestamptz", "timestamp", "NO ACTION").await;
    lab.script(
        "CREATE TABLE users (id bigint PRIMARY KEY, dead_at bigint);
         INSERT INTO users VALUES (1, 1);
         ALTER TABLE sessions ADD owner bigint REFERENCES users ON DELETE CASCADE;
         CREATE INDEX ON sessions (owner);
         UPDATE sessions SET owner = 1 WHERE id = 1",
    )
    .await;

    let users = Request::delete("users", dead());

    assert_eq!(refused(&lab, &users, ROWS).await, ZONED);
}

#[tokio::test]
async fn a_join_that_goes_by_the_zone_is_refused_until_both_columns_have_one_type() {
    let joins = || vec![Join::new("session", "id"), Join::new("made", "made")];
    let orders = |negated: bool| {
        let (table, on, matching) = ("orders".to_owned(), joins(), None);
        match negated {
            true => Condition::NotExists {
                table,
                on,
                matching,
            },
            false => Condition::Exists {
                table,
                on,
                matching,
            },
        }
    };
    let with = |condition| Request::delete("sessions", Condition::All(vec![dead(), condition]));
    let mut family = sessions();
    family.dependents = vec![Dependent {
        table: "orders".to_owned(),
        on: joins(),
        parent: None,
        fate: Fate::Delete,
        matching: None,
    }];
    for (of, own) in PAIRS {
        let lab = in_new_york(of, own, "").await;
        for request in [with(orders(false)), with(orders(true)), family.clone()] {
            let code = refused(&lab, &request, ROWS).await;
            assert_eq!(code, ZONED, "{of} {own}");
        }

        lab.script(&as_printed(&lab, &family).await).await;

        let kept = drained(&lab, &with(orders(true))).await;
        assert_eq!(kept.affected, 0, "{of} {own}");
        drained(&lab, &family).await;
        assert_eq!(lab.count(ROWS).await, 11, "{of} {own}");
    }
}

#[tokio::test]
async fn such_a_key_is_lived_with_where_sessions_are_in_utc_by_what_is_shown_or_said() {
    let mut lab = in_new_york("timestamptz", "timestamp", "CASCADE").await;
    lab.zone = Some(Tz::Asia__Kolkata);
    let finding = crate::preflight::found(&lab, &sessions(), ZONED).await;
    let message = finding.message;
    assert!(message.contains("Asia/Kolkata"), "{message}");
    lab.zone = Some(Tz::UTC);
    assert!(crate::preflight::codes(&lab, &sessions()).await.is_empty());
    lab.zone = None;
    crate::preflight::found(&lab, &sessions(), ZONED).await;
    lab.script(&told("Etc/UTC")).await;
    assert!(crate::preflight::codes(&lab, &sessions()).await.is_empty());
}

#[tokio::test]
async fn another_zone_or_such_a_key_that_comes_in_mid_run_suspends_it() {
    let key = "ALTER TABLE orders ADD FOREIGN KEY (session, made) REFERENCES sessions (id, made) NOT VALID";
    for (rule, change) in [
        ("NO ACTION", told("America/New_York")),
        ("", key.to_owned()),
    ] {
        let mut lab = Lab::postgres(&tables("timestamptz", "timestamp", rule)).await;
        lab.script(
            "INSERT INTO sessions SELECT n, '2020-01-01', 1 FROM generate_series(10, 15) AS n",
        )
        .await;
        lab.options.batch_size = 2;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, sessions()).await.unwrap();
        assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
        let rows = lab.count(ROWS).await;
        lab.script(&change).await;

        let step = sweep.next().await;

        let changed = Step::Suspended(Suspension::SchemaChanged);
        assert_eq!(step, Ok(changed), "{change}");
        assert_eq!(lab.count(ROWS).await, rows, "{change}");
        context.settle().await;
        lab.end(&context).await;
        lab.script(&told("America/New_York")).await;
        assert_eq!(refused(&lab, &sessions(), ROWS).await, ZONED, "{change}");
    }
}

#[tokio::test]
async fn columns_of_one_row_are_compared_by_the_zone_that_was_said() {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, made timestamptz, seen timestamp);
         BEGIN; SET LOCAL timezone = 'America/New_York';
         INSERT INTO item VALUES (1, '2026-01-01 00:00', '2026-01-01 01:00'), (2, '2026-01-01 00:00', '2025-12-31 23:00');
         COMMIT;",
    )
    .await;
    lab.script(&told("America/New_York")).await;
    let request = Request::delete(
        "item",
        Condition::CompareColumns {
            column: "made".to_owned(),
            operator: Comparison::Greater,
            to: "seen".to_owned(),
        },
    );
    crate::preflight::found(&lab, &request, "zoneless-timestamp").await;

    lab.zone = Some(Tz::America__New_York);

    drained(&lab, &request).await;
    assert_eq!(lab.ids("SELECT id FROM item").await, [1]);
}

#[tokio::test]
async fn a_command_refuses_it_in_every_mode_and_believes_the_line_that_is_printed() {
    const JOB: &str = "sessions/expired";
    let file = "[plugins.sessions]
settings = { profile = \"server-sessions\", sessions-table = \"app_logins\", sessions-absolute-expires-at-column = \"ends_at\" }
";
    let desk = Desk::with_file(besom_tests::postgres().await, file);
    desk.says(&["migrate"]);
    desk.script(&told("America/New_York")).await;
    desk.script(
        "CREATE TABLE app_logins (id bigint, made timestamptz, ends_at timestamptz, PRIMARY KEY (id, made));
         CREATE INDEX ON app_logins (ends_at);
         CREATE TABLE orders (id bigint PRIMARY KEY, login bigint, made timestamp,
             FOREIGN KEY (login, made) REFERENCES app_logins);
         CREATE INDEX ON orders (login, made);
         BEGIN; SET LOCAL timezone = 'America/New_York';
         INSERT INTO app_logins VALUES (1, '2026-01-01 00:00', now() - interval '30 days');
         INSERT INTO orders VALUES (1, 1, '2026-01-01 00:00');
         COMMIT",
    )
    .await;

    for mode in [
        &["check"][..],
        &["explain", JOB],
        &["run", JOB, "--dry-run"],
        &["run", JOB],
    ] {
        let said = desk.run(mode);
        assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
        let text = said.stdout + &said.stderr;
        assert!(text.contains("America/New_York"), "{text}");
        assert!(!text.contains("--tolerate"), "{text}");
    }
    assert_eq!(desk.count("SELECT count(*) FROM app_logins").await, 1);

    let mut command = desk.command(&["check"]);
    let command = command.env("BESOM_DATABASE__TIME_ZONE", "UTC");
    let said = command.output().unwrap();
    assert!(said.status.success(), "{said:?}");
}
