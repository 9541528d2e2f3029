//! The part of a fresh file that is about one bundled plugin.

use toml::de::DeValue;

use crate::cli::output::one_line;
use crate::cli::plugin::{Inspection, SettingLine};

/// Columns at which prose in the file is broken.
const WIDTH: usize = 96;

/// One plugin: named, so that it runs, with its settings and jobs as comments.
pub(super) fn section(plugin: &Inspection) -> String {
    let name = &plugin.name;
    let mut text = prose(&format!("{name}: {}", plugin.about));
    text.push_str(&format!("[plugins.{name}]\n#deadline = \"5m\"\n"));
    if !plugin.settings.is_empty() {
        text.push_str(&format!("[plugins.{name}.settings]\n"));
        for setting in &plugin.settings {
            text.push_str(&setting_lines(setting));
        }
    }
    for job in &plugin.jobs {
        text.push_str(&prose(&if job.opt_in {
            let about = job.about.trim_end_matches('.');
            format!("{about}. Runs only if it is named here.")
        } else {
            job.about.clone()
        }));
        let header = format!("[plugins.{name}.jobs.{}]\n", job.name);
        match (&job.schedule, &job.schedule_variable) {
            // Where other tools have a variable for it, it holds here, too.
            (Some(schedule), Some(variable)) => {
                text.push_str(&format!(
                    "{header}schedule = \"${{{variable}:-{schedule}}}\"\n"
                ));
            }
            (Some(schedule), None) => {
                text.push_str(&format!("#{header}#schedule = \"{schedule}\"\n"));
            }
            (None, _) => text.push_str(&format!("#{header}")),
        }
        let defaults = job.defaults.iter().map(|(setting, default)| {
            let kind = plugin
                .settings
                .iter()
                .find(|s| s.name == *setting)
                .map_or("", |s| &s.kind);
            format!("{setting} = {}", literal(kind, default))
        });
        let defaults = defaults.collect::<Vec<_>>().join(", ");
        if !defaults.is_empty() {
            text.push_str(&format!("#settings = {{ {defaults} }}\n"));
        }
    }
    text
}

fn setting_lines(setting: &SettingLine) -> String {
    let SettingLine {
        name,
        kind,
        default,
        about,
    } = setting;
    match default {
        Some(default) => {
            let value = literal(kind, default);
            format!("{}#{name} = {value}\n", prose(&format!("{about} ({kind})")))
        }
        None => prose(&format!(
            "{about} ({kind}). `{name}` has no value unless it is given here or is a job's default."
        )),
    }
}

/// A default in TOML: as it stands where the kind says so and it reads so, otherwise as a string.
fn literal(kind: &str, default: &str) -> String {
    let expected = match kind {
        "integer" | "float" | "boolean" => Some(kind),
        _ if kind.starts_with("list<") => Some("array"),
        _ => None,
    };
    let parsed = DeValue::parse(default).ok();
    match (expected, parsed) {
        (Some(kind), Some(value)) if value.get_ref().type_str() == kind => default.to_owned(),
        _ => toml::Value::String(default.replace('$', "$$")).to_string(),
    }
}

/// Text as comment lines.
fn prose(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in one_line(&text.replace('\n', " ")).split_whitespace() {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    lines + &line + "\n"
}
