//! Plugins that are not in the binary.
//!
//! `policy_data` is the example that is installed as anybody's plugin is. `hostile` is a Rust crate, built the first time that a test asks for it; what no Rust compiler
//! would make is written here in WebAssembly's text form.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What an outer cargo sets and an inner one must not see: a linker or a wrapper for the host's
/// own target breaks a build for wasm.
const OUTER: [&str; 6] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
];
/// What stands in the hostile plugin before the four letters that say how `describe` behaves.
const MODE: &[u8] = b"besom-hostile-describe: ";

/// The plugin whose every job misbehaves in its own way.
pub fn hostile() -> Vec<u8> {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| build("besom-hostile")).clone()
}

/// The same plugin with a `describe` that misbehaves: `spin`, `call` (of an import), `trap`,
/// `hog!` (memory), `vers` (an invalid version), `ring` (jobs that wait for one another), or is of a later
/// version: `past`, in which `hostile/good` is called `hostile/fine`.
pub fn hostile_describe(mode: &[u8; 4]) -> Vec<u8> {
    let mut component = hostile();
    let at = component
        .windows(MODE.len())
        .position(|window| window == MODE)
        .expect("the hostile plugin holds its mode in plain bytes");
    component[at + MODE.len()..][..4].copy_from_slice(mode);
    component
}

/// What stands in the versioned plugin before its fields.
const FIELDS: &[u8] = b"besom-versioned: ";
/// The widths of its fields: name, version, job, table, behaviour.
const WIDTHS: [usize; 5] = [16, 8, 16, 16, 8];

/// What a plugin of any name calls itself and does: deletes every row of `table` with a positive `id`.
#[derive(Debug, Clone, Copy)]
pub struct Versioned {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its one job.
    pub job: &'static str,
    /// The table that it sweeps.
    pub table: &'static str,
    /// `good`; or where it crashes: `trap` in `describe`, `access`, `look` in `preflight`, `crash` after
    /// the first batch; or what goes ahead of its rows, where `about_kind` is `victim`: with `kinds` rows of
    /// `note`, and rows of `mark` let go; with `pages`, which reads them, rows of `note`.
    pub mode: &'static str,
}

impl Default for Versioned {
    fn default() -> Self {
        Self {
            name: "versioned",
            version: "1.0.0",
            job: "old",
            table: "victims",
            mode: "good",
        }
    }
}

impl Versioned {
    /// This version of it.
    pub fn at(version: &'static str) -> Self {
        Self {
            version,
            ..Self::default()
        }
    }

    /// The component.
    pub fn build(&self) -> Vec<u8> {
        static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
        let mut component = BUILT.get_or_init(|| build("besom-versioned")).clone();
        let mut at = component
            .windows(FIELDS.len())
            .position(|window| window == FIELDS)
            .expect("the plugin holds its fields in plain bytes")
            + FIELDS.len();
        let fields = [self.name, self.version, self.job, self.table, self.mode];
        for (field, width) in fields.into_iter().zip(WIDTHS) {
            let padded = format!("{field:width$}");
            assert_eq!(padded.len(), width, "{field} is too long");
            component[at..at + width].copy_from_slice(padded.as_bytes());
            at += width;
        }
        component
    }
}

/// The same component with a part that means nothing, and so with another digest.
pub fn padded(component: &[u8], note: u8) -> Vec<u8> {
    // A custom section of three bytes: the length of its name, the name, and the note.
    let section = [0, 3, 1, b'n', note];
    [component, &section].concat()
}

/// The example plugin outside the bundle, which keeps the newest versions of `policy_data`.
pub fn policy_data() -> Vec<u8> {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| build("besom-policy-data")).clone()
}

/// A plugin built against version 1.0 of the contract, from its definition as it was.
pub fn first_contract() -> Vec<u8> {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| build("besom-first-contract")).clone()
}

/// The version of a bundled plugin, as its Cargo.toml has it.
///
/// # Panics
///
/// When there is no such plugin.
pub fn version_of(plugin: &str) -> String {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{plugin}/Cargo.toml"));
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("reading {}: {error}", file.display()));
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("version = "));
    let version = line.unwrap_or_else(|| panic!("{} has no version", file.display()));
    version.trim_matches('"').to_owned()
}

/// A component with the exports of a plugin by name, whose start function never ends.
pub fn spins_at_start() -> Vec<u8> {
    handmade(
        "",
        "(func $start (loop br 0)) (start $start)",
        "besom:cleanup/jobs@1.0.0",
    )
}

/// The same with a start function that traps.
pub fn traps_at_start() -> Vec<u8> {
    handmade(
        "",
        "(func $start unreachable) (start $start)",
        "besom:cleanup/jobs@1.0.0",
    )
}

/// The same with a memory of 4 GiB from the start.
pub fn huge_memory() -> Vec<u8> {
    handmade("", "(memory 65536)", "besom:cleanup/jobs@1.0.0")
}

/// The same with a table of a million elements from the start.
pub fn huge_table() -> Vec<u8> {
    handmade("", "(table 1000000 funcref)", "besom:cleanup/jobs@1.0.0")
}

/// A plugin of a major version that does not exist yet.
pub fn wrong_major() -> Vec<u8> {
    let import = r#"(import "besom:cleanup/context@2.0.0" (instance))"#;
    handmade(import, "", "besom:cleanup/jobs@2.0.0")
}

/// A plugin that uses a function of a later minor version.
pub fn newer_minor() -> Vec<u8> {
    let import = r#"(import "besom:cleanup/context@1.2.0"
        (instance (export "who-am-i" (func (result string)))))"#;
    handmade(import, "", "besom:cleanup/jobs@1.2.0")
}

/// A plugin that wants to speak HTTP.
pub fn ungranted_import() -> Vec<u8> {
    let import = r#"(import "wasi:http/outgoing-handler@0.2.0" (instance))"#;
    handmade(import, "", "besom:cleanup/jobs@1.0.0")
}

/// A component that is no plugin.
pub fn not_a_plugin() -> Vec<u8> {
    handmade("", "", "acme:things/jobs@1.0.0")
}

/// A core module.
pub fn core_module() -> Vec<u8> {
    wat::parse_str("(module)").expect("the text of a fixture is sound")
}

/// A component with one export of four functions named as a plugin's. Their types are not a
/// plugin's: whatever goes wrong here goes wrong before they are called.
fn handmade(imports: &str, module: &str, export: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            {imports}
            (core module $m {module} (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $jobs
                (export "describe" (func $f)) (export "access" (func $f))
                (export "preflight" (func $f)) (export "run" (func $f)))
            (export "{export}" (instance $jobs)))"#
    );
    wat::parse_str(&text).expect("the text of a fixture is sound")
}

/// A folder for compiled fixtures, kept from one run of the tests to the next.
pub fn code_cache() -> PathBuf {
    target().join("compiled-fixtures")
}

/// Builds a plugin of this workspace that is not in the bundle for wasm. Cargo's lock on the inner target
/// folder makes tests of other processes wait, so it is built once.
fn build(package: &str) -> Vec<u8> {
    let folder = target().join("fixtures");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace())
        .args([
            "build",
            "--locked",
            "--profile",
            "plugin",
            "--target",
            "wasm32-wasip2",
        ])
        .args(["--package", package, "--target-dir"])
        .arg(&folder);
    for name in OUTER {
        command.env_remove(name);
    }
    let output = command
        .output()
        .expect("cargo is there while cargo runs tests");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "building the fixture {package} failed:\n{told}"
    );
    let file = format!("{}.wasm", package.replace('-', "_"));
    let path = folder.join("wasm32-wasip2").join("plugin").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate is in the workspace")
}

/// The outer target folder: the one that this test was built into.
fn target() -> PathBuf {
    let tagged = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
    let test = std::env::current_exe().ok();
    test.as_deref()
        .and_then(|test| test.ancestors().find(tagged))
        .map_or_else(|| workspace().join("target"), Path::to_path_buf)
}
