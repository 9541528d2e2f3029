//! What sweeps answer.

use std::ops::AddAssign;

/// What one committed batch did. In a dry run: what it would have done; a plugin cannot tell. All
/// counts are rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// Rows looked at, by which the sweep advances.
    pub examined: u64,
    /// Rows deleted or updated.
    pub affected: u64,
    /// Rows deleted or unlinked ahead of them, as the sweep asked.
    pub dependents: u64,
    /// Rows that the database's own ON DELETE rules took or changed with them.
    pub cascaded: u64,
    /// Eligible rows passed over because another transaction held them.
    pub locked: u64,
    /// Eligible rows passed over because a row outside this sweep refers to them.
    pub blocked: u64,
    /// Rows that stopped being eligible between the look and the act.
    pub revived: u64,
}

impl AddAssign for Batch {
    fn add_assign(&mut self, other: Self) {
        self.examined += other.examined;
        self.affected += other.affected;
        self.dependents += other.dependents;
        self.cascaded += other.cascaded;
        self.locked += other.locked;
        self.blocked += other.blocked;
        self.revived += other.revived;
    }
}

/// What a sweep answers when it is asked for its next batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// One committed batch.
    Batch(Batch),
    /// Every eligible row has been visited.
    Drained,
    /// Stop here; the rest stays for the next run. The text is the host's reason, such as
    /// `deadline` or `row-budget`.
    Suspended(String),
}

/// What came of a whole sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The sum of all batches.
    pub total: Batch,
    /// How many batches there were.
    pub batches: u64,
    /// The host's reason for stopping early; `None`: the sweep is drained.
    pub suspended: Option<String>,
}

impl Outcome {
    /// Whether every eligible row has been visited. Otherwise the job should return: the host
    /// refuses further batches in this run.
    pub fn is_drained(&self) -> bool {
        self.suspended.is_none()
    }
}
