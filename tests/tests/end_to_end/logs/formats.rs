//! Lines for people and lines for machines; each of a run says whose it is.

use besom_tests::fixtures::version_of;
use besom_tests::sqlite;
use serde_json::Value;

use super::super::cli::{Desk, both, place};
use super::{JOB, desk};

/// Everything of besom's.
const LOUD: &str = "warn,besom=trace";

fn lines(stderr: &str) -> Vec<Value> {
    let parsed = stderr.lines().map(|line| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the line {line}"))
    });
    parsed.collect()
}

/// The spans of a line, from the run inwards.
fn spans(line: &Value) -> Vec<&Value> {
    let spans = line["spans"].as_array();
    spans
        .map(|spans| spans.iter().collect())
        .unwrap_or_default()
}

fn position(lines: &[Value], message: &str) -> usize {
    let at = lines.iter().position(|line| line["message"] == message);
    at.unwrap_or_else(|| panic!("no line says `{message}`: {lines:#?}"))
}

#[tokio::test]
async fn each_json_line_of_a_run_has_run_plugin_version_and_job() {
    for database in both().await {
        let desk = desk(database, "[log]\nformat = \"json\"").await;

        let said = desk.run(&["run", JOB, "--log", LOUD]);

        assert_eq!(said.code, 0, "{}", said.stderr);
        let lines = lines(&said.stderr);
        let (begin, end) = (
            position(&lines, "run begins"),
            position(&lines, "run ended"),
        );
        let run = desk.json(&["runs", "list", "--json"])[0]["run"].clone();
        assert!(begin < end && run.is_string());
        for line in &lines[begin..=end] {
            let spans = spans(line);
            let of = spans.first().unwrap_or_else(|| panic!("no span: {line}"));
            assert_eq!(of["name"], "run", "{line}");
            assert_eq!(of["run"], run, "{line}");
            assert_eq!(of["plugin"], "tokens", "{line}");
            assert_eq!(of["job"], "revoked-access", "{line}");
            assert_eq!(of["version"], version_of("tokens"), "{line}");
        }
    }
}

#[tokio::test]
async fn the_flag_wins_over_the_file_and_text_has_the_span_before_the_message() {
    let desk = desk(sqlite(), "[log]\nformat = \"json\"").await;

    let said = desk.run(&["run", JOB, "--log-format", "text"]);

    let begins = said.stderr.lines().find(|line| line.contains("run begins"));
    let begins = begins.unwrap_or_else(|| panic!("{}", said.stderr));
    let (span, _) = begins.split_once("run begins").unwrap();
    for part in [
        "run{run=",
        "plugin=\"tokens\"",
        &format!("version=\"{}\"", version_of("tokens")),
        "job=\"revoked-access\"",
    ] {
        assert!(span.contains(part), "{part} in {begins}");
    }
    assert_eq!(begins.matches("revoked-access").count(), 1, "{begins}");
}

#[tokio::test]
async fn a_filter_without_besoms_spans_leaves_them_to_the_lines_that_it_lets_through() {
    let desk = third_party().await;

    let said = desk.run(&["run", "hostile/good", "--log", "besom::guest=debug"]);

    let line = said
        .stderr
        .lines()
        .find(|line| line.contains("all is well"));
    let line = line.unwrap_or_else(|| panic!("{}", said.stderr));
    for part in ["run{run=", "plugin=\"hostile\"", "job=\"good\""] {
        assert_eq!(line.matches(part).count(), 1, "{part} in {line}");
    }
    assert!(!said.stderr.contains("run begins"), "{}", said.stderr);
}

#[tokio::test]
async fn a_plugins_own_json_line_says_whose_it_is_in_a_run() {
    let desk = third_party().await;

    let said = desk.run(&["run", "hostile/good", "--log-format", "json"]);

    let lines = lines(&said.stderr);
    let of_guest: Vec<_> = lines
        .iter()
        .filter(|line| line["target"] == "besom::guest" && line["message"] == "all is well")
        .collect();
    assert_eq!(of_guest.len(), 1, "{}", said.stderr);
    let spans = spans(of_guest[0]);
    assert_eq!(spans[0]["plugin"], "hostile");
    assert_eq!(spans[0]["version"], "1.0.0");
    assert_eq!(spans[0]["job"], "good");
    assert!(spans[0]["run"].is_string());
}

async fn third_party() -> Desk {
    let grant = "[plugins.hostile]\ncomponent = \"hostile.wasm\"\n\
                 [plugins.hostile.grant.victims]\nread = [\"id\"]\ndelete = true\n";
    let desk = Desk::with_file(sqlite(), grant);
    let component = besom_tests::fixtures::hostile();
    place(desk.folder.path(), "hostile.wasm", &component);
    desk.script("CREATE TABLE victims (id bigint PRIMARY KEY); INSERT INTO victims VALUES (1)")
        .await;
    desk.says(&["migrate"]);
    desk
}
