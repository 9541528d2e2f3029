//! What the database does by itself with rows of a table: keys that cannot act, and the facts about all of it.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::super::lone_defaults::{self, Constant, constants};
use super::super::not_null::{Refusals, Refusing, forbids_null, stuck};
use super::super::{
    CatalogError, Event, ForeignKey, Obstacle, OnDelete, Table, TableId, TableKind, quote_ident,
};
use super::{Tables, beside, firing, fold, rows, text};

/// The default of each column, and the statement of its table, for tables with a key that sets columns.
const SET: &str = "
SELECT l.name, x.name, x.dflt_value, s.sql
FROM pragma_table_list AS l
JOIN pragma_table_xinfo(l.name, 'main') AS x
JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = l.name
WHERE l.schema = 'main' AND l.type = 'table'
  AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(l.name, 'main') AS f
              WHERE f.on_delete IN ('SET NULL', 'SET DEFAULT'))";

type SetRow = (String, String, Option<String>, String);

/// Marks the keys that cannot act. To be called when every key is known.
pub(super) async fn mark_stuck(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let found: Vec<SetRow> = rows(connection, "columns that keys set", SET).await?;
    let mut refusals = Refusals::new();
    for (table, column, default, sql) in found {
        let Some(table) = tables.get(&fold(&table)) else {
            continue;
        };
        let by_check = || {
            let mut checks = text::checks(&sql).into_iter();
            checks.any(|check| forbids_null(check, &column))
        };
        let nullable = table.column(&column).is_none_or(|column| column.nullable);
        let null = !nullable || by_check();
        refusals.insert((table.id.clone(), column), Refusing { null, default });
    }
    // What SQLite calls a foreign key mismatch is told by `broken-key`, and asked for nothing.
    let known = |key: &ForeignKey, tables: &[(TableId, Vec<String>)]| {
        let parent = tables.iter().find(|(id, _)| *id == key.parent);
        parent.is_some_and(|(_, columns)| {
            let mut to = key.parent_columns.iter();
            to.all(|to| columns.iter().any(|column| column.eq_ignore_ascii_case(to)))
        })
    };
    let parents = tables
        .values()
        .filter(|table| table.kind == TableKind::Table);
    let parents: Vec<_> = parents
        .map(|table| {
            let columns = table.columns.iter().map(|column| column.name.clone());
            (table.id.clone(), columns.collect())
        })
        .collect();
    for table in tables.values_mut() {
        let keys = table.foreign_keys.iter_mut();
        for key in keys.chain(&mut table.referenced_by) {
            key.stuck = stuck(key, &[], &refusals);
            if let (true, Some(of)) = (key.stuck.is_empty(), constants(key, &[], &refusals))
                && known(key, &parents)
                && !refers_to_a_row(connection, key, &of).await?
            {
                lone_defaults::mark(key, &of);
            }
        }
    }
    beside::mark(connection, tables, &refusals).await
}

/// Whether the parent has the row.
async fn refers_to_a_row(
    connection: &mut SqliteConnection,
    key: &ForeignKey,
    constants: &[Constant],
) -> Result<bool, CatalogError> {
    let same: Vec<_> = key
        .parent_columns
        .iter()
        .map(|to| format!("p.{} = ?", quote_ident(to)))
        .collect();
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
        quote_ident(&key.parent.name),
        same.join(" AND ")
    );
    let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
    for constant in constants {
        query = match constant {
            Constant::Number(number) => query.bind(*number),
            Constant::Text(text) => query.bind(text),
        };
    }
    match query.fetch_one(connection).await {
        Ok(found) => Ok(found),
        Err(error) if cannot_be_asked(&error) => Ok(true),
        Err(error) => Err(CatalogError::reading("defaults of foreign keys")(error)),
    }
}

/// SQLite has no collation of the column's name, or what else the schema asks for. Whoever never deletes from that
/// parent needs no answer.
fn cannot_be_asked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    // The kind of error is in the lowest byte of its code.
    let kind = code.and_then(|code| code.parse::<u32>().ok());
    kind.is_some_and(|code| code & 0xff == 1)
}

/// Notes what takes part when rows of each table go or change, and what names stand for. To be called last.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let statements: Vec<(i64, String, i64, String)> = rows(
        connection,
        "tables",
        "SELECT rowid, name, rootpage, sql FROM sqlite_schema WHERE type = 'table'",
    )
    .await?;
    for (place, name, root, sql) in statements {
        if let Some(table) = tables.get_mut(&fold(&name)) {
            named(table, &sql);
            table.behind.facts.root = root;
            table.behind.facts.place = place;
        }
    }
    let triggers: Vec<(String, String)> = rows(
        connection,
        "triggers",
        "SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY sql",
    )
    .await?;
    for table in tables.values_mut() {
        let own = triggers.iter();
        let own = own.filter(|(of, _)| fold(of) == fold(&table.id.name));
        let own: Vec<&str> = own.map(|(_, sql)| sql.as_str()).collect();
        let facts = [Event::Delete, Event::Update].map(|event| facts(table, &own, event));
        [table.behind.facts.deletes, table.behind.facts.updates] = facts;
    }
    Ok(())
}

/// What the table's name and those of its columns stand for.
fn named(table: &mut Table, sql: &str) {
    let written = text::table_columns(sql);
    let columns = table.columns.iter().enumerate();
    let columns = columns.map(|(place, column)| {
        let written = written.get(place).unwrap_or(&column.sql_type);
        let fact = format!("column {place} {written}");
        (column.name.clone(), fact)
    });
    let columns = columns.collect();
    let facts = &mut table.behind.facts;
    facts.replaces = firing::replaces(sql);
    facts.itself = format!("table {}", text::head(sql));
    facts.columns = columns;
}

/// The pages at which tables and indexes begin, in the order in which VACUUM makes them anew: tables, each with the
/// indexes of its own constraints, then the other indexes.
const ROOTS: &str = "
SELECT s.rootpage FROM main.sqlite_schema AS s
LEFT JOIN main.sqlite_schema AS t ON s.type = 'index' AND s.sql IS NULL AND t.type = 'table' AND t.name = s.tbl_name
WHERE s.rootpage > 0
ORDER BY s.type = 'index' AND s.sql IS NOT NULL, coalesce(t.rowid, s.rowid), s.rowid";

/// Whether they lie in that order. Pages of the schema's own lie between them.
pub(super) async fn vacuumed(connection: &mut SqliteConnection) -> Result<bool, CatalogError> {
    let roots: Vec<(i64,)> = rows(connection, "root pages", ROOTS).await?;
    Ok(roots.is_sorted())
}

/// A key counts by what it does and not by its name, which is its number and changes with the keys beside it.
fn facts(table: &Table, triggers: &[&str], event: Event) -> String {
    let mut lines = vec![format!(
        "table {:?} {} {:?} {:?}",
        table.kind, table.has_rowid, table.rowid_alias, table.primary_key
    )];
    for key in &table.referenced_by {
        let does: Option<OnDelete> = (event == Event::Delete).then_some(key.on_delete);
        // What the rows that are there bring about is no fact of the schema.
        let by_rows =
            key.lone_default.is_some() || matches!(key.held_by, Some(Obstacle::Unique { .. }));
        let stuck: &[String] = if by_rows { &[] } else { &key.stuck };
        lines.push(format!(
            "key {} {:?} {:?} {does:?} {stuck:?}",
            key.child, key.columns, key.parent_columns
        ));
    }
    let firing = triggers.iter().filter(|sql| {
        let firing = firing::trigger_firing(sql);
        firing.is_none_or(|firing| match event {
            Event::Delete => firing.on_delete,
            Event::Update => firing.on_update,
        })
    });
    lines.extend(firing.map(|sql| format!("trigger {sql}")));
    lines.sort();
    lines.join("\n")
}
