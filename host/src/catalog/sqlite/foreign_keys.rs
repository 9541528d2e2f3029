//! Foreign keys, both ways.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteConnection;

use super::super::{CatalogError, ForeignKey, OnDelete, Table, TableId, quote_ident};
use super::{SCHEMA, Tables, fold, rows, text};

/// One row a column pair. SQLite numbers a table's keys from the last one written to the first.
const FOREIGN_KEYS: &str = "
SELECT l.name, f.id, f.\"table\", f.\"from\", f.\"to\", f.on_delete, s.sql
FROM pragma_table_list AS l
JOIN pragma_foreign_key_list(l.name, 'main') AS f
LEFT JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = l.name
WHERE l.schema = 'main' AND l.type = 'table'
ORDER BY l.name, f.id, f.seq";

/// One row a column of an index.
const UNIQUE_INDEXES: &str = "
SELECT l.name, i.name, x.name, x.coll
FROM pragma_table_list AS l
JOIN pragma_index_list(l.name, 'main') AS i
JOIN pragma_index_xinfo(i.name, 'main') AS x
WHERE l.schema = 'main' AND l.type = 'table' AND i.\"unique\" AND NOT i.partial AND x.\"key\"";

type KeyRow = (
    String,
    i64,
    String,
    String,
    Option<String>,
    String,
    Option<String>,
);

pub(super) async fn add(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let found: Vec<KeyRow> = rows(connection, "foreign keys", FOREIGN_KEYS).await?;
    let mut keys: BTreeMap<(String, i64), ForeignKey> = BTreeMap::new();
    let mut statements: BTreeMap<String, String> = BTreeMap::new();
    // Keys that name columns of the parent. Those that do not are led by its primary key, whatever that is compared by.
    let mut named = BTreeSet::new();
    for (child, id, parent_name, from, to, rule, sql) in found {
        let Some(child_id) = tables.get(&fold(&child)).map(|table| table.id.clone()) else {
            continue;
        };
        let parent = tables.get(&fold(&parent_name));
        let key = keys
            .entry((child.clone(), id))
            .or_insert_with(|| ForeignKey {
                name: format!("fk_{id}"),
                child: child_id,
                columns: Vec::new(),
                parent: parent.map_or_else(
                    || TableId::new(SCHEMA, &parent_name),
                    |table| table.id.clone(),
                ),
                parent_columns: Vec::new(),
                on_delete: on_delete(&rule),
                set_columns: Vec::new(),
                deferrable: false,
                validated: true,
                stuck: Vec::new(),
                lone_default: None,
                held_by: None,
                may_be_held_by: Vec::new(),
                disabled: false,
                equalities: Vec::new(),
                full: false,
                torn: false,
                mismatched: None,
            });
        if to.is_some() {
            named.insert((child.clone(), id));
        }
        let position = key.columns.len();
        key.columns.push(from);
        key.parent_columns
            .extend(parent_column(parent, to, position));
        if matches!(key.on_delete, OnDelete::SetNull | OnDelete::SetDefault) {
            key.set_columns.clone_from(&key.columns);
        }
        if let Some(sql) = sql {
            statements.insert(child, sql);
        }
    }
    mark_deferred(&mut keys, &statements);
    let unique = unique_indexes(connection).await?;
    for (_, key) in keys.iter_mut().filter(|(id, _)| named.contains(id)) {
        if let Some(parent) = tables.get(&fold(&key.parent.name)) {
            key.mismatched = mismatched(key, parent, &unique);
        }
    }
    for key in keys.into_values() {
        if let Some(parent) = tables.get_mut(&fold(&key.parent.name)) {
            parent.referenced_by.push(key.clone());
        }
        if let Some(child) = tables.get_mut(&fold(&key.child.name)) {
            child.foreign_keys.push(key);
        }
    }
    Ok(())
}

/// The parent's column in the parent's own spelling; where the key names none, the column at that
/// position of the parent's primary key. A parent that is not there leaves the name as written.
fn parent_column(parent: Option<&Table>, to: Option<String>, position: usize) -> Option<String> {
    match (parent, to) {
        (Some(parent), None) => parent.primary_key.get(position).cloned(),
        (Some(parent), Some(to)) => {
            let own = parent
                .columns
                .iter()
                .find(|column| column.name.eq_ignore_ascii_case(&to));
            Some(own.map_or(to, |column| column.name.clone()))
        }
        (None, to) => to,
    }
}

/// The key columns of each whole unique index, with their collations, by table and index.
type UniqueIndexes = BTreeMap<(String, String), Vec<(String, String)>>;

async fn unique_indexes(connection: &mut SqliteConnection) -> Result<UniqueIndexes, CatalogError> {
    let found: Vec<(String, String, Option<String>, String)> =
        rows(connection, "unique indexes", UNIQUE_INDEXES).await?;
    let mut indexes = UniqueIndexes::new();
    for (table, index, column, collation) in found {
        // An expression is no column.
        let column = column.unwrap_or_default();
        let columns = indexes.entry((fold(&table), index)).or_default();
        columns.push((fold(&column), fold(&collation)));
    }
    Ok(indexes)
}

/// The unique index by which a key would find its parent's rows, were it of the columns' own collations.
fn mismatched(key: &ForeignKey, parent: &Table, unique: &UniqueIndexes) -> Option<String> {
    let by_rowid = |column: &String| parent.rowid_alias.as_ref() == Some(column);
    if key.parent_columns.len() == 1 && key.parent_columns.iter().all(by_rowid) {
        return None;
    }
    let own = |column: &str| {
        let mut columns = parent.columns.iter();
        let column = columns.find(|own| fold(&own.name) == column);
        let collation = column.and_then(|column| column.collation.as_ref());
        collation.map_or_else(|| "\"binary\"".to_owned(), |own| fold(&own.sql_name))
    };
    let to: BTreeSet<_> = key
        .parent_columns
        .iter()
        .map(|column| fold(column))
        .collect();
    let name = fold(&parent.id.name);
    let on_these = unique.iter().filter(|((table, _), columns)| {
        let columns: BTreeSet<_> = columns.iter().map(|(column, _)| column.clone()).collect();
        *table == name && columns == to
    });
    let leads = |columns: &[(String, String)]| {
        let mut columns = columns.iter();
        columns.all(|(column, collation)| own(column) == quote_ident(collation))
    };
    let mut other = None;
    for ((_, index), columns) in on_these {
        if leads(columns) {
            return None;
        }
        other.get_or_insert_with(|| index.clone());
    }
    other
}

/// Where the statement does not show as many keys as the pragma, none counts as deferred.
fn mark_deferred(
    keys: &mut BTreeMap<(String, i64), ForeignKey>,
    statements: &BTreeMap<String, String>,
) {
    for (table, sql) in statements {
        let written = text::deferred_keys(sql);
        let own = keys.iter_mut().filter(|((child, _), _)| child == table);
        let own: Vec<_> = own.map(|(_, key)| key).collect();
        if own.len() == written.len() {
            for (key, deferred) in own.into_iter().zip(written.into_iter().rev()) {
                key.deferrable = deferred;
            }
        }
    }
}

fn on_delete(rule: &str) -> OnDelete {
    match rule {
        "RESTRICT" => OnDelete::Restrict,
        "CASCADE" => OnDelete::Cascade,
        "SET NULL" => OnDelete::SetNull,
        "SET DEFAULT" => OnDelete::SetDefault,
        _ => OnDelete::NoAction,
    }
}
