//! What to do about a batch that failed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::transaction::Failed;
use crate::database::Cause;
use crate::sql::Technique;

/// Attempts at one batch after conflicts and timeouts. Each halves the window, so the last one is
/// a few rows; what still fails then is not a matter of size.
const CONFLICTS: u32 = 8;

/// Attempts at one batch after a lost connection: with the pauses between them about half a
/// minute, which a restart of the server takes.
const LOSSES: u32 = 8;

/// What to do next.
pub(super) enum Verdict {
    /// The fast pass met a locked row: run the window again without waiting for any.
    SkipLocked,
    /// A child appeared under a statement that does not lock: run the window again with locks.
    Lock,
    /// Some of the rows are refused: which, pieces of the window tell.
    Carefully,
    /// A smaller window, after a pause.
    Smaller { size: u64, pause: Duration },
    /// One row is left, and too much goes along with it: what hangs on it goes first.
    TakeApart,
    /// One row is left and still in the way: move on behind it.
    PassOver(InTheWay),
    /// It may have committed: see what the ledger says, then try again.
    AskLedger { pause: Duration },
    /// The failure stands.
    GiveUp,
}

/// Why one row cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InTheWay {
    /// A constraint refuses.
    Refused,
    /// So much goes along with it that a batch does not finish, or may not begin.
    TooMuch,
}

impl InTheWay {
    /// As the run's record has it beside the tables that hold rows.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "(refused by the database)",
            Self::TooMuch => "(too much goes along)",
        }
    }
}

/// The failures of one batch so far.
#[derive(Debug, Default)]
pub(super) struct Retries {
    conflicts: u32,
    losses: u32,
    fenced: u32,
    /// Pieces do not tell which rows are refused.
    pub(super) in_vain: bool,
}

impl Retries {
    pub(super) fn after(
        &mut self,
        failed: &Failed,
        technique: Technique,
        skipping: bool,
        size: u64,
    ) -> Verdict {
        let error = match failed {
            Failed::Request(_) | Failed::Schema | Failed::EveryStatement(_) => {
                return Verdict::GiveUp;
            }
            Failed::Fenced { .. } => {
                self.fenced += 1;
                return match self.fenced {
                    1 | 2 => Verdict::AskLedger {
                        pause: Duration::ZERO,
                    },
                    _ => Verdict::GiveUp,
                };
            }
            Failed::TooHeavy if size == 1 => return Verdict::TakeApart,
            Failed::NothingApart => return Verdict::GiveUp,
            Failed::TooHeavy => {
                return Verdict::Smaller {
                    size: size / 2,
                    pause: Duration::ZERO,
                };
            }
            Failed::Database(error) => error,
        };
        match error.cause {
            Cause::LockTimeout if technique == Technique::OneStatement && !skipping => {
                Verdict::SkipLocked
            }
            Cause::Constraint if technique == Technique::OneStatement => Verdict::Lock,
            Cause::Constraint if !self.in_vain => Verdict::Carefully,
            Cause::Constraint if size == 1 => Verdict::PassOver(InTheWay::Refused),
            // Halving finds the row in the way in as many steps as the window has bits.
            Cause::Constraint => Verdict::Smaller {
                size: size / 2,
                pause: Duration::ZERO,
            },
            Cause::StatementTimeout if size == 1 => Verdict::PassOver(InTheWay::TooMuch),
            // Each attempt takes the whole timeout: fewer of them than halving would take.
            Cause::StatementTimeout => Verdict::Smaller {
                size: (size / 4).max(1),
                pause: Duration::ZERO,
            },
            Cause::LockTimeout | Cause::Deadlock | Cause::Serialization => {
                self.conflicts += 1;
                if self.conflicts > CONFLICTS {
                    return Verdict::GiveUp;
                }
                let pause = jitter(Duration::from_millis(10 << self.conflicts));
                Verdict::Smaller {
                    size: (size / 2).max(1),
                    pause,
                }
            }
            Cause::ConnectionLost => {
                self.losses += 1;
                if self.losses > LOSSES {
                    return Verdict::GiveUp;
                }
                let pause = Duration::from_millis(50 << self.losses);
                Verdict::AskLedger {
                    pause: jitter(pause),
                }
            }
            Cause::Other => Verdict::GiveUp,
        }
    }
}

/// Half to one and a half times `pause`, so that two hosts that met do not meet again.
fn jitter(pause: Duration) -> Duration {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .subsec_nanos();
    pause.mul_f64(0.5 + f64::from(nanos % 1_000) / 1_000.0)
}
