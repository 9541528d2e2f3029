//! `besom migrate`: makes or updates the host's own tables.

use anyhow::Result;

use super::Terminal;
use super::exit::Exit;
use super::output::many_lines;
use crate::config::Config;
use crate::{ledger, runner};

/// Make or update besom's own tables (the ledger) in the database being cleaned.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Running it again changes nothing. No table but besom's own is touched.

Examples:
  besom migrate
  BESOM_DATABASE_URL=postgres://owner@db/auth besom migrate    as the owner of the schema")]
pub struct MigrateArgs {}

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrateReport {
    /// The database, without password.
    pub database: String,
    /// The migrations that were applied now, in order.
    pub applied: Vec<String>,
}

impl MigrateReport {
    /// The report as text.
    pub fn text(&self) -> String {
        let database = &self.database;
        let text = if self.applied.is_empty() {
            format!("the ledger in {database} is up to date\n")
        } else {
            let names: String = self
                .applied
                .iter()
                .map(|name| format!("applied {name}\n"))
                .collect();
            format!("{names}the ledger in {database} is up to date now\n")
        };
        many_lines(&text)
    }
}

/// Prints the report.
///
/// # Errors
/// When stdout cannot be written.
pub fn present(report: &MigrateReport, terminal: &Terminal) -> Result<Exit> {
    terminal.output.print(&report.text())?;
    Ok(Exit::Done)
}

/// Migrates the ledger.
///
/// # Errors
/// When the database does not answer, or refuses.
pub async fn execute(args: MigrateArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let MigrateArgs {} = args;
    let database = runner::connect(&config).await?;
    let applied = ledger::migrate(&database).await?;
    database.close().await;
    present(
        &MigrateReport {
            database: config.database.url.to_string(),
            applied,
        },
        terminal,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_migration_says_that_there_was_nothing_to_do() {
        let mut report = MigrateReport {
            database: "sqlite://besom.db".to_owned(),
            applied: vec!["0001_ledger".to_owned()],
        };
        let first = "applied 0001_ledger\nthe ledger in sqlite://besom.db is up to date now\n";
        assert_eq!(report.text(), first);
        report.applied.clear();
        assert_eq!(
            report.text(),
            "the ledger in sqlite://besom.db is up to date\n"
        );
    }
}
