//! The arguments: what is understood, what is refused, what the help says.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;
use crate::cli::runs::RunsCommand;
use crate::cli::targets::Target;
use crate::request::JobName;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_of_the_arguments_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_of_every_command_has_an_example() {
    fn check(command: &clap::Command, path: &str) {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(help.contains("Example"), "{path}");
        assert!(command.get_about().is_some(), "{path}");
        for inner in command.get_subcommands() {
            check(inner, &format!("{path} {}", inner.get_name()));
        }
    }
    check(&Cli::command(), "besom");
}

#[test]
fn a_run_with_every_argument() {
    let cli = parse(
        "besom run tokens sessions/expired --dry-run --json --set retention=14d --set a=b \
         --max-rows 100 --deadline 1h30m -c x.toml -vv --color never",
    )
    .unwrap();
    assert_eq!(cli.config, Some(PathBuf::from("x.toml")));
    assert_eq!((cli.verbose, cli.color), (2, ColorChoice::Never));
    let Command::Run(args) = cli.command else {
        panic!("not a run")
    };
    let job = Target::Job(JobName::new("sessions", "expired"));
    assert_eq!(args.targets, [Target::Plugin("tokens".to_owned()), job]);
    assert!(args.dry_run && args.json);
    assert_eq!(args.mode(), crate::request::Mode::DryRun);
    assert_eq!(args.settings.len(), 2);
    assert_eq!(args.max_rows, Some(100));
    assert_eq!(args.deadline, Some(Duration::from_secs(5400)));
}

#[test]
fn runs_without_a_word_is_the_list() {
    let shown = |line: &str| match parse(line).unwrap().command {
        Command::Runs(args) => args.into_command(),
        _ => panic!("not runs"),
    };

    let RunsCommand::List(list) = shown("besom runs") else {
        panic!("not the list")
    };
    assert_eq!((list.limit, list.json), (20, false));
    let RunsCommand::List(list) = shown("besom runs list --limit 3 --json") else {
        panic!("not the list")
    };
    assert_eq!((list.limit, list.json), (3, true));
    let id = "01900000-0000-7000-8000-000000000000";
    let RunsCommand::Show(show) = shown(&format!("besom runs show {id} --json")) else {
        panic!("not one run")
    };
    assert_eq!((show.run.to_string().as_str(), show.json), (id, true));
}

#[test]
fn the_options_of_every_command_may_stand_anywhere() {
    for line in [
        "besom -c x.toml -v runs list --json",
        "besom runs -c x.toml -v list",
        "besom runs list -c x.toml -v",
        "besom runs -c x.toml -v",
        "besom plugin -c x.toml list -v",
    ] {
        let cli = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(
            (cli.config, cli.verbose),
            (Some(PathBuf::from("x.toml")), 1),
            "{line}"
        );
    }
}

#[test]
fn wrong_usage_is_refused_with_code_two() {
    for line in [
        "besom",
        "besom run",
        "besom run tokens/",
        "besom run tokens --max-rows 0",
        "besom run tokens --deadline 5",
        "besom run tokens --set retention",
        "besom runs show 1",
        "besom runs list --limit 0",
        "besom demo --rows 5",
        "besom --color red check",
        "besom sweep",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
    let help = parse("besom --help").unwrap_err();
    assert_eq!((help.kind(), help.exit_code()), (ErrorKind::DisplayHelp, 0));
}

#[test]
fn the_password_of_a_database_argument_is_never_printed() {
    let cli = parse("besom demo --database mysql://u:hunter2@db").unwrap();
    assert!(!format!("{cli:?}").contains("hunter2"));
    let Command::Demo(args) = cli.command else {
        panic!("not a demo")
    };
    assert_eq!(args.rows, 200_000);
    let error = args.database.unwrap().url().unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn an_error_is_told_with_its_causes_and_each_once() {
    let error = anyhow::anyhow!("disk full")
        .context("cannot write: disk full")
        .context("the command failed");
    assert_eq!(
        in_words(&error),
        "the command failed: cannot write: disk full"
    );
}
