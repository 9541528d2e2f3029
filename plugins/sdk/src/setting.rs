//! Settings: what the operator chose for this job.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::host;

/// A setting's value, in one of the shapes that the configuration file knows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SettingValue {
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A floating point number.
    Float(f64),
    /// Text, a choice, a table or a column.
    Text(String),
    /// A length of time.
    Duration(Duration),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of whole numbers.
    Integers(Vec<i64>),
    /// JSON, for a shape that this version has no name for.
    Other(String),
}

impl SettingValue {
    fn shape(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::Duration(_) => "a duration",
            Self::Texts(_) => "a list of texts",
            Self::Integers(_) => "a list of integers",
            Self::Other(_) => "of a shape that this version of besom-plugin does not know",
        }
    }
}

macro_rules! setting_value_from {
    ($($from:ty => $case:ident),* $(,)?) => {$(
        impl From<$from> for SettingValue {
            fn from(value: $from) -> Self {
                Self::$case(value.into())
            }
        }
    )*};
}

setting_value_from! {
    bool => Boolean,
    i64 => Integer,
    f64 => Float,
    &str => Text,
    String => Text,
    Duration => Duration,
    Vec<String> => Texts,
    Vec<i64> => Integers,
}

/// A type that a setting can be read as.
pub trait FromSetting: Sized {
    /// The value in force as this type, or `None` where it is another shape.
    fn from_setting(value: SettingValue) -> Option<Self>;

    /// What a setting without a value means: an error, unless the type can say "none".
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], naming the setting.
    fn without_value(name: &str) -> Result<Self> {
        Err(Error::invalid(
            "missing-setting",
            format!(
                "setting `{name}` has no value: give it one in the plugin's or the job's `settings`"
            ),
        ))
    }
}

macro_rules! from_setting {
    ($($case:ident => $to:ty),* $(,)?) => {$(
        impl FromSetting for $to {
            fn from_setting(value: SettingValue) -> Option<Self> {
                match value {
                    SettingValue::$case(value) => value.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

from_setting! {
    Boolean => bool,
    Integer => i64,
    Integer => u64,
    Integer => u32,
    Float => f64,
    Text => String,
    Duration => Duration,
    Texts => Vec<String>,
    Integers => Vec<i64>,
}

impl<T: FromSetting> FromSetting for Option<T> {
    fn from_setting(value: SettingValue) -> Option<Self> {
        T::from_setting(value).map(Some)
    }

    fn without_value(_: &str) -> Result<Self> {
        Ok(None)
    }
}

/// The value in force for this job: what the operator gives the job, else the plugin; else the
/// manifest's default for this job, else for the setting. Read a setting that may be left out as
/// an `Option`.
///
/// ```no_run
/// use besom_plugin::prelude::*;
///
/// # fn main() -> Result<()> {
/// let cutoff = now() - setting::<Duration>("retention")?;
/// let family: Option<String> = setting("family-column")?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Invalid`] where the setting has no value, or one of another type. A name that the
/// manifest does not declare is a mistake of the plugin's: the host stops the job.
pub fn setting<T: FromSetting>(name: &str) -> Result<T> {
    let Some(value) = host::setting(name)? else {
        return T::without_value(name);
    };
    let shape = value.shape();
    T::from_setting(value).ok_or_else(|| {
        Error::invalid(
            "setting-type",
            format!(
                "setting `{name}` is {shape} and cannot be read as {}",
                std::any::type_name::<T>()
            ),
        )
    })
}
