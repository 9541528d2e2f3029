//! The rights as text, as JSON, and as statements.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::output::{Align, Table, Tone, many_lines, one_line};
use crate::catalog::quote_ident;
use crate::preflight::{Rights, merged};
use crate::request::JobName;

/// The rights that some jobs need.
#[derive(Debug, Serialize)]
pub struct GrantsReport {
    /// The database, without password.
    pub database: String,
    /// The schemas that the role must be able to use.
    pub schemas: BTreeSet<String>,
    /// Table by table, in order.
    pub tables: Vec<Needed>,
    /// The jobs of which not everything that they need is known, and so not among these.
    pub unknown: Vec<String>,
    #[serde(skip)]
    rights: Vec<Rights>,
}

/// What is needed on one table.
#[derive(Debug, Serialize)]
pub struct Needed {
    /// Schema and name.
    pub table: String,
    /// Each right as GRANT spells it.
    pub rights: Vec<String>,
    /// The jobs that need some of them; every one for besom's own tables.
    pub jobs: Vec<String>,
}

impl GrantsReport {
    /// What these jobs need.
    pub fn of(database: &str, jobs: &[(JobName, Vec<Rights>)], unknown: Vec<String>) -> Self {
        let rights = merged(jobs.iter().flat_map(|(_, rights)| rights).cloned());
        let tables = rights.iter().map(|needed| {
            let touches = |rights: &[Rights]| rights.iter().any(|r| r.table() == needed.table());
            let of = jobs.iter().filter(|(_, rights)| touches(rights));
            Needed {
                table: needed.table().to_string(),
                rights: needed.spelled(),
                jobs: of.map(|(job, _)| job.to_string()).collect(),
            }
        });
        let schemas = rights.iter().flat_map(Rights::schemas).map(str::to_owned);
        Self {
            database: database.to_owned(),
            schemas: schemas.collect(),
            tables: tables.collect(),
            unknown,
            rights,
        }
    }

    /// The rights, table by table.
    pub fn rights(&self) -> &[Rights] {
        &self.rights
    }

    /// The statements, as one transaction, for a role that is quoted already: what takes rights back
    /// comes first, because it takes those on columns along.
    pub(super) fn script(&self, role: &str, revokes: &[String]) -> String {
        let mut script = "BEGIN;\n".to_owned();
        for revoke in revokes {
            script.push_str(&format!("{revoke};\n"));
        }
        for schema in &self.schemas {
            let schema = quote_ident(schema);
            script.push_str(&format!("GRANT USAGE ON SCHEMA {schema} TO {role};\n"));
        }
        for (needed, rights) in self.tables.iter().zip(&self.rights) {
            // A name in a comment may hold a line end, and what follows it would be run.
            script.push_str(&format!("-- {}\n", one_line(&self.jobs_of(needed))));
            script.push_str(&format!("{};\n", rights.grant_to(role)));
        }
        script.push_str("COMMIT;\n");
        script
    }

    /// The rights as a table.
    pub(super) fn text(&self, color: bool) -> String {
        let mut table = Table::new([
            ("table", Align::Left),
            ("rights", Align::Left),
            ("jobs", Align::Left),
        ]);
        for needed in &self.tables {
            let rights = needed.rights.join(", ").replace('"', "");
            let cells = [needed.table.clone(), rights, self.jobs_of(needed)];
            table.row(cells, Tone::Plain);
        }
        let database = many_lines(&self.database);
        format!("database  {database}\n\n{}", table.render(color))
    }

    fn jobs_of(&self, needed: &Needed) -> String {
        let every = self.tables.iter().map(|table| table.jobs.len()).max();
        match needed.jobs.len() {
            jobs if Some(jobs) == every && jobs > 1 => "every job".to_owned(),
            _ => needed.jobs.join(", "),
        }
    }
}
