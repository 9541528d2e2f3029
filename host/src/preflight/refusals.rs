//! Requests that could not be planned: names that are not there, columns whose times cannot be told
//! (`not-time-ordered`, `unknown-time-form`, `mixed-representation`), what this version cannot do.

use super::{Finding, Severity};
use crate::request::{Fault, Request};

/// Each refusal as an error under its own code. Where rights are missing, a look at the data that the
/// database refused is told by those.
pub(super) fn told(refused: &[(Request, Fault)], stopped_by_rights: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for (_, fault) in refused {
        let problem = fault.problem();
        let by_rights = problem.code == "probe-failed" || problem.code == "42501";
        if !(stopped_by_rights && by_rights) {
            let finding = Finding::new(&problem.code, Severity::Error, &problem.message);
            found.push(finding.inevitable());
        }
    }
    found
}
