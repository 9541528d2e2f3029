//! The statements that mend what a check found, ready for `psql`.

use super::super::output::one_line;
use crate::preflight::Finding;

/// Every statement once, under the code that it mends. Indexes come before the constraints that will
/// need them, and rights last: they change nothing that the others could trip over.
pub(super) fn script(findings: &[(&Finding, Vec<String>)]) -> String {
    let mut ordered: Vec<&Finding> = findings.iter().map(|(finding, _)| *finding).collect();
    ordered.sort_by_key(|finding| rank(&finding.code));
    let mut written: Vec<&str> = Vec::new();
    let mut script = String::new();
    for finding in ordered {
        let statements = finding.fix.iter().map(String::as_str);
        let new: Vec<_> = statements.filter(|s| !written.contains(s)).collect();
        if new.is_empty() {
            continue;
        }
        // A name in a message may hold a line end, and what follows it would be run.
        let comment = one_line(&format!("{}: {}", finding.code, finding.message));
        script.push_str(&format!("-- {comment}\n"));
        for statement in new {
            script.push_str(&format!("{statement};\n"));
            written.push(statement);
        }
    }
    script
}

fn rank(code: &str) -> u8 {
    match code {
        "invalid-index" => 0,
        "unindexed-foreign-key" | "unindexed-sweep" => 1,
        "unenforced-relation" => 2,
        _ => 3,
    }
}
