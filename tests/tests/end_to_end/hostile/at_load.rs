//! Components that are refused when they are loaded.

use super::*;

#[tokio::test]
async fn describe_that_misbehaves_is_stopped() {
    let cases = [
        (b"spin", "without calling the host"),
        (b"call", "called `context.now` in `describe`"),
        (b"trap", "describe is broken"),
        (b"hog!", "bytes of memory"),
        (b"vers", "\"one\" is not a semantic version"),
    ];
    for (mode, words) in cases {
        let error = refused(&fixtures::hostile_describe(mode)).await.to_string();

        assert!(error.contains(words), "{words} in {error}");
    }
}

#[tokio::test]
async fn a_start_function_that_never_ends_is_stopped() {
    let error = refused(&fixtures::spins_at_start()).await.to_string();

    assert!(error.contains("without calling the host"), "{error}");
}

#[tokio::test]
async fn a_start_function_that_traps_is_told() {
    let error = refused(&fixtures::traps_at_start()).await.to_string();

    assert!(error.contains("`describe` failed: trapped"), "{error}");
}

#[tokio::test]
async fn what_is_too_large_from_the_start_is_refused() {
    let memory = refused(&fixtures::huge_memory()).await.to_string();
    let table = refused(&fixtures::huge_table()).await.to_string();

    assert!(memory.contains("4294967296 bytes of memory"), "{memory}");
    assert!(table.contains("a table of 1000000 elements"), "{table}");
}

#[tokio::test]
async fn another_major_version_is_refused() {
    let error = refused(&fixtures::wrong_major()).await.to_string();

    let words = "needs besom:cleanup 2.0.0, this host has 1.1.0";
    assert!(error.contains(words), "{error}");
}

#[tokio::test]
async fn a_function_of_a_later_minor_version_is_refused() {
    let error = refused(&fixtures::newer_minor()).await.to_string();

    assert!(
        error.contains("needs besom:cleanup 1.2.0, this host has 1.1.0"),
        "{error}"
    );
    assert!(error.contains("who-am-i"), "{error}");
}

#[tokio::test]
async fn an_import_outside_the_world_is_named() {
    let error = refused(&fixtures::ungranted_import()).await.to_string();

    assert!(
        error.contains("imports `wasi:http/outgoing-handler@0.2.0`"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_plugin_is_refused() {
    let other = refused(&fixtures::not_a_plugin()).await.to_string();
    let module = refused(&fixtures::core_module()).await.to_string();
    let text = refused(b"(component)").await.to_string();
    let nothing = refused(b"").await.to_string();

    assert!(other.contains("exports no besom:cleanup/jobs"), "{other}");
    assert!(module.contains("it is a core module"), "{module}");
    assert!(text.contains("it is text"), "{text}");
    assert!(nothing.contains("the file is empty"), "{nothing}");
}

#[tokio::test]
async fn a_truncated_plugin_is_refused_wherever_it_is_cut() {
    let whole = fixtures::hostile();
    let engine = engine(Limits::default());
    for part in 1..8 {
        let cut = &whole[..whole.len() * part / 8];

        let error = engine.load(cut).await.unwrap_err();

        assert!(matches!(error, LoadError::Damaged(_)), "{part}: {error}");
    }
}

#[tokio::test]
async fn a_hundred_mebibytes_are_refused() {
    let error = refused(&vec![0; 100 << 20]).await;

    let (size, limit) = (100 << 20, 32 << 20);
    assert!(matches!(error, LoadError::TooLarge { size: s, limit: l } if s == size && l == limit));
}

#[tokio::test]
async fn a_good_one_says_what_it_is() {
    let bytes = fixtures::hostile();

    let plugin = engine(Limits::default()).load(&bytes).await.unwrap();

    assert_eq!(plugin.manifest().name, "hostile");
    assert_eq!(plugin.contract(), "1.1.0");
    assert_eq!(plugin.digest(), &besom::plugin::Digest::of(&bytes));
    let sweeps = "besom:cleanup/sweeps@1.1.0";
    assert!(
        plugin.imports().iter().any(|name| name == sweeps),
        "{:?}",
        plugin.imports()
    );
}
