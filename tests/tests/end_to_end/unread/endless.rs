//! A live token whose expiry stands for "never" keeps its family, whatever the type of the column.

use besom::catalog::Times;
use besom::request::{Mode, Request};
use besom_tests::lab::{Lab, drain};

use super::negated::{live, of_dead_families};
use super::*;
use crate::times::kinds::{KINDS, Kind};

/// A family for each way in which the live token never ends, and three without a live one.
async fn families(kind: &Kind) -> (Lab, usize) {
    let boolean = match kind.dialect {
        Dialect::Postgres => "boolean",
        Dialect::Sqlite => "BOOLEAN",
    };
    let schema = format!(
        "CREATE TABLE token (id bigint PRIMARY KEY, family text, revoked {boolean}, ends_at {});
         CREATE INDEX token_family ON token (family);",
        kind.declared
    );
    let mut lab = match kind.dialect {
        Dialect::Postgres => Lab::postgres(&schema).await,
        Dialect::Sqlite => Lab::sqlite(&schema).await,
    };
    if !kind.forms.is_empty() {
        let forms = kind.forms.iter().copied();
        lab.say("token", "ends_at", Times::declared(forms));
    }
    let endless = kind.never.iter().chain([&"NULL"]);
    let ends = endless.chain([&kind.past; 3]);
    for (n, end) in ends.enumerate() {
        let ahead = kind.ahead;
        lab.script(&format!(
            "INSERT INTO token VALUES ({}, 'f{n}', TRUE, {ahead}), ({}, 'f{n}', FALSE, {end})",
            2 * n + 1,
            2 * n + 2
        ))
        .await;
    }
    (lab, kind.never.len() + 1)
}

#[tokio::test]
async fn a_live_token_that_never_ends_keeps_its_family_and_the_rehearsal_knows() {
    for kind in KINDS {
        let (mut lab, endless) = families(&kind).await;
        for mode in [Mode::DryRun, Mode::Apply] {
            lab.options.mode = mode;
            let (context, _) = lab.begin().await;
            let request = Request::delete("token", of_dead_families(live()));
            let (batch, _) = drain(&context, request).await.unwrap();
            if mode == Mode::Apply {
                let told = verified(&lab, &context).await;
                assert_eq!(told, Verification::Verified, "{kind:?}");
            }
            lab.end(&context).await;
            assert_eq!(batch.affected, 3, "{mode:?} {kind:?}");
        }
        let kept: Vec<i64> = (0..endless as i64).map(|n| 2 * n + 1).collect();
        let left = lab.ids("SELECT id FROM token WHERE revoked").await;
        assert_eq!(left, kept, "{kind:?}");
    }
}
