//! What each job decides, by the sweeps that it opens on a fake host.

#![allow(clippy::panic, clippy::indexing_slicing)]

mod compat;
mod every_job;
mod grants;
mod oauth2;
mod rotating;

use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Any instant will do; this one is in 2026.
const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_123_456);

fn host() -> FakeHost {
    FakeHost::at(NOW)
}

/// A column of a refresh token that a deleted token leaves empty.
fn forgets(column: &str) -> TableAccess {
    table("oauth2_refresh_tokens").updates([column]).if_there()
}

fn swept(ran: &Ran) -> Vec<Sweep> {
    assert_eq!(ran.result, Ok(()));
    ran.opened.iter().map(|swept| swept.sweep.clone()).collect()
}

fn condition_of(ran: &Ran) -> String {
    let sweeps = swept(ran);
    let conditions = sweeps.iter().map(|sweep| sweep.condition().to_string());
    let conditions: Vec<_> = conditions.collect();
    conditions.join("; ")
}
