//! The collations that columns are declared with, which no pragma tells. By them two texts may be equal whose
//! bytes are not, and a comparison of two columns goes by the left one's.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteConnection;

use super::super::{CatalogError, Collation, TableKind, quote_ident};
use super::text::{Token, tokens, unquoted};
use super::{Tables, fold, rows};

/// The collations of the keys by which the rows of tables WITHOUT ROWID are told apart.
const KEYS: &str = "
SELECT l.name, x.name, x.coll
FROM pragma_table_list AS l
JOIN pragma_index_list(l.name, 'main') AS i
JOIN pragma_index_xinfo(i.name, 'main') AS x
WHERE l.schema = 'main' AND l.type = 'table' AND l.wr AND i.origin = 'pk' AND x.\"key\"";

const STATEMENTS: &str =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL";

pub(super) async fn add(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let statements: Vec<(String, String)> = rows(connection, "collations", STATEMENTS).await?;
    for (name, sql) in statements {
        let Some(table) = tables.get_mut(&fold(&name)) else {
            continue;
        };
        let declared = declared(&sql);
        for column in &mut table.columns {
            column.collation = declared.get(&fold(&column.name)).map(|name| Collation {
                sql_name: quote_ident(name),
                deterministic: false,
                orders_ids: false,
            });
        }
    }
    let keys: Vec<(String, String, String)> = rows(connection, "collations", KEYS).await?;
    for (name, column, collation) in keys {
        let Some(table) = tables.get_mut(&fold(&name)) else {
            continue;
        };
        let declared = table.column(&column).and_then(|c| c.collation.as_ref());
        let own = declared.map_or_else(|| quote_ident("BINARY"), |own| own.sql_name.clone());
        if !own.eq_ignore_ascii_case(&quote_ident(&collation)) {
            table.kind = TableKind::Blurred;
        }
    }
    Ok(())
}

/// By column, in lower case: the collation that a CREATE TABLE statement gives it, where it is not BINARY.
fn declared(statement: &str) -> BTreeMap<String, String> {
    let tokens = tokens(statement);
    let (mut found, mut depth) = (BTreeMap::new(), 0_u32);
    let mut column: Option<String> = None;
    let mut begins = false;
    for (at, token) in tokens.iter().enumerate() {
        match token.text() {
            "(" => {
                depth += 1;
                begins = depth == 1;
                continue;
            }
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 1 => {
                begins = true;
                continue;
            }
            _ => {}
        }
        if depth == 1 && begins {
            column = Some(fold(&unquoted(token.text())));
            begins = false;
        } else if depth == 1 && token.is("COLLATE") {
            let name = tokens.get(at + 1).map(Token::text).map(unquoted);
            if let (Some(column), Some(name)) = (&column, name) {
                match name.eq_ignore_ascii_case("BINARY") {
                    true => found.remove(column),
                    false => found.insert(column.clone(), fold(&name)),
                };
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::declared;

    #[test]
    fn a_columns_collation_is_the_last_that_its_definition_names() {
        let statement = "CREATE TABLE \"t (\" (
            a TEXT COLLATE NOCASE PRIMARY KEY, -- COLLATE RTRIM
            [b] TEXT DEFAULT 'x, y COLLATE z' collate \"RTrim\" CHECK (b <> '' COLLATE NOCASE),
            c TEXT COLLATE NOCASE COLLATE BINARY, d TEXT REFERENCES p (a),
            \"e,\" varchar(3, 4) COLLATE nocase,
            UNIQUE (d COLLATE NOCASE))";
        let found: Vec<_> = declared(statement).into_iter().collect();
        let named = |column: &str, name: &str| (column.to_owned(), name.to_owned());
        assert_eq!(
            found,
            [
                named("a", "nocase"),
                named("b", "rtrim"),
                named("e,", "nocase")
            ]
        );
    }
}
