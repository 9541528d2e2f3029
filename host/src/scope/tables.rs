//! Names and the relations behind them: what can be swept, and what can be looked at.

use std::sync::Arc;

use crate::catalog::{Catalog, Column, Kind, Table, TableKind};
use crate::request::Fault;

pub(super) fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Arc<Table>, Fault> {
    catalog
        .table(name)
        .map_err(|unknown| Fault::invalid("unknown-table", unknown.to_string()))
}

/// A column by its exact name.
pub(crate) fn find_column<'a>(table: &'a Table, name: &str) -> Result<&'a Column, Fault> {
    table.column(name).ok_or_else(|| {
        let names: Vec<_> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        Fault::invalid(
            "unknown-column",
            format!(
                "table `{}` has no column `{name}`; it has: {}",
                table.id,
                names.join(", ")
            ),
        )
    })
}

/// Whether `min-age` on this column means the time inside a key.
pub(super) fn holds_id(table: &Table, column: &Column) -> bool {
    match column.kind {
        Kind::Uuid | Kind::Bytes => true,
        Kind::Text => table.primary_key.contains(&column.name) || !column.is_declared_time(),
        _ => false,
    }
}

pub(super) fn sweepable(table: &Table) -> Result<(), Fault> {
    changeable(table)?;
    match table.kind {
        _ if table.has_rowid && table.rowid_name().is_none() => Err(Fault::unsupported(&format!(
            "sweeping `{}`, whose columns hide `rowid`, `_rowid_` and `oid`,",
            table.id
        ))),
        _ => Ok(()),
    }
}

/// Rows of the table may be changed at all, given the rights.
pub(super) fn changeable(table: &Table) -> Result<(), Fault> {
    if crate::ledger::TABLES.contains(&table.id.name.as_str()) {
        return Err(Fault::closed(format!(
            "`{}` is besom's own ledger, which no grant opens",
            table.id
        )));
    }
    relatable(table)
}

/// What a view shows is another table's, whose grant it would go round, and neither its rows nor a
/// foreign table's can be locked.
pub(super) fn relatable(table: &Table) -> Result<(), Fault> {
    let refuse = |what: &str| {
        Err(Fault::invalid(
            "not-a-table",
            format!("`{}` is {what}: name an ordinary table instead", table.id),
        ))
    };
    match table.kind {
        TableKind::View => refuse("a view"),
        TableKind::Foreign => refuse("a foreign or virtual table"),
        TableKind::Blurred => Err(Fault::invalid(
            "not-a-table",
            format!(
                "`{}` is a table WITHOUT ROWID whose primary key compares by another collation than its columns, so that \
                 a statement may mean two rows by one key: make it anew with one collation for both",
                table.id
            ),
        )),
        TableKind::Table | TableKind::Partitioned => Ok(()),
    }
}
