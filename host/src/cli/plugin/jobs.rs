//! `besom plugin jobs`: every job of the bundled plugins, as a table, as Markdown or as JSON.

use anyhow::Result;
use serde::Serialize;

use super::super::Terminal;
use super::super::exit::Exit;
use super::super::output::{Align, Table, Tone};
use super::{Inspection, JobLine};

/// One job of a bundled plugin, under the default settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundledJob {
    /// As `plugin/job`.
    pub job: String,
    /// Which rows.
    pub rule: String,
    /// It runs only where the configuration names it.
    pub opt_in: bool,
    /// Tables it deletes from, the swept one first.
    pub deletes: Vec<String>,
    /// Tables it updates, also by `ON DELETE SET NULL`.
    pub updates: Vec<String>,
    /// How long a row is kept; `None`: the job has no retention of its own.
    pub retention: Option<String>,
    /// Five-field cron expression; `None`: on request.
    pub schedule: Option<String>,
    /// The environment variable that a fresh configuration takes the schedule from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_variable: Option<String>,
    /// Indexes it goes by, as `table (column[, column])[ where predicate]`.
    pub indexes: Vec<String>,
}

impl BundledJob {
    fn of(plugin: &Inspection, job: &JobLine) -> Self {
        let tables = |changes: fn(&super::AccessLine) -> bool| {
            let changed = job.access.iter().filter(|access| changes(access));
            let mut tables: Vec<String> = Vec::new();
            for access in changed {
                if !tables.contains(&access.table) {
                    tables.push(access.table.clone());
                }
            }
            tables
        };
        let deletes = tables(|access| access.delete);
        let mut updates = tables(|access| !access.update.is_empty());
        updates.retain(|table| !deletes.contains(table));
        let of_plugin = plugin.settings.iter().find(|s| s.name == "retention");
        let retention = job.defaults.get("retention").cloned();
        Self {
            job: format!("{}/{}", plugin.name, job.name),
            rule: job.about.clone(),
            opt_in: job.opt_in,
            deletes,
            updates,
            retention: retention.or_else(|| of_plugin?.default.clone()),
            schedule: job.schedule.clone(),
            schedule_variable: job.schedule_variable.clone(),
            indexes: job.access.iter().flat_map(indexes).collect(),
        }
    }

    fn schedule(&self) -> &str {
        self.schedule.as_deref().unwrap_or("on request")
    }
}

fn indexes(access: &super::AccessLine) -> impl Iterator<Item = String> {
    access.indexes.iter().map(|index| {
        let (columns, predicate) = match index.split_once(" where ") {
            Some((columns, predicate)) => (columns, format!(" where {predicate}")),
            None => (index.as_str(), String::new()),
        };
        format!("{} ({columns}){predicate}", access.table)
    })
}

/// Lists the jobs.
///
/// # Errors
/// When a bundled plugin does not load, or stdout cannot be written.
pub async fn execute(markdown: bool, json: bool, terminal: &Terminal) -> Result<Exit> {
    let plugins = super::describe_bundled().await?;
    let jobs: Vec<BundledJob> = plugins
        .iter()
        .flat_map(|plugin| plugin.jobs.iter().map(|job| BundledJob::of(plugin, job)))
        .collect();
    if json {
        terminal.output.json(&jobs)?;
    } else if markdown {
        terminal.output.print(&self::markdown(&jobs))?;
    } else {
        terminal
            .output
            .print(&text(&jobs, terminal.output.color()))?;
    }
    Ok(Exit::Done)
}

fn text(jobs: &[BundledJob], color: bool) -> String {
    let mut rules = Table::new([
        ("job", Align::Left),
        ("schedule", Align::Left),
        ("retention", Align::Left),
        ("rule", Align::Left),
    ]);
    let mut places = Table::new([
        ("job", Align::Left),
        ("deletes from", Align::Left),
        ("updates", Align::Left),
    ]);
    let mut ways = Table::new([("job", Align::Left), ("goes by", Align::Left)]);
    for job in jobs {
        let name = || job.job.clone();
        let opt_in = if job.opt_in { " (opt-in)" } else { "" };
        let schedule = format!("{}{opt_in}", job.schedule());
        let retention = job.retention.clone().unwrap_or_else(|| "–".to_owned());
        rules.row([name(), schedule, retention, job.rule.clone()], Tone::Plain);
        places.row(
            [name(), job.deletes.join(", "), job.updates.join(", ")],
            Tone::Plain,
        );
        for index in &job.indexes {
            ways.row([name(), index.clone()], Tone::Plain);
        }
    }
    [rules, places, ways]
        .map(|table| table.render(color))
        .join("\n")
}

/// A heading and a table a plugin.
fn markdown(jobs: &[BundledJob]) -> String {
    let mut text = String::new();
    let mut before = "";
    for job in jobs {
        let (plugin, name) = job.job.split_once('/').unwrap_or(("", &job.job));
        if plugin != before {
            let gap = if before.is_empty() { "" } else { "\n" };
            text.push_str(&format!(
                "{gap}### {plugin}\n\n\
                 | job | tables | rule | retention | schedule | indexes |\n\
                 |---|---|---|---|---|---|\n"
            ));
            before = plugin;
        }
        let mut when = format!("`{}`", job.schedule());
        if let Some(variable) = &job.schedule_variable {
            when.push_str(&format!(", or as `{variable}` says"));
        }
        if job.opt_in {
            when.push_str(", opt-in");
        }
        let retention = job.retention.as_deref().unwrap_or("–");
        text.push_str(&format!(
            "| `{name}` | {} | {} | {retention} | {when} | {} |\n",
            changes(job),
            job.rule.replace('|', "\\|"),
            codes(&job.indexes, "<br>").unwrap_or_else(|| "the primary key".to_owned()),
        ));
    }
    text
}

fn changes(job: &BundledJob) -> String {
    let deletes = codes(&job.deletes, ", ").map(|tables| format!("deletes {tables}"));
    let updates = codes(&job.updates, ", ").map(|tables| format!("updates {tables}"));
    let both: Vec<String> = deletes.into_iter().chain(updates).collect();
    both.join("; ")
}

fn codes(of: &[String], between: &str) -> Option<String> {
    let codes: Vec<String> = of.iter().map(|code| format!("`{code}`")).collect();
    (!codes.is_empty()).then(|| codes.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<BundledJob> {
        let swept = BundledJob {
            job: "sessions/finished".to_owned(),
            rule: "Sessions that ended".to_owned(),
            opt_in: false,
            deletes: vec!["sessions".to_owned(), "tokens".to_owned()],
            updates: vec!["logins".to_owned()],
            retention: Some("30d".to_owned()),
            schedule: Some("10 * * * *".to_owned()),
            schedule_variable: Some("FINISHED_CRON".to_owned()),
            indexes: vec![
                "sessions (ended_at)".to_owned(),
                "tokens (session_id) where live = true".to_owned(),
            ],
        };
        let asked_for = BundledJob {
            job: "sessions/drafts".to_owned(),
            opt_in: true,
            deletes: Vec::new(),
            retention: None,
            schedule: None,
            schedule_variable: None,
            indexes: Vec::new(),
            ..swept.clone()
        };
        vec![swept, asked_for]
    }

    #[test]
    fn the_jobs_in_markdown_are_a_table_a_plugin() {
        let expected = "\
### sessions

| job | tables | rule | retention | schedule | indexes |
|---|---|---|---|---|---|
| `finished` | deletes `sessions`, `tokens`; updates `logins` | Sessions that ended | 30d | `10 * * * *`, or as `FINISHED_CRON` says | `sessions (ended_at)`<br>`tokens (session_id) where live = true` |
| `drafts` | updates `logins` | Sessions that ended | – | `on request`, opt-in | the primary key |
";
        assert_eq!(markdown(&sample()), expected);
    }

    #[test]
    fn the_jobs_as_text_say_when_where_and_by_which_index() {
        let expected = "\
job                schedule             retention  rule
──────────────────────────────────────────────────────────────────────
sessions/finished  10 * * * *           30d        Sessions that ended
sessions/drafts    on request (opt-in)  –          Sessions that ended

job                deletes from      updates
────────────────────────────────────────────
sessions/finished  sessions, tokens  logins
sessions/drafts                      logins

job                goes by
────────────────────────────────────────────────────────
sessions/finished  sessions (ended_at)
sessions/finished  tokens (session_id) where live = true
";
        assert_eq!(text(&sample(), false), expected);
    }
}
