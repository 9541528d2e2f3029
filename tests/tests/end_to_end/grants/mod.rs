//! The one door: what the grant does not cover is refused, with the words that would allow it, and
//! those words allow it.

mod grown;
mod names;
mod partitions;
mod rehearsed;
mod rights;
mod unused;
mod words;

use std::path::Path;

use besom::catalog::Dialect;
use besom::config::{Config, Environment, Rules};
use besom::request::{
    Comparison, Condition, Fault, JobName, Join, Missing, Request, Right, Timestamp, Value,
};
use besom::scope::{Granted, Grants, Refusal, Subject, authorize, lines};
use besom_tests::lab::{Lab, both};

/// `plain` stands alone; from `item` cascades lead to `part`, to `crumb`, and a SET NULL from each.
/// One table and one column have names that the configuration must quote.
const POSTGRES: &str = "
    CREATE TABLE plain (id uuid PRIMARY KEY, at timestamptz NOT NULL, until timestamptz, kind text NOT NULL);
    CREATE INDEX plain_kind ON plain (kind);
    CREATE TABLE label (id bigint PRIMARY KEY, kind text, at timestamptz, of bigint);
    CREATE TABLE item (id bigint PRIMARY KEY, at timestamptz NOT NULL);
    CREATE TABLE part (id bigint PRIMARY KEY, item_id bigint REFERENCES item ON DELETE CASCADE, at timestamptz);
    CREATE TABLE crumb (id bigint PRIMARY KEY, part_id bigint REFERENCES part ON DELETE CASCADE);
    CREATE TABLE mark (id bigint PRIMARY KEY, part_id bigint REFERENCES part ON DELETE SET NULL);
    CREATE TABLE note (id bigint PRIMARY KEY, item_id bigint NOT NULL);
    CREATE TABLE owner (id bigint PRIMARY KEY, at timestamptz NOT NULL);
    CREATE TABLE owned (id bigint PRIMARY KEY, owner_id bigint REFERENCES owner ON DELETE SET NULL);
    CREATE TABLE \"odd.\"\"name\"\"\" (id bigint PRIMARY KEY, \"pay$load\" timestamptz, \"it's \"\"\" text);
    INSERT INTO \"odd.\"\"name\"\"\" VALUES (1, '2020-01-01Z', 'x');
    INSERT INTO plain VALUES ('01900000-0000-0000-0000-000000000001', '2020-01-01Z', '2021-01-01Z', 'a'),
                             ('01900000-0000-0000-0000-000000000002', '2020-01-02Z', '2021-01-02Z', 'a');
    INSERT INTO label VALUES (1, 'b', '2020-01-01Z', 1);
    INSERT INTO item VALUES (1, '2020-01-01Z'); INSERT INTO part VALUES (1, 1, '2020-01-01Z');
    INSERT INTO crumb VALUES (1, 1); INSERT INTO mark VALUES (1, 1); INSERT INTO note VALUES (1, 2);
    INSERT INTO owner VALUES (1, '2020-01-01Z'); INSERT INTO owned VALUES (1, 1);
    CREATE VIEW old_plain AS SELECT * FROM plain;
    CREATE MATERIALIZED VIEW seen_plain AS SELECT * FROM plain;
";
const SQLITE: &str = "
    CREATE TABLE plain (id BLOB PRIMARY KEY, at INTEGER NOT NULL, until INTEGER, kind TEXT NOT NULL) STRICT;
    CREATE INDEX plain_kind ON plain (kind);
    CREATE TABLE label (id INTEGER PRIMARY KEY, kind TEXT, at INTEGER, of INTEGER) STRICT;
    CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
    CREATE TABLE part (id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES item ON DELETE CASCADE, at INTEGER) STRICT;
    CREATE TABLE crumb (id INTEGER PRIMARY KEY, part_id INTEGER REFERENCES part ON DELETE CASCADE) STRICT;
    CREATE TABLE mark (id INTEGER PRIMARY KEY, part_id INTEGER REFERENCES part ON DELETE SET NULL) STRICT;
    CREATE TABLE note (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL) STRICT;
    CREATE TABLE owner (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
    CREATE TABLE owned (id INTEGER PRIMARY KEY, owner_id INTEGER REFERENCES owner ON DELETE SET NULL) STRICT;
    CREATE TABLE \"odd.\"\"name\"\"\" (id INTEGER PRIMARY KEY, \"pay$load\" INTEGER, \"it's \"\"\" TEXT) STRICT;
    INSERT INTO \"odd.\"\"name\"\"\" VALUES (1, 1577836800000000, 'x');
    INSERT INTO plain VALUES (x'01900000000000000000000000000001', 1577836800000000, 1609459200000000, 'a'),
                             (x'01900000000000000000000000000002', 1577923200000000, 1609545600000000, 'a');
    INSERT INTO label VALUES (1, 'b', 1577836800000000, 1);
    INSERT INTO item VALUES (1, 1577836800000000); INSERT INTO part VALUES (1, 1, 1577836800000000);
    INSERT INTO crumb VALUES (1, 1); INSERT INTO mark VALUES (1, 1); INSERT INTO note VALUES (1, 2);
    INSERT INTO owner VALUES (1, 1577836800000000); INSERT INTO owned VALUES (1, 1);
    CREATE VIEW old_plain AS SELECT * FROM plain;
";

/// 2026-01-01 00:00 UTC, in microseconds.
const CUTOFF: Timestamp = Timestamp(1_767_225_600_000_000);

fn older(column: &str) -> Condition {
    Condition::OlderThan {
        column: column.to_owned(),
        cutoff: CUTOFF,
        offset: 0,
    }
}

fn not_exists(table: &str, foreign: &str, local: &str, matching: Option<Condition>) -> Condition {
    Condition::NotExists {
        table: table.to_owned(),
        on: vec![Join {
            foreign: foreign.to_owned(),
            local: local.to_owned(),
        }],
        matching: matching.map(Box::new),
    }
}

/// What the file says about the plugin `lab`.
fn file(grants: &str) -> Grants {
    let text = format!(
        "[database]\nurl = \"sqlite://x\"\n[plugins.lab]\ncomponent = \"lab.wasm\"\n{grants}"
    );
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &[],
    };
    let config = Config::parse(&text, Path::new("besom.toml"), &rules)
        .unwrap_or_else(|error| panic!("{error} in:\n{text}"));
    config.plugins["lab"].grants.clone()
}

const TABLES: [&str; 10] = [
    "plain",
    "label",
    "item",
    "part",
    "crumb",
    "mark",
    "note",
    "owner",
    "owned",
    "\"odd.\"\"name\"\"\"",
];

/// Something that changes with every row and every reference.
async fn fingerprint(lab: &Lab) -> i64 {
    let mut sum = 0;
    for table in TABLES {
        sum = sum * 10 + lab.count(&format!("SELECT count(*) FROM {table}")).await;
    }
    for (table, column) in [("mark", "part_id"), ("owned", "owner_id")] {
        sum = sum * 10
            + lab
                .count(&format!("SELECT count({column}) FROM {table}"))
                .await;
    }
    sum
}

/// The request is refused under `given`, for exactly these rights, and nothing changes; with the
/// words of the refusal in the file it deletes `affected` rows.
async fn refused(request: &Request, given: &str, missing: &[(&str, &str, &str)], affected: u64) {
    for mut lab in both(POSTGRES, SQLITE).await {
        let before = fingerprint(&lab).await;
        let given = file(given);
        lab.grants = Some(given.clone());

        let fault = lab.run(request.clone()).await.unwrap_err();

        let Fault::Denied(denied) = &fault else {
            panic!("not denied: {fault}");
        };
        let text = &denied.problem.message;
        assert!(
            text.starts_with("plugin `lab`, job `lab/sweep`:\n"),
            "{text}"
        );
        for (right, table, column) in missing {
            let of = match *column {
                "" if *right == "all-rows" => {
                    format!("may not take every row (`all-rows`) of table `{table}` (")
                }
                "" => format!("may not {right} rows of table `{table}` ("),
                column => format!("may not {right} column `{column}` of table `{table}` ("),
            };
            assert_eq!(text.matches(&of).count(), 1, "{of} in: {text}");
        }
        assert_eq!(text.matches("may not ").count(), missing.len(), "{text}");
        assert_eq!(fingerprint(&lab).await, before);

        // What is printed stands for the tables that it names; the others stay as they are.
        let (_, words) = text.split_once("write in besom.toml:\n").unwrap();
        let printed = file(words);
        let mut wanted = given.clone();
        for (right, table, column) in missing {
            let grant = wanted.tables.entry((*table).to_owned()).or_default();
            match *right {
                "read" => drop(grant.read.insert((*column).to_owned())),
                "update" => drop(grant.update.insert((*column).to_owned())),
                "delete" => grant.delete = true,
                _ => grant.all_rows = true,
            }
        }
        let mut allowed = given;
        allowed.tables.extend(printed.tables);
        assert_eq!(allowed, wanted, "{words}");
        lab.grants = Some(allowed);
        let (batch, _) = lab.run(request.clone()).await.unwrap();
        assert_eq!(batch.affected, affected, "{request:?}");
    }
}

const DELETE_PLAIN: &str = "[plugins.lab.grant.plain]\ndelete = true\n";
