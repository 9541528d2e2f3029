//! The list and one run, as text and as JSON.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::ledger::Cause;
use crate::request::{Batch, Mode, Timestamp};
use crate::runner::Verification;

fn record() -> RunRecord {
    RunRecord {
        run: RunId(uuid::Uuid::nil()),
        job: JobName::new("tokens", "revoked-access"),
        plugin: ("1.0.0".to_owned(), "sha256:ab12".to_owned()),
        mode: Mode::Apply,
        state: "suspended".to_owned(),
        reason: Some("deadline".to_owned()),
        error: None,
        started: Timestamp(1_700_000_000_000_000),
        elapsed: Some(Duration::from_secs(300)),
        totals: Batch {
            examined: 90_000,
            affected: 81_000,
            ..Batch::default()
        },
        batches: 90,
        verification: Verification::Unverified("suspended (deadline)".to_owned()),
        remains: Vec::new(),
        blocked_by: BTreeMap::new(),
        throttled: [("retry".to_owned(), 1_250)].into(),
        findings: Vec::new(),
        host: "cleaner-1".to_owned(),
        cause: Cause::Schedule,
        due: Some(Timestamp(1_700_000_000_000_000)),
        asked_by: None,
        attempt: 2,
        without_progress: 0,
    }
}

fn batch() -> BatchRecord {
    let rows = Batch {
        examined: 1000,
        affected: 900,
        locked: 2,
        ..Batch::default()
    };
    BatchRecord {
        seq: 1,
        at: Timestamp(1_700_000_000_500_000),
        rows,
    }
}

#[test]
fn runs_are_listed_one_a_line() {
    let expected = "\
run                                   started                      job                    mode   outcome               affected  seconds  verification
──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
00000000-0000-0000-0000-000000000000  2023-11-14T22:13:20.000000Z  tokens/revoked-access  apply  suspended (deadline)    81,000   300.00  unverified
";
    assert_eq!(text::list(&[record()], false), expected);
    assert_eq!(text::list(&[], false), "no runs yet\n");
}

#[test]
fn one_run_shows_its_error_and_its_batches() {
    let record = RunRecord {
        error: Some("gone\u{7}".to_owned()),
        ..record()
    };
    let text = text::run(&record, &[batch()], false);
    assert!(
        text.contains("outcome       suspended (deadline)\n"),
        "{text}"
    );
    let due = "cause         schedule, due 2023-11-14T22:13:20.000000Z, attempt 2\n";
    assert!(text.contains(due), "{text}");
    let held = "held back     1.25 s (retry)\n";
    assert!(text.contains(held), "{text}");
    assert!(text.contains("error         gone\\u{7}\n"), "{text}");
    let expected = "\n
batch  committed                    examined  affected  dependents  cascaded  blocked  locked  revived
──────────────────────────────────────────────────────────────────────────────────────────────────────
    1  2023-11-14T22:13:20.500000Z     1,000       900           0         0        0       2        0
";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_run_as_json_has_the_keys_of_a_fresh_one() {
    let json = serde_json::to_value(detail(&record(), &[batch()])).unwrap();
    for key in [
        "job",
        "run",
        "mode",
        "outcome",
        "affected",
        "dependents",
        "cascaded",
        "blocked",
        "locked",
        "seconds",
        "verified",
        "started",
        "digest",
        "host",
        "cause",
        "due",
        "attempt",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!(json["ledger"][0]["affected"], 900);
    assert_eq!(json["throttled"]["retry"], 1_250);
    assert_eq!(json["started"], "2023-11-14T22:13:20.000000Z");
}
