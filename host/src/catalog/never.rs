//! What stands for "never", or for no instant at all, as numbers and words: whoever reads a value or writes a statement
//! takes it from here.

use std::ops::Range;

use super::Times;
use crate::request::Timestamp;

impl Times {
    /// Microseconds of 1973-01-01: what is earlier stands for "never", unless the operator says
    /// otherwise. In every unit it is the least number that has the size of a present instant's.
    pub const REAL: Timestamp = Timestamp(94_694_400_000_000);

    /// Microseconds of 2000-01-01: an earlier number, from [`Times::REAL`] on, is likelier counted from another day or in
    /// another unit, or written digit by digit. Apple's seconds since 2001 look like 1996, .NET's ticks like nanoseconds
    /// of 1990, `202712311200` like milliseconds of 1976. Unless the operator says `oldest` none is an instant.
    pub(crate) const COUNTED: Timestamp = Timestamp(946_684_800_000_000);

    /// Microseconds of 9999-12-30: `9999-12-31` stands for "never", and in the farthest zone
    /// it begins this early.
    pub const END: Timestamp = Timestamp(253_402_128_000_000_000);

    /// Seconds of [`Times::END`], from which on what stands for "never" is late. In every unit it is the least number that
    /// may be.
    pub(crate) const LATE: i64 = Self::END.0 / 1_000_000;

    /// Seconds of the year 10000, from which on nothing is a time.
    const TOO_LATE: i64 = 253_402_300_800;

    /// Nanoseconds of the units in which there are such numbers: 64 bits of nanoseconds do not reach so far.
    const LATE_UNITS: [i128; 3] = [1_000_000_000, 1_000_000, 1_000];

    /// The beginnings of the days from which and before which texts of days are real.
    pub(crate) const REAL_DAYS: (&str, &str) = ("1973", "9999-12-30");

    /// Numbers that stand for no instant in a column of any forms.
    pub(crate) const NO_NUMBERS: [i64; 4] = [0, -1, Self::LARGEST, i64::MIN + 1];

    /// The largest number of a column of 64 bits, which stands for "never" like an infinity in whatever unit.
    pub(crate) const LARGEST: i64 = i64::MAX;

    /// Words that stand for no instant, in lower case, each for the number in its place.
    pub(crate) const NO_WORDS: [&str; 4] = ["0", "-1", "infinity", "-infinity"];

    /// How a text begins that stands for no instant whatever follows the day: one without year, month and day, as MySQL
    /// keeps it, and the last and the first that there are.
    const NO_DAYS: [&str; 3] = ["0000-00-00", "9999-12-31", "0001-01-01"];

    /// Microseconds of the year 2.
    const SECOND_YEAR: i64 = -62_104_060_800_000_000;

    /// How such texts begin in a column of these times, of which the first day may be one.
    pub(crate) fn no_days(&self) -> &'static [&'static str] {
        match self.first().0 > Self::SECOND_YEAR {
            true => &Self::NO_DAYS,
            false => Self::NO_DAYS.split_at(2).0,
        }
    }

    /// What is late in a unit of so many nanoseconds.
    pub(crate) fn late_in(unit: i128) -> Option<Range<i128>> {
        let scale = 1_000_000_000 / unit;
        let (from, to) = (i128::from(Self::LATE), i128::from(Self::TOO_LATE));
        (scale > 0).then(|| from * scale..to * scale)
    }

    /// What is late in one unit or another.
    pub(crate) fn late() -> impl Iterator<Item = Range<i128>> {
        Self::LATE_UNITS.into_iter().filter_map(Self::late_in)
    }

    /// The numbers of a unit that stand for real instants: those that in no other unit are instants between 1973 and
    /// the end of the fifth millennium.
    pub(crate) fn real_in(&self, unit: i128) -> Range<i128> {
        let scale = 1_000_000_000 / unit;
        let first = self.oldest().unwrap_or(Self::COUNTED);
        let least = (i128::from(first.0) * 1_000).div_euclid(unit);
        let real = i128::from(Self::REAL.0) / 1_000_000;
        least..(real * 1_000 * scale).min(i128::from(Self::LARGEST))
    }
}
