//! Plugins as text.

use super::super::output::{Align, Table, Tone, many_lines, one_line, thousands};
use super::{Inspection, PluginEntry};

/// The list as text.
pub fn list(plugins: &[PluginEntry], color: bool) -> String {
    if plugins.is_empty() {
        return "no plugins: none is bundled and the configuration names none\n".to_owned();
    }
    let mut table = Table::new([
        ("plugin", Align::Left),
        ("version", Align::Left),
        ("source", Align::Left),
        ("runs", Align::Left),
        ("jobs", Align::Right),
        ("digest", Align::Left),
    ]);
    let dash = || "–".to_owned();
    let mut problems = String::new();
    for plugin in plugins {
        let tone = if plugin.problem.is_some() {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let cells = [
            plugin.name.clone(),
            plugin.version.clone().unwrap_or_else(dash),
            plugin.source.clone(),
            if plugin.configured { "yes" } else { "no" }.to_owned(),
            thousands(plugin.jobs.len() as u64),
            plugin.digest.clone().unwrap_or_else(dash),
        ];
        table.row(cells, tone);
        if let Some(problem) = &plugin.problem {
            let line = many_lines(&format!("{}: {problem}", plugin.name));
            problems.push_str(&format!("\n{}\n", tone.paint(&line, color)));
        }
    }
    let installed = plugins
        .iter()
        .filter_map(|plugin| Some((&plugin.name, plugin.installed.as_ref()?)));
    let installed = installed.map(|(name, one)| super::installed::text(name, one));
    table.render(color) + &problems + &installed.collect::<String>()
}

/// One component as text.
pub fn inspection(plugin: &Inspection, color: bool) -> String {
    let head = format!("{} {}", one_line(&plugin.name), one_line(&plugin.version));
    let mut text = format!(
        "{}\n{}\n\ncontract  {}\ndigest    {}\nsize      {} bytes\n",
        Tone::Strong.paint(&head, color),
        many_lines(&plugin.about),
        one_line(&plugin.contract),
        plugin.digest,
        thousands(plugin.size),
    );
    for (position, import) in plugin.imports.iter().enumerate() {
        let label = if position == 0 { "imports" } else { "" };
        text.push_str(&format!("{label:10}{}\n", one_line(import)));
    }
    let sections = [jobs(plugin), access(plugin), settings(plugin)];
    for table in sections.iter().filter(|table| !table.is_empty()) {
        text.push('\n');
        text.push_str(&table.render(color));
    }
    for job in &plugin.jobs {
        if let Some(problem) = &job.access_problem {
            let line = many_lines(&format!("{}: access not known: {problem}", job.name));
            text.push_str(&format!("\n{}\n", Tone::Warning.paint(&line, color)));
        }
    }
    text
}

fn jobs(plugin: &Inspection) -> Table {
    let mut table = Table::new([
        ("job", Align::Left),
        ("schedule", Align::Left),
        ("about", Align::Left),
    ]);
    for job in &plugin.jobs {
        let schedule = match (&job.schedule, job.opt_in) {
            (Some(schedule), false) => schedule.clone(),
            (Some(schedule), true) => format!("{schedule} (opt-in)"),
            (None, _) => "on request".to_owned(),
        };
        table.row([job.name.clone(), schedule, job.about.clone()], Tone::Plain);
    }
    table
}

fn access(plugin: &Inspection) -> Table {
    let mut table = Table::new([
        ("job", Align::Left),
        ("table", Align::Left),
        ("delete", Align::Left),
        ("read", Align::Left),
        ("update", Align::Left),
        ("indexes", Align::Left),
    ]);
    for job in &plugin.jobs {
        for access in &job.access {
            let cells = [
                job.name.clone(),
                match access.if_there {
                    true => format!("{} (if there)", access.table),
                    false => access.table.clone(),
                },
                if access.delete { "yes" } else { "no" }.to_owned(),
                access.read.join(", "),
                access.update.join(", "),
                access.indexes.join("; "),
            ];
            table.row(cells, Tone::Plain);
        }
    }
    table
}

fn settings(plugin: &Inspection) -> Table {
    let mut table = Table::new([
        ("setting", Align::Left),
        ("kind", Align::Left),
        ("default", Align::Left),
        ("about", Align::Left),
    ]);
    for setting in &plugin.settings {
        let default = setting
            .default
            .clone()
            .unwrap_or_else(|| "must be given".to_owned());
        let cells = [
            setting.name.clone(),
            setting.kind.clone(),
            default,
            setting.about.clone(),
        ];
        table.row(cells, Tone::Plain);
    }
    table
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::{AccessLine, JobLine, SettingLine};
    use super::*;

    fn sample() -> Inspection {
        Inspection {
            name: "tokens".to_owned(),
            version: "1.0.0".to_owned(),
            about: "Deletes tokens\u{1b}[2J.".to_owned(),
            contract: "besom:cleanup@1.0.0".to_owned(),
            digest: "sha256:ab12".to_owned(),
            size: 102_400,
            imports: vec![
                "besom:cleanup/sweeps@1.0.0".to_owned(),
                "wasi:io/poll@0.2.3".to_owned(),
            ],
            jobs: vec![JobLine {
                name: "revoked-access".to_owned(),
                about: "Revoked access tokens".to_owned(),
                defaults: Default::default(),
                schedule: Some("0 * * * *".to_owned()),
                schedule_variable: None,
                opt_in: false,
                access: vec![AccessLine {
                    table: "oauth2_access_tokens".to_owned(),
                    read: vec!["id".to_owned(), "revoked_at".to_owned()],
                    update: Vec::new(),
                    delete: true,
                    indexes: vec!["revoked_at".to_owned()],
                    if_there: false,
                }],
                access_problem: None,
            }],
            settings: vec![SettingLine {
                name: "retention".to_owned(),
                kind: "duration".to_owned(),
                default: Some("1h".to_owned()),
                about: "How long a row stays".to_owned(),
            }],
        }
    }

    #[test]
    fn a_component_is_shown_with_jobs_access_and_settings() {
        let expected = "\
tokens 1.0.0
Deletes tokens\\u{1b}[2J.

contract  besom:cleanup@1.0.0
digest    sha256:ab12
size      102,400 bytes
imports   besom:cleanup/sweeps@1.0.0
          wasi:io/poll@0.2.3

job             schedule   about
────────────────────────────────────────────────
revoked-access  0 * * * *  Revoked access tokens

job             table                 delete  read            update  indexes
────────────────────────────────────────────────────────────────────────────────
revoked-access  oauth2_access_tokens  yes     id, revoked_at          revoked_at

setting    kind      default  about
──────────────────────────────────────────────────
retention  duration  1h       How long a row stays
";
        assert_eq!(inspection(&sample(), false), expected);
    }

    #[test]
    fn a_job_whose_access_is_not_known_says_why() {
        let mut plugin = sample();
        plugin.jobs[0].access.clear();
        plugin.jobs[0].access_problem = Some("`table` must be given".to_owned());
        let text = inspection(&plugin, false);
        assert!(text.ends_with("revoked-access: access not known: `table` must be given\n"));
        assert!(!text.contains("oauth2_access_tokens"));
    }

    #[test]
    fn a_plugin_that_does_not_load_stands_in_the_list_with_its_problem() {
        let good = PluginEntry {
            name: "tokens".to_owned(),
            version: Some("1.0.0".to_owned()),
            source: "bundled".to_owned(),
            configured: true,
            jobs: vec!["revoked-access".to_owned()],
            digest: Some("sha256:ab12".to_owned()),
            problem: None,
            installed: None,
        };
        let bad = PluginEntry {
            name: "acme".to_owned(),
            version: None,
            source: "acme.wasm".to_owned(),
            configured: true,
            jobs: Vec::new(),
            digest: None,
            problem: Some("not a component".to_owned()),
            installed: None,
        };
        let expected = "\
plugin  version  source     runs  jobs  digest
───────────────────────────────────────────────────
tokens  1.0.0    bundled    yes      1  sha256:ab12
acme    –        acme.wasm  yes      0  –

acme: not a component
";
        assert_eq!(list(&[good, bad], false), expected);
    }

    #[test]
    fn a_component_as_json_has_every_promised_key() {
        let json = serde_json::to_value(sample()).unwrap();
        for key in [
            "name", "version", "contract", "imports", "jobs", "settings", "digest",
        ] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert_eq!(json["jobs"][0]["access"][0]["delete"], true);
    }
}
