//! What a component says about itself.

use anyhow::Result;

use super::{AccessLine, Inspection, JobLine, SettingLine, engine};
use crate::plugin::{Engine, Manifest, SettingKind, SettingValue, Settings, TableAccess};

/// Describes every bundled plugin.
///
/// # Errors
/// When the engine cannot start, or a bundled plugin does not load.
pub async fn describe_bundled() -> Result<Vec<Inspection>> {
    let engine = engine(None)?;
    let mut all = Vec::new();
    for bundled in besom_bundle::PLUGINS {
        all.push(look_into(&engine, bundled.component).await?);
    }
    Ok(all)
}

/// Loads a component and asks it about itself.
pub(super) async fn look_into(engine: &Engine, bytes: &[u8]) -> Result<Inspection> {
    let plugin = engine.load(bytes).await?;
    let manifest = plugin.manifest();
    let none = toml::Table::new();
    let mut jobs = Vec::new();
    for job in &manifest.jobs {
        // A plugin with a setting that has no default may not know what it touches. Of a length of
        // time it knows the tables whatever the length is.
        let lengths = without_default(manifest, &job.name);
        let access = match Settings::resolve(manifest, &job.name, &none, &lengths, &[]) {
            Ok(settings) => plugin
                .access(&job.name, &settings)
                .await
                .map_err(|why| why.to_string()),
            Err(why) => Err(why.to_string()),
        };
        let (access, access_problem) = match access {
            Ok(access) => (access.into_iter().map(AccessLine::from).collect(), None),
            Err(why) => (Vec::new(), Some(why)),
        };
        jobs.push(JobLine {
            name: job.name.clone(),
            about: job.about.clone(),
            schedule: job.schedule.clone(),
            schedule_variable: job.schedule_variable.clone(),
            defaults: job
                .defaults
                .iter()
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect(),
            opt_in: job.opt_in,
            access,
            access_problem,
        });
    }
    Ok(Inspection {
        name: manifest.name.clone(),
        version: manifest.version.to_string(),
        about: manifest.about.clone(),
        contract: format!("besom:cleanup@{}", plugin.contract()),
        digest: plugin.digest().to_string(),
        size: bytes.len() as u64,
        imports: plugin.imports().to_vec(),
        jobs,
        settings: manifest
            .settings
            .iter()
            .map(|setting| SettingLine {
                name: setting.name.clone(),
                kind: setting.kind.to_string(),
                default: setting.default.as_ref().map(plain),
                about: setting.about.clone(),
            })
            .collect(),
    })
}

/// Lengths of time for the settings of a job that have none until the operator gives it.
fn without_default(manifest: &Manifest, job: &str) -> toml::Table {
    let own = manifest.job(job).map(|job| job.defaults.as_slice());
    let lengths = manifest.settings.iter().filter(|setting| {
        let defaults = own.unwrap_or_default().iter();
        setting.kind == SettingKind::Duration
            && setting.default.is_none()
            && !defaults.into_iter().any(|(name, _)| *name == setting.name)
    });
    lengths
        .map(|setting| (setting.name.clone(), "30d".into()))
        .collect()
}

/// A value without the quotes that a text has in a file.
fn plain(value: &SettingValue) -> String {
    match value {
        SettingValue::Text(text) => text.clone(),
        SettingValue::Duration(micros) => length(*micros),
        other => other.to_string(),
    }
}

/// A length of time as people write it in a file: `30d`, `24h`, `90s`.
fn length(micros: u64) -> String {
    const UNITS: [(u64, u64, &str); 5] = [
        // One day is 24 hours to most who wait for it.
        (86_400_000_000, 2, "d"),
        (3_600_000_000, 1, "h"),
        (60_000_000, 1, "m"),
        (1_000_000, 0, "s"),
        (1_000, 1, "ms"),
    ];
    let fits = UNITS
        .into_iter()
        .find(|(unit, least, _)| micros.is_multiple_of(*unit) && micros / unit >= *least);
    match fits {
        Some((unit, _, name)) => format!("{}{name}", micros / unit),
        None => format!("{micros}us"),
    }
}

impl From<TableAccess> for AccessLine {
    fn from(access: TableAccess) -> Self {
        Self {
            table: access.table,
            read: access.read,
            update: access.update,
            delete: access.delete,
            indexes: access.indexes,
            if_there: access.if_there,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn a_length_of_time_is_shown_in_its_largest_whole_unit() {
        let hour = 3_600_000_000;
        for (micros, shown) in [
            (0, "0s"),
            (720 * hour, "30d"),
            (24 * hour, "24h"),
            (hour / 6, "10m"),
            (90_000_000, "90s"),
            (1_500, "1500us"),
        ] {
            assert_eq!(length(micros), shown);
        }
    }
}
