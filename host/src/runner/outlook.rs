//! Whether a job could run as things are, told without running it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::told;
use super::{Host, RunnerError};
use crate::catalog::Catalog;
use crate::preflight::Finding;
use crate::request::JobName;
use crate::scope::Refusal;

/// Whether a job could run as things are.
#[derive(Debug, Clone, PartialEq)]
pub enum Outlook {
    /// It could.
    Runnable,
    /// It has nothing to do on this database: what is not there.
    Absent(String),
    /// It is refused.
    Refused(Hindrance),
}

/// What keeps a job from running.
#[derive(Debug, Clone, PartialEq)]
pub struct Hindrance {
    /// In words of which there are few: the codes of the findings, or the kind of the refusal.
    pub codes: BTreeSet<String>,
    /// In a sentence, with the way out.
    pub why: String,
    /// The findings, where they are the reason.
    pub findings: Vec<Finding>,
    /// The rights that are missing, where they are the reason.
    pub refusal: Option<Refusal>,
}

impl Outlook {
    /// What an error of [`Host::examine`] or [`Host::prepare`] says about the job.
    pub fn of(error: &RunnerError) -> Self {
        match error {
            RunnerError::Absent { missing, .. } => Self::Absent(missing.clone()),
            refused => Self::Refused(Hindrance::of(refused)),
        }
    }

    /// Nobody would want to hear the other one who knows this one: estimates aside, which move from one look
    /// to the next.
    pub fn tells_as_much_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Runnable, Self::Runnable) => true,
            (Self::Absent(one), Self::Absent(other)) => one == other,
            (Self::Refused(one), Self::Refused(other)) => {
                one.codes == other.codes
                    && without_numbers(&one.why) == without_numbers(&other.why)
                    && one.refusal == other.refusal
            }
            _ => false,
        }
    }
}

/// The words without numbers and units of time. What a name is made of stays: a name is a word of its own
/// kind, or stands in backticks.
fn without_numbers(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (place, part) in text.split('`').enumerate() {
        if place % 2 == 1 {
            words.push(part);
            continue;
        }
        let mut behind_a_number = false;
        for word in part.split_whitespace() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
            let number = bare.starts_with(|c: char| c.is_ascii_digit())
                && bare
                    .chars()
                    .all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
            let unit = behind_a_number && matches!(bare, "s" | "min" | "h");
            behind_a_number = number;
            if !number && !unit {
                words.push(word);
            }
        }
    }
    words
}

impl Hindrance {
    /// What an error says that keeps a job from running.
    pub fn of(error: &RunnerError) -> Self {
        let findings = match error {
            RunnerError::Stopped { findings, .. } => findings.clone(),
            _ => Vec::new(),
        };
        let codes = findings.iter().map(|finding| finding.code.clone());
        let mut codes: BTreeSet<String> = codes.collect();
        if codes.is_empty() {
            codes.insert(kind(error).to_owned());
        }
        let refusal = match error {
            RunnerError::Denied(refusal) => Some(refusal.as_ref().clone()),
            _ => None,
        };
        let why = match error {
            RunnerError::Stopped { findings, .. } => told(findings), // the job is named beside it
            other => other.to_string(),
        };
        Self {
            codes,
            why,
            findings,
            refusal,
        }
    }

    /// The same sentence, without the lines of the file that would allow it: those of several jobs are
    /// told once for all.
    pub fn in_words(&self) -> String {
        let needs = self.refusal.as_ref().map(Refusal::needs);
        needs.unwrap_or_else(|| self.why.clone())
    }
}

fn kind(error: &RunnerError) -> &str {
    match error {
        RunnerError::Denied(_) => "denied",
        RunnerError::AtFault(fault) => &fault.problem().code,
        RunnerError::Grant { .. } => "grant",
        RunnerError::Settings { .. } => "settings",
        RunnerError::Access { .. } => "access",
        RunnerError::Quarantined { .. } => "quarantined",
        RunnerError::NotThere { .. } => "unknown-job",
        RunnerError::TimeForms(_) => "time-forms",
        RunnerError::Database(_) | RunnerError::Catalog(_) => "database",
        _ => "other",
    }
}

impl Host {
    /// Looks at a job as [`Host::examine`] does. What it finds is answered, and not logged.
    ///
    /// # Errors
    /// Where the database does not say: nothing is known of the job then.
    pub async fn outlook(
        &self,
        job: &JobName,
        catalog: &Arc<Catalog>,
    ) -> Result<Outlook, RunnerError> {
        let examined = match self.examine(job, &[], catalog).await {
            Ok(examined) => examined,
            Err(error) if error.is_the_databases() => return Err(error),
            Err(error) => return Ok(Outlook::of(&error)),
        };
        let stopping = examined.findings().iter().filter(|found| found.stops());
        let findings: Vec<_> = stopping.cloned().collect();
        if findings.is_empty() {
            return Ok(Outlook::Runnable);
        }
        let job = job.clone();
        Ok(Outlook::of(&RunnerError::Stopped { job, findings }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Severity;

    fn stopped(code: &str, message: &str) -> Outlook {
        let job = JobName::new("tokens", "revoked-access");
        let findings = vec![Finding::new(code, Severity::Error, message)];
        Outlook::of(&RunnerError::Stopped { job, findings })
    }

    #[test]
    fn an_estimate_that_moves_is_the_same_reason_and_another_table_is_not() {
        let known = stopped("unindexed-sweep", "a sweep of `a` reads 1,200 pages");

        let grown = stopped("unindexed-sweep", "a sweep of `a` reads 91.5 pages");
        let other = stopped("unindexed-sweep", "a sweep of `b` reads 1,200 pages");
        let code = stopped("invalid-index", "a sweep of `a` reads 1,200 pages");

        assert!(known.tells_as_much_as(&grown));
        assert!(!known.tells_as_much_as(&other));
        assert!(!known.tells_as_much_as(&code));
        assert!(!known.tells_as_much_as(&Outlook::Runnable));
    }

    #[test]
    fn digits_of_a_name_are_no_estimate_and_a_unit_behind_a_number_is_one() {
        let of = |table: &str, time: &str| {
            let key = format!("\"public\".\"{table}\"");
            let why =
                format!("no index on {key} of `{table}` = 1,200 page reads, some {time} a run");
            stopped("unindexed-sweep", &why)
        };

        assert!(of("events_2026_01", "91 s").tells_as_much_as(&of("events_2026_01", "2 min")));
        assert!(!of("events_2026_01", "91 s").tells_as_much_as(&of("events_2026_02", "91 s")));
        let [one, other] = ["`2026`", "`2027`"].map(|name| stopped("invalid-index", name));
        assert!(!one.tells_as_much_as(&other));
    }

    #[test]
    fn a_refusal_has_the_codes_of_its_findings_or_its_kind() {
        let Outlook::Refused(found) = stopped("unindexed-sweep", "…") else {
            unreachable!("an error refuses")
        };
        let denied = Hindrance::of(&RunnerError::Quarantined {
            job: JobName::new("tokens", "revoked-access"),
            version: "1.0.0".to_owned(),
            digest: Box::new(crate::plugin::Digest::of(b"")),
            why: "trapped".to_owned(),
        });

        assert_eq!(found.codes, BTreeSet::from(["unindexed-sweep".to_owned()]));
        assert_eq!(found.findings.len(), 1);
        let why = found.in_words(); // the job is named beside it
        assert!(why.starts_with("… (unindexed-sweep)"), "{why}");
        assert_eq!(denied.codes, BTreeSet::from(["quarantined".to_owned()]));
        assert!(denied.why.contains("besom plugin pin"), "{}", denied.why);
    }
}
