//! What is wrong with a setting.

use super::super::error::list;
use super::value::ValueError;

/// Settings cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A name that the plugin does not declare.
    #[error(
        "plugin {plugin} has no setting `{name}` (in {place}); {}",
        suggestion.as_ref().map_or_else(
            || format!("it has {}", list(known)),
            |near| format!("did you mean `{near}`?"),
        )
    )]
    Unknown {
        /// The plugin.
        plugin: String,
        /// The name.
        name: String,
        /// Where it stands.
        place: &'static str,
        /// The known name most like it.
        suggestion: Option<String>,
        /// Every known name.
        known: Vec<String>,
    },
    /// A value of another kind.
    #[error("setting `{name}` of plugin {plugin} (in {place}): {source}")]
    Value {
        /// The plugin.
        plugin: String,
        /// The setting.
        name: String,
        /// Where it stands.
        place: &'static str,
        /// What is wrong.
        #[source]
        source: ValueError,
    },
    /// A value below a floor.
    #[error(
        "setting `{name}` of plugin {plugin} is {value}, below {floor}, the least that {whose}"
    )]
    TooLow {
        /// The plugin.
        plugin: String,
        /// The setting.
        name: String,
        /// Its value.
        value: String,
        /// The floor.
        floor: String,
        /// Who set the floor.
        whose: Whose,
    },
}

/// Who has set a floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The plugin, in its manifest.
    Plugin,
    /// The operator, by `min-retention`.
    Operator,
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plugin => "the plugin allows",
            Self::Operator => {
                "`min-retention` allows: give it a longer one, or the job a `min-retention` of its own"
            }
        })
    }
}

impl SettingsError {
    /// The setting at fault, where it is one.
    pub fn setting(&self) -> Option<&str> {
        match self {
            Self::Unknown { name, .. } | Self::Value { name, .. } | Self::TooLow { name, .. } => {
                Some(name)
            }
        }
    }
}
