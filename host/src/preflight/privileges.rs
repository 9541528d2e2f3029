//! `missing-privilege`: what the role may not do, with the GRANT. PostgreSQL only.
//!
//! What a foreign key's rule does to other tables it does with their owner's rights; what besom does
//! to them itself is to look, count and lock.

use std::collections::BTreeMap;

use super::mend::{listed, role};
use super::rights::{Columns, Rights, grant};
use super::{Finding, Severity};
use crate::catalog::{Catalog, quote_ident};

/// Those of the rights on requests' tables that the role lacks, a finding each.
pub(super) fn missing(needed: &[Rights], catalog: &Catalog) -> Vec<Finding> {
    let tables = needed.iter().flat_map(|rights| on_table(rights, catalog));
    tables.chain(on_schemas(needed, catalog)).collect()
}

/// The schemas of types that columns have.
fn on_schemas(needed: &[Rights], catalog: &Catalog) -> Vec<Finding> {
    let schemas: BTreeMap<&str, bool> = needed.iter().flat_map(Rights::of_operators).collect();
    let denied = schemas.into_iter().filter(|(_, usable)| !usable);
    let told = denied.map(|(schema, _)| {
        let schema = quote_ident(schema);
        let message = format!(
            "role `{}` has no USAGE on schema {schema}, to compare values of types that lie there",
            catalog.role().unwrap_or("?"),
        );
        let mended = format!("GRANT USAGE ON SCHEMA {schema} TO {}", role(catalog));
        let finding = Finding::new("missing-privilege", Severity::Error, message);
        finding.mended_by([mended]).inevitable()
    });
    told.collect()
}

fn on_table(needed: &Rights, catalog: &Catalog) -> Vec<Finding> {
    let lacking = needed.lacking();
    let spelled = lacking.spelled().into_iter();
    let told = spelled.map(|right| {
        let why = match right.split([' ', '(']).next() {
            Some("DELETE") => "to delete its rows".to_owned(),
            Some("UPDATE") => match lacking.update() {
                Columns::These(columns) if !columns.is_empty() => {
                    let columns: Vec<_> = columns.iter().cloned().collect();
                    format!("to set {}", listed(&columns))
                }
                _ => "to lock its rows, which PostgreSQL allows to who may update some column"
                    .to_owned(),
            },
            _ if *lacking.select() == Columns::Whole => {
                "to look at its rows, and where they lie".to_owned()
            }
            _ => "to look at its rows".to_owned(),
        };
        finding(&lacking, &[right], &why, catalog)
    });
    told.collect()
}

/// Rights that the ledger's tables do not give.
pub(super) fn on_the_ledger(catalog: &Catalog) -> Vec<Finding> {
    let needed = Rights::on_the_ledger(catalog);
    let lacking = needed.iter().map(Rights::lacking);
    let told = lacking.filter_map(|lacking| {
        let rights = lacking.spelled();
        let why = "to keep besom's ledger";
        (!rights.is_empty()).then(|| finding(&lacking, &rights, why, catalog))
    });
    told.collect()
}

fn finding(on: &Rights, rights: &[String], why: &str, catalog: &Catalog) -> Finding {
    let message = format!(
        "role `{}` has no {} on `{}`, {why}",
        catalog.role().unwrap_or("?"),
        rights.join(", "),
        on.table()
    );
    let mended = grant(rights, on.table(), &role(catalog));
    let finding = Finding::new("missing-privilege", Severity::Error, message);
    finding.mended_by([mended]).inevitable()
}
