//! Expressions that are NULL wherever a column of theirs is.

use super::sqlite::text::{Token, tokens, unquoted};
use super::{Kind, Table};

/// The expression names the column.
pub(super) fn names(expression: &str, column: &str) -> bool {
    let mut words = tokens(expression).into_iter();
    words.any(|word| unquoted(word.text()).eq_ignore_ascii_case(column))
}

/// The expression is NULL wherever the column is: it is made of nothing but what passes a NULL on.
pub(super) fn null_with(expression: &str, column: &str, table: &Table, compares: bool) -> bool {
    const SIGNS: [&str; 9] = ["(", ")", "+", "-", "*", "/", "%", "|", ":"];
    const COMPARING: [&str; 4] = ["=", "<", ">", "!"];
    /// Of both databases; each is NULL where any argument is.
    const FUNCTIONS: [&str; 18] = [
        "lower",
        "upper",
        "abs",
        "length",
        "char_length",
        "character_length",
        "octet_length",
        "bit_length",
        "trim",
        "btrim",
        "ltrim",
        "rtrim",
        "substr",
        "substring",
        "replace",
        "md5",
        "round",
        "cast",
    ];
    const TYPES: [&str; 15] = [
        "as",
        "text",
        "int",
        "integer",
        "bigint",
        "smallint",
        "numeric",
        "real",
        "double",
        "precision",
        "character",
        "varying",
        "varchar",
        "uuid",
        "blob",
    ];
    let all = tokens(expression);
    let words: Vec<&str> = all.iter().map(Token::text).collect();
    let passes = |(at, word): (usize, &&str)| {
        let is_call = words.get(at + 1).is_some_and(|next| *next == "(");
        let first = word.chars().next().unwrap_or_default();
        let lower = word.to_ascii_lowercase();
        let found = column_of(table, &unquoted(word));
        match found {
            // What is put together of arrays or documents passes no NULL on.
            Some(kind) if !is_call => !matches!(kind, Kind::Other | Kind::Any | Kind::Json),
            _ if is_call && (first.is_alphabetic() || first == '"') => {
                FUNCTIONS.contains(&lower.as_str()) || TYPES.contains(&lower.as_str())
            }
            _ => {
                first.is_ascii_digit()
                    || first == '\''
                    || *word == ","
                    || SIGNS.contains(word)
                    || compares && COMPARING.contains(word)
                    || TYPES.contains(&lower.as_str())
            }
        }
    };
    names(expression, column) && words.iter().enumerate().all(passes)
}

fn column_of<'t>(table: &'t Table, name: &str) -> Option<&'t Kind> {
    let columns = &table.columns;
    let found = columns
        .iter()
        .find(|column| column.name == name)
        .or_else(|| {
            columns
                .iter()
                .find(|column| column.name.eq_ignore_ascii_case(name))
        });
    found.map(|column| &column.kind)
}
