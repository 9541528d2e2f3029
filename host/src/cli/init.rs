//! `besom init`: writes a configuration file with every default as a comment.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::de::DeValue;

use super::Terminal;
use super::exit::{Exit, Refusal};
use super::output::one_line;
use super::plugin::{self, Inspection, SettingLine};
use crate::config::{
    DEFAULT_BATCH_SIZE, DEFAULT_DEADLINE, DEFAULT_FILE, DEFAULT_LEASE, DEFAULT_LOCK_TIMEOUT,
    DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_ROWS, DEFAULT_RETRIES, DEFAULT_RETRY_AFTER,
    DEFAULT_STATEMENT_TIMEOUT, ENVIRONMENT_VARIABLE, URL_VARIABLE,
};

/// Write a commented besom.toml that names every bundled plugin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An existing file is never overwritten.

Examples:
  besom init
  besom init /etc/besom/besom.toml")]
pub struct InitArgs {
    /// The file to write; without it the one that -c names, or besom.toml
    pub file: Option<PathBuf>,
}

/// Columns at which prose in the file is broken.
const WIDTH: usize = 96;

/// Writes the file.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub async fn execute(args: InitArgs, named: Option<PathBuf>, terminal: &Terminal) -> Result<Exit> {
    let file = args
        .file
        .or(named)
        .unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    if file.exists() {
        return Err(in_the_way(&file).into()); // before plugins are compiled to no end
    }
    let plugins = plugin::describe_bundled().await?;
    create(&file, &contents(&plugins))?;
    terminal.output.print(&format!(
        "wrote {0}\nnext: set the database in it, then `besom -c {0} migrate` and \
         `besom -c {0} check`\n",
        file.display()
    ))?;
    Ok(Exit::Done)
}

fn in_the_way(file: &Path) -> Refusal {
    Refusal(format!(
        "{} is there already and is left as it is: name another file, or move it away",
        file.display()
    ))
}

fn create(file: &Path, contents: &str) -> Result<()> {
    let mut open = match OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(in_the_way(file).into());
        }
        opened => opened.with_context(|| format!("cannot write {}", file.display()))?,
    };
    open.write_all(contents.as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The text of the file. A `#` before a key, with no blank between, switches off a default;
/// prose has a blank after its `#`.
pub fn contents(plugins: &[Inspection]) -> String {
    let mut text = head();
    for plugin in plugins {
        text.push('\n');
        text.push_str(&section(plugin));
    }
    text.push_str(THIRD_PARTY);
    text
}

fn head() -> String {
    let time = humantime::format_duration;
    format!(
        "\
# What besom may clean, and how. Remove the `#` before a key to change its value from the default
# that it shows. In every string ${{NAME}} is an environment variable, ${{NAME:-x}} one with a
# default, $$ a dollar sign. `besom check` says whether everything fits the database.

[database]
# postgres://user:password@host/database, or sqlite://path (from the working folder).
# {URL_VARIABLE} in the environment wins over this line.
url = \"${{DATABASE_URL:-sqlite://besom.db}}\"
# How long a batch waits for a lock of besom's own rows.
#lock-timeout = \"{lock}\"
# No statement runs longer.
#statement-timeout = \"{statement}\"
#max-connections = {DEFAULT_MAX_CONNECTIONS}
# \"transaction\" where PgBouncer or another pooler stands before PostgreSQL.
#pooler = \"none\"

# For every job; a plugin or a job may say otherwise.
[defaults]
# Rows that one transaction deletes at most, 1 to 10000.
#batch-size = {DEFAULT_BATCH_SIZE}
# After this time, or so many rows, a run is suspended; the rest is left to the next run.
#deadline = \"{deadline}\"
#max-rows-per-run = {rows}
# The largest part of a table that a run may change: 0.2 is a fifth. By default all of it.
#max-fraction = 0.2
# No retention may be shorter than this, whoever gives it. By default there is no such floor.
#min-retention = \"1h\"
# The zone that schedules are read in.
#timezone = \"UTC\"
# Codes of findings that do not keep a job from running.
#tolerate = []
# Under a plugin or a job, `false` leaves its jobs out.
#enabled = true
# At most so much later than it is due a run begins.
#jitter = \"0s\"
# When runs may be under way, by default always, and the days on which that begins.
#window = \"22:00-06:00\"
#days = \"mon-sun\"
# After due times that were missed: one run (`once`), or none (`skip`).
#catch-up = \"once\"
# Further attempts at a run that failed, and the wait before the first; each is twice as long.
#retries = {DEFAULT_RETRIES}
#retry-after = \"{retry}\"
# When another version of the plugin takes over, runs under way end on theirs (`drain`), or stop after
# their batch in hand and begin anew on the other (`handover`).
#on-upgrade = \"drain\"

[schedule]
# Environments in which no job runs, compared with {ENVIRONMENT_VARIABLE}. By default there is none.
#skip-in = [\"test\"]

[host]
# The name under which this process holds runs; by default the machine's name and the process id.
#name = \"cleaner-1\"
# A process that stops for longer than this loses its runs to others.
#lease = \"{lease}\"
# The folder for compiled plugins; by default one in the user's cache folder.
#cache = \"/var/cache/besom\"

[store]
# Which versions that were installed in the database run: off, pinned, signed or any. By default
# any on SQLite, signed otherwise.
#install = \"signed\"
# Public keys that such a version is signed by, as `besom plugin keygen` prints them.
#trusted-keys = []

# How columns that are not of a time type hold a time, where besom should not find out by looking:
# unix-us, unix-ms, unix-s, rfc3339 or sql-text.
[time-forms]
#\"audit_log.created_at\" = \"unix-ms\"
",
        lock = time(DEFAULT_LOCK_TIMEOUT),
        statement = time(DEFAULT_STATEMENT_TIMEOUT),
        deadline = time(DEFAULT_DEADLINE),
        lease = time(DEFAULT_LEASE),
        rows = DEFAULT_MAX_ROWS,
        retry = time(DEFAULT_RETRY_AFTER),
    )
}

const THIRD_PARTY: &str = "
# A plugin from elsewhere may touch what its grants say, and nothing else.
#[plugins.acme-audit]
#component = \"plugins/acme-audit.wasm\"
#[plugins.acme-audit.grant.audit_log]
#read = [\"id\", \"created_at\"]
#delete = true
# No row younger than this is ever changed, nor one with another value.
#min-age = { column = \"created_at\", age = \"90d\" }
#where = { tenant_id = \"t-1\" }
";

/// One plugin: named, so that it runs, with its settings and jobs as comments.
fn section(plugin: &Inspection) -> String {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::plugin::JobLine;
    use super::*;
    use crate::config::{Config, Environment, Rules, TimingSettings};
    use crate::request::JobName;

    fn plugin() -> Inspection {
        let setting = |name: &str, kind: &str, default: Option<&str>| SettingLine {
            name: name.to_owned(),
            kind: kind.to_owned(),
            default: default.map(str::to_owned),
            about: "What it is for, in more words than one line of this file has room for, so \
                    that it is broken\nsomewhere."
                .to_owned(),
        };
        let job = |name: &str, opt_in| JobLine {
            name: name.to_owned(),
            about: "Deletes rows.".to_owned(),
            schedule: None,
            schedule_variable: None,
            defaults: [("retention".to_owned(), "2h".to_owned())].into(),
            opt_in,
            access: Vec::new(),
            access_problem: None,
        };
        Inspection {
            name: "tokens".to_owned(),
            version: "1.0.0".to_owned(),
            about: "Deletes \"tokens\".".to_owned(),
            contract: String::new(),
            digest: String::new(),
            size: 0,
            imports: Vec::new(),
            jobs: vec![job("revoked-access", false), job("expire-inactive", true)],
            settings: vec![
                setting("retention", "duration", Some("1h")),
                setting("profile", "choice:mas|refresh-tokens", Some("mas")),
                setting("protect-refresh", "boolean", Some("true")),
                setting("keep", "integer", Some("10")),
                setting("ratio", "float", Some("0.5")),
                setting("states", "list<text>", Some("[\"a\", \"b\"]")),
                setting("one-state", "list<text>", Some("a")),
                setting("odd", "text", Some("a \"quoted\" $ and \\")),
                setting("table", "table", None),
            ],
        }
    }

    fn parse(text: &str) -> Config {
        let rules = Rules {
            environment: Environment::of([]),
            bundled: &["tokens"],
        };
        Config::parse(text, Path::new(DEFAULT_FILE), &rules).unwrap()
    }

    /// The file with every default switched on.
    fn uncommented(text: &str) -> String {
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') && !key.is_empty() => key,
            _ => line,
        });
        lines.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn the_file_as_written_runs_every_bundled_plugin_with_every_default() {
        let config = parse(&contents(&[plugin()]));

        assert_eq!(config.database.url.expose(), "sqlite://besom.db");
        assert_eq!(config.plugins.keys().collect::<Vec<_>>(), ["tokens"]);
        assert!(config.plugins["tokens"].jobs.is_empty());
        assert!(config.plugins["tokens"].settings.values.is_empty());
    }

    #[test]
    fn every_default_that_the_file_shows_is_the_default() {
        let written = parse(&contents(&[plugin()]));
        let text = uncommented(&contents(&[plugin()]));

        let shown = parse(&text);

        assert_eq!(shown.database, written.database);
        assert_eq!(shown.host.lease, written.host.lease);
        let limits = |config: &Config| {
            let job = config
                .job(&JobName::new("tokens", "revoked-access"))
                .unwrap();
            let timing = TimingSettings {
                window: None, // the file shows one, and has none
                ..job.timing
            };
            (job.batch_size, job.deadline, job.max_rows, timing)
        };
        assert_eq!(limits(&shown), limits(&written));
        assert!(shown.plugins.contains_key("acme-audit"));
        assert!(shown.plugins["tokens"].jobs.contains_key("expire-inactive"));
        let settings = &shown.plugins["tokens"].settings.values;
        assert_eq!(settings["retention"].as_str(), Some("1h"));
        assert_eq!(settings["protect-refresh"].as_bool(), Some(true));
        assert_eq!(settings["keep"].as_integer(), Some(10));
        assert_eq!(settings["states"].as_array().unwrap().len(), 2);
        assert_eq!(settings["one-state"].as_str(), Some("a"));
        assert_eq!(settings["odd"].as_str(), Some("a \"quoted\" $ and \\"));
        assert!(!settings.contains_key("table"), "it has no default");
    }

    #[test]
    fn no_line_of_the_file_is_too_long() {
        let text = contents(&[plugin()]);
        let long = text.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None);
        assert!(text.contains("\n# Deletes rows. Runs only if it is named here.\n"));
    }

    #[test]
    fn a_file_in_the_way_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(DEFAULT_FILE);
        create(&file, "mine").unwrap();

        let error = create(&file, "new").unwrap_err();

        assert_eq!(Exit::of_error(&error), Exit::Refused);
        assert!(error.to_string().contains("left as it is"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = create(Path::new("/nowhere/at/all/besom.toml"), "").unwrap_err();
        assert!(
            error.to_string().contains("/nowhere/at/all/besom.toml"),
            "{error}"
        );
    }
}
