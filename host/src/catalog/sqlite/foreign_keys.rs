//! Foreign keys, both ways.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteConnection;

use super::super::{CatalogError, ForeignKey, OnDelete, Table, TableId};
use super::{SCHEMA, Tables, fold, rows, text};

/// One row a column pair. SQLite numbers a table's keys from the last one written to the first.
const FOREIGN_KEYS: &str = "
SELECT l.name, f.id, f.\"table\", f.\"from\", f.\"to\", f.on_delete, s.sql
FROM pragma_table_list AS l
JOIN pragma_foreign_key_list(l.name, 'main') AS f
LEFT JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = l.name
WHERE l.schema = 'main' AND l.type = 'table'
ORDER BY l.name, f.id, f.seq";

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
            });
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
