//! The documentation says what the program says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use besom::config::{Config, Environment, Rules};

use crate::cli::besom;

#[test]
fn every_help_text_of_the_documentation_is_the_programs_own() -> anyhow::Result<()> {
    let page = read("docs/cli.md")?;
    for (command, shown) in marked(&page, "help:") {
        let printed = help(&command)?;
        ensure!(
            normal(&shown) == normal(&printed),
            "docs/cli.md shows another text for `{command} --help`, which prints:\n\n{printed}"
        );
    }
    Ok(())
}

#[test]
fn every_command_has_its_help_text_in_the_documentation() -> anyhow::Result<()> {
    let page = read("docs/cli.md")?;
    let documented: BTreeSet<String> = marked(&page, "help:").into_iter().map(|(c, _)| c).collect();

    let mut commands = BTreeSet::new();
    let mut unseen = vec!["besom".to_owned()];
    while let Some(command) = unseen.pop() {
        let below = subcommands(&help(&command)?);
        unseen.extend(below.iter().map(|name| format!("{command} {name}")));
        commands.insert(command);
    }

    assert_eq!(documented, commands);
    Ok(())
}

#[test]
fn the_document_of_the_http_api_is_what_the_program_prints() -> anyhow::Result<()> {
    let output = besom()
        .args(["serve", "--openapi"])
        .output()
        .context("running `besom serve --openapi`")?;
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let shown: serde_json::Value = serde_json::from_str(&read("docs/openapi.json")?)?;
    ensure!(
        shown == printed,
        "docs/openapi.json is another document than `besom serve --openapi > docs/openapi.json` makes"
    );
    Ok(())
}

#[test]
fn the_page_of_the_jobs_is_what_the_program_prints() -> anyhow::Result<()> {
    let page = read("docs/jobs.md")?;
    let output = besom()
        .args(["plugin", "jobs", "--markdown"])
        .output()
        .context("running `besom plugin jobs --markdown`")?;
    let printed = String::from_utf8(output.stdout)?;
    let (_, shown) = page
        .split_once("a test compares. -->\n\n")
        .context("docs/jobs.md does not say what is compared")?;
    ensure!(
        shown == printed,
        "docs/jobs.md shows other jobs than `besom plugin jobs --markdown`, which prints:\n\n{printed}"
    );
    Ok(())
}

#[test]
fn every_code_that_the_documentation_lists_is_known_where_codes_are_checked() -> anyhow::Result<()>
{
    let pages = read("docs/preflight.md")? + &read("docs/errors.md")?;
    let known = besom::preflight::CODES;
    for row in pages.lines().filter(|line| line.starts_with("| `")) {
        let first = row.split('|').nth(1).unwrap_or_default();
        for code in first.split('`').skip(1).step_by(2) {
            // A near miss of a code that is in the list would be refused.
            let taken = besom::preflight::meant(code).is_none();
            ensure!(taken, "`{code}` is documented, and would count as misspelt");
        }
    }
    ensure!(known.windows(2).all(|pair| pair[0] < pair[1]), "{known:?}");
    Ok(())
}

#[test]
fn every_configuration_of_the_documentation_is_one() -> anyhow::Result<()> {
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &[
            "tokens",
            "sessions",
            "ips",
            "queue",
            "upstream-oauth",
            "recovery",
        ],
    };
    let mut seen = 0;
    for page in pages()? {
        for (_, shown) in marked(&read(&page)?, "config") {
            // A fragment says nothing about the database.
            let database = "[database]\nurl = \"sqlite://besom.db\"\n\n";
            let text = match shown.contains("[database]") {
                true => shown,
                false => format!("{database}{shown}"),
            };
            Config::parse(&text, Path::new("besom.toml"), &rules)
                .with_context(|| format!("{page} shows this configuration:\n\n{text}"))?;
            seen += 1;
        }
    }
    ensure!(
        seen > 0,
        "no page shows a configuration marked `<!-- config -->`"
    );
    Ok(())
}

#[test]
fn the_plugin_of_the_readme_is_the_one_that_the_sdk_compiles() -> anyhow::Result<()> {
    let examples = marked(&read("README.md")?, "example:");
    ensure!(!examples.is_empty(), "the README shows no plugin");
    for (source, shown) in examples {
        let documentation: String = read(&source)?
            .lines()
            .filter_map(|line| line.strip_prefix("//!"))
            .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
            .collect();
        ensure!(
            documentation.contains(&shown),
            "the documentation of {source} does not hold this example of the README:\n\n{shown}"
        );
    }
    Ok(())
}

#[test]
fn every_link_between_the_pages_leads_to_a_file() -> anyhow::Result<()> {
    for page in pages()? {
        let folder = root().join(&page);
        let folder = folder.parent().context("a page is in a folder")?;
        for target in links(&read(&page)?) {
            ensure!(
                folder.join(&target).exists(),
                "{page} links to {target}, which is not there"
            );
        }
    }
    Ok(())
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(page: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(root().join(page)).with_context(|| format!("reading {page}"))
}

/// The pages at the root, under `docs` and of the example plugins, by their path from the root.
fn pages() -> anyhow::Result<Vec<String>> {
    let mut pages = vec![
        "README.md".to_owned(),
        "CONTRIBUTING.md".to_owned(),
        "plugins/examples/policy-data/README.md".to_owned(),
    ];
    for entry in std::fs::read_dir(root().join("docs"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    Ok(pages)
}

/// Every fenced block behind a line `<!-- KIND … -->`, with what stands behind KIND.
fn marked(page: &str, kind: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let marker = line
            .strip_prefix("<!-- ")
            .and_then(|rest| rest.strip_suffix(" -->"))
            .and_then(|rest| rest.strip_prefix(kind));
        let Some(about) = marker else { continue };
        let fence = lines.next().unwrap_or_default();
        assert!(
            fence.starts_with("```"),
            "`{line}` does not stand right above a fenced block, but above `{fence}`"
        );
        let block: String = lines
            .by_ref()
            .take_while(|line| !line.starts_with("```"))
            .map(|line| format!("{line}\n"))
            .collect();
        found.push((about.trim().to_owned(), block));
    }
    found
}

/// What `COMMAND --help` prints, `COMMAND` beginning with `besom`.
fn help(command: &str) -> anyhow::Result<String> {
    let output = besom()
        .args(command.split(' ').skip(1))
        .arg("--help")
        .output()
        .with_context(|| format!("running `{command} --help`"))?;
    ensure!(
        output.status.success(),
        "`{command} --help` failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// The names under `Commands:` in a help text, without `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Without blanks at the ends of lines and of the text.
fn normal(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// The files that a page links to, outside of fenced blocks.
fn links(page: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for after in line.split("](").skip(1) {
            let target = after.split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                found.push(file.to_owned());
            }
        }
    }
    found
}
