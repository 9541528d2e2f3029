//! Expressions that are NULL wherever a column of theirs is.

use super::sqlite::text::{Token, tokens, unquoted};
use super::{Kind, Table};

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

const CONSTANTS: [&str; 2] = ["true", "false"];

/// The expression names the column.
pub(super) fn names(expression: &str, column: &str) -> bool {
    let mut words = tokens(expression).into_iter();
    words.any(|word| unquoted(word.text()).eq_ignore_ascii_case(column))
}

/// The expression is NULL wherever the column is: it is made of nothing but what passes a NULL on.
pub(super) fn null_with(expression: &str, column: &str, table: &Table, compares: bool) -> bool {
    names(expression, column) && passes_nulls(expression, table, compares)
}

/// It is made of nothing but what passes a NULL on.
pub(super) fn passes_nulls(expression: &str, table: &Table, compares: bool) -> bool {
    const SIGNS: [&str; 9] = ["(", ")", "+", "-", "*", "/", "%", "|", ":"];
    /// PostgreSQL's LIKE is `~~`, and its regular expressions are `~`.
    const COMPARING: [&str; 5] = ["=", "<", ">", "!", "~"];
    const LIKE: [&str; 3] = ["LIKE", "ILIKE", "GLOB"];
    /// Of both databases; each is NULL where any argument is.
    const FUNCTIONS: [&str; 20] = [
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
        "like_escape",
        "similar_to_escape",
    ];
    let all = tokens(expression);
    let words: Vec<&str> = all.iter().map(Token::text).collect();
    let is_like = |at: usize| {
        let word = words.get(at);
        compares && word.is_some_and(|word| LIKE.iter().any(|like| word.eq_ignore_ascii_case(like)))
    };
    let passes = |(at, word): (usize, &&str)| {
        let is_call = words.get(at + 1).is_some_and(|next| *next == "(");
        let first = word.chars().next().unwrap_or_default();
        let lower = word.to_ascii_lowercase();
        let found = column_of(table, &unquoted(word));
        match found {
            // What is put together of arrays or documents passes no NULL on.
            Some(kind) if !is_call => !matches!(kind, Kind::Other | Kind::Any | Kind::Json),
            _ if is_like(at) || compares && word.eq_ignore_ascii_case("ESCAPE") => true,
            _ if word.eq_ignore_ascii_case("NOT") => is_like(at + 1),
            _ if is_call && (first.is_alphabetic() || first == '"') => {
                FUNCTIONS.contains(&lower.as_str()) || TYPES.contains(&lower.as_str())
            }
            _ => {
                first.is_ascii_digit()
                    || first == '\''
                    || *word == ","
                    || SIGNS.contains(word)
                    || compares && COMPARING.contains(word)
                    || CONSTANTS.contains(&lower.as_str())
                    || TYPES.contains(&lower.as_str())
            }
        }
    };
    words.iter().enumerate().all(passes)
}

/// A value that stands there, and is not NULL.
pub(super) fn is_constant(words: &[&str]) -> bool {
    let value = |word: &str| {
        word.starts_with(|first: char| first == '\'' || first.is_ascii_digit())
            || CONSTANTS.iter().any(|of| word.eq_ignore_ascii_case(of))
    };
    // With its sign, or with its type as PostgreSQL writes it.
    let of_type = |word: &&str| {
        ["-", ".", "(", ")", ":"].contains(word)
            || TYPES.contains(&word.to_ascii_lowercase().as_str())
            || value(word)
    };
    words.iter().any(|word| value(word)) && words.iter().all(of_type)
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
