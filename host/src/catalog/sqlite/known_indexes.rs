//! Indexes on a collation or a function that an application registers for its own connections. No statement of another
//! program can write them.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::super::{CatalogError, Index, Table};
use super::{Tables, fold, rows};

const COLLATIONS: &str = "
SELECT l.name, i.name, x.coll
FROM pragma_table_list AS l
JOIN pragma_index_list(l.name, 'main') AS i
JOIN pragma_index_xinfo(i.name, 'main') AS x
WHERE l.schema = 'main' AND l.type = 'table' AND x.\"key\"
  AND lower(x.coll) NOT IN (SELECT lower(name) FROM pragma_collation_list)";

const UNKNOWN: [(&str, &str); 3] = [
    ("no such function: ", "function"),
    ("unknown function: ", "function"),
    ("no such collation sequence: ", "collation"),
];

pub(super) async fn mark(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let found: Vec<(String, String, String)> =
        rows(connection, "collations of indexes", COLLATIONS).await?;
    for (table, index, collation) in found {
        if let Some(table) = tables.get_mut(&fold(&table)) {
            let what = format!("collation `{collation}`");
            table.behind.unknown_indexes.insert(index, what);
        }
    }
    for table in tables.values_mut() {
        let mut found = Vec::new();
        for index in table.indexes.iter().filter(|index| has_expressions(index)) {
            // Compiled only.
            let asked = sqlx::query(AssertSqlSafe(question(table, index)))
                .persistent(false)
                .execute(&mut *connection)
                .await;
            found.extend(asked.err().and_then(|error| {
                let message = error.as_database_error()?.message().to_owned();
                let what = UNKNOWN.iter().find_map(|(begins, kind)| {
                    let (_, name) = message.split_once(begins)?;
                    Some(format!("{kind} `{}`", name.trim_end_matches("()")))
                })?;
                Some((index.name.clone(), what))
            }));
        }
        table.behind.unknown_indexes.extend(found);
    }
    Ok(())
}

fn has_expressions(index: &Index) -> bool {
    let expression = index.columns.iter().any(|column| column.name.is_none());
    expression || index.predicate.is_some()
}

fn question(table: &Table, index: &Index) -> String {
    let expressions = index.columns.iter().filter(|column| column.name.is_none());
    let expressions: Vec<_> = expressions
        .filter_map(|column| column.instead.as_deref())
        .collect();
    let mut sql = format!("EXPLAIN SELECT 1 FROM {}", table.sql_name());
    if let Some(predicate) = &index.predicate {
        sql.push_str(&format!(" WHERE ({predicate})"));
    }
    if !expressions.is_empty() {
        sql.push_str(&format!(" ORDER BY {}", expressions.join(", ")));
    }
    sql
}
