//! Conditions on the model's rows, in SQL's three truth values.

use besom::request::{Comparison, Condition, Join, Value};

use super::super::model::oracle::{Truth, all_of, ordered};
use super::world::{Cells, State, World};

pub(super) struct Conditions<'a> {
    pub(super) world: &'a World,
    pub(super) state: &'a State,
}

/// A value as the model's cells hold it.
pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(*number),
        Value::Boolean(truth) => Some(i64::from(*truth)),
        Value::Timestamp(at) => Some(at.0),
        other => unreachable!("{other:?}"),
    }
}

impl Conditions<'_> {
    /// The rows of `other` that `on` joins to a row of `table`.
    pub(super) fn joined(&self, other: usize, on: &[Join], table: usize, row: &Cells) -> Vec<i64> {
        let pairs: Vec<(usize, usize)> = on
            .iter()
            .map(|join| {
                let foreign = self.world.column(other, &join.foreign);
                (foreign, self.world.column(table, &join.local))
            })
            .collect();
        let meets = |cells: &Cells| {
            let mut pairs = pairs.iter();
            pairs
                .all(|(foreign, local)| cells[*foreign].is_some() && cells[*foreign] == row[*local])
        };
        let rows = self.state[other].iter();
        rows.filter(|(_, cells)| meets(cells))
            .map(|(n, _)| *n)
            .collect()
    }

    pub(super) fn holds(&self, table: usize, row: &Cells, condition: &Condition) -> Truth {
        let cell = |column: &str| row[self.world.column(table, column)];
        match condition {
            Condition::Compare {
                column,
                operator,
                to,
            } => ordered(cell(column)?, *operator, number(to)?),
            Condition::CompareColumns {
                column,
                operator,
                to,
            } => ordered(cell(column)?, *operator, cell(to)?),
            Condition::OlderThan {
                column,
                cutoff,
                offset,
            } => ordered(cell(column)? + offset, Comparison::Less, cutoff.0),
            Condition::IsNull { column } => Some(cell(column).is_none()),
            Condition::IsNotNull { column } => Some(cell(column).is_some()),
            Condition::Exists {
                table: other,
                on,
                matching,
            } => self.some(table, row, other, on, matching.as_deref()),
            Condition::NotExists {
                table: other,
                on,
                matching,
            } => {
                let some = self.some(table, row, other, on, matching.as_deref());
                some.map(|some| !some)
            }
            Condition::All(of) => {
                let terms: Vec<Truth> = of.iter().map(|c| self.holds(table, row, c)).collect();
                all_of(&terms)
            }
            Condition::Any(of) => {
                let denied = of.iter();
                let denied = denied.map(|c| self.holds(table, row, c).map(|holds| !holds));
                all_of(&denied.collect::<Vec<Truth>>()).map(|none| !none)
            }
            Condition::Not(of) => self.holds(table, row, of).map(|holds| !holds),
            Condition::Everything => Some(true),
            other => unreachable!("{other:?}"),
        }
    }

    /// Whether there is such a row: it is not known where one may be, and none is for certain.
    fn some(
        &self,
        table: usize,
        row: &Cells,
        other: &str,
        on: &[Join],
        matching: Option<&Condition>,
    ) -> Truth {
        let other = self.world.table(other);
        let joined = self.joined(other, on, table, row).into_iter();
        let absent = joined.map(|n| {
            let row = &self.state[other][&n];
            let there = matching.map_or(Some(true), |matching| self.holds(other, row, matching));
            there.map(|there| !there)
        });
        all_of(&absent.collect::<Vec<Truth>>()).map(|none| !none)
    }
}
