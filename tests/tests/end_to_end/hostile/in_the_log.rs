//! What a plugin logs and prints.

use super::*;

#[tokio::test]
async fn a_line_carries_plugin_version_job_and_run() {
    let plugin = hostile(Limits::default()).await;
    let (_lab, context) = context("good").await;
    let (logged, _guard) = Logged::begin();

    plugin
        .run("good", &settings(&plugin), Arc::clone(&context), WALL)
        .await
        .unwrap();

    let text = logged.text();
    let run = format!("run=\"{}\"", context.run());
    for part in [
        "hostile",
        "1.0.0",
        "job=\"good\"",
        &run,
        "table=victims",
        "all is well",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn a_flood_of_lines_is_cut_and_says_so() {
    let plugin = hostile(Limits::default()).await;
    let (logged, _guard) = Logged::begin();

    run(&plugin, "log-flood", WALL).await.unwrap();

    assert_eq!(logged.count("flood "), 1_000);
    assert_eq!(
        logged.count("has logged 1000 lines; the rest is dropped"),
        1
    );
}

#[tokio::test]
async fn a_flood_of_prints_is_cut_and_says_so() {
    let plugin = hostile(Limits::default()).await;
    let (logged, _guard) = Logged::begin();

    run(&plugin, "print-flood", WALL).await.unwrap();

    // 8 KiB hold 81 lines of 101 bytes and a piece.
    assert_eq!(logged.count("flood "), 82);
    assert_eq!(
        logged.count("has printed 8192 bytes; the rest is dropped"),
        1
    );
}

#[tokio::test]
async fn what_would_garble_a_terminal_is_escaped() {
    let plugin = hostile(Limits::default()).await;
    let (logged, _guard) = Logged::begin();

    run(&plugin, "escape", WALL).await.unwrap();

    let text = logged.text();
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{text}"
    );
    assert!(text.contains("before\\r\\nforged line"), "{text}");
    assert!(text.contains("bytes more)"), "{text}");
    assert!(text.contains("without an end"), "{text}");
}
