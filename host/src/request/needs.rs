//! What a condition needs of a row to hold at all.

use super::Condition;

impl Condition {
    /// It cannot hold for a row in which this column of its own is NULL.
    pub fn needs(&self, column: &str) -> bool {
        self.needs_when(column, false)
    }

    /// The same of the condition's negation.
    fn needs_when(&self, column: &str, negated: bool) -> bool {
        match self {
            // As in SQL, neither a comparison with NULL holds nor its negation.
            Self::Compare { column: own, .. }
            | Self::OlderThan { column: own, .. }
            | Self::IdOlderThan { column: own, .. }
            | Self::OneOf { column: own, .. }
            | Self::StartsWith { column: own, .. } => own == column,
            Self::CompareColumns {
                column: own, to, ..
            } => own == column || to == column,
            Self::IsNotNull { column: own } => !negated && own == column,
            Self::IsNull { column: own } => negated && own == column,
            Self::Exists { on, .. } => !negated && on.iter().any(|join| join.local == column),
            Self::NotExists { on, .. } => negated && on.iter().any(|join| join.local == column),
            // A row with NULL in one of them is beyond nothing.
            Self::BeyondNewest {
                group_by, order_by, ..
            } => !negated && (order_by == column || group_by.iter().any(|own| own == column)),
            Self::All(of) if !negated => of.iter().any(|term| term.needs(column)),
            Self::All(of) | Self::Any(of) => {
                let any = negated && matches!(self, Self::Any(_));
                let mut terms = of.iter().map(|term| term.needs_when(column, negated));
                match any {
                    true => terms.any(|needs| needs),
                    false => !of.is_empty() && terms.all(|needs| needs),
                }
            }
            Self::Not(of) => of.needs_when(column, !negated),
            Self::Everything => false,
        }
    }

    /// The parts of it that every row must meet and that time alone does not change: tests of the
    /// row's own columns other than this one.
    pub fn lasting_beside(&self, column: &str) -> Vec<&Condition> {
        match self {
            Self::All(of) => of
                .iter()
                .flat_map(|term| term.lasting_beside(column))
                .collect(),
            Self::Compare {
                column: own, to, ..
            } if own != column && !matches!(to, super::Value::Timestamp(_)) => vec![self],
            Self::OneOf {
                column: own,
                values,
            } if own != column && !values.iter().any(is_time) => vec![self],
            Self::StartsWith { column: own, .. } if own != column => vec![self],
            _ => Vec::new(),
        }
    }
}

fn is_time(value: &super::Value) -> bool {
    matches!(value, super::Value::Timestamp(_))
}

#[cfg(test)]
mod tests {
    use super::super::{Comparison, Timestamp, Value};
    use super::*;

    fn old(column: &str) -> Condition {
        Condition::OlderThan {
            column: column.to_owned(),
            cutoff: Timestamp(0),
            offset: 0,
        }
    }

    fn null(column: &str) -> Condition {
        Condition::IsNull {
            column: column.to_owned(),
        }
    }

    fn equals(column: &str) -> Condition {
        Condition::Compare {
            column: column.to_owned(),
            operator: Comparison::Equal,
            to: Value::Integer(1),
        }
    }

    fn not(of: Condition) -> Condition {
        Condition::Not(Box::new(of))
    }

    #[test]
    fn a_comparison_and_its_negation_need_their_column() {
        assert!(old("a").needs("a"));
        assert!(not(old("a")).needs("a"));
        assert!(!old("a").needs("b"));
        assert!(!null("a").needs("a"));
        assert!(not(null("a")).needs("a"));
        assert!(!Condition::Everything.needs("a"));
    }

    #[test]
    fn one_way_around_the_column_is_enough() {
        assert!(Condition::All(vec![old("a"), null("b")]).needs("a"));
        assert!(!Condition::Any(vec![old("a"), null("b")]).needs("a"));
        assert!(Condition::Any(vec![old("a"), equals("a")]).needs("a"));
        let neither = not(Condition::Any(vec![null("a"), null("b")]));
        assert!(neither.needs("a") && neither.needs("b"));
        assert!(!not(Condition::All(vec![null("a"), null("b")])).needs("a"));
    }

    #[test]
    fn what_lasts_is_neither_a_time_nor_another_table() {
        let condition = Condition::All(vec![
            old("a"),
            old("b"),
            equals("kind"),
            null("b"),
            Condition::Any(vec![equals("c"), equals("d")]),
        ]);
        assert_eq!(condition.lasting_beside("a"), [&equals("kind")]);
    }
}
