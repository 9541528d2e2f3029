//! Rows that refer to rows of their own table, beside as many that do not.

use std::time::Duration;

use besom::request::{Batch, Comparison, Condition, Join, Request, Value};
use besom_tests::lab::Lab;

use super::{database, numbers, rate, run};

/// Links of a chain, where there are several.
const LONG: u64 = 10_000;

/// What the rows refer to, as an expression over `id`; NULL where that is no row.
struct Shape {
    name: &'static str,
    next: String,
    /// Rows that stay.
    alive: String,
    rule: &'static str,
    /// `unlink-first` on the table's own key.
    unlinks: bool,
    affected: u64,
    blocked: u64,
    cascaded: u64,
}

fn shapes(rows: u64) -> Vec<Shape> {
    let chains = (rows / LONG).max(1);
    let of = |name, next: String, alive: &str, left: u64| Shape {
        name,
        next,
        alive: alive.to_owned(),
        rule: "",
        unlinks: false,
        affected: if left == 0 { rows } else { 0 },
        blocked: rows.saturating_sub(left) * u64::from(left > 0),
        cascaded: 0,
    };
    let newest = format!("id > {rows} - {chains}");
    let nobody = "id < 0";
    let mut all = vec![
        of("loose rows", "CAST(NULL AS bigint)".into(), nobody, 0),
        of(
            "chains of 10 000, to the successor",
            format!("id + {chains}"),
            nobody,
            0,
        ),
        of("to the predecessor", format!("id - {chains}"), nobody, 0),
        of(
            "to the predecessor, newest alive",
            format!("id - {chains}"),
            &newest,
            chains,
        ),
    ];
    all.push(Shape {
        unlinks: true,
        affected: rows - chains,
        blocked: 0,
        ..of(
            "the same, unlink-first",
            format!("id - {chains}"),
            &newest,
            chains,
        )
    });
    if chains > 1 && rows <= 100_000 {
        all.push(of(
            "one chain, to the successor",
            "id + 1".into(),
            nobody,
            0,
        ));
        all.push(of(
            "one chain, to the predecessor",
            "id - 1".into(),
            nobody,
            0,
        ));
    }
    // Neighbours lie a golden part of the table apart.
    let step = (rows * 618_033 / 1_000_000) | 1;
    let hops =
        format!("CASE WHEN (id + {step}) % {rows} = 0 THEN NULL ELSE (id + {step}) % {rows} END");
    all.push(of("one chain in no order", hops, nobody, 0));
    let tree = of(
        "ON DELETE CASCADE, each ten below one",
        "id / 10".into(),
        nobody,
        0,
    );
    all.push(Shape {
        rule: "ON DELETE CASCADE",
        alive: "id % 2 = 0".into(),
        affected: rows,
        ..tree
    });
    all
}

pub async fn measure(sqlite: bool, sizes: &[u64]) {
    println!("| rows | how they hang together | run, s | rows/s | × loose rows |");
    println!("|---|---|---|---|---|");
    for rows in sizes {
        let mut loose = Duration::ZERO;
        for shape in shapes(*rows) {
            let lab = filled(sqlite, *rows, &shape).await;
            let (batch, took) = swept(&lab, shape.unlinks).await;
            check(&shape, batch, *rows);
            if loose.is_zero() {
                loose = took;
            }
            println!(
                "| {rows} | {} | {:.2} | {:.0} | {:.1} |",
                shape.name,
                took.as_secs_f64(),
                rate(*rows, took),
                took.as_secs_f64() / loose.as_secs_f64(),
            );
        }
    }
}

async fn filled(sqlite: bool, rows: u64, shape: &Shape) -> Lab {
    let (next, alive, rule) = (&shape.next, &shape.alive, shape.rule);
    let fill = format!(
        "CREATE INDEX link_next ON link (next);
         INSERT INTO link SELECT id, CASE WHEN {next} BETWEEN 1 AND {rows} THEN {next} END, NOT ({alive}),
            'a note of middling length' FROM (SELECT n AS id FROM {}) AS ids;",
        numbers(rows)
    );
    let schema = match sqlite {
        true => format!(
            "CREATE TABLE link (id INTEGER PRIMARY KEY, next INTEGER REFERENCES link {rule} DEFERRABLE INITIALLY DEFERRED,
                dead BOOLEAN NOT NULL, note TEXT);
             BEGIN; {fill} COMMIT; ANALYZE;"
        ),
        false => format!(
            "CREATE TABLE link (id bigint PRIMARY KEY, next bigint, dead boolean NOT NULL, note text);
             {fill}
             ALTER TABLE link ADD FOREIGN KEY (next) REFERENCES link {rule};"
        ),
    };
    database(sqlite, &schema).await
}

async fn swept(lab: &Lab, unlinks: bool) -> (Batch, Duration) {
    let dead = Condition::Compare {
        column: "dead".into(),
        operator: Comparison::Equal,
        to: Value::Boolean(true),
    };
    let mut request = Request::delete("link", dead);
    if unlinks {
        request = request.unlink_first("link", vec![Join::new("next", "id")], None);
    }
    let (batch, _, took) = run(lab, request).await;
    (batch, took)
}

fn check(shape: &Shape, batch: Batch, rows: u64) {
    if shape.rule.is_empty() {
        assert_eq!(
            (batch.affected, batch.blocked, batch.cascaded),
            (shape.affected, shape.blocked, shape.cascaded),
            "{}",
            shape.name
        );
    } else {
        assert!(batch.affected + batch.cascaded > rows / 2, "{}", shape.name);
    }
}
