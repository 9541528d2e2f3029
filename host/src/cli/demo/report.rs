//! What a demo came to, as text and as JSON.

use anyhow::Result;
use serde::Serialize;

use super::super::Terminal;
use super::super::exit::Exit;
use super::super::output::{Align, Table, Tone, many_lines, thousands};
use super::super::report::{self, RunJson};
use crate::runner::RunReport;

/// What a demo came to.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoReport {
    /// The database, without password.
    pub database: String,
    /// The plugins that ran.
    pub plugins: Vec<PluginUsed>,
    /// Their runs.
    pub runs: Vec<RunReport>,
    /// The tables that were filled.
    pub tables: Vec<Filled>,
    /// The rows that had to stay.
    pub kept: Vec<Kept>,
}

/// One plugin of a demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginUsed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The SHA-256 of its component.
    pub digest: String,
}

/// How many rows a table had, and has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// Its name.
    pub table: String,
    /// How many there were before.
    pub before: u64,
    /// How many there are now.
    pub after: u64,
}

/// Rows that had to stay, by why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The plugin that could have taken them; none: any.
    pub plugin: Option<String>,
    /// What they are.
    pub label: String,
    /// How many there were before.
    pub before: u64,
    /// How many there are now.
    pub after: u64,
}

impl DemoReport {
    /// How the command ends: anything that is not drained, verified and rightly kept is a failure.
    pub fn exit(&self) -> Exit {
        let runs = self.runs.iter().map(Exit::of_verified_run);
        let kept = self.kept.iter().map(|kept| match kept.is_whole() {
            true => Exit::Done,
            false => Exit::Failed,
        });
        Exit::worst(runs.chain(kept))
    }

    /// The report as text.
    pub fn text(&self, color: bool) -> String {
        let mut text = format!("database  {}\n", many_lines(&self.database));
        for plugin in &self.plugins {
            text.push_str(&many_lines(&format!(
                "plugin    {} {} ({})\n",
                plugin.name, plugin.version, plugin.digest
            )));
        }
        text.push('\n');
        text.push_str(&report::text(&self.runs, color));
        for table in [self.left_table(), self.kept_table()] {
            if !table.is_empty() {
                text.push('\n');
                text.push_str(&table.render(color));
            }
        }
        let (tone, verdict) = self.verdict();
        text.push_str(&format!("\n{}\n", tone.paint(&verdict, color)));
        text
    }

    /// What is left, table by table.
    fn left_table(&self) -> Table {
        let mut table = Table::new([
            ("table", Align::Left),
            ("before", Align::Right),
            ("gone", Align::Right),
            ("left", Align::Right),
        ]);
        for Filled {
            table: name,
            before,
            after,
        } in &self.tables
        {
            let gone = before.saturating_sub(*after);
            let cells = [
                name.clone(),
                thousands(*before),
                thousands(gone),
                thousands(*after),
            ];
            table.row(cells, Tone::Plain);
        }
        table
    }

    /// The rows that had to stay, plugin by plugin.
    fn kept_table(&self) -> Table {
        let mut table = Table::new([
            ("rightly kept", Align::Left),
            ("before", Align::Right),
            ("after", Align::Right),
        ]);
        let mut last = None;
        for kept in &self.kept {
            if last.replace(&kept.plugin) != Some(&kept.plugin) {
                let by = kept.plugin.as_deref().unwrap_or("any plugin");
                table.row(
                    [format!("by {by}"), String::new(), String::new()],
                    Tone::Strong,
                );
            }
            let tone = if kept.is_whole() {
                Tone::Plain
            } else {
                Tone::Bad
            };
            let cells = [
                format!("  {}", kept.label),
                thousands(kept.before),
                thousands(kept.after),
            ];
            table.row(cells, tone);
        }
        table
    }

    /// What it came to, in one line.
    fn verdict(&self) -> (Tone, String) {
        let unverified = self
            .runs
            .iter()
            .filter(|run| Exit::of_verified_run(run) != Exit::Done);
        let broken = self.kept.iter().filter(|kept| !kept.is_whole());
        let (unverified, broken) = (unverified.count(), broken.count());
        let (jobs, kinds) = (self.runs.len(), self.kept.len());
        if unverified == 0 && broken == 0 {
            let before = self.tables.iter().map(|table| table.before).sum();
            let after = self.tables.iter().map(|table| table.after).sum();
            let verdict = format!(
                "{jobs} jobs drained and verified: {} rows before, {} left, and every kind of row \
                 that had to stay is whole ({kinds})",
                thousands(before),
                thousands(after),
            );
            return (Tone::Strong, verdict);
        }
        let verdict = format!(
            "{unverified} of {jobs} jobs not drained and verified, {broken} of {kinds} kinds of rows \
             that had to stay not whole"
        );
        (Tone::Bad, verdict)
    }
}

impl Kept {
    fn is_whole(&self) -> bool {
        self.before == self.after
    }
}

/// The demo in the JSON output.
#[derive(Debug, Serialize)]
struct DemoJson<'a> {
    database: &'a str,
    plugins: &'a [PluginUsed],
    jobs: Vec<RunJson<'a>>,
    tables: &'a [Filled],
    kept: &'a [Kept],
    totals: Totals,
}

/// Sums over the jobs, in rows and seconds.
#[derive(Debug, Serialize)]
struct Totals {
    affected: u64,
    dependents: u64,
    cascaded: u64,
    blocked: u64,
    locked: u64,
    seconds: f64,
}

impl<'a> From<&'a DemoReport> for DemoJson<'a> {
    fn from(report: &'a DemoReport) -> Self {
        let sum = |of: fn(&RunReport) -> u64| report.runs.iter().map(of).sum();
        Self {
            database: &report.database,
            plugins: &report.plugins,
            jobs: report.runs.iter().map(RunJson::from).collect(),
            tables: &report.tables,
            kept: &report.kept,
            totals: Totals {
                affected: sum(|run| run.totals.affected),
                dependents: sum(|run| run.totals.dependents),
                cascaded: sum(|run| run.totals.cascaded),
                blocked: sum(|run| run.totals.blocked),
                locked: sum(|run| run.totals.locked),
                seconds: report::milliseconds(report.runs.iter().map(|run| run.elapsed).sum()),
            },
        }
    }
}

/// Prints the report and says how the command ends.
///
/// # Errors
/// When stdout cannot be written.
pub fn present(report: &DemoReport, json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        terminal.output.json(&DemoJson::from(report))?;
    } else {
        terminal
            .output
            .print(&report.text(terminal.output.color()))?;
    }
    Ok(report.exit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::super::report::samples;
    use super::*;

    fn report() -> DemoReport {
        DemoReport {
            database: "sqlite:///tmp/besom-demo/demo.db".to_owned(),
            plugins: vec![PluginUsed {
                name: "tokens".to_owned(),
                version: "1.0.0".to_owned(),
                digest: "sha256:ab12".to_owned(),
            }],
            runs: vec![samples::drained(), samples::drained()],
            tables: vec![Filled {
                table: "access_tokens".to_owned(),
                before: 131_000,
                after: 51_000,
            }],
            kept: vec![Kept {
                plugin: Some("tokens".to_owned()),
                label: "live access tokens".to_owned(),
                before: 51_000,
                after: 51_000,
            }],
        }
    }

    #[test]
    fn a_demo_prints_its_runs_and_what_was_rightly_kept() {
        let expected = "\
database  sqlite:///tmp/besom-demo/demo.db
plugin    tokens 1.0.0 (sha256:ab12)

job                    affected  dependents  cascaded  blocked  locked  seconds  rows/s  verified
─────────────────────────────────────────────────────────────────────────────────────────────────
tokens/revoked-access    40,000           0         0        7       0     1.60  25,000  yes
tokens/revoked-access    40,000           0         0        7       0     1.60  25,000  yes
─────────────────────────────────────────────────────────────────────────────────────────────────
total                    80,000           0         0       14       0     3.20  25,000  2 of 2

table           before    gone    left
──────────────────────────────────────
access_tokens  131,000  80,000  51,000

rightly kept          before   after
────────────────────────────────────
by tokens
  live access tokens  51,000  51,000

2 jobs drained and verified: 131,000 rows before, 51,000 left, and every kind of row that had to stay is whole (1)
";
        assert_eq!(report().text(false), expected);
        assert_eq!(report().exit(), Exit::Done);
    }

    #[test]
    fn a_row_that_should_have_stayed_and_did_not_is_a_failure() {
        let mut report = report();
        report.kept[0].after -= 1;
        assert_eq!(report.exit(), Exit::Failed);
        let text = report.text(true);
        assert!(text.contains("\u{1b}[31m  live access tokens"), "{text}");
        let verdict =
            "0 of 2 jobs not drained and verified, 1 of 1 kinds of rows that had to stay not whole";
        assert!(text.contains(verdict), "{text}");
    }

    #[test]
    fn a_demo_as_json_has_the_promised_shape() {
        let json = serde_json::to_value(DemoJson::from(&report())).unwrap();
        assert_eq!(json["database"], "sqlite:///tmp/besom-demo/demo.db");
        let plugin =
            serde_json::json!({"name": "tokens", "version": "1.0.0", "digest": "sha256:ab12"});
        assert_eq!(json["plugins"], serde_json::json!([plugin]));
        assert_eq!(json["jobs"][1]["affected"], 40_000);
        assert_eq!(json["tables"][0]["after"], 51_000);
        assert_eq!(json["kept"][0]["plugin"], "tokens");
        assert_eq!(json["kept"][0]["before"], 51_000);
        assert_eq!(json["totals"]["affected"], 80_000);
        assert_eq!(json["totals"]["seconds"], 3.2);
    }
}
