//! Which version of the contract a component was built against, and whether this host has it.
//!
//! Within a major version the engine matches interfaces by name and checks the types of what is
//! really used, so a component of a later minor version that uses nothing new runs here.

use semver::Version;

use super::error::LoadError;

/// The contract that this host offers.
pub(super) const CONTRACT: Version = Version::new(1, 1, 0);
/// Its package.
const PACKAGE: &str = "besom:cleanup";
/// The interface that makes a component a plugin.
const JOBS: &str = "besom:cleanup/jobs";
/// What of WASI is linked, all of it denied: see [`super::wasi`].
const WASI: [&str; 6] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// Checks names and versions of what a component imports and exports, and answers the version of
/// the contract that it was built against: the latest that it names.
pub(super) fn check(imports: &[String], exports: &[String]) -> Result<Version, LoadError> {
    let versions = || {
        imports
            .iter()
            .chain(exports)
            .filter_map(|name| version(name))
    };
    if let Some(needs) = versions().find(|version| version.major != CONTRACT.major) {
        return Err(LoadError::WrongMajor {
            needs,
            has: CONTRACT,
        });
    }
    let ungranted: Vec<String> = imports
        .iter()
        .filter(|name| !granted(name))
        .cloned()
        .collect();
    if !ungranted.is_empty() {
        return Err(LoadError::Ungranted { imports: ungranted });
    }
    if !exports.iter().any(|name| split(name).0 == JOBS) {
        return Err(LoadError::MissingExport { has: CONTRACT });
    }
    Ok(versions().max().unwrap_or(CONTRACT))
}

/// Why a component whose names fit could not be linked.
pub(super) fn explain(needs: &Version, error: &wasmtime::Error) -> LoadError {
    let detail = format!("{error:#}");
    if *needs > CONTRACT {
        return LoadError::NewerMinor {
            needs: needs.clone(),
            has: CONTRACT,
            detail,
        };
    }
    LoadError::Mismatch {
        has: CONTRACT,
        detail,
    }
}

/// `a:b/c@1.2.3` as `a:b/c` and `1.2.3`.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((interface, version)) => (interface, Some(version)),
        None => (name, None),
    }
}

/// The version of an interface of the contract.
fn version(name: &str) -> Option<Version> {
    let (interface, version) = split(name);
    let (package, _) = interface.split_once('/')?;
    if package != PACKAGE {
        return None;
    }
    Version::parse(version?).ok()
}

fn granted(import: &str) -> bool {
    let (interface, version) = split(import);
    if WASI.iter().any(|package| interface.starts_with(package)) {
        return version.is_some_and(|version| version.starts_with("0.2."));
    }
    interface
        .strip_prefix(PACKAGE)
        .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_latest_version_that_is_named_counts() {
        let imports = names(&["besom:cleanup/types@1.0.0", "wasi:io/poll@0.2.6"]);
        let exports = names(&["besom:cleanup/jobs@1.2.0"]);

        assert_eq!(check(&imports, &exports).ok(), Some(Version::new(1, 2, 0)));
    }

    #[test]
    fn another_major_is_told_before_anything_else() {
        let imports = names(&["besom:cleanup/sweeps@2.0.0", "acme:files/open"]);

        let error = check(&imports, &[]).map_err(|error| error.to_string());

        let words = "needs besom:cleanup 2.0.0, this host has 1.1.0";
        assert!(
            error.as_ref().is_err_and(|text| text.contains(words)),
            "{error:?}"
        );
    }

    #[test]
    fn an_import_outside_the_world_is_named() {
        let exports = names(&["besom:cleanup/jobs@1.0.0"]);
        for import in [
            "wasi:http/types@0.2.0",
            "wasi:io/poll@0.3.0",
            "besom:cleanups/x@1.0.0",
            "f",
        ] {
            let error = check(&names(&[import]), &exports).map_err(|error| error.to_string());

            assert!(
                error.as_ref().is_err_and(|text| text.contains(import)),
                "{import}: {error:?}"
            );
        }
    }

    #[test]
    fn a_component_without_jobs_is_no_plugin() {
        let error = check(&[], &[]).map_err(|error| error.to_string());

        let words = "exports no besom:cleanup/jobs";
        assert!(
            error.as_ref().is_err_and(|text| text.contains(words)),
            "{error:?}"
        );
    }
}
