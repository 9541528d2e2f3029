//! Constraints that say themselves what becomes of a conflict: `UNIQUE ON CONFLICT REPLACE`. No pragma tells.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteConnection;

use super::super::CatalogError;
use super::text::{table_columns, tokens, unquoted};
use super::{Tables, fold, rows};

const STATEMENTS: &str = "
SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%conflict%'";

pub(super) async fn add(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let statements: Vec<(String, String)> = rows(connection, "constraints", STATEMENTS).await?;
    for (name, sql) in statements {
        let Some(table) = tables.get_mut(&fold(&name)) else {
            continue;
        };
        let named = named(&sql);
        let takes_part = |name: &String| named.contains(&fold(name));
        // What such a column is worked out from is in its expression.
        let computed = table.columns.iter().filter(|column| column.computed);
        let any = computed.map(|column| &column.name).any(takes_part);
        let names = table.columns.iter().map(|column| column.name.clone());
        table.behind.conflicts = names.filter(|name| any || takes_part(name)).collect();
    }
    Ok(())
}

/// The words, in lower case, of the columns and constraints of a CREATE TABLE statement that have such a clause: the
/// names of all columns that take part, among others.
fn named(statement: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for part in table_columns(statement) {
        let words = tokens(&part);
        let says = words
            .windows(2)
            .any(|pair| matches!(pair, [on, conflict] if on.is("ON") && conflict.is("CONFLICT")));
        if says {
            named.extend(words.iter().map(|word| fold(&unquoted(word.text()))));
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn the_columns_of_a_constraint_are_those_that_it_or_its_column_names() {
        let statement = "CREATE TABLE \"on conflict\" (
            a TEXT UNIQUE /* ON CONFLICT */, \"B\" TEXT NOT NULL on conflict IGNORE,
            c TEXT DEFAULT 'ON CONFLICT', [d] INT, e INT,
            CONSTRAINT f UNIQUE (d, a COLLATE NOCASE) ON -- or
            CONFLICT REPLACE, UNIQUE (e))";
        let named = named(statement);
        let found = ["a", "b", "c", "d", "e"].map(|column| named.contains(column));
        assert_eq!(found, [true, true, false, true, false]);
    }
}
