//! ON DELETE CASCADE that goes round over several tables: refused, with the way out, which is one.

use besom::request::{Fault, Join};

use super::*;

/// `link` refers to `other` by `back`, and `other` to `link` by CASCADE. The pairs 1, 2 and 3 refer to each other, 3 is
/// alive; the live link 4 refers to the other of 1.
fn schema(boolean: &str, back: &str) -> String {
    let (no, yes) = match boolean {
        "boolean" => ("false", "true"),
        _ => ("0", "1"),
    };
    let tables = match boolean {
        "boolean" => format!(
            "CREATE TABLE link (id bigint PRIMARY KEY, other bigint, live boolean NOT NULL);
             CREATE TABLE other (id bigint PRIMARY KEY, link bigint REFERENCES link ON DELETE CASCADE);
             ALTER TABLE link ADD FOREIGN KEY (other) REFERENCES other {back};"
        ),
        _ => format!(
            "CREATE TABLE link (id INTEGER PRIMARY KEY, other INTEGER REFERENCES other {back}, live INTEGER NOT NULL);
             CREATE TABLE other (id INTEGER PRIMARY KEY, link INTEGER REFERENCES link ON DELETE CASCADE);"
        ),
    };
    format!(
        "{tables} CREATE INDEX link_other ON link (other); CREATE INDEX other_link ON other (link);
         INSERT INTO link VALUES (1, NULL, {no}), (2, NULL, {no}), (3, NULL, {yes});
         INSERT INTO other VALUES (10, 1), (20, 2), (30, 3);
         UPDATE link SET other = id * 10; INSERT INTO link VALUES (4, 10, {yes});"
    )
}

async fn labs(back: &str) -> Vec<Lab> {
    both(&schema("boolean", back), &schema("INTEGER", back)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circle_of_rules_over_two_tables_is_refused_with_its_keys_and_the_way_out() {
    for lab in labs("ON DELETE CASCADE").await {
        let refused = lab.run(dead()).await.unwrap_err();

        assert!(matches!(refused, Fault::Other(_)));
        assert_eq!(refused.problem().code, "unsupported");
        let keys = match lab.dialect() {
            Dialect::Postgres => [
                "`other_link_fkey` of `public.other`",
                "`link_other_fkey` of `public.link`",
            ],
            Dialect::Sqlite => ["of `main.other` (link)", "of `main.link` (other)"],
        };
        for word in keys
            .into_iter()
            .chain(["SET NULL", "NO ACTION", "unlink-first"])
        {
            assert!(refused.to_string().contains(word), "{word}: {refused}");
        }
        assert_eq!(left(&lab).await, [1, 2, 3, 4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_way_out_is_taken_what_is_alive_stays() {
    for (back, expected) in [
        ("ON DELETE SET NULL", vec![3, 4]),
        ("ON DELETE NO ACTION", vec![1, 3, 4]),
    ] {
        for mut lab in labs(back).await {
            foretold_and_done(&mut lab, dead()).await;
            assert_eq!(left(&lab).await, expected, "{back} {:?}", lab.dialect());
        }
    }
    let unlinking = dead()
        .delete_first("other", vec![Join::new("link", "id")], None)
        .unlink_first("link", vec![Join::new("other", "id")], Some(0));
    for lab in labs("ON DELETE CASCADE").await {
        lab.run(unlinking.clone()).await.unwrap();
        assert_eq!(left(&lab).await, [3, 4], "{:?}", lab.dialect());
    }
}
