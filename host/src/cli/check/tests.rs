//! The report as text, as JSON, and as statements.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::super::exit::Exit;
use super::report::told;
use super::*;

fn job(name: &str) -> JobCheck {
    JobCheck {
        job: name.parse().unwrap(),
        version: "1.0.0".to_owned(),
        tables: vec![
            "oauth2_access_tokens".to_owned(),
            "oauth2_refresh_tokens".to_owned(),
        ],
        absent: None,
        refusal: None,
        findings: Vec::new(),
    }
}

fn finding(severity: Severity) -> Finding {
    Finding::new("unindexed-foreign-key", severity, "no index on b.a_id")
        .mended_by(["CREATE INDEX …".to_owned()])
}

fn report(jobs: Vec<JobCheck>) -> CheckReport {
    CheckReport {
        database: "sqlite://besom.db".to_owned(),
        jobs,
        allowed_by: Default::default(),
        role: Vec::new(),
    }
}

#[test]
fn a_check_prints_a_verdict_a_job_and_then_every_finding() {
    let refusal = Some("may not delete `t`".to_owned());
    let warned = JobCheck {
        findings: vec![finding(Severity::Warning)],
        ..job("tokens/b")
    };
    let refused = JobCheck {
        refusal,
        tables: Vec::new(),
        ..job("acme/purge")
    };
    let expected = "\
database  sqlite://besom.db

job         version  check    tables
─────────────────────────────────────────────────────────────────────────
tokens/a    1.0.0    ok       oauth2_access_tokens, oauth2_refresh_tokens
tokens/b    1.0.0    warning  oauth2_access_tokens, oauth2_refresh_tokens
acme/purge  1.0.0    refused

acme/purge: may not delete `t`

tokens/b: warning unindexed-foreign-key: no index on b.a_id
    CREATE INDEX …;
";
    assert_eq!(
        report(vec![job("tokens/a"), warned, refused]).text(false),
        expected
    );
}

#[test]
fn a_check_exits_by_what_stands_in_the_way() {
    let with = |severity| JobCheck {
        findings: vec![finding(severity)],
        ..job("a/b")
    };
    assert_eq!(
        report(vec![job("a/b"), with(Severity::Warning)]).exit(),
        Exit::Done
    );
    assert_eq!(report(vec![with(Severity::Error)]).exit(), Exit::Failed);
    let refused = JobCheck {
        refusal: Some("no".to_owned()),
        ..job("a/b")
    };
    assert_eq!(report(vec![job("a/b"), refused]).exit(), Exit::Refused);
}

#[test]
fn a_check_as_json_names_jobs_and_severities() {
    let warned = JobCheck {
        findings: vec![finding(Severity::Warning)],
        ..job("tokens/b")
    };
    let json = serde_json::to_value(report(vec![warned])).unwrap();
    assert_eq!(json["jobs"][0]["job"], "tokens/b");
    assert_eq!(json["jobs"][0]["findings"][0]["severity"], "warning");
    assert_eq!(json["jobs"][0]["refusal"], serde_json::Value::Null);
}

#[test]
fn a_finding_of_several_jobs_is_told_once() {
    let with = |name| JobCheck {
        findings: vec![finding(Severity::Error)],
        ..job(name)
    };
    let text = report(vec![with("tokens/a"), job("tokens/b"), with("tokens/c")]).text(false);
    let told = "\ntokens/a, tokens/c: error unindexed-foreign-key: no index on b.a_id\n";
    assert!(text.contains(told), "{text}");
    assert_eq!(text.matches("CREATE INDEX").count(), 1, "{text}");
}

#[test]
fn a_tolerated_error_is_no_error_and_says_that_it_was_one() {
    let finding = finding(Severity::Error).under(&["unindexed-foreign-key".to_owned()]);
    let told = told(&finding, false);
    assert!(
        told.starts_with("tolerated error unindexed-foreign-key: "),
        "{told}"
    );
    let job = JobCheck {
        findings: vec![finding],
        ..job("a/b")
    };
    assert_eq!(report(vec![job]).exit(), Exit::Done);
}

#[test]
fn the_script_has_each_statement_once_and_indexes_before_constraints() {
    let mended = |code: &str, fix: &str| {
        Finding::new(code, Severity::Error, "so\nDROP TABLE users;").mended_by([fix.to_owned()])
    };
    let with = |name, findings| JobCheck {
        findings,
        ..job(name)
    };
    let constraint = mended("unenforced-relation", "ALTER TABLE t …");
    let index = mended("unindexed-foreign-key", "CREATE INDEX i");
    let words = Finding::new("soft-delete-trigger", Severity::Error, "look");
    let report = report(vec![
        with("a/a", vec![constraint, words]),
        with("a/b", vec![index.clone()]),
        with("a/c", vec![index]),
    ]);

    let script = sql::script(&report.findings());

    let expected = "\
-- unindexed-foreign-key: so\\nDROP TABLE users;
CREATE INDEX i;
-- unenforced-relation: so\\nDROP TABLE users;
ALTER TABLE t …;
";
    assert_eq!(script, expected);
}
