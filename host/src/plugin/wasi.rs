//! The WASI context of a guest: everything a language's runtime links against, and none of it
//! leads anywhere.
//!
//! No file, socket, name lookup, environment or argument; the clocks stand still, randomness is
//! the same in every run. What the guest prints goes to the log.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder};

use crate::request::Timestamp;

use super::output::Printed;

/// Blocks of 32 bytes before randomness repeats: more than a runtime draws to seed its hashes,
/// so that code that draws again until the number is new does not go round for ever.
const RANDOM_BLOCKS: u32 = 128;
/// Bytes of randomness in one call: seeds, not buffers.
const RANDOM_BYTES_A_CALL: u64 = 64 << 10;
/// Seeds hash maps; any fixed number does.
const SEED: u128 = 0x6265_736f_6d20_6973_2061_2062_726f_6f6d;

/// A context for a guest that believes it is `now`.
pub(super) fn context(now: Timestamp, printed: &Printed) -> WasiCtx {
    let since_epoch = Duration::from_micros(u64::try_from(now.0).unwrap_or(0));
    let mut context = WasiCtxBuilder::new();
    context
        .stdout(printed.stream("stdout"))
        .stderr(printed.stream("stderr"))
        .wall_clock(Fixed(since_epoch))
        .monotonic_clock(Fixed(since_epoch))
        .secure_random(random("secure"))
        .insecure_random(random("insecure"))
        .insecure_random_seed(SEED)
        .max_random_size(RANDOM_BYTES_A_CALL)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    context.build()
}

/// A clock that stands still.
struct Fixed(Duration);

impl HostWallClock for Fixed {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Fixed {
    fn resolution(&self) -> u64 {
        1_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }
}

fn random(what: &str) -> Deterministic {
    let block = |number: u32| Sha256::digest(format!("besom {what} {number}"));
    Deterministic::new((0..RANDOM_BLOCKS).flat_map(block).collect())
}
