//! Eight writers beside runs without end: every change is written down in the transaction that
//! makes it, and the record is replayed one by one afterwards.

mod family;
mod operations;
mod replay;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use besom::catalog::Dialect;
use besom::request::Batch;
use besom_tests::lab::{Lab, drain};

use super::Application;
use family::Family;
use operations::{Random, Writer};

/// Operations in all on PostgreSQL; and on SQLite, where they go one after the other.
const OPERATIONS: usize = 10_000;
const OPERATIONS_IN_TURN: usize = 1_200;

/// Who shares them.
const WRITERS: usize = 8;

/// Small, so that writers and batches meet often.
const BATCH: u64 = 16;

async fn beside_writers(mut lab: Lab, family: Family) {
    lab.script(&family.schema(lab.dialect())).await;
    let operations = match lab.dialect() {
        Dialect::Postgres => OPERATIONS,
        Dialect::Sqlite => OPERATIONS_IN_TURN,
    };
    lab.options.batch_size = BATCH;
    let application = Application::of(&lab).await;
    let (context, _) = lab.begin().await;
    let working = Arc::new(AtomicUsize::new(WRITERS));
    let fresh = Arc::new(AtomicI64::new(1));
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let database = application.0.clone();
            let (working, fresh) = (Arc::clone(&working), Arc::clone(&fresh));
            tokio::spawn(async move {
                let mut writer = Writer {
                    session: Application(database).session().await,
                    random: Random(1 + number as u64),
                    fresh,
                    refused: 0,
                };
                for _ in 0..operations / WRITERS {
                    writer.act().await;
                }
                working.fetch_sub(1, Ordering::SeqCst);
                writer.refused
            })
        })
        .collect();

    let (mut beside, mut sweeps) = (Batch::default(), 0);
    while working.load(Ordering::SeqCst) > 0 {
        beside += drain(&context, family.request()).await.unwrap().0;
        sweeps += 1;
    }
    lab.end(&context).await;
    let mut refused = 0;
    for writer in writers {
        refused += writer.await.unwrap();
    }
    // At rest one more run takes what was passed over.
    let (rest, _) = lab.run(family.request()).await.unwrap();

    let told = format!("{family:?}: {sweeps} sweeps, {beside:?}, then {rest:?}; {refused} refused");
    let met = lab.dialect() == Dialect::Sqlite || beside.locked > 0;
    assert!(
        sweeps > 3 && beside.affected > 50 && beside.blocked > 0 && met,
        "too little happened: {told}"
    );
    assert_eq!((rest.locked, rest.revived), (0, 0), "{told}");
    let replayed = replay::of(&lab)
        .await
        .unwrap_or_else(|wrong| panic!("{wrong}: {told}"));
    replayed
        .ends_as(&lab)
        .await
        .unwrap_or_else(|wrong| panic!("{wrong}: {told}"));
    assert_eq!(replayed.left_over(), Vec::<i64>::new(), "{told}");
    let recorded = super::accounts::recorded(&lab).await;
    assert_eq!(recorded, family.owed(&replayed.taken), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dependents_beside_eight_writers() {
    beside_writers(Lab::postgres("").await, Family::Dependents).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cascades_beside_eight_writers() {
    beside_writers(Lab::postgres("").await, Family::Cascades).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dependents_beside_eight_writers_that_take_turns() {
    beside_writers(Lab::sqlite("").await, Family::Dependents).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cascades_beside_eight_writers_that_take_turns() {
    beside_writers(Lab::sqlite("").await, Family::Cascades).await;
}
