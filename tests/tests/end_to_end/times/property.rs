//! Random instants, written by other hands than besom's: what goes is what is older, to the unit of the form, and
//! what is of no form stays.

use besom::catalog::{Dialect, TimeForm, Times};
use besom::sweep::{Verification, verify};
use besom_tests::lab::drain;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::writers::{DAY, MICRO, MILLI, NANO, SECOND, writers};
use super::*;

/// Microseconds of 2000-01-01: a number before that is read only where an `oldest` is said.
const COUNTED: i128 = 946_684_800_000_000;

/// It is a number that is counted, and no text that says its day.
fn is_number(times: &Times, written: &str) -> bool {
    let counts = |form: &TimeForm| {
        use TimeForm::{UnixMs, UnixNs, UnixS, UnixUs};
        matches!(form, UnixS | UnixMs | UnixUs | UnixNs)
    };
    times.forms().iter().all(counts) || written.trim_matches('\'').parse::<f64>().is_ok()
}

/// Of no form, or "never": what a text column may hold beside.
const STRANGE: [&str; 10] = [
    "'2001-02-30 00:00:00'",
    "'2001-02-29T00:00:00Z'",
    "'2001-01-01 00:00:00 PDT'",
    "'0000-00-00 00:00:00'",
    "'soon'",
    "''",
    "'9999-12-31 23:59:59'",
    "'0001-01-01T00:00:00Z'",
    "'2001-01-01 24:00:00'",
    "NULL",
];

/// And a number.
const ODD: [&str; 5] = ["0", "-1", "12345", "253402300799", "NULL"];

fn what_goes_is_what_is_older(dialect: Dialect) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let writers = writers();
    let side = usize::from(dialect == Dialect::Sqlite);
    let schema: String = (0..writers.len())
        .map(|n| {
            format!(
                "CREATE TABLE item{n} (id bigint PRIMARY KEY, at {});",
                writers[n].declared[side]
            )
        })
        .collect();
    let labs = [None, Some(Times::REAL)].map(|oldest| {
        let mut lab = runtime.block_on(async {
            match dialect {
                Dialect::Postgres => Lab::postgres(&schema).await,
                Dialect::Sqlite => Lab::sqlite(&schema).await,
            }
        });
        for (n, writer) in writers.iter().enumerate() {
            let native = writer.declared[side] == "timestamptz";
            if dialect == Dialect::Sqlite || !native {
                lab.say(&format!("item{n}"), "at", (writer.times)().since(oldest));
            }
        }
        lab
    });
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(160);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    // From 1973-01-02 to 2199, and close to the cut-off, which is past.
    let anywhere = 94_780_800_000_000_000_i128..7_226_582_400_000_000_000;
    let past = 94_953_600_000_000_000_i128..NOW as i128 * MICRO;
    let near = (
        -3_i128..=3,
        prop::sample::select(vec![NANO, MICRO, MILLI, SECOND, DAY]),
    );
    let instants = prop::collection::vec(
        prop_oneof![anywhere.clone().prop_map(Ok), near.prop_map(Err)],
        12..40,
    );
    // Whether an `oldest` is said, or there are more rows of a time that one expects.
    let said = any::<bool>();
    let strategy = (
        0..writers.len(),
        past,
        instants,
        0_usize..5,
        any::<bool>(),
        said,
    );
    let outcome = runner.run(&strategy, |(n, cutoff, instants, odd, negated, said)| {
        let (writer, table) = (&writers[n], format!("item{n}"));
        let cutoff = cutoff.div_euclid(MICRO);
        let mut rows = Vec::new();
        let mut expected = Vec::new();
        let mut not_read = 0;
        let lab = &labs[usize::from(said)];
        for (id, instant) in instants.iter().enumerate() {
            let nanos = match instant {
                Ok(nanos) => *nanos,
                Err((steps, unit)) => (cutoff * MICRO + steps * unit).max(94_867_200 * SECOND),
            };
            let written = nanos.div_euclid(writer.unit) * writer.unit;
            let value = (writer.write)(dialect, nanos);
            if !said && written < COUNTED * MICRO && is_number(&(writer.times)(), &value) {
                not_read += 1;
            } else if (written < cutoff * MICRO) != negated {
                expected.push(id as i64);
            }
            rows.push(format!("({id}, {value})"));
        }
        // Of 2190, for most to be times that one expects.
        for id in 2_000..2_000 + if said { 0 } else { 200 } {
            let value = (writer.write)(dialect, 6_942_672_000 * SECOND);
            rows.push(format!("({id}, {value})"));
            expected.extend(negated.then_some(id));
        }
        let declared = writer.declared[side];
        let strange: &[&str] = match declared {
            "text" | "TEXT" | "DATETIME" => &STRANGE,
            "bigint" | "INTEGER" | "numeric" | "NUMERIC" | "double precision" | "REAL" => &ODD,
            _ => &["NULL"],
        };
        for place in 0..odd {
            rows.push(format!(
                "({}, {})",
                1_000 + place,
                strange[(place + instants.len()) % strange.len()]
            ));
        }
        runtime.block_on(async {
            lab.script(&format!(
                "DELETE FROM {table}; INSERT INTO {table} VALUES {}",
                rows.join(", ")
            ))
            .await;
            let mut condition = older("at", cutoff as i64);
            if negated {
                condition = not(condition);
            }
            let before = lab.ids(&format!("SELECT id FROM {table}")).await;
            let done = told_early(lab, Request::delete(&table, condition)).await;
            let told = done.unwrap_or_else(|fault| panic!("{fault}\n{rows:?}"));
            let left = lab.ids(&format!("SELECT id FROM {table}")).await;
            let gone: Vec<_> = before.into_iter().filter(|id| !left.contains(id)).collect();
            prop_assert_eq!(
                &gone,
                &expected,
                "{} as {}, before {}: {:?}",
                declared,
                (writer.times)(),
                cutoff,
                rows
            );
            prop_assert_eq!(told, not_read > 0, "{}: {:?}", declared, rows);
            Ok(())
        })
    });
    outcome.unwrap();
}

/// A run, which says or does not say that numbers of before 2000 are not read.
async fn told_early(lab: &Lab, request: Request) -> Result<bool, Fault> {
    let (context, _) = lab.begin().await;
    let done = drain(&context, request).await;
    let ended = context.settle().await.ended;
    let verified = Verification::of(&verify(&lab.database, &ended).await);
    lab.end(&context).await;
    done?;
    Ok(matches!(verified, Verification::Unverified(why) if why.contains("`oldest`")))
}

#[test]
fn what_goes_is_what_is_older_on_postgres() {
    what_goes_is_what_is_older(Dialect::Postgres);
}

#[test]
fn what_goes_is_what_is_older_on_sqlite() {
    what_goes_is_what_is_older(Dialect::Sqlite);
}
