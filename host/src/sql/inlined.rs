//! A statement with its values in it, for people to run by hand.

use crate::database::{Bind, Statement};

/// The statement with its values in it, for people to run.
pub(super) fn inlined(statement: &Statement) -> String {
    let mut text = String::new();
    let mut rest = statement.text();
    let mut quoted = None;
    while let Some(next) = rest.chars().next() {
        let after = rest.get(next.len_utf8()..).unwrap_or_default();
        // A text, or a name with what its letters are.
        quoted = match (quoted, next) {
            (None, '\'' | '"') => Some(next),
            (Some(open), _) if open == next => None,
            (open, _) => open,
        };
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (place, behind) = after.split_at(digits);
        let value = match (quoted, next) {
            (None, '$' | '?') => place.parse::<usize>().ok(),
            _ => None,
        };
        let value = value.and_then(|place| statement.binds().get(place.checked_sub(1)?));
        match value {
            Some(value) => {
                text.push_str(&literal(value));
                rest = behind;
            }
            None => {
                text.push(next);
                rest = after;
            }
        }
    }
    text
}

fn literal(value: &Bind) -> String {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match value {
        Bind::Null => "NULL".to_owned(),
        Bind::Integer(value) => value.to_string(),
        Bind::Real(value) => value.to_string(),
        Bind::Text(value) => text(value),
        Bind::Blob(bytes) => format!("x'{}'", super::value::hex(bytes)),
        Bind::Texts(values) => {
            let values: Vec<_> = values.iter().map(|value| text(value)).collect();
            format!("ARRAY[{}]", values.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Dialect;

    #[test]
    fn a_columns_name_is_no_text_and_no_place_of_a_value() {
        let mut statement = Statement::new(Dialect::Postgres);
        statement
            .push("SELECT \"it's\", \"price$1\", \"a\"\"'b\" WHERE c = ")
            .bind(5_i64)
            .push(" AND d = '\"' AND n = ")
            .bind(6_i64);

        assert_eq!(
            inlined(&statement),
            "SELECT \"it's\", \"price$1\", \"a\"\"'b\" WHERE c = 5 AND d = '\"' AND n = 6"
        );
    }

    #[test]
    fn a_statement_for_people_has_its_values_in_it_and_nothing_in_its_texts_changed() {
        let mut statement = Statement::new(Dialect::Postgres);
        statement
            .push("SELECT 1 WHERE c < ")
            .bind_as("it's", "text")
            .push(" AND c ~ '^a$1$' AND n = ")
            .bind(5_i64);

        assert_eq!(
            inlined(&statement),
            "SELECT 1 WHERE c < 'it''s'::text AND c ~ '^a$1$' AND n = 5"
        );
    }
}
