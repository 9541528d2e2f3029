//! The pieces of a predicate.

use crate::catalog::Dialect;

/// One piece, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    kind: Piece,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Word,
    /// A name in quotes.
    Quoted,
    /// A string.
    Text,
    Number,
    Sign,
}

/// Words that are no names where a value or a column may stand.
const RESERVED: [&str; 10] = [
    "AND", "OR", "NOT", "IS", "IN", "NULL", "TRUE", "FALSE", "ARRAY", "CASE",
];

impl Token {
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Piece::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        self.kind == Piece::Sign && self.text == sign
    }

    pub(super) fn is_identifier(&self) -> bool {
        matches!(self.kind, Piece::Word | Piece::Quoted)
    }

    /// The name that it is, without its quotes. `"x"` may be a string to SQLite, but only where no column
    /// is called so.
    pub(super) fn as_name(&self, dialect: Dialect) -> Option<String> {
        let reserved = RESERVED.iter().any(|word| self.is_word(word));
        match self.kind {
            // Such names PostgreSQL writes in quotes.
            Piece::Word if dialect == Dialect::Postgres || !reserved => {
                (!reserved).then(|| self.text.clone())
            }
            Piece::Quoted => unquoted(&self.text),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<String> {
        (self.kind == Piece::Text)
            .then(|| unquoted(&self.text))
            .flatten()
    }

    pub(super) fn as_number(&self) -> Option<i64> {
        (self.kind == Piece::Number)
            .then(|| self.text.parse().ok())
            .flatten()
    }
}

fn unquoted(text: &str) -> Option<String> {
    let mut inside = text.chars();
    let (first, last) = (inside.next()?, inside.next_back()?);
    let inside = inside.as_str();
    match first {
        '[' => (last == ']').then(|| inside.to_owned()),
        quote => {
            let doubled = String::from_iter([quote, quote]);
            (last == quote).then(|| inside.replace(&doubled, &quote.to_string()))
        }
    }
}

/// The pieces of a predicate without its comments; `None` where a quote does not close.
pub(super) fn tokens(text: &str, dialect: Dialect) -> Option<Vec<Token>> {
    const TWO: [&str; 8] = ["::", "<>", "!=", "==", "<=", ">=", "||", "~~"];
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (length, kind) = if rest.starts_with("--") {
            rest = rest
                .split_once('\n')
                .map_or("", |(_, after)| after)
                .trim_start();
            continue;
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/")?.1.trim_start();
            continue;
        } else if first.is_ascii_digit() {
            let number = |c: char| !(is_word(c) || c == '.');
            (rest.find(number).unwrap_or(rest.len()), Piece::Number)
        } else if is_word(first) {
            (
                rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                Piece::Word,
            )
        } else if first == '\'' {
            (quoted(rest, first)?, Piece::Text)
        } else if first == '"' || (first == '`' && dialect == Dialect::Sqlite) {
            (quoted(rest, first)?, Piece::Quoted)
        } else if first == '[' && dialect == Dialect::Sqlite {
            (rest.find(']')? + 1, Piece::Quoted)
        } else if TWO.iter().any(|sign| rest.starts_with(sign)) {
            (2, Piece::Sign)
        } else {
            (first.len_utf8(), Piece::Sign)
        };
        let (text, after) = rest.split_at_checked(length)?;
        tokens.push(Token {
            text: text.to_owned(),
            kind,
        });
        rest = after.trim_start();
    }
    Some(tokens)
}

/// The length of the quoted piece at the start, in which `quote` is doubled.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let after = from + rest.get(from..)?.find(quote)? + 1;
        match rest.get(after..)?.starts_with(quote) {
            true => from = after + 1,
            false => return Some(after),
        }
    }
}
