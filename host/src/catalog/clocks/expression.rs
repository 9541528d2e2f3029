//! `AT TIME ZONE` and `timezone(…)` in an expression of PostgreSQL's.

use std::ops::Range;

use super::Shows;
use crate::catalog::sqlite::text::{Token, unquoted};

/// A conversion from one kind of time to the other by a zone.
struct Conversion {
    /// Its word.
    at: usize,
    /// What is converted.
    operand: Range<usize>,
    by: Shows,
}

/// By which clock the expression's value is: of a conversion within another the outer one counts, where one knows
/// what the inner one has made. Nothing: it does not say, as what goes by the session's own zone.
/// `is_local`: a column of that name holds a time without a zone.
pub(in crate::catalog) fn shown(
    tokens: &[Token<'_>],
    is_local: &dyn Fn(&str) -> bool,
) -> Vec<Shows> {
    let conversions = conversions(tokens);
    let within = |inner: &Conversion, outer: &Conversion| outer.operand.contains(&inner.at);
    let mut shown: Vec<Shows> = Vec::new();
    for outer in &conversions {
        if conversions.iter().any(|other| within(outer, other)) {
            continue;
        }
        let mut inner = conversions.iter().filter(|other| within(other, outer));
        let shows = match (inner.next(), inner.next()) {
            (None, _) => outer.by.clone(),
            // There and back: the hands of a clock that a column holds, as those of another.
            (Some(first), None) if is_lone(tokens, &first.operand, is_local) => outer.by.clone(),
            _ => several(
                conversions
                    .iter()
                    .filter(|one| one.at == outer.at || within(one, outer)),
            ),
        };
        if !shown.contains(&shows) {
            shown.push(shows);
        }
    }
    shown
}

fn several<'c>(conversions: impl Iterator<Item = &'c Conversion>) -> Shows {
    let names: Vec<_> = conversions
        .filter_map(|one| match &one.by {
            Shows::Utc => None,
            Shows::Zone(name, _) => Some(name.clone()),
            Shows::Unclear(what) => Some(what.clone()),
            Shows::Machine => None,
        })
        .collect();
    match names.is_empty() {
        true => Shows::Utc,
        false => Shows::Unclear(names.join(" and ")),
    }
}

/// The operand is one column that holds a time without a zone.
fn is_lone(tokens: &[Token<'_>], operand: &Range<usize>, is_local: &dyn Fn(&str) -> bool) -> bool {
    let words = tokens.get(operand.clone()).unwrap_or_default();
    let mut words = words
        .iter()
        .filter(|token| !matches!(token.text(), "(" | ")"));
    match (words.next(), words.next()) {
        (Some(one), None) => is_local(&unquoted(one.text())),
        _ => false,
    }
}

fn conversions(tokens: &[Token<'_>]) -> Vec<Conversion> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(word));
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if is(at, "AT") && is(at + 1, "TIME") && is(at + 2, "ZONE") {
            let by = zone(tokens, at + 3);
            let operand = before(tokens, at)..at;
            found.extend(by.map(|by| Conversion { at, operand, by }));
        } else if is(at, "timezone") && is(at + 1, "(") {
            let (comma, end) = arguments(tokens, at + 2);
            // With one argument it is by the session's zone.
            if let Some(comma) = comma {
                let by = zone(tokens, at + 2);
                let operand = comma + 1..end;
                found.extend(by.map(|by| Conversion { at, operand, by }));
            }
        }
    }
    found
}

/// Where the operand begins that ends before a token.
fn before(tokens: &[Token<'_>], end: usize) -> usize {
    let mut depth = 0_u32;
    for at in (0..end).rev() {
        let Some(token) = tokens.get(at) else { break };
        match token.text() {
            ")" => depth += 1,
            "(" if depth == 0 => return at + 1,
            "(" => depth -= 1,
            ";" | "," if depth == 0 => return at + 1,
            _ if depth == 0 => {
                let words = ["BEGIN", "THEN", "ELSE", "WHEN", "SELECT", "SET", "RETURN"];
                if words.iter().any(|word| token.is(word)) {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    0
}

/// Of a function's arguments, which begin here, the first comma and the end.
fn arguments(tokens: &[Token<'_>], from: usize) -> (Option<usize>, usize) {
    let (mut depth, mut comma) = (0_u32, None);
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token.text() {
            "(" => depth += 1,
            ")" if depth == 0 => return (comma, at),
            ")" => depth -= 1,
            "," if depth == 0 && comma.is_none() => comma = Some(at),
            _ => {}
        }
    }
    (comma, tokens.len())
}

/// The zone that an expression is, which begins here; `None`: the session's own.
fn zone(tokens: &[Token<'_>], from: usize) -> Option<Shows> {
    let from = from
        + tokens
            .iter()
            .skip(from)
            .take_while(|token| token.text() == "(")
            .count();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(word));
    let literal = |at: usize| {
        let text = tokens.get(at)?.text();
        text.starts_with('\'').then(|| unquoted(text))
    };
    if is(from, "INTERVAL")
        && let Some(interval) = literal(from + 1)
    {
        return Some(Shows::ahead(&interval));
    }
    if let Some(name) = literal(from) {
        let mut cast = tokens
            .iter()
            .skip(from + 1)
            .skip_while(|token| token.text() == ")");
        let is_cast = cast.next().is_some_and(|token| token.text() == ":")
            && cast.next().is_some_and(|token| token.text() == ":");
        return Some(
            match is_cast && cast.next().is_some_and(|token| token.is("interval")) {
                true => Shows::ahead(&name),
                false => Shows::named(&name),
            },
        );
    }
    if is(from, "current_setting")
        && literal(from + 2).is_some_and(|name| name.eq_ignore_ascii_case("timezone"))
    {
        return None;
    }
    let words = tokens
        .iter()
        .skip(from)
        .take_while(|token| !matches!(token.text(), ")" | "," | ";"));
    let words: Vec<_> = words.map(Token::text).take(8).collect();
    Some(Shows::Unclear(words.concat()))
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::catalog::sqlite::text::tokens;

    fn of(expression: &str) -> Vec<Shows> {
        shown(&tokens(expression), &|column| column == "hands")
    }

    fn new_york() -> Vec<Shows> {
        vec![Shows::Zone(
            "America/New_York".to_owned(),
            Some(Tz::America__New_York),
        )]
    }

    #[test]
    fn a_zone_is_told_however_the_conversion_is_written() {
        for expression in [
            "(now() AT TIME ZONE 'America/New_York'::text)",
            "timezone('America/New_York'::text, now())",
            "((now() AT TIME ZONE 'America/New_York'::text) + '02:00:00'::interval)",
            "((CURRENT_TIMESTAMP AT TIME ZONE 'America/New_York'::text))::date",
            "to_char((now() AT TIME ZONE 'America/New_York'::text), 'YYYY-MM-DD'::text)",
            "COALESCE((now() AT TIME ZONE 'America/New_York'::text), (now() AT TIME ZONE ('America/New_York')))",
            "((hands AT TIME ZONE 'Europe/Berlin'::text) AT TIME ZONE 'America/New_York'::text)",
            "timezone('America/New_York'::text, timezone('Europe/Berlin'::text, hands))",
        ] {
            assert_eq!(of(expression), new_york(), "{expression}");
        }
    }

    #[test]
    fn what_is_plainly_utc_is_told_from_what_says_nothing() {
        for expression in [
            "(now() AT TIME ZONE 'utc'::text)",
            "timezone('UTC'::text, now())",
            "timezone('Etc/UTC'::text, statement_timestamp())",
            "(now() AT TIME ZONE '+00'::text)",
            "(now() AT TIME ZONE '00:00:00'::interval)",
            "(now() AT TIME ZONE 'PT0S'::interval)",
            "now() AT TIME ZONE INTERVAL '0:00'",
            "((hands AT TIME ZONE 'Europe/Berlin'::text) AT TIME ZONE 'UTC'::text)",
        ] {
            assert_eq!(of(expression), [Shows::Utc], "{expression}");
        }
        for expression in [
            "now()",
            "CURRENT_TIMESTAMP",
            "LOCALTIMESTAMP",
            "('now'::text)::timestamp without time zone",
            "'AT TIME ZONE ''X'''::text",
            "(now() AT TIME ZONE current_setting('TimeZone'::text))",
            "(now() AT LOCAL)",
            "timezone(now())",
        ] {
            assert_eq!(of(expression), [], "{expression}");
        }
    }

    #[test]
    fn a_zone_that_one_cannot_name_is_in_doubt() {
        let unclear = |of: Vec<Shows>| matches!(of.as_slice(), [Shows::Unclear(_)]);
        assert!(unclear(of("(made AT TIME ZONE zone_of_row)")));
        assert!(unclear(of(
            "((now() AT TIME ZONE 'Asia/Tokyo'::text) AT TIME ZONE 'UTC'::text)"
        )));
        // West of Greenwich by an interval, east by a text.
        for (expression, zone) in [
            ("'-05:00:00'::interval", Tz::Etc__GMTPlus5),
            ("'-05:00:00'::text", Tz::Etc__GMTMinus5),
        ] {
            let fixed = Shows::Zone("-05:00:00".to_owned(), Some(zone));
            assert_eq!(of(&format!("(now() AT TIME ZONE {expression})")), [fixed]);
        }
        let both = of(
            "CASE WHEN a THEN now() AT TIME ZONE 'utc' ELSE now() AT TIME ZONE 'America/New_York' END",
        );
        assert_eq!(both, [vec![Shows::Utc], new_york()].concat());
    }
}
