//! `'localtime'` and `'utc'` in an expression of SQLite's.

use super::{Shows, body};
use crate::catalog::sqlite::text::{Token, unquoted};

/// The functions that take modifiers.
const FUNCTIONS: [&str; 6] = [
    "date",
    "time",
    "datetime",
    "julianday",
    "unixepoch",
    "strftime",
];

/// By which clock the expression's value is. Nothing: by none that it names, and then it is in UTC.
pub(in crate::catalog) fn shown(tokens: &[Token<'_>]) -> Vec<Shows> {
    let mut calls: Vec<Call> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let calls_one = FUNCTIONS.iter().any(|name| token.is(name))
            && tokens.get(at + 1).is_some_and(|next| next.text() == "(");
        if calls_one {
            calls.push(Call::default());
        } else if token.text().starts_with(['\'', '"'])
            && let Some(call) = calls.last_mut()
        {
            call.take(&unquoted(token.text()).to_ascii_lowercase());
        }
    }
    let mut shown = Vec::new();
    for call in calls {
        let shows = call.shows.filter(|shows| !shown.contains(shows));
        shown.extend(shows);
    }
    shown
}

/// The expression's value is what a clock in UTC shows now, or shows at that time of another day, and says of no offset.
/// By hours and minutes it may have been made what another clock shows.
pub(in crate::catalog) fn is_now_in_utc(tokens: &[Token<'_>]) -> bool {
    let mut words = tokens;
    while let [open, inner @ .., close] = words
        && (open.text(), close.text()) == ("(", ")")
    {
        words = inner;
    }
    let (name, arguments) = match words {
        [now] => return now.is("CURRENT_TIMESTAMP") || now.is("CURRENT_DATE"),
        [name, open, arguments @ .., close] if open.text() == "(" && close.text() == ")" => {
            (name, arguments)
        }
        _ => return false,
    };
    let mut texts = Vec::new();
    for argument in arguments.split(|token| token.text() == ",") {
        match argument {
            [text] if text.text().starts_with(['\'', '"']) => {
                texts.push(unquoted(text.text()));
            }
            [] => {}
            _ => return false,
        }
    }
    if name.is("strftime") {
        let counts = |format: &String| ["%s", "%J", "Z", "z"].iter().any(|of| format.contains(of));
        if texts.first().is_none_or(counts) {
            return false;
        }
        texts.remove(0);
    } else if !(name.is("datetime") || name.is("date")) {
        return false;
    }
    let now = texts
        .first()
        .is_none_or(|first| first.eq_ignore_ascii_case("now"));
    let of_days = |text: &String| {
        let text = text.to_ascii_lowercase();
        ["day", "month", "year", "subsec"]
            .iter()
            .any(|of| text.contains(of))
    };
    now && texts.iter().skip(1).all(of_days)
}

/// One call of such a function, argument by argument.
#[derive(Default)]
struct Call {
    now: bool,
    shows: Option<Shows>,
}

impl Call {
    fn take(&mut self, word: &str) {
        match word {
            "now" => self.now = true,
            "localtime" => self.shows = Some(Shows::Machine),
            "utc" => {
                self.shows = Some(match self.shows {
                    // SQLite 3.40 takes the machine's offset off what is in UTC already; later ones do not.
                    None if self.now => Shows::Unclear("'utc'".to_owned()),
                    _ => Shows::Utc,
                });
            }
            _ => {}
        }
    }
}

/// By which clocks a trigger writes a column of that table.
pub(in crate::catalog) fn of_trigger(
    tokens: &[Token<'_>],
    table: &str,
    column: &str,
) -> Vec<Shows> {
    let begin = tokens.iter().position(|token| token.is("BEGIN"));
    let body = tokens.get(begin.unwrap_or_default()..).unwrap_or_default();
    let written = body::written(body, table, false, column).into_iter();
    written.flat_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sqlite::text::tokens;

    #[test]
    fn the_last_modifier_of_a_call_says_whose_clock_it_is() {
        for (expression, shows) in [
            ("(datetime('now','localtime'))", vec![Shows::Machine]),
            (
                "(DATETIME('now', '+1 day', 'LocalTime'))",
                vec![Shows::Machine],
            ),
            (
                "(strftime('%Y-%m-%dT%H:%M:%SZ', 'now', \"localtime\"))",
                vec![Shows::Machine],
            ),
            ("(datetime('now','localtime','utc'))", vec![Shows::Utc]),
            ("(datetime(made, 'utc'))", vec![Shows::Utc]),
            (
                "(datetime('now','utc'))",
                vec![Shows::Unclear("'utc'".to_owned())],
            ),
            ("CURRENT_TIMESTAMP", vec![]),
            ("(unixepoch())", vec![]),
            ("(strftime('%s','now'))", vec![]),
            ("'localtime'", vec![]),
            ("(place('localtime'))", vec![]),
        ] {
            assert_eq!(shown(&tokens(expression)), shows, "{expression}");
        }
    }

    #[test]
    fn what_writes_utc_without_a_word_of_it_is_known() {
        for (expression, utc) in [
            ("CURRENT_TIMESTAMP", true),
            ("(current_date)", true),
            ("(datetime('now'))", true),
            ("datetime()", true),
            ("((DATE('now', '+30 days')))", true),
            ("(datetime('now', 'start of day', '+1 month'))", true),
            ("(strftime('%Y-%m-%d %H:%M:%f', 'NOW'))", true),
            ("(strftime('%Y-%m-%d %H:%M:%S'))", true),
            ("(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))", false),
            ("(datetime('now') || 'Z')", false),
            ("(strftime('%s', 'now'))", false),
            ("(unixepoch())", false),
            ("(datetime('now', '+2 hours'))", false),
            ("(datetime('now', 'localtime'))", false),
            ("(datetime('now', '+01:00'))", false),
            ("(datetime(made))", false),
            ("'now'", false),
            ("NULL", false),
            ("()", false),
        ] {
            assert_eq!(is_now_in_utc(&tokens(expression)), utc, "{expression}");
        }
    }

    #[test]
    fn a_trigger_writes_the_columns_that_it_names() {
        let trigger = "CREATE TRIGGER touch AFTER UPDATE ON other BEGIN
            UPDATE item SET made = datetime('now'), touched = datetime('now', 'localtime') WHERE id = NEW.id;
            INSERT INTO log (id, at, by) VALUES (NEW.id, datetime('now', 'localtime'), 'x');
            INSERT INTO audit SELECT id, datetime('now', 'localtime') FROM item;
        END";
        let of = |table: &str, column: &str| of_trigger(&tokens(trigger), table, column);
        assert_eq!(of("item", "touched"), [Shows::Machine]);
        assert_eq!(of("Log", "AT"), [Shows::Machine]);
        assert_eq!(of("audit", "whatever"), [Shows::Machine]);
        for (table, column) in [
            ("item", "made"),
            ("log", "by"),
            ("log", "id"),
            ("other", "touched"),
        ] {
            assert_eq!(of(table, column), [], "{table}.{column}");
        }
    }
}
