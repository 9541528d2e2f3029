//! From a name that somebody wrote to the table that it means.

use std::fmt;
use std::sync::Arc;

use super::quote::spell;
use super::{Catalog, CatalogError, Dialect, Table, TableId, postgres};

/// How alike (0 to 1, Jaro-Winkler) a name must be to be suggested: one or two slips of the hand in
/// a name of ten letters score 0.9, names that merely share a prefix about 0.8.
const NEAR: f64 = 0.85;

/// More suggestions than this are a list, not a hint.
const MOST_SUGGESTIONS: usize = 3;

/// No table of that name is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct UnknownTable {
    /// The name as it was written.
    pub name: String,
    /// The schemas that were looked through.
    pub searched: Vec<String>,
    /// Names close to it, best first, as they must be written.
    pub suggestions: Vec<String>,
    /// It has more parts than `schema.table`, or a quote that does not close.
    pub malformed: bool,
    dialect: Dialect,
}

impl fmt::Display for UnknownTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.malformed {
            return write!(
                f,
                "`{}` is not a table's name: write `table` or `schema.table`, with double quotes \
                 around a part that holds a dot or a quote, as in `public.\"a.b\"`",
                self.name
            );
        }
        write!(f, "there is no table `{}`", self.name)?;
        match self.searched.as_slice() {
            [] => write!(
                f,
                "; the search path of the role names no schema that it may use"
            )?,
            [one] => write!(f, " in the schema {one}")?,
            several => write!(f, " in the schemas {}", several.join(", "))?,
        }
        match self.suggestions.as_slice() {
            [] if self.dialect == Dialect::Postgres => write!(
                f,
                "; if it exists, write it as `schema.table` in its exact case, a part that holds a dot \
                 in double quotes (`public.\"a.b\"`), and grant the role USAGE on the schema"
            ),
            [] => write!(f, "; names are compared in their exact case"),
            near => {
                write!(f, "; did you mean `{}`?", near.join("` or `"))?;
                let quoted = near.iter().find(|name| name.contains('"'));
                quoted.map_or(Ok(()), |name| {
                    write!(f, " The double quotes are part of it; in TOML: '{name}'")
                })
            }
        }
    }
}

impl Catalog {
    /// The table that `name` means: `table`, looked up along the search path, or `schema.table`.
    /// Case counts, as the database spells it; a part in double quotes may hold dots, and quotes
    /// doubled: `"My Table"`, `public."a.b"`.
    ///
    /// # Errors
    ///
    /// No such table, with names close to it.
    pub fn table(&self, name: &str) -> Result<&Arc<Table>, UnknownTable> {
        let parts = parts(name).unwrap_or_default();
        let (found, searched, wanted) = match parts.as_slice() {
            [table] => (
                self.search_path
                    .iter()
                    .find_map(|schema| self.tables.get(&TableId::new(schema, table))),
                self.search_path.clone(),
                table,
            ),
            [schema, table] => (
                self.tables.get(&TableId::new(schema, table)),
                vec![schema.clone()],
                table,
            ),
            _ => {
                return Err(UnknownTable {
                    name: name.to_owned(),
                    searched: Vec::new(),
                    suggestions: Vec::new(),
                    malformed: true,
                    dialect: self.dialect,
                });
            }
        };
        let dotted = || self.tables.keys().filter(|id| id.name == name);
        let near = || match dotted().next() {
            Some(_) => dotted().map(|id| self.spelling(id)).collect(),
            None => self.near(wanted),
        };
        found.ok_or_else(|| UnknownTable {
            name: name.to_owned(),
            searched,
            suggestions: near(),
            malformed: false,
            dialect: self.dialect,
        })
    }

    /// Whether a name under which nothing is found could mean a table that is there: of that name in a schema
    /// that is not looked through, or in another case. A name that is none, or that is looked for nowhere,
    /// could mean anything.
    pub fn may_mean(&self, name: &str) -> bool {
        let parts = parts(name).unwrap_or_default();
        let (Some(table), false) = (parts.last(), self.search_path.is_empty()) else {
            return true;
        };
        let mut known = self.tables.keys();
        known.any(|id| id.name.eq_ignore_ascii_case(table))
    }

    /// Whether a table of that name, in any case, is in a schema that the connected role may not use: the
    /// catalog has none of those.
    ///
    /// # Errors
    /// When the system tables cannot be read.
    pub async fn hides(
        connection: &mut sqlx::PgConnection,
        name: &str,
    ) -> Result<bool, CatalogError> {
        let parts = parts(name).unwrap_or_default();
        match parts.last() {
            Some(table) => postgres::hides(connection, table).await,
            None => Ok(false),
        }
    }

    /// How to write a table so that [`Catalog::table`] finds it: without its schema where the
    /// search path leads to it.
    pub fn spelling(&self, id: &TableId) -> String {
        let first = self
            .search_path
            .iter()
            .map(|schema| TableId::new(schema, &id.name))
            .find(|candidate| self.tables.contains_key(candidate));
        if first.as_ref() == Some(id) {
            spell(&id.name)
        } else {
            format!("{}.{}", spell(&id.schema), spell(&id.name))
        }
    }

    /// Tables whose names are close to `wanted` in any schema, best first.
    fn near(&self, wanted: &str) -> Vec<String> {
        let wanted = wanted.to_lowercase();
        let mut scored: Vec<(f64, String)> = self
            .tables
            .keys()
            .map(|id| {
                (
                    strsim::jaro_winkler(&wanted, &id.name.to_lowercase()),
                    self.spelling(id),
                )
            })
            .filter(|(score, _)| *score >= NEAR)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        scored
            .into_iter()
            .take(MOST_SUGGESTIONS)
            .map(|(_, name)| name)
            .collect()
    }
}

/// The parts between the dots, unquoted; `None` where a quote does not close, text stands beside a
/// quoted part, or a part is empty.
pub(crate) fn parts(name: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = name;
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted)?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (part, after) = rest.split_at(end);
                (part.to_owned(), after)
            }
        };
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        if after.is_empty() {
            return Some(parts);
        }
        rest = after.strip_prefix('.')?;
    }
}

/// What stands before the closing quote, and what after it.
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn names_fall_apart_at_dots_outside_quotes() {
        let cases: [(&str, Option<&[&str]>); 12] = [
            ("users", Some(&["users"])),
            ("auth.users", Some(&["auth", "users"])),
            ("\"My Table\"", Some(&["My Table"])),
            ("public.\"a.b\"", Some(&["public", "a.b"])),
            ("\"a.b\".\"c\"\"d\"", Some(&["a.b", "c\"d"])),
            ("a.b.c", Some(&["a", "b", "c"])),
            ("", None),
            (".users", None),
            ("auth.", None),
            ("\"open", None),
            ("\"a\"b", None),
            ("\"\"", None),
        ];
        for (name, expected) in cases {
            let expected = expected.map(|parts| parts.iter().map(|p| (*p).to_owned()).collect());
            assert_eq!(parts(name), expected, "{name}");
        }
    }
}
