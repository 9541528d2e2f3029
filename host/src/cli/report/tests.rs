//! The text and the JSON of runs, letter by letter.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

#[test]
fn a_drained_a_suspended_and_a_failed_run_as_a_table() {
    let left = RunReport {
        verification: Verification::Left(12),
        remains: vec![Remains {
            table: "compat_access_tokens".to_owned(),
            left: 12,
            locked: 2,
            arrived: 10,
            ..Remains::default()
        }],
        job: "tokens/compat-tokens".parse().unwrap(),
        ..samples::drained()
    };
    let reports = [
        samples::drained(),
        samples::suspended(),
        left,
        samples::failed(),
    ];
    let expected = "\
job                    affected  dependents  cascaded  blocked  locked  seconds  rows/s  verified
──────────────────────────────────────────────────────────────────────────────────────────────────
tokens/revoked-access    40,000           0         0        7       0     1.60  25,000  yes
tokens/expired-access   500,000          12         3        0       1   100.00   5,000  suspended
tokens/compat-tokens     40,000           0         0        7       0     1.60  25,000  12 left
acme/purge                    0           0         0        0       0     0.00       –  failed
──────────────────────────────────────────────────────────────────────────────────────────────────
total                   580,000          12         3       14       1   103.20   5,620  1 of 4

tokens/expired-access suspended (row-budget): the rest is left to the next run
tokens/compat-tokens: compat_access_tokens: 12 rows left: 2 locked, 10 arrived since
acme/purge failed: no such table\\u{1b}[2J
add it
";
    assert_eq!(text(&reports, false), expected);
}

#[test]
fn one_run_needs_no_totals() {
    let expected = "\
job                    affected  dependents  cascaded  blocked  locked  seconds  rows/s  verified
─────────────────────────────────────────────────────────────────────────────────────────────────
tokens/revoked-access    40,000           0         0        7       0     1.60  25,000  yes
";
    assert_eq!(text(&[samples::drained()], false), expected);
}

#[test]
fn a_dry_run_says_that_nothing_was_changed_and_what_is_estimated() {
    let report = RunReport {
        mode: Mode::DryRun,
        verification: Verification::Unverified("dry run".to_owned()),
        estimated: true,
        ..samples::drained()
    };
    let text = text(&[report], false);
    assert!(
        text.contains("~40,000") && text.contains("25,000  –\n"),
        "{text}"
    );
    assert!(
        text.contains("\n\ndry run: nothing was changed\n~ estimated: "),
        "{text}"
    );
}

#[test]
fn a_failed_run_is_red_and_a_backlog_yellow() {
    let text = text(&[samples::suspended(), samples::failed()], true);
    assert!(text.contains("\u{1b}[33mtokens/expired-access"), "{text}");
    assert!(text.contains("\u{1b}[31macme/purge"), "{text}");
}

#[test]
fn a_run_as_json_has_every_promised_key() {
    let json = serde_json::to_value(RunJson::from(&samples::suspended())).unwrap();
    let expected = serde_json::json!({
        "job": "tokens/expired-access",
        "run": "00000000-0000-0000-0000-000000000000",
        "mode": "apply",
        "outcome": "suspended",
        "reason": "row-budget",
        "error": null,
        "affected": 500_000,
        "dependents": 12,
        "cascaded": 3,
        "blocked": 0,
        "locked": 1,
        "examined": 1_234_567,
        "revived": 0,
        "batches": 500,
        "runs_without_progress": 0,
        "seconds": 100.0,
        "verified": null,
        "verification": "unverified: suspended (row-budget)",
        "remains": [],
        "estimated": false,
        "blocked_by": {},
        "cures": [],
        "findings": [],
    });
    assert_eq!(json, expected);
}

#[test]
fn verified_is_true_false_or_null_with_its_words() {
    for (found, verified, words) in [
        (Verification::Verified, Some(true), "verified"),
        (Verification::Left(1), Some(false), "1 row left"),
        (Verification::Left(1200), Some(false), "1,200 rows left"),
        (
            Verification::Unverified("timeout".to_owned()),
            None,
            "unverified: timeout",
        ),
        (Verification::NotDone, None, "not done"),
    ] {
        let report = RunReport {
            verification: found,
            ..samples::drained()
        };
        let json = RunJson::from(&report);
        assert_eq!(
            (json.verified, json.verification.as_str()),
            (verified, words)
        );
    }
}

#[test]
fn blocked_rows_are_told_by_the_tables_that_hold_them_the_most_first() {
    let tables = [("public.few", 1), ("public.none", 0), ("public.many", 1200)];
    let report = RunReport {
        blocked_by: tables.map(|(table, rows)| (table.to_owned(), rows)).into(),
        ..samples::drained()
    };
    let text = text(std::slice::from_ref(&report), false);
    let line = "\ntokens/revoked-access: blocked by public.many (1,200), public.few (1)\n";
    assert!(text.contains(line), "{text}");
    let json = serde_json::to_value(RunJson::from(&report)).unwrap();
    assert_eq!(json["blocked_by"]["public.many"], 1200);
}

#[test]
fn rows_that_hold_each_other_are_told_with_the_cure_whatever_the_mode() {
    for mode in [Mode::DryRun, Mode::Apply] {
        let report = RunReport {
            mode,
            blocked_by: [("link".to_owned(), 499)].into(),
            hold_each_other: ["link".to_owned()].into(),
            ..samples::drained()
        };
        let text = text(std::slice::from_ref(&report), false);
        let line = "blocked by link (499); rows of link hold each other, and one of them stays: a sweep that \
                    says `unlink-first` on link's own key, where that may be NULL, lets each go by itself\n";
        assert!(text.contains(line), "{text}");
        let json = serde_json::to_value(RunJson::from(&report)).unwrap();
        let cure = json["cures"][0].as_str().unwrap();
        assert!(
            cure.starts_with("rows of link hold each other, and one of them stays: "),
            "{cure}"
        );
    }
}
