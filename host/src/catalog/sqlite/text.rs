//! What only the statements in `sqlite_schema` tell: predicates of partial indexes, deferred
//! foreign keys, checks; and the words that they are made of.
//!
//! Words are looked for outside strings, quoted names and comments. Only words that SQLite keeps
//! as keywords everywhere are looked for (WHERE, REFERENCES, DEFERRABLE), or words at a place that
//! the grammar fixes, so that a column may be called anything.

/// One piece of a statement.
pub(in crate::catalog) struct Token<'a> {
    /// As written.
    text: &'a str,
    /// Where it ends in the statement, in bytes.
    end: usize,
}

impl<'a> Token<'a> {
    /// As written.
    pub(in crate::catalog) fn text(&self) -> &'a str {
        self.text
    }

    pub(in crate::catalog) fn is(&self, keyword: &str) -> bool {
        self.text.eq_ignore_ascii_case(keyword)
    }
}

/// The predicate of a CREATE INDEX statement.
pub(super) fn index_predicate(statement: &str) -> Option<String> {
    let tokens = tokens(statement);
    let from = tokens.iter().find(|token| token.is("WHERE"))?.end;
    let to = tokens.last()?.end;
    statement
        .get(from..to)
        .map(|predicate| predicate.trim().to_owned())
}

/// The columns and expressions of a CREATE INDEX statement, as written.
pub(super) fn index_columns(statement: &str) -> Vec<String> {
    let tokens = tokens(statement);
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_u32, 0);
    for token in &tokens {
        let start = token.end.saturating_sub(token.text.len());
        let ends = match token.text {
            "(" => {
                depth += 1;
                from = if depth == 1 { token.end } else { from };
                false
            }
            ")" => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            "," => depth == 1,
            _ => false,
        };
        if ends {
            parts.extend(
                statement
                    .get(from..start)
                    .map(|part| part.trim().to_owned()),
            );
            from = token.end;
            if depth == 0 {
                break;
            }
        }
    }
    parts
}

/// What stands in a CREATE TABLE statement before its columns: there a table that was given the name of another
/// has it in quotes.
pub(super) fn head(statement: &str) -> String {
    let tokens = tokens(statement);
    let words = tokens.iter().take_while(|token| token.text != "(");
    words.map(|token| token.text).collect::<Vec<_>>().join(" ")
}

/// The columns of a CREATE TABLE statement, as written but for their comments and spaces, and after them the table's
/// constraints.
pub(super) fn table_columns(statement: &str) -> Vec<String> {
    let parts = index_columns(statement).into_iter();
    let plain = |part: String| {
        let tokens = tokens(&part);
        let words: Vec<_> = tokens.iter().map(|token| token.text).collect();
        words.join(" ")
    };
    parts.map(plain).collect()
}

/// For each foreign key of a CREATE TABLE statement, in the order in which they are written: its
/// check waits for the commit.
pub(super) fn deferred_keys(statement: &str) -> Vec<bool> {
    let tokens = tokens(statement);
    let mut deferred = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.is("REFERENCES") {
            deferred.push(false);
        }
        let word = |offset: usize, keyword| {
            at.checked_add(offset)
                .and_then(|i| tokens.get(i))
                .is_some_and(|t| t.is(keyword))
        };
        let negated = at
            .checked_sub(1)
            .and_then(|i| tokens.get(i))
            .is_some_and(|t| t.is("NOT"));
        if token.is("DEFERRABLE")
            && !negated
            && word(1, "INITIALLY")
            && word(2, "DEFERRED")
            && let Some(last) = deferred.last_mut()
        {
            *last = true;
        }
    }
    deferred
}

/// A name without the quotes around it.
pub(in crate::catalog) fn unquoted(name: &str) -> String {
    let inner = |quote: char| name.strip_prefix(quote)?.strip_suffix(quote);
    for quote in ['"', '`', '\''] {
        if let Some(inner) = inner(quote) {
            let (one, two) = (quote.to_string(), quote.to_string().repeat(2));
            return inner.replace(&two, &one);
        }
    }
    let bracketed = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    bracketed.unwrap_or(name).to_owned()
}

/// The CHECK conditions of a CREATE TABLE statement, each with its parentheses.
pub(super) fn checks(statement: &str) -> Vec<&str> {
    let tokens = tokens(statement);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !token.is("CHECK") {
            continue;
        }
        let mut depth = 0_u32;
        for inner in tokens.iter().skip(at + 1) {
            match inner.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                found.extend(statement.get(token.end..inner.end));
                break;
            }
        }
    }
    found
}

/// What a column of a CREATE TABLE statement is worked out from: the expression after its AS.
pub(super) fn generation(column: &str) -> Option<String> {
    let tokens = tokens(column);
    let mut depth = 0_u32;
    let mut open = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" => {
                let after_as = at.checked_sub(1).and_then(|before| tokens.get(before));
                if depth == 0 && after_as.is_some_and(|before| before.is("AS")) {
                    open = Some(token.end);
                }
                depth += 1;
            }
            ")" => {
                depth = depth.saturating_sub(1);
                if let (0, Some(open)) = (depth, open) {
                    let expression = column.get(open..token.end.saturating_sub(1));
                    return expression.map(str::to_owned);
                }
            }
            _ => {}
        }
    }
    None
}

/// The words, quoted names, strings and signs of a statement, without its comments.
pub(in crate::catalog) fn tokens(statement: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = statement.get(at..)
        && let Some(first) = rest.chars().next()
    {
        let length = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            continue;
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            match first {
                '\'' | '"' | '`' => quoted(rest, first),
                '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
                _ => first.len_utf8(),
            }
        };
        let end = at + length;
        tokens.push(Token {
            text: statement.get(at..end).unwrap_or_default(),
            end,
        });
        at = end;
    }
    tokens
}

/// Letters and digits as SQLite sees them: everything beyond ASCII belongs to a word.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// The length of the quoted piece at the start of `rest`, in which `quote` is doubled.
fn quoted(rest: &str, quote: char) -> usize {
    let mut from = 1;
    while let Some(found) = rest.get(from..).and_then(|tail| tail.find(quote)) {
        let after = from + found + 1;
        if !rest
            .get(after..)
            .is_some_and(|tail| tail.starts_with(quote))
        {
            return after;
        }
        from = after + 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_predicate_is_what_follows_the_keyword_and_no_look_alike() {
        let cases = [
            ("CREATE INDEX i ON t(a)", None),
            ("CREATE INDEX i ON t(\"where\") -- where", None),
            (
                "CREATE INDEX i ON t(a) where a IS NOT NULL",
                Some("a IS NOT NULL"),
            ),
            (
                "CREATE INDEX [where] ON t(a) /* WHERE */ WHERE b = 'it''s where' -- end",
                Some("b = 'it''s where'"),
            ),
        ];
        for (statement, expected) in cases {
            assert_eq!(
                index_predicate(statement).as_deref(),
                expected,
                "{statement}"
            );
        }
    }

    #[test]
    fn the_columns_of_an_index_are_told_as_they_are_written() {
        let statement =
            "CREATE INDEX i ON t(a, coalesce(b, 'x, (y'), \"c)\" COLLATE NOCASE DESC) WHERE (a)";
        let parts = ["a", "coalesce(b, 'x, (y')", "\"c)\" COLLATE NOCASE DESC"];
        assert_eq!(index_columns(statement), parts);
    }

    #[test]
    fn a_table_is_told_by_its_head_and_each_column_by_its_own_words() {
        let statement = "CREATE TABLE \"a (b\" -- (
            (id INTEGER PRIMARY KEY, name  TEXT /* , */ COLLATE NOCASE DEFAULT ',', CHECK (id > 0))";
        assert_eq!(head(statement), "CREATE TABLE \"a (b\"");
        let columns = [
            "id INTEGER PRIMARY KEY",
            "name TEXT COLLATE NOCASE DEFAULT ','",
            "CHECK ( id > 0 )",
        ];
        assert_eq!(table_columns(statement), columns);
    }

    #[test]
    fn only_initially_deferred_keys_wait_for_the_commit() {
        let statement = "CREATE TABLE t (
            a INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED, -- REFERENCES q
            b INTEGER REFERENCES p(id) ON DELETE CASCADE NOT DEFERRABLE INITIALLY DEFERRED,
            c TEXT DEFAULT 'REFERENCES DEFERRABLE INITIALLY DEFERRED' REFERENCES p DEFERRABLE,
            \"references\" INTEGER,
            FOREIGN KEY (a, b) REFERENCES q(x, y) ON DELETE SET NULL deferrable initially deferred
        ) STRICT";
        assert_eq!(deferred_keys(statement), [true, false, false, true]);
    }
}
