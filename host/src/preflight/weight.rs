//! What a look without an index costs, by the sizes that there are.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::catalog::{Dialect, Table, TableId};
use crate::request::Request;
use crate::sql::Size;

/// Sizes that bear on a job, as far as they are known. The runner asks the database for them: see
/// [`super::to_weigh`] and [`super::to_count`].
#[derive(Debug, Clone)]
pub struct Weights {
    /// Tables by their real size; any other by the statistics in the catalog.
    pub sizes: BTreeMap<TableId, Size>,
    /// Rows that requests would take now; any other may take every row.
    pub to_go: Vec<(Request, u64)>,
    /// Rows that go in a batch at most.
    pub batch_size: u64,
    /// How long a run may take.
    pub deadline: Duration,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            sizes: BTreeMap::new(),
            to_go: Vec::new(),
            batch_size: 1_000,
            deadline: Duration::from_secs(300),
        }
    }
}

/// Rows on a page where nothing is known of the table's size: rows of about 160 bytes.
const ROWS_A_PAGE: u64 = 50;

/// A batch is meant to take 75 ms, 25 on SQLite, and as long as it looks its rows stay locked; on SQLite
/// every writer waits. Besom looks for such rows itself, a few times: two seconds become some ten, and with
/// more the statement timeout of 15 s cuts batch after batch short.
const SLOW_BATCH: Duration = Duration::from_secs(2);

/// The pages that a look by an index reads: a table of so few is read as fast without one.
const BY_INDEX: u64 = 4;

impl Weights {
    pub(super) fn size(&self, table: &Table) -> Size {
        let by_statistics = Size {
            rows: table.estimated_rows,
            pages: table.estimated_rows.div_ceil(ROWS_A_PAGE),
            at_most: false,
        };
        self.sizes.get(&table.id).copied().unwrap_or(by_statistics)
    }

    /// An index leads to a row of the table quicker than a look at all of it, as far as is known.
    pub(super) fn gains_by_index(&self, table: &Table) -> bool {
        let size = self.sizes.get(&table.id);
        size.is_none_or(|size| size.pages > BY_INDEX)
    }

    pub(super) fn to_go(&self, request: &Request) -> Option<u64> {
        let mut counted = self.to_go.iter();
        let found = counted.find(|(of, _)| of == request);
        found.map(|(_, rows)| *rows)
    }

    /// So many looks at every page of a table, one for each row that goes, make a batch slow, or a run
    /// longer than it may take.
    pub(super) fn too_much(&self, looks: u64, pages: u64, dialect: Dialect) -> bool {
        let beside = pages.saturating_sub(BY_INDEX);
        let in_a_batch = looks.min(self.batch_size).saturating_mul(beside);
        let in_a_run = looks.saturating_mul(beside);
        time(in_a_batch, dialect) > SLOW_BATCH || time(in_a_run, dialect) > self.deadline
    }
}

/// What reading so many pages takes. Measured with 20 to 70 rows on a page: 1 to 3.2 µs on PostgreSQL with
/// the pages in its memory, about 45 ns a row; a page that comes from the system's memory takes as long
/// again. On SQLite 1.2 to 1.4 µs. From a disk all of it is ten times slower, which is not assumed.
pub(super) fn time(pages: u64, dialect: Dialect) -> Duration {
    let each = match dialect {
        Dialect::Postgres => 5,
        Dialect::Sqlite => 2,
    };
    Duration::from_micros(pages.saturating_mul(each))
}

/// `some 4 s`, `some 3 min`; nothing finer than a tenth of a second.
pub(super) fn told(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.05 => "less than 0.1 s".to_owned(),
        ..1.95 => format!("some {seconds:.1} s"),
        ..120.0 => format!("some {seconds:.0} s"),
        ..7_200.0 => format!("some {:.0} min", seconds / 60.0),
        _ => format!("some {:.0} h", seconds / 3_600.0),
    }
}

/// `about 200,000 rows`.
pub(super) fn rows(size: Size) -> String {
    match (size.rows, size.at_most) {
        (0, _) => "no rows".to_owned(),
        (1, false) => "about 1 row".to_owned(),
        (rows, false) => format!("about {} rows", grouped(rows)),
        (rows, true) => format!("at most {} rows", grouped(rows)),
    }
}

/// `3,400 pages`.
pub(super) fn pages(pages: u64) -> String {
    match pages {
        1 => "1 page".to_owned(),
        pages => format!("{} pages", grouped(pages)),
    }
}

/// `4,080,000`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_as_people_say_them() {
        let grouped: Vec<_> = [7, 999, 1_000, 4_080_000].map(super::grouped).into();
        assert_eq!(grouped, ["7", "999", "1,000", "4,080,000"]);
        let told =
            [0, 40, 700, 4_290, 130_000, 7_300_000].map(|ms| told(Duration::from_millis(ms)));
        let expected = [
            "less than 0.1 s",
            "less than 0.1 s",
            "some 0.7 s",
            "some 4 s",
            "some 2 min",
            "some 2 h",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_few_rows_against_much_and_many_against_little_are_borne() {
        let weights = Weights::default();
        let too_much = |looks, pages| weights.too_much(looks, pages, Dialect::Postgres);
        // Eighteen keys and 200,000 sessions; any number of rows and a table of one.
        assert!(!too_much(18, 7_400));
        assert!(!too_much(50_000_000, 1));
        // A thousand rows and 100 MB.
        assert!(too_much(1_000, 12_800));
        // Each batch is quick enough, and there are more than a run gets through.
        assert!(!too_much(100_000, 100) && too_much(1_000_000, 100));
    }
}
