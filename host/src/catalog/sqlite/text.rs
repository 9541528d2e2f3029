//! What only the statements in `sqlite_schema` tell: predicates of partial indexes, deferred
//! foreign keys, and when triggers fire.
//!
//! Words are looked for outside strings, quoted names and comments. Only words that SQLite keeps
//! as keywords everywhere are looked for (WHERE, REFERENCES, DEFERRABLE), or words at a place that
//! the grammar fixes, so that a column may be called anything.

use super::super::TriggerTiming;

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

/// When and on which events a trigger fires.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Firing {
    pub(super) timing: TriggerTiming,
    pub(super) on_delete: bool,
    pub(super) on_update: bool,
    /// The columns after UPDATE OF.
    pub(super) of_columns: Vec<String>,
}

/// Reads `CREATE TRIGGER name [BEFORE | AFTER | INSTEAD OF] {DELETE | INSERT | UPDATE} …`, which is
/// how SQLite keeps every trigger, whatever stood between TRIGGER and the name.
pub(super) fn trigger_firing(statement: &str) -> Option<Firing> {
    let tokens = tokens(statement);
    let mut tokens = tokens.iter().skip(3);
    let mut next = tokens.next()?;
    let timing = if next.is("AFTER") {
        next = tokens.next()?;
        TriggerTiming::After
    } else if next.is("INSTEAD") {
        next = tokens.nth(1)?; // past OF
        TriggerTiming::InsteadOf
    } else {
        if next.is("BEFORE") {
            next = tokens.next()?;
        }
        TriggerTiming::Before
    };
    let mut of_columns = Vec::new();
    if next.is("UPDATE") && tokens.next().is_some_and(|token| token.is("OF")) {
        let listed = tokens.take_while(|token| !token.is("ON"));
        let names = listed.filter(|token| !token.is(","));
        of_columns.extend(names.map(|name| unquoted(name.text)));
    }
    Some(Firing {
        of_columns,
        timing,
        on_delete: next.is("DELETE"),
        on_update: next.is("UPDATE"),
    })
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

/// A trigger with RAISE(IGNORE), which gives up the change that fired it without an error.
pub(super) fn raises_ignore(statement: &str) -> bool {
    let tokens = tokens(statement);
    let starts = |at: usize| {
        let words = ["RAISE", "(", "IGNORE", ")"];
        let mut tokens = tokens.iter().skip(at);
        words
            .iter()
            .all(|word| tokens.next().is_some_and(|token| token.is(word)))
    };
    (0..tokens.len()).any(starts)
}

/// Those of the columns that the body of a CREATE TRIGGER statement may assign: names before a `=`, which may compare as
/// well, and all of them where it writes by other means.
pub(super) fn assigned<'a>(
    statement: &str,
    columns: impl Iterator<Item = &'a String>,
) -> Vec<String> {
    let tokens = tokens(statement);
    let body: Vec<_> = tokens
        .iter()
        .skip_while(|token| !token.is("BEGIN"))
        .collect();
    let pairs = || body.iter().zip(body.iter().skip(1));
    let changes = body.iter().any(|token| token.is("UPDATE"));
    let otherwise = body.iter().any(|token| token.is("REPLACE"))
        || pairs().any(|(set, list)| set.is("SET") && list.text == "(");
    let named = |column: &&'a String| {
        pairs().any(|(name, sign)| {
            sign.text == "=" && unquoted(name.text).eq_ignore_ascii_case(column)
        })
    };
    columns
        .filter(|column| otherwise || changes && named(column))
        .cloned()
        .collect()
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

    #[test]
    fn a_trigger_that_gives_up_the_delete_is_told_from_one_that_says_so() {
        let ignoring =
            "CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT raise ( /* so */ ignore); END";
        let quoting = "CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT 'RAISE(IGNORE)'; END";
        let failing = "CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'no'); END";
        assert!(raises_ignore(ignoring));
        assert!(!raises_ignore(quoting) && !raises_ignore(failing));
    }

    #[test]
    fn a_trigger_called_like_a_keyword_is_read_by_its_place() {
        let firing = |timing, on_delete, on_update| {
            Some(Firing {
                timing,
                on_delete,
                on_update,
                of_columns: match on_update {
                    true => vec!["x".to_owned()],
                    false => Vec::new(),
                },
            })
        };
        let cases = [
            (
                "CREATE TRIGGER before DELETE ON t BEGIN SELECT 1; END",
                (TriggerTiming::Before, true, false),
            ),
            (
                "CREATE TRIGGER \"a b\" AFTER UPDATE OF x ON t BEGIN DELETE FROM u; END",
                (TriggerTiming::After, false, true),
            ),
            (
                "CREATE TRIGGER v INSTEAD OF DELETE ON v BEGIN SELECT 1; END",
                (TriggerTiming::InsteadOf, true, false),
            ),
            (
                "CREATE TRIGGER i BEFORE INSERT ON t BEGIN DELETE FROM u; END",
                (TriggerTiming::Before, false, false),
            ),
        ];
        for (statement, (timing, on_delete, on_update)) in cases {
            assert_eq!(
                trigger_firing(statement),
                firing(timing, on_delete, on_update),
                "{statement}"
            );
        }
    }
}
