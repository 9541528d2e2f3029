//! Where PostgreSQL's programs are, and as whom they may run.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::ClusterError;

/// The folder that holds `initdb`, `pg_ctl` and `postgres` of one version.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Looks on `PATH`, where `pg_config` points, and where Debian, Red Hat and Homebrew put them;
    /// of several versions in one place, the newest.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoPrograms`], which says what to install.
    pub fn find() -> Result<Self, ClusterError> {
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&on_path)
            .chain(configured())
            .chain(versions_in("/usr/lib/postgresql", "bin"))
            .chain(versions_in("/usr", "bin"))
            .chain(versions_in("/opt/homebrew/opt", "bin"))
            .find(|folder| is_complete(folder))
            .map(|folder| Self { folder })
            .ok_or(ClusterError::NoPrograms)
    }

    /// The folder to put first on `PATH`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// `root/15/bin`, `root/pgsql-16/bin`, `root/postgresql@17/bin`…, newest version first.
fn versions_in(root: &str, below: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            Some((version.parse().ok()?, entry.path().join(below)))
        })
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The user that the server runs as: PostgreSQL refuses to run as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub user: u32,
    /// Group id.
    pub group: u32,
}

impl Account {
    /// Whom to become: nobody else unless this process is root, else the user `postgres`.
    /// `own_folder` is a folder that this process has just made, whose owner tells who it is.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoAccount`] for root on a machine without that user.
    pub fn to_become(own_folder: &Path) -> Result<Option<Self>, ClusterError> {
        let owner = std::fs::metadata(own_folder).map_err(|source| ClusterError::Folder {
            folder: own_folder.to_owned(),
            source,
        })?;
        if owner.uid() != 0 {
            return Ok(None);
        }
        std::fs::read_to_string("/etc/passwd")
            .ok()
            .and_then(|users| Self::named("postgres", &users))
            .map(Some)
            .ok_or(ClusterError::NoAccount)
    }

    /// Reads `name:password:uid:gid:…`.
    fn named(name: &str, users: &str) -> Option<Self> {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next()? != name {
                return None;
            }
            let user = fields.nth(1)?.parse().ok()?;
            let group = fields.next()?.parse().ok()?;
            Some(Self { user, group })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let users =
            "root:x:0:0:r:/root:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:a,b:/v:/b\n";
        let expected = Account {
            user: 101,
            group: 104,
        };
        assert_eq!(Account::named("postgres", users), Some(expected));
        assert_eq!(Account::named("post", users), None);
    }
}
