//! A password is in no line, however loud the log and however the connection fails.

use std::process::Stdio;

use besom_tests::{TestDatabase, postgres};

use super::super::cli::Desk;
use super::{JOB, desk};

/// As it stands in a URL, and as it is.
const PASSWORDS: [&str; 2] = ["correct-horse%40staple", "correct-horse@staple"];

/// The server's URL with that password, for this role and database.
fn url(database: &TestDatabase, role: &str, name: &str) -> String {
    let direct = database.direct();
    let (_, rest) = direct.split_once('@').unwrap();
    let (host, rest) = rest.split_once('/').unwrap();
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    format!("postgres://{role}:{}@{host}/{name}?{query}", PASSWORDS[0])
}

/// Runs every command under every URL at once, because a connection is tried for a while, and answers
/// what they said.
fn keep_the_secret(desk: &Desk, urls: &[String], commands: &[&[&str]]) -> Vec<String> {
    let mut running = Vec::new();
    for url in urls {
        for (number, command) in commands.iter().enumerate() {
            let format = ["text", "json"][number % 2];
            let child = desk
                .command(command)
                .args(["--log", "trace", "--log-format", format])
                .env("BESOM_DATABASE_URL", url)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            running.push((command, child));
        }
    }
    let ended = running.into_iter().map(|(command, child)| {
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        for password in PASSWORDS {
            assert!(!text.contains(password), "{command:?} shows it:\n{text}");
        }
        text
    });
    ended.collect()
}

#[tokio::test]
async fn no_line_of_a_connection_that_fails_shows_the_password() {
    let desk = desk(postgres().await, "").await;
    let password = PASSWORDS[0];
    let urls = [
        format!("postgres://me:{password}@127.0.0.1:1/auth"), // nobody listens there
        format!("postgres://me@127.0.0.1:1/auth?password={password}"),
        format!("postgres://me:{password}@no-such-host.invalid/auth"),
        url(&desk.database, "no-such-role", "postgres"),
        url(&desk.database, "postgres", "no-such-database"),
        format!("postgres://me:{password}@127.0.0.1:1/auth?pasword={password}"),
        format!("postgres://me:{password}@127.0.0.1:port/auth"),
        format!("mysql://me:{password}@127.0.0.1/auth"),
    ];
    let commands: [&[&str]; 2] = [&["run", JOB], &["serve"]];
    let said = keep_the_secret(&desk, &urls, &commands);

    assert!(said.iter().all(|said| said.contains("error:")), "{said:#?}");
    let misspelt = |said: &&String| said.contains("does not know") && said.contains("pasword");
    assert_eq!(
        said.iter().filter(misspelt).count(),
        commands.len(),
        "{said:#?}"
    );
}

#[tokio::test]
async fn no_line_of_a_run_shows_the_password() {
    let desk = desk(postgres().await, "").await;
    let (before, _) = desk
        .database
        .url
        .split_once('?')
        .unwrap_or((&desk.database.url, ""));
    let (_, name) = before.rsplit_once('/').unwrap();
    let url = url(&desk.database, "postgres", name);
    let commands: [&[&str]; 2] = [&["run", JOB], &["check"]];

    let said = keep_the_secret(&desk, &[url], &commands);

    assert!(said[0].contains("run ended"), "{}", said[0]);
}
