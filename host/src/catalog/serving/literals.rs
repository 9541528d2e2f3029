//! Constants of a predicate as values of the column that they are compared with.

use crate::catalog::{Column, Dialect, Kind};

/// A constant. On SQLite a truth value is the number 0 or 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

/// A constant as written.
pub(super) struct Constant {
    pub(super) literal: Literal,
    pub(super) casts: Vec<String>,
}

/// The constant as one of the column's own values, compared as the column's own values are; `cast` is
/// what the column is cast to before.
pub(super) fn literal(
    column: &Column,
    cast: Option<&str>,
    constant: Constant,
    dialect: Dialect,
) -> Option<Literal> {
    match dialect {
        Dialect::Postgres => postgres(column, cast, constant),
        Dialect::Sqlite => sqlite(column, constant),
    }
}

fn postgres(column: &Column, cast: Option<&str>, constant: Constant) -> Option<Literal> {
    const WHOLE: [&str; 3] = ["smallint", "integer", "bigint"];
    let Constant { literal, casts } = constant;
    if column.kind != Kind::Text && cast.is_some() {
        return None;
    }
    let cast_to = |sql_type: &str| casts == [sql_type];
    match (&column.kind, literal) {
        (Kind::Boolean, literal @ Literal::Boolean(_)) if casts.is_empty() => Some(literal),
        (Kind::Integer(_), literal) if casts.iter().all(|cast| WHOLE.contains(&cast.as_str())) => {
            match literal {
                Literal::Integer(_) => Some(literal),
                // A negative or a wide number: `'-5'::integer`.
                Literal::Text(digits) if !casts.is_empty() => {
                    digits.parse().ok().map(Literal::Integer)
                }
                _ => None,
            }
        }
        (Kind::Text, Literal::Text(text)) => {
            let compared = match cast {
                // A varchar is compared as the text that it is.
                Some("text") if is_varchar(column) => {
                    cast_to("text") || cast_to("character varying")
                }
                Some(_) => false,
                None => cast_to(&column.sql_type),
            };
            (compared && plain(&text)).then_some(Literal::Text(text))
        }
        (Kind::Enum(_) | Kind::Uuid, Literal::Text(text)) => {
            (cast_to(&column.sql_type) && plain(&text)).then_some(Literal::Text(text))
        }
        _ => None,
    }
}

fn sqlite(column: &Column, constant: Constant) -> Option<Literal> {
    if !constant.casts.is_empty() {
        return None;
    }
    let literal = match constant.literal {
        Literal::Boolean(value) => Literal::Integer(i64::from(value)),
        other => other,
    };
    let fits = matches!(
        (&column.kind, &literal),
        (Kind::Boolean | Kind::Integer(_), Literal::Integer(_))
            | (Kind::Text, Literal::Text(_))
            | (Kind::Any, _)
    );
    fits.then_some(literal)
}

pub(super) fn is_varchar(column: &Column) -> bool {
    column.kind == Kind::Text && column.sql_type == "character varying"
}

/// What a backslash in a string means is a matter of the session's settings.
fn plain(text: &str) -> bool {
    !text.contains('\\')
}
