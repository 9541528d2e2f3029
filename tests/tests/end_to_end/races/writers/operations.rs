//! What a writer does: one small transaction at a time, on a family picked at random.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use besom::catalog::Dialect;
use besom::database::{DatabaseError, Session, Statement};

use super::family::ITEMS;

/// A sequence of numbers that look random and are the same for the same seed.
pub struct Random(pub u64);

impl Random {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// One connection that changes rows.
pub struct Writer {
    pub session: Session,
    pub random: Random,
    /// The next id that nobody has used.
    pub fresh: Arc<AtomicI64>,
    /// Operations that a foreign key refused.
    pub refused: usize,
}

/// An operation with its weight. `$1` is an item, `$2` another, `$3` a fresh id, `$4` true or false.
const OPERATIONS: [(u64, &str); 13] = [
    (
        4,
        "INSERT INTO item VALUES ($1, NULL, $4) ON CONFLICT DO NOTHING",
    ),
    (2, "UPDATE item SET live = true WHERE id = $1 AND NOT live"),
    (4, "UPDATE item SET live = false WHERE id = $1 AND live"),
    (3, "INSERT INTO note VALUES ($3, $1, $4)"),
    (
        2,
        "UPDATE note SET live = true WHERE id = (SELECT max(id) FROM note WHERE up = $1)",
    ),
    (
        4,
        "UPDATE note SET live = false WHERE id = (SELECT max(id) FROM note WHERE up = $1 AND live)",
    ),
    (
        1,
        "UPDATE note SET up = $2 WHERE id = (SELECT max(id) FROM note WHERE up = $1)",
    ),
    (
        1,
        "UPDATE note SET up = $2, live = true WHERE id = (SELECT max(id) FROM note WHERE up = $1)",
    ),
    (
        3,
        "INSERT INTO mark SELECT $3, max(id), false FROM note WHERE up = $1 HAVING count(*) > 0",
    ),
    (
        1,
        "DELETE FROM mark WHERE id = (SELECT max(m.id) FROM mark AS m JOIN note AS n ON n.id = m.up WHERE n.up = $1)",
    ),
    (
        1,
        "DELETE FROM note WHERE id = (SELECT max(id) FROM note WHERE up = $1)",
    ),
    (1, "INSERT INTO audit VALUES ($3, $1, false)"),
    (3, "DELETE FROM audit WHERE up = $1"),
];

/// An item comes back to life, with a note of its own.
const REVIVAL: [&str; 2] = [
    "UPDATE item SET live = true WHERE id = $1",
    "INSERT INTO note VALUES ($3, $1, true)",
];

/// How long a transaction thinks before it commits, so that besom meets its locks.
const BREATH: Duration = Duration::from_millis(2);

/// How long a writer on SQLite lets the others have the only lock. SQLite grants it to whoever
/// asks at the right moment, so it must be free more often than not.
const BETWEEN: Duration = Duration::from_millis(12);

impl Writer {
    /// One transaction at one item: an operation, or now and then a revival with a live note.
    pub async fn act(&mut self) {
        let item = 1 + self.random.below(ITEMS);
        let operations = match self.random.below(10) {
            0 => REVIVAL.to_vec(),
            _ => vec![self.pick()],
        };
        if let Err(error) = self.transaction(&operations, item).await {
            // Only ever a row that is gone, or still in use: besom costs an application no
            // deadlock and no timeout.
            assert!(
                ["23503", "787", "1811"].contains(&error.code.as_str()),
                "{error}"
            );
            self.session.rollback().await.unwrap();
            self.refused += 1;
        }
        if self.session.dialect() == Dialect::Sqlite {
            tokio::time::sleep(BETWEEN).await;
        }
    }

    async fn transaction(&mut self, operations: &[&str], item: u64) -> Result<(), DatabaseError> {
        let (begin, end) = match self.session.dialect() {
            Dialect::Postgres => ("BEGIN", ""),
            Dialect::Sqlite => (
                "BEGIN IMMEDIATE; UPDATE who SET writer = 1",
                "UPDATE who SET writer = 0",
            ),
        };
        self.session.begin(begin).await?;
        for operation in operations {
            self.run(operation, item).await?;
        }
        self.session.run_script(end).await?;
        if self.session.dialect() == Dialect::Postgres {
            tokio::time::sleep(BREATH).await;
        }
        self.session.commit().await
    }

    fn pick(&mut self) -> &'static str {
        let all = OPERATIONS.iter().map(|(weight, _)| weight).sum();
        let mut at = self.random.below(all);
        for (weight, operation) in OPERATIONS {
            if at < weight {
                return operation;
            }
            at -= weight;
        }
        unreachable!("below the sum of the weights")
    }

    async fn run(&mut self, operation: &str, item: u64) -> Result<(), DatabaseError> {
        let other = 1 + self.random.below(ITEMS);
        let live = self.random.below(3) == 0;
        let fresh = self.fresh.fetch_add(1, Ordering::Relaxed);
        let text = operation
            .replace("$1", &item.to_string())
            .replace("$2", &other.to_string())
            .replace("$3", &fresh.to_string())
            .replace("$4", &live.to_string());
        let mut statement = Statement::new(self.session.dialect());
        // Every text is a new one: nothing to keep prepared.
        statement.push(&text).plan_each_time();
        self.session.fetch(&statement).await.map(drop)
    }
}
