//! What the body of a function or a trigger writes to a column.

use super::{Shows, expression};
use crate::catalog::sqlite::text::{Token, unquoted};

/// What goes by the session's zone where it becomes a time without one.
const NOW: [&str; 9] = [
    "now",
    "current_timestamp",
    "localtimestamp",
    "current_date",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "localtime",
];

/// What the source of a function shows of its result. `set`: the zones that the function sets for itself.
pub(in crate::catalog) fn of_function(body: &[Token<'_>], set: &[Shows]) -> Vec<Shows> {
    let mut shown = expression::shown(body, &|_| false);
    if shown.is_empty() && tells_now(body) {
        shown.extend_from_slice(set);
    }
    shown
}

/// By which clocks a trigger's function writes a column of that table. `own`: it is the table of the trigger, and the
/// function may assign NEW; `assigned`: by the look of its source it does so, in whatever way.
pub(in crate::catalog) fn of_trigger(
    body: &[Token<'_>],
    (table, own): (&str, bool),
    (column, assigned): (&str, bool),
    set: &[Shows],
) -> Vec<Shows> {
    let variables = variables(body);
    let written = written(body, table, own, column);
    let mut shown = Vec::new();
    if written.is_empty() && own && assigned {
        shown = of_function(body, set);
    }
    for expression in written {
        let says = expression::shown(expression, &|_| false);
        let from_elsewhere = || {
            let mut words = expression.iter();
            words.any(|word| variables.iter().any(|name| word.is(name)))
        };
        shown.extend(match says.is_empty() {
            false => says,
            true if tells_now(expression) => set.to_vec(),
            true if from_elsewhere() => of_function(body, set),
            true => Vec::new(),
        });
    }
    let mut once: Vec<Shows> = Vec::new();
    for shows in shown {
        if !once.contains(&shows) {
            once.push(shows);
        }
    }
    once
}

/// The zones that the body itself sets: `SET [LOCAL] TIME ZONE 'X'`, `SET timezone TO 'X'`, `set_config('timezone', 'X', …)`.
pub(in crate::catalog) fn sets_zone(body: &[Token<'_>]) -> Vec<Shows> {
    let is = |at: usize, word: &str| body.get(at).is_some_and(|token| token.is(word));
    let mut set = Vec::new();
    for at in 0..body.len() {
        // Not the SET of an UPDATE, of a column of that name.
        let value = if is(at, "SET") && begins(body, at) {
            let at = at + 1 + usize::from(is(at + 1, "LOCAL") || is(at + 1, "SESSION"));
            let named = is(at, "timezone") && (is(at + 1, "TO") || is(at + 1, "="));
            (is(at, "TIME") && is(at + 1, "ZONE") || named).then_some(at + 2)
        } else {
            let parameter = body.get(at + 2).map(|token| unquoted(token.text()));
            let timezone = parameter.is_some_and(|name| name.eq_ignore_ascii_case("timezone"));
            (is(at, "set_config") && timezone).then_some(at + 4)
        };
        let value = value.map(|from| body.get(from..).unwrap_or_default());
        set.extend(value.and_then(zone_set));
    }
    set
}

/// The zone that stands here, in its place behind SET; `None`: what the session would begin in.
fn zone_set(value: &[Token<'_>]) -> Option<Shows> {
    let words: Vec<_> = value
        .iter()
        .map(Token::text)
        .take_while(|word| !matches!(*word, ";" | ","))
        .take(8)
        .collect();
    let literal = |word: &str| word.starts_with('\'').then(|| unquoted(word));
    match words.as_slice() {
        [] => None,
        [sign @ ("-" | "+"), number, ..] => Some(Shows::set(&format!("{sign}{number}"))),
        [word, ..]
            if ["DEFAULT", "LOCAL"]
                .iter()
                .any(|own| word.eq_ignore_ascii_case(own)) =>
        {
            None
        }
        [word, interval, ..] if word.eq_ignore_ascii_case("INTERVAL") => {
            literal(interval).map(|interval| Shows::ahead(&interval))
        }
        [word, ..] if word.starts_with('\'') => Some(Shows::set(&unquoted(word))),
        [word] => match Shows::set(&unquoted(word)) {
            Shows::Zone(_, None) => Some(Shows::Unclear((*word).to_owned())),
            known => Some(known),
        },
        words => Some(Shows::Unclear(words.concat())),
    }
}

fn tells_now(tokens: &[Token<'_>]) -> bool {
    tokens
        .iter()
        .any(|token| NOW.iter().any(|now| token.is(now)))
}

/// The names that PL/pgSQL's DECLARE introduces.
fn variables<'t>(body: &[Token<'t>]) -> Vec<&'t str> {
    let from = body.iter().position(|token| token.is("DECLARE"));
    let Some(from) = from else { return Vec::new() };
    let declared = body
        .iter()
        .skip(from)
        .take_while(|token| !token.is("BEGIN"));
    let mut names = Vec::new();
    let mut first = false;
    for token in declared {
        if first {
            names.push(token.text());
        }
        first = token.is("DECLARE") || token.text() == ";";
    }
    names
}

/// The expressions that the body writes to a column: by an UPDATE or an INSERT of the table, and, where `own`, by
/// assigning it in NEW.
pub(super) fn written<'b, 't>(
    body: &'b [Token<'t>],
    table: &str,
    own: bool,
    column: &str,
) -> Vec<&'b [Token<'t>]> {
    let is = |at: usize, word: &str| body.get(at).is_some_and(|token| token.is(word));
    let names = |at: usize, name: &str| {
        let token = body.get(at);
        token.is_some_and(|token| unquoted(token.text()).eq_ignore_ascii_case(name))
    };
    let statement = |from: usize| {
        let rest = body.get(from..).unwrap_or_default();
        let end = rest.iter().position(|token| token.text() == ";");
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    };
    let mut found = Vec::new();
    for at in 0..body.len() {
        if own && is(at, "NEW") && is(at + 1, ".") && names(at + 2, column) {
            if is(at + 3, ":") && is(at + 4, "=") {
                found.push(statement(at + 5));
            } else if is(at + 3, "=") && begins(body, at) {
                found.push(statement(at + 4));
            }
        }
        if !(is(at, "UPDATE") || is(at, "INTO")) {
            continue;
        }
        let mut target = at + 1;
        target += match (is(target, "ONLY"), is(target, "OR")) {
            (true, _) => 1,
            (_, true) => 2,
            _ => 0,
        };
        if is(target + 1, ".") {
            target += 2;
        }
        if names(target, table) {
            let rest = statement(target + 1);
            if is(at, "INTO") {
                found.extend(inserted(rest, column));
            }
            found.extend(assigned(rest, column));
        }
    }
    found
}

/// A statement begins at that word.
fn begins(body: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return true;
    };
    let before = body.get(before);
    [";", "BEGIN", "ATOMIC", "THEN", "ELSE", "LOOP"]
        .iter()
        .any(|word| before.is_some_and(|token| token.is(word)))
}

/// What SET assigns to the column in a statement.
fn assigned<'b, 't>(statement: &'b [Token<'t>], column: &str) -> Vec<&'b [Token<'t>]> {
    let sets = statement
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is("SET"));
    let mut found = Vec::new();
    for (at, _) in sets {
        for part in listed(statement.get(at + 1..).unwrap_or_default()) {
            let named = |token: &Token<'_>| unquoted(token.text()).eq_ignore_ascii_case(column);
            match part {
                [name, sign, value @ ..] if sign.text() == "=" && named(name) => found.push(value),
                [open, rest @ ..] if open.text() == "(" && rest.iter().any(named) => {
                    found.push(rest)
                }
                _ => {}
            }
        }
    }
    found
}

/// What an INSERT puts into the column; all of it, where one does not see which part.
fn inserted<'b, 't>(statement: &'b [Token<'t>], column: &str) -> Option<&'b [Token<'t>]> {
    let values = statement
        .iter()
        .position(|token| token.is("VALUES") || token.is("SELECT"))?;
    let (before, rest) = statement.split_at(values);
    let open = before.iter().position(|token| token.text() == "(");
    let Some(open) = open else { return Some(rest) };
    let columns = listed(before.get(open + 1..).unwrap_or_default());
    let place = columns.iter().position(|part| {
        let name = part.first();
        name.is_some_and(|name| unquoted(name.text()).eq_ignore_ascii_case(column))
    })?;
    let skipped = if rest.first().is_some_and(|token| token.is("VALUES")) {
        2
    } else {
        1
    };
    let row = rest.get(skipped..).unwrap_or_default();
    let parts = listed(row);
    let one_row = !row
        .windows(3)
        .any(|w| matches!(w, [a, b, c] if a.text() == ")" && b.text() == "," && c.text() == "("));
    match parts.get(place) {
        Some(part) if one_row && parts.len() == columns.len() => Some(part),
        _ => Some(rest),
    }
}

/// The parts of a list, up to the parenthesis or the clause that ends it.
fn listed<'b, 't>(tokens: &'b [Token<'t>]) -> Vec<&'b [Token<'t>]> {
    let (mut depth, mut from, mut parts) = (0_u32, 0, Vec::new());
    let mut end = tokens.len();
    for (at, token) in tokens.iter().enumerate() {
        match token.text() {
            "(" => depth += 1,
            ")" if depth == 0 => {
                end = at;
                break;
            }
            ")" => depth -= 1,
            "," if depth == 0 => {
                parts.extend(tokens.get(from..at));
                from = at + 1;
            }
            _ if depth == 0
                && ["WHERE", "FROM", "RETURNING"]
                    .iter()
                    .any(|word| token.is(word)) =>
            {
                end = at;
                break;
            }
            _ => {}
        }
    }
    parts.extend(tokens.get(from..end));
    parts
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::catalog::sqlite::text::tokens;

    fn berlin() -> Vec<Shows> {
        vec![Shows::Zone(
            "Europe/Berlin".to_owned(),
            Some(Tz::Europe__Berlin),
        )]
    }

    fn of(source: &str, column: &str) -> Vec<Shows> {
        let body = tokens(source);
        let set = sets_zone(&body);
        of_trigger(&body, ("item", true), (column, false), &set)
    }

    #[test]
    fn a_function_shows_the_zone_of_what_it_assigns() {
        for source in [
            "BEGIN NEW.at := now() AT TIME ZONE 'Europe/Berlin'; RETURN NEW; END",
            "begin new.at = timezone('Europe/Berlin', clock_timestamp()); return new; end",
            "BEGIN IF NEW.at IS NULL THEN NEW.\"at\" = now() AT TIME ZONE 'Europe/Berlin'; END IF; RETURN NEW; END",
            "DECLARE v timestamp := now() AT TIME ZONE 'Europe/Berlin'; BEGIN NEW.at := v; RETURN NEW; END",
            "BEGIN SET LOCAL TIME ZONE 'Europe/Berlin'; NEW.at := LOCALTIMESTAMP; RETURN NEW; END",
            "BEGIN SET timezone TO 'Europe/Berlin'; NEW.at := now(); RETURN NEW; END",
            "BEGIN PERFORM set_config('TimeZone', 'Europe/Berlin', true); NEW.at := now(); RETURN NEW; END",
            "BEGIN SET timezone = \"Europe/Berlin\"; NEW.at := now(); RETURN NEW; END",
            "BEGIN UPDATE ONLY public.item SET n = 1, at = now() AT TIME ZONE 'Europe/Berlin' WHERE id = NEW.id; END",
        ] {
            assert_eq!(of(source, "at"), berlin(), "{source}");
        }
    }

    #[test]
    fn a_session_is_set_to_a_zone_by_whatever_words() {
        let of = |set: &str| sets_zone(&tokens(&format!("BEGIN {set}; NEW.at := now(); END")));
        let fixed = Some(Tz::Etc__GMTPlus7);
        for set in [
            "SET LOCAL TIME ZONE -7",
            "SET TIME ZONE INTERVAL '-07:00' HOUR TO MINUTE",
            "SET timezone TO '-7'",
            "PERFORM set_config('timezone', '-7', true)",
        ] {
            assert!(
                matches!(of(set).as_slice(), [zone] if zone.zone() == fixed),
                "{set}"
            );
        }
        assert_eq!(of("SET TIME ZONE utc"), [Shows::Utc]);
        assert_eq!(of("SET TIME ZONE DEFAULT"), []);
        assert_eq!(of("UPDATE account SET timezone = NEW.zone"), []);
        let unclear = of("PERFORM set_config('timezone', of_user(NEW.id), true)");
        assert!(matches!(unclear.as_slice(), [Shows::Unclear(_)]));
    }

    #[test]
    fn what_it_says_of_another_value_is_not_about_the_column() {
        for source in [
            "BEGIN NEW.day := (now() AT TIME ZONE 'Europe/Berlin')::date; NEW.at := now(); RETURN NEW; END",
            "BEGIN IF NEW.at = now() AT TIME ZONE 'Europe/Berlin' THEN RETURN NULL; END IF; RETURN NEW; END",
            "BEGIN UPDATE other SET at = now() AT TIME ZONE 'Europe/Berlin'; RETURN NEW; END",
            "-- now() AT TIME ZONE 'Europe/Berlin'\nBEGIN NEW.at := now(); RETURN NEW; END",
        ] {
            assert_eq!(of(source, "at"), [], "{source}");
        }
        let utc = "BEGIN NEW.at := now() AT TIME ZONE 'utc'; RETURN NEW; END";
        assert_eq!(of(utc, "at"), [Shows::Utc]);
    }
}
