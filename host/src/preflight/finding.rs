//! What preflight noticed.

use serde::{Deserialize, Serialize};

/// Something that preflight noticed, the host's or a plugin's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A code that the documentation lists.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, and what to do about it.
    pub message: String,
    /// The statements that mend it, in this order and without their semicolons. Empty where mending
    /// is a decision, and for what a plugin found: no SQL comes from a plugin.
    #[serde(default)]
    pub fix: Vec<String>,
    /// It is an error by itself, and the operator lets the job run all the same.
    #[serde(default)]
    pub tolerated: bool,
    /// Who tolerates it gains nothing: the run meets the same thing, and fails.
    #[serde(skip)]
    pub inevitable: bool,
    /// A run bears it and need not log it each time: `besom check` tells of it, and the run's record.
    #[serde(skip)]
    pub borne: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// The job runs, perhaps not as meant.
    Warning,
    /// The job does not run, unless the operator tolerates the code.
    Error,
}

impl Severity {
    /// The severity as the contract spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    /// A finding that nothing mends by itself.
    pub fn new(code: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity,
            message: message.into(),
            fix: Vec::new(),
            tolerated: false,
            inevitable: false,
            borne: false,
        }
    }

    /// The same, which a run that goes ahead can only meet again.
    #[must_use]
    pub(super) fn inevitable(mut self) -> Self {
        self.inevitable = true;
        self
    }

    /// The same, which a run bears.
    #[must_use]
    pub(super) fn borne(mut self) -> Self {
        self.borne = true;
        self
    }

    /// The same, with the statements that mend it.
    #[must_use]
    pub fn mended_by(mut self, fix: impl IntoIterator<Item = String>) -> Self {
        self.fix = fix.into_iter().collect();
        self
    }

    /// The same under an operator who tolerates these codes: an error becomes a warning that says so.
    #[must_use]
    pub fn under(mut self, tolerated: &[String]) -> Self {
        if self.severity == Severity::Error && tolerated.contains(&self.code) {
            self.severity = Severity::Warning;
            self.tolerated = true;
        }
        self
    }

    /// The operator knows of it and need not hear of it again: what is tolerated and was no error.
    pub fn hidden_by(&self, tolerated: &[String]) -> bool {
        let was_error = self.tolerated || self.severity == Severity::Error;
        !was_error && tolerated.contains(&self.code)
    }

    /// Keeps its job from running.
    pub fn stops(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Findings as the ledger keeps them.
    pub fn to_ledger(findings: &[Self]) -> String {
        serde_json::to_string(findings).unwrap_or_else(|_| "[]".to_owned())
    }

    /// As the ledger has them; what this version cannot read is left out.
    pub fn from_ledger(text: &str) -> Vec<Self> {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// The worst first, each once; otherwise the order stays.
pub(super) fn in_order(findings: Vec<Finding>) -> Vec<Finding> {
    let mut ordered: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        if !ordered.contains(&finding) {
            ordered.push(finding);
        }
    }
    ordered.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_is_tolerated_and_it_says_so() {
        let codes = ["a".to_owned(), "b".to_owned()];
        let finding = |code: &str, severity| Finding::new(code, severity, "…").under(&codes);

        let error = finding("a", Severity::Error);
        assert!(error.tolerated && !error.stops());
        assert!(!finding("b", Severity::Warning).tolerated);
        assert!(finding("c", Severity::Error).stops());
    }

    #[test]
    fn a_tolerated_warning_is_not_shown_and_a_tolerated_error_is_as_a_warning() {
        let codes = ["a".to_owned()];
        let shown = |severity| {
            let finding = Finding::new("a", severity, "…");
            let under = finding.clone().under(&codes);
            !finding.hidden_by(&codes) && !under.hidden_by(&codes)
        };

        assert!(shown(Severity::Error));
        assert!(!shown(Severity::Warning) && !shown(Severity::Info));
    }

    #[test]
    fn findings_come_back_from_the_ledger_as_they_went() {
        let fix = ["CREATE INDEX \"i\" ON \"t\" (\"a\")".to_owned()];
        let finding = Finding::new("unindexed-foreign-key", Severity::Error, "a\n\"b\"");
        let findings = vec![finding.mended_by(fix)];

        let kept = Finding::to_ledger(&findings);

        assert_eq!(Finding::from_ledger(&kept), findings);
        assert_eq!(Finding::from_ledger("of a later version"), []);
    }

    #[test]
    fn the_worst_comes_first_and_nothing_twice() {
        let of = |severity: Severity| Finding::new(severity.as_str(), severity, "…");
        let ordered = in_order(vec![
            of(Severity::Info),
            of(Severity::Error),
            of(Severity::Warning),
            of(Severity::Error),
        ]);
        let codes: Vec<_> = ordered.iter().map(|found| found.code.as_str()).collect();
        assert_eq!(codes, ["error", "warning", "info"]);
    }
}
