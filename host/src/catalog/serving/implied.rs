//! What a condition says about every row that meets it. That a column is set is told by
//! [`Condition::needs`].

use super::literals::Literal;
use super::predicate::{Meaning, Term};
use crate::catalog::{Column, Dialect, Kind, Table};
use crate::request::{Comparison, Condition, Value};

/// Every row that meets the condition meets the term, too. Not said here does not mean that it is not so.
pub(super) fn implies(condition: &Condition, term: &Term, table: &Table, dialect: Dialect) -> bool {
    let Some(column) = table.column(&term.column) else {
        return false;
    };
    if term.meaning == Meaning::NotNull {
        return condition.needs(&column.name);
    }
    About { column, dialect }.holds(condition, &term.meaning, true)
}

/// Every row that meets the condition has one and the same value in the column, or none: how it says so.
pub(super) fn fixes<'c>(condition: &'c Condition, column: &Column) -> Option<&'c Condition> {
    let fixed = match condition {
        Condition::Compare {
            column: on,
            operator: Comparison::Equal,
            to,
        } => *on == column.name && !matches!(to, Value::Timestamp(_)),
        Condition::OneOf { column: on, values } => {
            *on == column.name
                && matches!(values.as_slice(), [one] if !matches!(one, Value::Timestamp(_)))
        }
        Condition::IsNull { column: on } => *on == column.name,
        _ => false,
    };
    fixed.then_some(condition)
}

struct About<'a> {
    column: &'a Column,
    dialect: Dialect,
}

impl About<'_> {
    /// Whether the meaning follows from the condition or, with `as_said` false, from its negation. As in
    /// SQL neither holds where a column that is compared is NULL.
    fn holds(&self, condition: &Condition, meaning: &Meaning, as_said: bool) -> bool {
        let mine = |name: &String| *name == self.column.name;
        match condition {
            Condition::All(of) | Condition::Any(of) => {
                let all = matches!(condition, Condition::All(_)) == as_said;
                let mut each = of.iter();
                match all {
                    true => each.any(|term| self.holds(term, meaning, as_said)),
                    false => !of.is_empty() && each.all(|term| self.holds(term, meaning, as_said)),
                }
            }
            Condition::Not(of) => self.holds(of, meaning, !as_said),
            Condition::IsNull { column } | Condition::IsNotNull { column } if mine(column) => {
                let null = matches!(condition, Condition::IsNull { .. }) == as_said;
                null && matches!(meaning, Meaning::Null | Meaning::IsNotTruth(_))
            }
            Condition::Compare {
                column,
                operator,
                to,
            } if mine(column) => {
                let operator = match as_said {
                    true => *operator,
                    false => operator.inverse(),
                };
                self.compared(operator, to, meaning)
            }
            Condition::OneOf { column, values } if mine(column) => match as_said {
                true => self.one_of(values, meaning),
                false => self.none_of(values, meaning),
            },
            _ => false,
        }
    }

    fn compared(&self, operator: Comparison, to: &Value, meaning: &Meaning) -> bool {
        let own = self.literal(to);
        // Of two truth values one is the other's opposite.
        let (operator, own) = match (operator, own) {
            (Comparison::NotEqual, Some(Literal::Boolean(value))) => {
                (Comparison::Equal, Some(Literal::Boolean(!value)))
            }
            same => same,
        };
        let Some(own) = own else {
            return false;
        };
        match (operator, meaning) {
            (Comparison::Equal, Meaning::Is(wanted)) => own == *wanted,
            (Comparison::Equal, Meaning::IsNot(other)) => self.differ(&own, other),
            (Comparison::NotEqual, Meaning::IsNot(other)) => own == *other,
            (Comparison::Equal, Meaning::OneOf(wanted)) => wanted.contains(&own),
            (Comparison::Equal, Meaning::NoneOf(others)) => {
                others.iter().all(|other| self.differ(&own, other))
            }
            (Comparison::Equal, Meaning::IsNotTruth(value)) => self.is_not_truth(&own, *value),
            (_, Meaning::Ordered(wanted, bound)) => {
                matches!(own, Literal::Integer(own) if within(operator, own, *wanted, *bound))
            }
            _ => false,
        }
    }

    fn one_of(&self, values: &[Value], meaning: &Meaning) -> bool {
        let each = |value| self.compared(Comparison::Equal, value, meaning);
        !values.is_empty() && values.iter().all(each)
    }

    fn none_of(&self, values: &[Value], meaning: &Meaning) -> bool {
        let left_out = |literal: &Literal| {
            let mut values = values.iter();
            values.any(|value| self.literal(value).as_ref() == Some(literal))
        };
        match meaning {
            Meaning::IsNot(literal) => left_out(literal),
            Meaning::NoneOf(literals) => literals.iter().all(left_out),
            _ => false,
        }
    }

    /// SQLite takes every number but 0 for true.
    fn is_not_truth(&self, own: &Literal, value: bool) -> bool {
        match (self.dialect, own) {
            (Dialect::Sqlite, Literal::Integer(number)) => (*number != 0) != value,
            (Dialect::Sqlite, _) => false,
            (Dialect::Postgres, own) => self.differ(own, &Literal::Boolean(value)),
        }
    }

    fn truth(&self, value: bool) -> Literal {
        match self.dialect {
            Dialect::Postgres => Literal::Boolean(value),
            Dialect::Sqlite => Literal::Integer(i64::from(value)),
        }
    }

    /// The two are never equal. Of texts some collations say otherwise, so of these only what the
    /// database compares byte for byte.
    fn differ(&self, one: &Literal, other: &Literal) -> bool {
        let bytewise = match self.column.kind {
            Kind::Text => {
                let plain = matches!(self.column.sql_type.as_str(), "text" | "character varying");
                let collation = self.column.collation.as_ref();
                plain && collation.is_some_and(|collation| collation.deterministic)
            }
            Kind::Enum(_) | Kind::Boolean | Kind::Integer(_) => true,
            _ => false,
        };
        bytewise && one != other && std::mem::discriminant(one) == std::mem::discriminant(other)
    }

    /// The value as the column would be compared with it; `None` where that takes more than is known here.
    fn literal(&self, value: &Value) -> Option<Literal> {
        match (&self.column.kind, value) {
            (Kind::Boolean, Value::Boolean(value)) => Some(self.truth(*value)),
            (Kind::Boolean, Value::Other(text)) => match text.as_str() {
                "true" | "t" => Some(self.truth(true)),
                "false" | "f" => Some(self.truth(false)),
                _ => None,
            },
            (Kind::Integer(_), Value::Boolean(value)) if self.dialect == Dialect::Sqlite => {
                Some(self.truth(*value))
            }
            (Kind::Integer(_), Value::Integer(number)) => Some(Literal::Integer(*number)),
            (Kind::Boolean, Value::Integer(number)) if self.dialect == Dialect::Sqlite => {
                Some(Literal::Integer(*number))
            }
            (Kind::Integer(_), Value::Other(text)) => {
                text.trim().parse().ok().map(Literal::Integer)
            }
            (Kind::Any, Value::Integer(number)) => Some(Literal::Integer(*number)),
            (Kind::Text | Kind::Any, Value::Text(text)) => Some(Literal::Text(text.clone())),
            (Kind::Text, Value::Other(text))
            | (Kind::Enum(_), Value::Text(text) | Value::Other(text)) => {
                Some(Literal::Text(text.clone()))
            }
            (Kind::Uuid, Value::Uuid(text) | Value::Other(text)) => {
                let id: uuid::Uuid = text.parse().ok()?;
                Some(Literal::Text(id.to_string()))
            }
            (Kind::Text, Value::Uuid(text)) if self.dialect == Dialect::Sqlite => {
                let id: uuid::Uuid = text.parse().ok()?;
                Some(Literal::Text(id.to_string()))
            }
            _ => None,
        }
    }
}

/// What is `operator own` is also `wanted bound`.
fn within(operator: Comparison, own: i64, wanted: Comparison, bound: i64) -> bool {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    match (operator, wanted) {
        (Equal | LessOrEqual, Less) => own < bound,
        (Equal | LessOrEqual | Less, LessOrEqual) | (Less, Less) => own <= bound,
        (Equal | GreaterOrEqual, Greater) => own > bound,
        (Equal | GreaterOrEqual | Greater, GreaterOrEqual) | (Greater, Greater) => own >= bound,
        _ => false,
    }
}
