//! Keys and signatures as files.

use besom_tests::fixtures::Versioned;

use super::*;

#[tokio::test]
async fn a_version_that_a_trusted_key_signed_is_installed_and_any_other_is_not() {
    for database in both().await {
        let desk = desk(database, "").await;
        let said = desk.says(&["plugin", "keygen", "release.key"]);
        let (_, toml) = said.split_once("besom.toml:\n\n").unwrap();
        place(
            desk.folder.path(),
            "plugin.wasm",
            &Versioned::default().build(),
        );
        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}\n{toml}install = \"signed\"\n")).unwrap();

        let unsigned = desk.run(&["plugin", "install", "plugin.wasm"]);
        assert_eq!(unsigned.code, 2, "{}", unsigned.stdout);
        assert!(
            unsigned.stderr.contains("besom plugin sign"),
            "{}",
            unsigned.stderr
        );

        desk.says(&["plugin", "keygen", "other.key"]);
        desk.says(&["plugin", "sign", "plugin.wasm", "--key", "other.key"]);
        let strange = desk.run(&["plugin", "install", "plugin.wasm"]);
        assert!(
            strange.stderr.contains("not among the trusted-keys"),
            "{}",
            strange.stderr
        );

        desk.says(&["plugin", "sign", "plugin.wasm", "--key", "release.key"]);
        desk.says(&["plugin", "install", "plugin.wasm"]);
        assert_eq!(ran(&desk, JOB).await, "1.0.0");
    }
}

#[tokio::test]
async fn a_secret_key_is_its_owners_alone_and_never_overwritten() {
    let desk = Desk::with_file(besom_tests::sqlite(), "");

    let said = desk.says(&["plugin", "keygen", "release.key"]);

    let file = desk.folder.path().join("release.key");
    let secret = std::fs::read_to_string(&file).unwrap();
    assert!(!said.contains(secret.trim()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(desk.run(&["plugin", "keygen", "release.key"]).code, 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
}
