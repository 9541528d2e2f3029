//! The policy-data plugin: keeps the newest versions of the data that policies are evaluated with.
//!
//! An example outside the bundle, and of reading: what it does one
//! [`beyond_newest`](besom_plugin::beyond_newest) condition could say as well.

use besom_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct PolicyData;

const JOB: &str = "superseded";

impl Plugin for PolicyData {
    fn describe() -> Manifest {
        Manifest::new(
            "policy-data",
            env!("CARGO_PKG_VERSION"),
            "Keeps the newest versions of the data that policies are evaluated with",
        )
        .setting(
            Setting::integer("keep", "How many versions stay, the newest; at least 1").default(10),
        )
        .setting(Setting::table("table", "The versions").default("policy_data"))
        .setting(
            Setting::column("key-column", "Their key, which rises with time")
                .default("policy_data_id"),
        )
        .job(Job::new(JOB, "Deletes every version but the newest, by key").schedule("0 2 * * *"))
    }

    fn access(job: &str) -> Result<Vec<TableAccess>> {
        keep()?;
        let read = newest_first(job)?.access();
        Ok(read.into_iter().map(TableAccess::deletes).collect())
    }

    fn run(job: &str) -> Result<()> {
        let keep = keep()?;
        let mut reader = newest_first(job)?.open()?;
        while let Reading::Page(page) = reader.next()? {
            let old = superseded(&page, keep);
            if !old.is_empty() {
                reader.delete(&old)?;
            }
        }
        Ok(())
    }
}

/// Every version, the newest first.
fn newest_first(job: &str) -> Result<Read> {
    if job != JOB {
        return Err(Error::unknown_job(job));
    }
    let key: String = setting("key-column")?;
    Ok(read(setting::<String>("table")?, [&key], everything()).newest_first(&key))
}

fn keep() -> Result<u64> {
    match setting("keep")? {
        0 => Err(Error::invalid(
            "setting-range",
            "setting `keep` is 0, and the newest version is in force: keep at least 1",
        )),
        keep => Ok(keep),
    }
}

/// The positions on the page behind the first `keep` rows of the whole read.
fn superseded(page: &Page, keep: u64) -> Vec<u32> {
    let kept_here = keep.saturating_sub(page.offset);
    let first = u32::try_from(kept_here).unwrap_or(u32::MAX);
    (first..page.length).collect()
}

besom_plugin::export!(PolicyData);
