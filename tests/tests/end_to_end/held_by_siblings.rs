//! Children that refer to each other by NO ACTION and that CASCADE takes with one and the same row: what goes along
//! holds nothing.

use besom::request::{Batch, Condition, Join, Mode, Request, Step};
use besom_tests::lab::{Lab, both};

const SESSIONS: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
    INSERT INTO sessions VALUES (1, 1), (2, NULL), (3, 1);";

/// Comments and replies to them, both of a session, by a key with this rule between the two.
fn comments(rule: &str) -> String {
    format!(
        "{SESSIONS}
         CREATE TABLE c (id bigint PRIMARY KEY, sid bigint REFERENCES sessions ON DELETE CASCADE);
         CREATE TABLE d (id bigint PRIMARY KEY, sid bigint REFERENCES sessions ON DELETE CASCADE,
             cid bigint REFERENCES c {rule});
         CREATE INDEX c_sid ON c (sid); CREATE INDEX d_sid ON d (sid); CREATE INDEX d_cid ON d (cid);"
    )
}

fn sessions() -> Request {
    let dead = Condition::IsNotNull {
        column: "dead_at".to_owned(),
    };
    Request::delete("sessions", dead)
}

/// What a dry run tells is what the run then does.
async fn foretold_and_done(lab: &mut Lab, request: &Request) -> Batch {
    lab.options.mode = Mode::DryRun;
    let (foretold, _) = lab.run(request.clone()).await.unwrap();
    lab.options.mode = Mode::Apply;
    let (done, end) = lab.run(request.clone()).await.unwrap();
    assert_eq!(end, Step::Drained);
    assert_eq!(foretold, done, "{:?}", lab.dialect());
    done
}

fn told(batch: Batch) -> (u64, u64, u64) {
    (batch.affected, batch.cascaded, batch.blocked)
}

#[tokio::test]
async fn children_of_two_tables_go_with_the_row_that_both_belong_to() {
    let tables = comments("");
    for mut lab in both(&tables, &tables).await {
        lab.script("INSERT INTO c VALUES (1, 1), (2, 2); INSERT INTO d VALUES (1, 1, 1), (2, 2, 2), (3, 1, NULL)")
            .await;

        let batch = foretold_and_done(&mut lab, &sessions()).await;

        assert_eq!(told(batch), (2, 3, 0), "{:?}", lab.dialect());
        assert_eq!(lab.ids("SELECT id FROM sessions").await, [2]);
        assert_eq!(lab.ids("SELECT id FROM d").await, [2]);
    }
}

#[tokio::test]
async fn replies_go_with_the_session_that_all_of_them_belong_to() {
    let tables = format!(
        "{SESSIONS}
         CREATE TABLE c (id bigint PRIMARY KEY, sid bigint REFERENCES sessions ON DELETE CASCADE,
             reply bigint REFERENCES c);
         CREATE INDEX c_sid ON c (sid); CREATE INDEX c_reply ON c (reply);
         INSERT INTO c VALUES (1, 1, NULL), (2, 1, 1), (3, 1, 2), (4, 2, NULL), (5, 3, 5);"
    );
    for mut lab in both(&tables, &tables).await {
        let batch = foretold_and_done(&mut lab, &sessions()).await;

        assert_eq!(told(batch), (2, 4, 0), "{:?}", lab.dialect());
        assert_eq!(lab.ids("SELECT id FROM c").await, [4]);
    }
}

#[tokio::test]
async fn a_child_of_another_session_holds_and_is_named() {
    let tables = comments("");
    for mut lab in both(&tables, &tables).await {
        // To a comment of session 1 a living session replies, to that of session 3 nobody belongs.
        lab.script("INSERT INTO c VALUES (1, 1), (3, 3); INSERT INTO d VALUES (1, 1, 1), (2, 2, 1), (3, NULL, 3)")
            .await;

        let batch = foretold_and_done(&mut lab, &sessions()).await;

        assert_eq!(told(batch), (0, 0, 2), "{:?}", lab.dialect());
        assert_eq!(lab.ids("SELECT id FROM d").await, [1, 2, 3]);
        let (context, _) = lab.begin().await;
        besom_tests::lab::drain(&context, sessions()).await.unwrap();
        let held: Vec<_> = context.settle().await.blocked_by.into_iter().collect();
        let [(table, 2)] = held.as_slice() else {
            panic!("{held:?}");
        };
        assert!(table.ends_with('d'), "{table}");
    }
}

#[tokio::test]
async fn restrict_holds_whatever_goes_along() {
    let tables = comments("ON DELETE RESTRICT");
    for mut lab in both(&tables, &tables).await {
        lab.script("INSERT INTO c VALUES (1, 1); INSERT INTO d VALUES (1, 1, 1)")
            .await;

        let batch = foretold_and_done(&mut lab, &sessions()).await;

        assert_eq!(told(batch), (1, 0, 1), "{:?}", lab.dialect());
        assert_eq!(lab.ids("SELECT id FROM sessions").await, [1, 2]);
    }
}

#[tokio::test]
async fn what_hangs_nearer_to_the_row_than_what_it_refers_to_holds_nothing_either() {
    // d goes with the session itself, c with a thread of it; and the other way round, where PostgreSQL looks before
    // the rule has come so far.
    let tables = format!(
        "{SESSIONS}
         CREATE TABLE thread (id bigint PRIMARY KEY, sid bigint REFERENCES sessions ON DELETE CASCADE);
         CREATE TABLE c (id bigint PRIMARY KEY, tid bigint REFERENCES thread ON DELETE CASCADE);
         CREATE TABLE d (id bigint PRIMARY KEY, sid bigint REFERENCES sessions ON DELETE CASCADE,
             cid bigint REFERENCES c);
         CREATE TABLE e (id bigint PRIMARY KEY, tid bigint REFERENCES thread ON DELETE CASCADE,
             did bigint REFERENCES d);
         CREATE INDEX thread_sid ON thread (sid); CREATE INDEX c_tid ON c (tid); CREATE INDEX d_sid ON d (sid);
         CREATE INDEX d_cid ON d (cid); CREATE INDEX e_tid ON e (tid); CREATE INDEX e_did ON e (did);
         INSERT INTO thread VALUES (1, 1), (3, 3); INSERT INTO c VALUES (1, 1), (3, 3);
         INSERT INTO d VALUES (1, 1, 1), (3, 3, 3); INSERT INTO e VALUES (3, 3, 3);"
    );
    for mut lab in both(&tables, &tables).await {
        let batch = foretold_and_done(&mut lab, &sessions()).await;

        assert_eq!(told(batch), (1, 3, 1), "{:?}", lab.dialect());
        assert_eq!(lab.ids("SELECT id FROM sessions").await, [2, 3]);
        assert_eq!(lab.ids("SELECT id FROM e").await, [3]);
    }
}

#[tokio::test]
async fn what_goes_ahead_of_the_row_takes_children_that_refer_to_each_other_too() {
    let tables = comments("");
    let tables = format!(
        "{tables} CREATE TABLE holder (id bigint PRIMARY KEY, dead_at bigint);
         INSERT INTO holder VALUES (1, 1), (2, NULL);
         ALTER TABLE sessions ADD COLUMN holder bigint; UPDATE sessions SET holder = 1;
         CREATE INDEX sessions_holder ON sessions (holder);
         INSERT INTO c VALUES (1, 1), (3, 3); INSERT INTO d VALUES (1, 1, 1), (3, 3, 3);"
    );
    for mut lab in both(&tables, &tables).await {
        let dead = Condition::IsNotNull {
            column: "dead_at".to_owned(),
        };
        let request = Request::delete("holder", dead).delete_first(
            "sessions",
            vec![Join::new("holder", "id")],
            None,
        );

        let batch = foretold_and_done(&mut lab, &request).await;

        assert_eq!(told(batch), (1, 4, 0), "{:?}", lab.dialect());
        assert_eq!(batch.dependents, 3);
        assert_eq!(lab.count("SELECT count(*) FROM d").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heavy_row_whose_children_hold_each_other_goes_whole() {
    let tables = format!(
        "{SESSIONS}
         CREATE TABLE c (id bigint PRIMARY KEY, sid bigint REFERENCES sessions ON DELETE CASCADE,
             reply bigint REFERENCES c);
         CREATE INDEX c_sid ON c (sid); CREATE INDEX c_reply ON c (reply);
         INSERT INTO c WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 25000)
             SELECT n, 1, CASE WHEN n < 25000 THEN n + 1 END FROM s ORDER BY n DESC;"
    );
    for lab in both(&tables, &tables).await {
        let (batch, end) = lab.run(sessions()).await.unwrap();

        assert_eq!(end, Step::Drained);
        assert_eq!(told(batch), (2, 25_000, 0), "{:?}", lab.dialect());
        assert_eq!(lab.count("SELECT count(*) FROM c").await, 0);
    }
}
