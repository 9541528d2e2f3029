//! A plugin's settings: typed by its manifest, from the operator's file and the command line.
//!
//! `--set` wins over the operator's value for the job, that over the one for the plugin, and that
//! over the manifest's defaults, of which the job's own is the nearer. A setting without any of
//! them has no value, and the plugin's `access` says so where it cannot do without.
//!
//! In text (`--set`, a manifest's default) a list is written as in TOML, `["a", "b"]`, or with
//! commas, `a,b`; everything else stands without quotes.

mod error;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::time::Duration;

use super::manifest::{Manifest, Setting};
pub use error::{SettingsError, Whose};
pub use value::{SettingValue, ValueError};

/// How like an unknown name a known one must be, 0 to 1, to be suggested for it.
const LIKENESS: f64 = 0.7;

/// The settings in force for one job: every setting that the plugin declares, with its value
/// where it has one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(BTreeMap<String, Option<SettingValue>>);

impl Settings {
    /// Puts together what the operator's file says for the plugin and for the job, what the
    /// command line says, and the manifest's defaults for the job named `job`.
    ///
    /// # Errors
    ///
    /// A name that the plugin does not declare, or a value that is not of its setting's kind.
    pub fn resolve(
        manifest: &Manifest,
        job: &str,
        of_plugin: &toml::Table,
        of_job: &toml::Table,
        overrides: &[(String, String)],
    ) -> Result<Self, SettingsError> {
        let mut values: BTreeMap<_, _> = manifest
            .settings
            .iter()
            .map(|setting| (setting.name.clone(), setting.default.clone()))
            .collect();
        for (name, default) in manifest.job(job).iter().flat_map(|job| &job.defaults) {
            values.insert(name.clone(), Some(default.clone()));
        }
        for (place, table) in [
            ("the plugin's settings", of_plugin),
            ("the job's settings", of_job),
        ] {
            for (name, given) in table {
                let setting = declared(manifest, name, place)?;
                let value = SettingValue::from_toml(&setting.kind, given);
                values.insert(name.clone(), Some(in_place(manifest, name, place, value)?));
            }
        }
        for (name, given) in overrides {
            let setting = declared(manifest, name, "--set")?;
            let value = SettingValue::from_text(&setting.kind, given);
            values.insert(
                name.clone(),
                Some(in_place(manifest, name, "--set", value)?),
            );
        }
        for setting in &manifest.settings {
            let value = values.get(&setting.name).and_then(Option::as_ref);
            if let (Some(value), Some(floor)) = (value, &setting.minimum)
                && value.is_below(floor) == Some(true)
            {
                return Err(SettingsError::TooLow {
                    plugin: manifest.name.clone(),
                    name: setting.name.clone(),
                    value: value.to_string(),
                    floor: floor.to_string(),
                    whose: Whose::Plugin,
                });
            }
        }
        Ok(Self(values))
    }

    /// Refuses a retention that is shorter than the operator's floor, whoever gave it.
    ///
    /// # Errors
    ///
    /// Names the setting and both lengths of time.
    pub fn keep_at_least(&self, manifest: &Manifest, floor: Duration) -> Result<(), SettingsError> {
        let floor = SettingValue::Duration(u64::try_from(floor.as_micros()).unwrap_or(u64::MAX));
        for setting in manifest.settings.iter().filter(|setting| setting.retention) {
            match self.get(&setting.name) {
                Some(value) if value.is_below(&floor) == Some(true) => {
                    return Err(SettingsError::TooLow {
                        plugin: manifest.name.clone(),
                        name: setting.name.clone(),
                        value: value.to_string(),
                        floor: floor.to_string(),
                        whose: Whose::Operator,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The value of a setting; `None` where it has none, or the plugin declares no such setting.
    pub fn get(&self, name: &str) -> Option<&SettingValue> {
        self.0.get(name)?.as_ref()
    }

    /// Whether the plugin declares a setting of that name.
    pub fn declares(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Every declared setting with its value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&SettingValue>)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_ref()))
    }

    /// The settings that have a value, as one line of JSON, the same for the same settings: what a
    /// run records.
    pub fn to_json(&self) -> String {
        let value = |(name, value): (&String, &Option<SettingValue>)| {
            value.as_ref().map(|value| (name.clone(), value.to_json()))
        };
        serde_json::Value::Object(self.0.iter().filter_map(value).collect()).to_string()
    }
}

fn declared<'a>(
    manifest: &'a Manifest,
    name: &str,
    place: &'static str,
) -> Result<&'a Setting, SettingsError> {
    manifest.setting(name).ok_or_else(|| {
        let known: Vec<String> = manifest.settings.iter().map(|s| s.name.clone()).collect();
        let likeness = |other: &String| strsim::jaro_winkler(name, other);
        let suggestion = known
            .iter()
            .filter(|other| likeness(other) >= LIKENESS)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .cloned();
        let plugin = manifest.name.clone();
        SettingsError::Unknown {
            plugin,
            name: name.to_owned(),
            place,
            suggestion,
            known,
        }
    })
}

fn in_place(
    manifest: &Manifest,
    name: &str,
    place: &'static str,
    value: Result<SettingValue, ValueError>,
) -> Result<SettingValue, SettingsError> {
    value.map_err(|source| SettingsError::Value {
        plugin: manifest.name.clone(),
        name: name.to_owned(),
        place,
        source,
    })
}
