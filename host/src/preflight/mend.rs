//! The statements that mend things, as an operator would run them.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Dialect, Table, TableId, quote_ident};

/// PostgreSQL cuts names after 63 bytes; a longer one would be created under another name.
const LONGEST_NAME: usize = 63;

/// `CREATE INDEX` on these columns, under a name that is free. On PostgreSQL CONCURRENTLY, so that
/// writers go on meanwhile, which a transaction block does not allow.
pub(super) fn create_index(
    table: &Table,
    columns: &[String],
    predicate: Option<&str>,
    catalog: &Catalog,
) -> String {
    let concurrently = match catalog.dialect() {
        Dialect::Postgres => " CONCURRENTLY",
        Dialect::Sqlite => "",
    };
    let predicate = predicate.map_or_else(String::new, |text| format!(" WHERE {text}"));
    format!(
        "CREATE INDEX{concurrently} {} ON {} ({}){predicate}",
        quote_ident(&free_name(table, columns, catalog)),
        name(&table.id, catalog.dialect()),
        idents(columns),
    )
}

/// The table as a statement names it.
pub(super) fn name(table: &TableId, dialect: Dialect) -> String {
    match dialect {
        Dialect::Postgres => {
            format!(
                "{}.{}",
                quote_ident(&table.schema),
                quote_ident(&table.name)
            )
        }
        // CREATE INDEX takes no schema there: an index lies where its table does.
        Dialect::Sqlite => quote_ident(&table.name),
    }
}

/// `a, b` quoted.
pub(super) fn idents(columns: &[String]) -> String {
    let quoted: Vec<_> = columns.iter().map(|column| quote_ident(column)).collect();
    quoted.join(", ")
}

/// `a, b` for people.
pub(super) fn listed(columns: &[String]) -> String {
    let quoted: Vec<_> = columns.iter().map(|column| format!("`{column}`")).collect();
    quoted.join(", ")
}

/// A clause as a sentence of its own.
pub(super) fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The role as a statement names it.
pub(super) fn role(catalog: &Catalog) -> String {
    catalog
        .role()
        .map_or_else(|| "CURRENT_USER".to_owned(), quote_ident)
}

/// `table_column_idx`, as PostgreSQL itself would say, with a number where that is taken.
fn free_name(table: &Table, columns: &[String], catalog: &Catalog) -> String {
    let taken: BTreeSet<&str> = catalog
        .tables()
        .filter(|other| other.id.schema == table.id.schema)
        .flat_map(|other| {
            let indexes = other.indexes.iter().map(|index| index.name.as_str());
            indexes.chain([other.id.name.as_str()])
        })
        .collect();
    let columns = columns.join("_");
    let named = |number: usize| {
        let suffix = match number {
            0 => "_idx".to_owned(),
            _ => format!("_idx{number}"),
        };
        // As PostgreSQL shortens: the longer of the two parts, so that a table's long name leaves its
        // columns' names in place and two indexes printed together do not meet.
        let room = LONGEST_NAME - suffix.len() - 1;
        let (mut first, mut second) = (table.id.name.as_str(), columns.as_str());
        while first.len() + second.len() > room {
            let longer = match first.len() > second.len() {
                true => &mut first,
                false => &mut second,
            };
            let last = longer.char_indices().next_back();
            *longer = last
                .and_then(|(at, _)| longer.get(..at))
                .unwrap_or_default();
        }
        format!("{first}_{second}{suffix}")
    };
    (0..=taken.len())
        .map(named)
        .find(|name| !taken.contains(name.as_str()))
        .unwrap_or_else(|| named(taken.len() + 1))
}
