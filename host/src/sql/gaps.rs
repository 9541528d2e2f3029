//! The numbers between those that a column's forms read: as ranges, so that an index on the column leads to
//! the few rows that hold one, where there are any.

use std::ops::Range;

use super::instant::Held;
use super::scale::{Numbers, Scale};
use super::writer::Writer;
use crate::catalog::{Dialect, Kind, Times};

/// From the one number up to the other, without it; `None`: to the end of what the column holds.
type Gap = (i128, Option<i128>);

impl Held<'_> {
    /// Writes "the value is there, and no form reads it" as ranges; false of what stands for no instant.
    /// `false`, and nothing is written, where ranges do not say it: some values are text that is read.
    pub(super) fn outside(&self, w: &mut Writer) -> bool {
        let Some((gaps, numbers)) = self.gaps(w.dialect()) else {
            return false;
        };
        if gaps.is_empty() {
            w.truth(false);
            return true;
        }
        let name = self.name().to_owned();
        let largest = Times::LARGEST;
        w.push("(");
        for (at, (from, to)) in gaps.into_iter().enumerate() {
            w.push(if at > 0 { " OR " } else { "" });
            w.push(&format!("{name} >= {from}"));
            match (to, numbers) {
                (Some(to), _) => drop(w.push(&format!(" AND {name} < {to}"))),
                (None, Numbers::Whole) => drop(w.push(&format!(" AND {name} <> {largest}"))),
                (None, Numbers::Of(sql_type)) => drop(w.push(&format!(
                    " AND {name} <> {largest} AND {name} <> 'infinity'::{sql_type}"
                ))),
                // Text and bytes stand behind all numbers.
                (None, Numbers::Any) => drop(w.push(&format!(
                    " AND {name} <> {largest} AND {name} <> 9e999 \
                     AND NOT (typeof({name}) = 'text' AND {})",
                    self.never_text(&name)
                ))),
            }
        }
        w.push(")");
        true
    }

    /// What lies between the numbers that are read, and what kind of numbers the column has.
    fn gaps(&self, dialect: Dialect) -> Option<(Vec<Gap>, Numbers)> {
        let units = self.measured().iter().map(|measured| match measured.scale {
            // Not digits in text, whose order is another.
            Scale::Units {
                ref name,
                unit,
                numbers,
            } if name == self.name() => Some((unit, numbers)),
            _ => None,
        });
        let units: Vec<_> = units.collect::<Option<_>>()?;
        let (_, numbers) = *units.first()?;
        let mut read: Vec<_> = Times::late().collect();
        for (unit, _) in units {
            read.push(self.real_in(unit));
            read.push(i128::MIN..self.least_real(unit));
        }
        read.sort_unstable_by_key(|range| (range.start, range.end));
        let end = match self.kind() {
            Kind::Integer(bits) if dialect == Dialect::Postgres => 1_i128 << (bits - 1).min(63),
            _ => i128::MAX,
        };
        let mut gaps = Vec::new();
        let mut behind = i128::MIN;
        for Range {
            start: from,
            end: to,
        } in read
        {
            if from > behind && behind < end {
                gaps.push((behind, Some(from)));
            }
            behind = behind.max(to);
        }
        // Of whole numbers the last of all stands for "never".
        if behind < end.min(Times::LARGEST.into()) || numbers != Numbers::Whole {
            gaps.push((behind, None));
        }
        Some((gaps, numbers))
    }
}
