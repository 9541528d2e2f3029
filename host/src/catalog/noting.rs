//! Triggers that do nothing but write down what happens: whether a row goes is not theirs to say.
//!
//! What is not plainly such a trigger is none. A word that may stand for a call, a statement other than INSERT, or a
//! RAISE that ends the statement makes it one that may do anything.

use super::sqlite::text::{Token, tokens, unquoted};

/// Of both databases, as far as they neither raise for a row that was there nor do anything.
const FUNCTIONS: [&str; 38] = [
    "now",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "txid_current",
    "pg_current_xact_id",
    "pg_backend_pid",
    "inet_client_addr",
    "inet_client_port",
    "gen_random_uuid",
    "nextval",
    "row_to_json",
    "to_json",
    "to_jsonb",
    "json_build_object",
    "jsonb_build_object",
    "coalesce",
    "nullif",
    "lower",
    "upper",
    "concat",
    "concat_ws",
    "quote_ident",
    "current_timestamp",
    "localtimestamp",
    "row",
    "datetime",
    "date",
    "time",
    "strftime",
    "unixepoch",
    "julianday",
    "json_object",
    "randomblob",
    "random",
    "hex",
    "count",
    "session_user",
];

/// Words behind which a bracket opens that is no call's.
const BEFORE_A_BRACKET: [&str; 22] = [
    "values", "in", "and", "or", "not", "if", "elsif", "when", "then", "else", "select", "where",
    "as", "on", "exists", "from", "is", "return", "case", "any", "all", "using",
];

/// Words of a body that only inserts. What is none of them is a name, which does nothing by itself.
const FORBIDDEN: [&str; 38] = [
    "update",
    "delete",
    "truncate",
    "merge",
    "perform",
    "execute",
    "call",
    "do",
    "raise",
    "assert",
    "replace",
    "with",
    "alter",
    "create",
    "drop",
    "lock",
    "set",
    "copy",
    "grant",
    "notify",
    "listen",
    "loop",
    "while",
    "for",
    "foreach",
    "exit",
    "open",
    "fetch",
    "move",
    "declare",
    "exception",
    "get",
    "conflict",
    "abort",
    "fail",
    "rollback",
    "commit",
    "strict",
];

/// The tables into which a PL/pgSQL function inserts that does nothing else; `None`: it may do anything. `shown`: the
/// tables of changed rows that the trigger gives it.
pub(super) fn of_function(source: &str, shown: &[String]) -> Option<Vec<String>> {
    let all = tokens(source);
    let words: Vec<&str> = all.iter().map(Token::text).collect();
    let is = |at: usize, word: &str| {
        words
            .get(at)
            .is_some_and(|own| own.eq_ignore_ascii_case(word))
    };
    // What is declared is worked out, and may be of a type that refuses values.
    if !is(0, "BEGIN") {
        return None;
    }
    let mut plain = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word.eq_ignore_ascii_case("RAISE") {
            const HARMLESS: [&str; 5] = ["DEBUG", "LOG", "INFO", "NOTICE", "WARNING"];
            if !HARMLESS.iter().any(|level| is(at + 1, level)) {
                return None;
            }
            at += 2;
            continue;
        }
        if is(at, "END") && is(at + 1, "CASE") {
            return None; // it raises where no case fits
        }
        plain.push(*word);
        at += 1;
    }
    into(&plain, shown, false)
}

/// The same of a CREATE TRIGGER statement of SQLite.
pub(super) fn of_statement(statement: &str) -> Option<Vec<String>> {
    let all = tokens(statement);
    let words: Vec<&str> = all.iter().map(Token::text).collect();
    let begins = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("BEGIN"))?;
    let when = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("WHEN"));
    if let Some(when) = when.filter(|when| *when < begins) {
        // It is worked out for each row.
        into(words.get(when..begins)?, &[], true)?;
    }
    into(words.get(begins..)?, &[], true)
}

/// The tables after INSERT INTO, where the words hold nothing that is not known.
fn into(words: &[&str], shown: &[String], sqlite: bool) -> Option<Vec<String>> {
    let is = |at: usize, word: &str| {
        words
            .get(at)
            .is_some_and(|own| own.eq_ignore_ascii_case(word))
    };
    let mut tables = Vec::new();
    let mut named_until = 0;
    for (at, word) in words.iter().enumerate() {
        if at < named_until {
            continue;
        }
        let lower = word.to_ascii_lowercase();
        let first = word.chars().next().unwrap_or_default();
        if lower == "insert" {
            // INSERT OR IGNORE may be; REPLACE deletes, and the others raise otherwise than a plain one.
            let ignores = sqlite && is(at + 1, "OR") && is(at + 2, "IGNORE");
            let name = at + if ignores { 4 } else { 2 };
            if !is(name - 1, "INTO") {
                return None;
            }
            // PostgreSQL reads a name without quotes in lower case.
            let plain = |word: &str| match sqlite || word.starts_with('"') {
                true => unquoted(word),
                false => word.to_ascii_lowercase(),
            };
            let mut table = plain(words.get(name)?);
            named_until = name + 1;
            while is(named_until, ".") {
                table.push('.');
                table.push_str(&plain(words.get(named_until + 1)?));
                named_until += 2;
            }
            // A list of columns: the name before its bracket is no call.
            if is(named_until, "(") {
                named_until += 1;
            }
            tables.push(table);
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let after = |word: &str| before.is_some_and(|before| before.eq_ignore_ascii_case(word));
        if (lower == "from" && !after("DISTINCT")) || lower == "join" {
            // What hangs on the row may have gone ahead of it: who reads it would write down something else.
            let name = unquoted(words.get(at + 1)?);
            if !shown.iter().any(|shown| shown.eq_ignore_ascii_case(&name)) {
                return None;
            }
            let mut end = at + 2;
            if is(end, "AS") {
                end += 1;
            }
            let ends = |at: usize| [";", ")", "WHERE", "END"].iter().any(|word| is(at, word));
            if !ends(end) && !ends(end + 1) {
                return None;
            }
        }
        if lower == "into" || FORBIDDEN.contains(&lower.as_str()) || first == '$' {
            return None;
        }
        let names =
            first.is_alphabetic() || first == '_' || first == '"' || first == '`' || first == '[';
        let calls = names && is(at + 1, "(");
        let known =
            FUNCTIONS.contains(&lower.as_str()) || BEFORE_A_BRACKET.contains(&lower.as_str());
        if calls && (!known || after("AS") || after(".")) {
            return None;
        }
        // A cast may refuse what it is given, but for one to text.
        let cast = first == ':' && is(at + 1, ":");
        if cast
            && !["text", "varchar", "jsonb", "json"]
                .iter()
                .any(|to| is(at + 2, to))
        {
            return None;
        }
        // Operators may be anybody's; division refuses zero.
        if ["/", "%", "@", "#", "~", "^", "&", "?"].contains(word) {
            return None;
        }
    }
    Some(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_only_inserts_is_told_with_its_tables() {
        for (source, tables) in [
            ("BEGIN INSERT INTO audit VALUES (OLD.id); RETURN NULL; END", Some(vec!["audit"])),
            ("\nbegin\n insert into log.audit (what, id) select 'D', old.id; return old; end;", Some(vec!["log.audit"])),
            (
                "BEGIN IF (TG_OP = 'DELETE') THEN INSERT INTO a SELECT 'D', now(), user, OLD.*;
                 ELSIF (TG_OP = 'UPDATE') THEN INSERT INTO \"B\" SELECT 'U', NEW.*; RETURN NEW; END IF; RETURN NULL; END;",
                Some(vec!["a", "B"]),
            ),
            ("BEGIN RAISE NOTICE 'gone %', OLD.id; RETURN NULL; END", Some(vec![])),
            ("BEGIN RETURN NULL; END", Some(vec![])),
            ("BEGIN INSERT INTO a SELECT 'D', g.* FROM gone AS g; RETURN NULL; END", Some(vec!["a"])),
            ("BEGIN INSERT INTO a SELECT 'D', g.* FROM gone g, b; RETURN NULL; END", None),
            ("BEGIN INSERT INTO a SELECT count(*) FROM part; RETURN NULL; END", None),
            ("BEGIN CASE TG_OP WHEN 'X' THEN RETURN NULL; END CASE; END", None),
            ("BEGIN RAISE EXCEPTION 'no'; END", None),
            ("BEGIN RAISE 'no'; END", None),
            ("BEGIN RAISE; END", None),
            ("BEGIN RAISE unique_violation; END", None),
            ("BEGIN ASSERT false; RETURN NULL; END", None),
            ("BEGIN PERFORM f(); RETURN NULL; END", None),
            ("BEGIN INSERT INTO a VALUES (f(OLD.id)); RETURN NULL; END", None),
            ("BEGIN INSERT INTO a VALUES (app.now(OLD.id)); RETURN NULL; END", None),
            ("BEGIN INSERT INTO a VALUES (\"f\" (OLD.id)); RETURN NULL; END", None),
            ("BEGIN INSERT INTO a VALUES (1 / OLD.id); RETURN NULL; END", None),
            ("BEGIN INSERT INTO a VALUES (OLD.id::int2); RETURN NULL; END", None),
            ("BEGIN EXECUTE 'DELETE FROM a'; RETURN NULL; END", None),
            ("BEGIN UPDATE a SET n = n - 1; RETURN NULL; END", None),
            ("BEGIN INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING; RETURN NULL; END", None),
            ("BEGIN SELECT 1 INTO STRICT x; RETURN NULL; END", None),
            ("DECLARE n small := 1; BEGIN RETURN NULL; END", None),
            ("BEGIN a := f(1); RETURN NULL; END", None),
            ("SELECT 1", None),
            ("", None),
        ] {
            let found = of_function(source, &["gone".to_owned()]);
            let tables = tables.map(|of| of.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found, tables, "{source}");
        }
    }

    #[test]
    fn a_trigger_of_sqlite_is_read_with_its_when() {
        let of = |rest: &str| of_statement(&format!("CREATE TRIGGER t AFTER DELETE ON x {rest}"));
        assert_eq!(
            of("BEGIN INSERT INTO a VALUES (OLD.id); END"),
            Some(vec!["a".to_owned()])
        );
        assert_eq!(
            of("WHEN OLD.id > 0 BEGIN INSERT OR IGNORE INTO [a b] SELECT 'raise(abort)'; END"),
            Some(vec!["a b".to_owned()])
        );
        for other in [
            "BEGIN SELECT RAISE(ABORT, 'no'); END",
            "BEGIN SELECT raise (IGNORE); END",
            "WHEN f(OLD.id) BEGIN INSERT INTO a VALUES (1); END",
            "BEGIN INSERT OR REPLACE INTO a VALUES (1); END",
            "BEGIN REPLACE INTO a VALUES (1); END",
            "BEGIN DELETE FROM a; END",
            "BEGIN INSERT INTO a VALUES (1); UPDATE b SET n = 1; END",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
