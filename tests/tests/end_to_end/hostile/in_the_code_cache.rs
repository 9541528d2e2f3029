//! Compiled plugins on disk.

use super::*;

async fn load_with(folder: &std::path::Path) -> Plugin {
    let cache = Some(folder.to_owned());
    let engine = Engine::new(EngineOptions {
        cache,
        ..EngineOptions::default()
    })
    .unwrap();
    engine.load(&fixtures::hostile()).await.unwrap()
}

fn only_file(folder: &std::path::Path) -> std::path::PathBuf {
    let mut files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let file = files.next().unwrap();
    assert_eq!(files.next(), None);
    file
}

#[tokio::test]
async fn what_is_torn_or_forged_is_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    load_with(folder.path()).await;
    let file = only_file(folder.path());
    let good = std::fs::read(&file).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let torn = good[..good.len() / 2].to_vec();

    for bad in [Vec::new(), b"not code".to_vec(), torn, flipped] {
        std::fs::write(&file, bad).unwrap();
        let plugin = load_with(folder.path()).await;

        run(&plugin, "good", WALL).await.unwrap();
        assert_eq!(
            std::fs::read(&file).unwrap().len(),
            good.len(),
            "written anew"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("code");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777)).unwrap();

    load_with(&cache).await;

    let mode = std::fs::metadata(&cache).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let cache = Some(file.path().join("below-a-file"));

    let error = Engine::new(EngineOptions {
        cache,
        ..EngineOptions::default()
    })
    .unwrap_err();

    assert!(
        error.to_string().contains("below-a-file, cannot be used"),
        "{error}"
    );
}
