//! Where the databases of tests lie: in memory where there is plenty of it, else on the disk.
//!
//! A database of PostgreSQL is some three hundred files. On ext4, making and removing hundreds of such databases
//! took three to four times as long as in memory, and more of the server's time than what the tests ask of it.
//! On SQLite every commit waits for the disk. No test needs what survives a power failure.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Socket paths end at 107 bytes on Linux and 103 on macOS, whose `TMPDIR` alone has about 50; and the user
/// `postgres` cannot enter a `TMPDIR` that belongs to root.
pub(crate) const SHORT_TEMPORARY_FOLDER: &str = "/tmp";

/// A file system in memory that everybody may write to, as Linux has it.
const MEMORY: &str = "/dev/shm";

/// What must be free in [`MEMORY`], in bytes. All tests at once hold about 1 GiB of rows, and as much of
/// write-ahead log; containers give 64 MiB unless they are told otherwise.
const ROOM: u64 = 4 << 30;

/// What must be free of the machine's memory, in bytes: that much, and as much again for whoever works beside.
const FREE: u64 = 2 * ROOM;

/// Set once, by whoever asks first.
static IN_MEMORY: OnceLock<bool> = OnceLock::new();

/// Databases that are made from here on lie on the disk: for who measures how long that takes.
///
/// # Panics
///
/// Where there is a database already.
pub fn on_disk() {
    let set = IN_MEMORY.set(false);
    assert!(set.is_ok(), "on_disk comes before the first database");
}

/// Whether databases lie in memory.
pub(crate) fn in_memory() -> bool {
    *IN_MEMORY.get_or_init(|| {
        let room = rustix::fs::statvfs(MEMORY).map_or(0, |of| of.f_bavail * of.f_frsize);
        let told = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        plenty(room, &told)
    })
}

fn plenty(room: u64, told: &str) -> bool {
    room >= ROOM && available(told).is_some_and(|free| free >= FREE)
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn available(told: &str) -> Option<u64> {
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// For servers: a short path that every user may enter.
pub(crate) fn for_servers() -> &'static Path {
    match in_memory() {
        true => Path::new(MEMORY),
        false => Path::new(SHORT_TEMPORARY_FOLDER),
    }
}

/// For files of this process's own.
pub(crate) fn for_files() -> PathBuf {
    match in_memory() {
        true => PathBuf::from(MEMORY),
        false => std::env::temp_dir(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_lie_in_memory_where_the_file_system_and_the_machine_have_room() {
        let told = |mib: u64| {
            format!(
                "MemTotal:       24684168 kB\nMemFree:           1000 kB\nMemAvailable:   {} kB\nBuffers: 5 kB\n",
                mib << 10
            )
        };

        assert!(plenty(12 << 30, &told(9_000)));
        assert!(!plenty(64 << 20, &told(9_000)), "a container's own");
        assert!(!plenty(12 << 30, &told(8_000)), "a small machine");
        assert!(!plenty(12 << 30, ""), "a machine that does not tell");
    }
}
