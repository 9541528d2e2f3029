//! `missing-privilege`: what the role may not do, with the GRANT. PostgreSQL only.
//!
//! What a foreign key's rule does to other tables it does with their owner's rights; what besom does
//! to them itself is to look, count and lock.

use super::mend::{idents, listed, name, role};
use super::reach::{Reach, Touched};
use super::{Finding, Severity};
use crate::catalog::{Catalog, Dialect, Table};
use crate::ledger;

/// Rights that the request's own tables do not give.
pub(super) fn missing(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    let tables = reach.tables.values();
    tables
        .flat_map(|touched| on_table(touched, catalog))
        .collect()
}

fn on_table(touched: &Touched, catalog: &Catalog) -> Vec<Finding> {
    let table = &touched.table;
    let may = &table.privileges;
    let mut found = Vec::new();
    let mut lacks = |right: &str, why: &str| found.push(finding(table, right, why, catalog));
    let unreadable = touched
        .reads
        .iter()
        .any(|name| table.column(name).is_some_and(|column| !column.readable));
    if !may.select && unreadable {
        lacks("SELECT", "to look at its rows");
    }
    if touched.deletes && !may.delete {
        lacks("DELETE", "to delete its rows");
    }
    let denied = |name: &&String| table.column(name).is_some_and(|column| !column.assignable);
    let assigned: Vec<String> = touched.assigns.iter().filter(denied).cloned().collect();
    if !assigned.is_empty() {
        let why = format!("to set {}", listed(&assigned));
        lacks(&format!("UPDATE ({})", idents(&assigned)), &why);
    } else if touched.locks && !may.update_any {
        // Any one column will do; besom assigns none of them for this.
        let first = table.columns.iter().find(|column| !column.generated);
        let column = table
            .primary_key
            .first()
            .or(first.map(|column| &column.name));
        let right = column.map_or_else(
            || "UPDATE".to_owned(),
            |column| format!("UPDATE ({})", idents(std::slice::from_ref(column))),
        );
        lacks(
            &right,
            "to lock its rows, which PostgreSQL allows to who may update some column",
        );
    }
    found
}

/// Rights that the ledger's tables do not give.
pub(super) fn on_the_ledger(catalog: &Catalog) -> Vec<Finding> {
    let mut found = Vec::new();
    for table in ledger::TABLES
        .iter()
        .filter_map(|name| catalog.table(name).ok())
    {
        let may = &table.privileges;
        let ends = table.id.name == "besom_lease";
        let changes = ends || table.id.name == "besom_run";
        let writes = changes || table.id.name == "besom_batch";
        let update = table.columns.iter().all(|column| column.assignable);
        let rights = [
            ("SELECT", writes && !may.select),
            ("INSERT", writes && !may.insert),
            ("UPDATE", changes && !update),
            ("DELETE", ends && !may.delete),
        ];
        let lacking: Vec<_> = rights
            .iter()
            .filter(|(_, lacks)| *lacks)
            .map(|(right, _)| *right)
            .collect();
        if !lacking.is_empty() {
            let why = "to keep besom's ledger";
            found.push(finding(table, &lacking.join(", "), why, catalog));
        }
    }
    found
}

fn finding(table: &Table, right: &str, why: &str, catalog: &Catalog) -> Finding {
    let message = format!(
        "role `{}` has no {right} on `{}`, {why}",
        catalog.role().unwrap_or("?"),
        table.id
    );
    let grant = format!(
        "GRANT {right} ON {} TO {}",
        name(&table.id, Dialect::Postgres),
        role(catalog)
    );
    Finding::new("missing-privilege", Severity::Error, message).mended_by([grant])
}
