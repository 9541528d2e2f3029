//! `besom grants` and what `besom check` says about a role: PostgreSQL alone has roles.

mod exactly;
mod refused;
mod too_wide;
mod zones;

use serde_json::Value;

use crate::cli::{Desk, Said};

/// Every bundled plugin, and every job of theirs that is opt-in.
pub const EVERYTHING: &str = "
[plugins.tokens]
settings = { family-column = \"family_id\" }
[plugins.sessions]
[plugins.sessions.jobs.expire-inactive]
settings = { ttl = \"30d\" }
[plugins.ips]
[plugins.queue]
[plugins.upstream-oauth]
[plugins.upstream-oauth.jobs.backfill-user-session]
[plugins.recovery]
";

/// An operator's folder, and a role without rights.
pub struct Office {
    pub desk: Desk,
    pub role: String,
}

impl Office {
    pub async fn of(desk: Desk, role: &str) -> Self {
        // Roles are the server's, and a server may have been used by tests before.
        let quoted = role.replace('"', "\"\"");
        desk.script(&format!(
            "DO $$ BEGIN CREATE ROLE \"{quoted}\"; EXCEPTION WHEN duplicate_object OR unique_violation
                 THEN NULL; END $$"
        ))
        .await;
        Self {
            desk,
            role: role.to_owned(),
        }
    }

    /// Runs a command as the role.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let url = &self.desk.database.url;
        let sign = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{sign}options[role]={}", self.role);
        let mut command = self.desk.command(arguments);
        Said::of(command.env("BESOM_DATABASE_URL", url).output().unwrap())
    }

    /// The same, as JSON, whatever the exit code.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(arguments);
        serde_json::from_str(&said.stdout)
            .unwrap_or_else(|e| panic!("{e} in {}\n{}", said.stdout, said.stderr))
    }

    /// What `besom grants --sql` prints for the role, run by the owner.
    pub async fn grant(&self, more: &[&str]) {
        let grants = [&["grants", "--sql", &self.role], more].concat();
        self.desk.script(&self.desk.says(&grants)).await;
    }

    /// What a check says about the role, by code, with the messages.
    pub fn about_the_role(&self) -> Vec<(String, String)> {
        let checked = self.json(&["check", "--json"]);
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let findings = checked["role"].as_array().unwrap().iter();
        findings
            .map(|finding| {
                assert_eq!(finding["severity"], "warning", "{finding}");
                assert_eq!(finding["fix"], serde_json::json!([]), "{finding}");
                (text(finding, "code"), text(finding, "message"))
            })
            .collect()
    }

    /// The jobs that a check finds to lack a right, with the statements that would give it.
    pub fn lacking(&self) -> Vec<(String, String)> {
        let checked = self.json(&["check", "--json"]);
        let mut lacking = Vec::new();
        for job in checked["jobs"].as_array().unwrap() {
            assert_eq!(job["refusal"], Value::Null, "{job:#}");
            for finding in job["findings"].as_array().unwrap() {
                if finding["code"] == "not-looked" {
                    let missed = |other: &Value| other["code"] == "missing-privilege";
                    assert!(
                        job["findings"].as_array().unwrap().iter().any(missed),
                        "{job:#}"
                    );
                } else if finding["severity"] == "error" {
                    assert_eq!(finding["code"], "missing-privilege", "{job:#}");
                    let fix = finding["fix"][0].as_str().unwrap().to_owned();
                    lacking.push((job["job"].as_str().unwrap().to_owned(), fix));
                }
            }
        }
        lacking
    }
}
