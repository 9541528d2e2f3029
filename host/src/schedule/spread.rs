//! A delay that looks random and is the same on every host.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::request::JobName;

/// So much of `most` as a hash of the job and the number says, in whole milliseconds: the hosts of one
/// database agree on it without asking one another.
pub(super) fn part_of(most: Duration, job: &JobName, number: i64) -> Duration {
    let mut hash = Sha256::new();
    hash.update(job.to_string());
    hash.update(number.to_be_bytes());
    let hash = hash.finalize();
    let first = hash.iter().take(8);
    let number = first.fold(0u64, |all, byte| (all << 8) | u64::from(*byte));
    let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    // The remainder favours the shorter delays by less than one part in a thousand million.
    Duration::from_millis(number % most.saturating_add(1))
}
