//! Partitions that are foreign tables: what PostgreSQL would refuse is not printed.

use super::*;

#[tokio::test]
async fn a_table_with_a_foreign_partition_gets_no_foreign_key() {
    for foreign in [false, true] {
        let last = match foreign {
            true => "CREATE FOREIGN TABLE child_1 PARTITION OF child FOR VALUES IN (1) SERVER far",
            false => "CREATE TABLE child_1 PARTITION OF child FOR VALUES IN (1)",
        };
        let lab = Lab::postgres(&format!(
            "CREATE FOREIGN DATA WRAPPER none; CREATE SERVER far FOREIGN DATA WRAPPER none;
             CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint);
             CREATE TABLE child (part int, parent bigint) PARTITION BY LIST (part);
             CREATE TABLE child_0 PARTITION OF child FOR VALUES IN (0);
             {last}; CREATE INDEX child_parent ON ONLY child (parent);"
        ))
        .await;
        let childless = Condition::NotExists {
            table: "child".to_owned(),
            on: vec![Join::new("parent", "id")],
            matching: None,
        };
        let dead = Condition::IsNotNull {
            column: "dead_at".to_owned(),
        };
        let request = Request::delete("parent", Condition::All(vec![dead, childless]));

        let all = findings(&lab, std::slice::from_ref(&request)).await;

        let found = all.iter().find(|found| found.code == "unenforced-relation");
        let Some(found) = found else {
            // A table that cannot be looked at is told by another code, and prints nothing either.
            assert!(
                foreign && all.iter().all(|found| found.fix.is_empty()),
                "{all:?}"
            );
            continue;
        };
        assert_eq!(found.fix.is_empty(), foreign, "{found:?}");
        if foreign {
            assert!(
                found.message.contains("No foreign key can say this"),
                "{found:?}"
            );
        } else {
            mend(&lab, found).await;
        }
    }
}
