//! A plugin swapped a thousand times while its job runs.

use std::process::Command;

use besom_tests::fixtures::Versioned;

use super::*;

const SWAPS: usize = 1000;

#[tokio::test]
async fn a_thousand_swaps_while_runs_go_on_lose_nothing_and_a_bad_version_never_takes_the_place() {
    let desk = desk(
        besom_tests::postgres().await,
        &format!("{ANY}[defaults]\nbatch-size = 20\n"),
    )
    .await;
    let good = ["1.0.0", "1.0.1"].map(|version| Versioned::at(version).build());
    let traps = Versioned {
        mode: "trap",
        ..Versioned::at("2.0.0")
    };
    let wants_more = Versioned {
        table: "users",
        ..Versioned::at("3.0.0")
    };
    let bad = [
        traps.build(),
        wants_more.build(),
        b"no component at all".to_vec(),
    ];
    for (version, component) in ["2.0.0", "3.0.0", "4.0.0", "1.0.1", "1.0.0"]
        .iter()
        .zip(bad.iter().chain(good.iter().rev()))
    {
        forge_version(&desk, "versioned", version, component, Bind::Null).await;
    }
    let digests = |all: &[Vec<u8>]| {
        let all: Vec<_> = all.iter().map(|one| Digest::of(one).to_string()).collect();
        all.join(",")
    };

    let folder = desk.folder.path().to_owned();
    let (good, bad) = (digests(&good), digests(&bad));
    let program = env!("CARGO_BIN_EXE_swap_versions");
    let swapping = tokio::task::spawn_blocking(move || {
        Command::new(program)
            .arg(folder.join("besom.toml"))
            .args([&SWAPS.to_string(), &good, &bad])
            .output()
            .unwrap()
    });
    let output = swapping.await.unwrap();

    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<i64> = said
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    let [early, late, passed_over, next_row] = numbers[..] else {
        panic!("{said}")
    };
    assert_eq!(passed_over as usize, SWAPS / 10);
    assert!(
        late <= early + early / 10,
        "memory went from {early} to {late} KiB"
    );
    let runs = desk
        .count("SELECT count(*) FROM besom_run WHERE state = 'drained'")
        .await;
    assert_eq!(
        desk.count("SELECT count(*) FROM besom_run").await,
        runs,
        "no run failed"
    );
    assert!(runs > 20, "{runs} runs went on beside the swaps");
    let versions = desk
        .count("SELECT count(DISTINCT version) FROM besom_run")
        .await;
    assert_eq!(versions, 2, "runs began on both");
    assert_eq!(desk.count("SELECT count(*) FROM victims").await, 0);
    let gone = "SELECT coalesce(sum(affected), 0)::bigint FROM besom_batch";
    // Three of the desk's own, and those from a thousand on.
    assert_eq!(
        desk.count(gone).await,
        3 + next_row - 1000,
        "no batch is lost"
    );
}
