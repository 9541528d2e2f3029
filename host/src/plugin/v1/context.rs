//! `context`: the run that the plugin is part of.

use super::super::guest::State;
use super::super::guest_log::Level;
use super::super::settings::SettingValue;
use super::bindings::besom::cleanup::context as wit;

impl wit::Host for State {
    async fn now(&mut self) -> wasmtime::Result<i64> {
        self.enter("context.now")?;
        Ok(self.phase.now().0)
    }

    async fn setting(&mut self, name: String) -> wasmtime::Result<Option<wit::SettingValue>> {
        self.enter("context.setting")?;
        Ok(self.declared_setting(name)?.map(value))
    }

    async fn log(
        &mut self,
        level: wit::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.enter("context.log")?;
        let level = match level {
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
            wit::Level::Error => Level::Error,
        };
        self.log.line(level, &message, &fields);
        Ok(())
    }
}

fn value(value: &SettingValue) -> wit::SettingValue {
    match value {
        SettingValue::Boolean(value) => wit::SettingValue::Boolean(*value),
        SettingValue::Integer(value) => wit::SettingValue::Integer(*value),
        SettingValue::Float(value) => wit::SettingValue::Float(*value),
        SettingValue::Text(value) => wit::SettingValue::Text(value.clone()),
        SettingValue::Duration(micros) => wit::SettingValue::Duration(*micros),
        SettingValue::Texts(values) => wit::SettingValue::Texts(values.clone()),
        SettingValue::Integers(values) => wit::SettingValue::Integers(values.clone()),
    }
}
