//! The command line: one file a command.
//!
//! A command reads its arguments, calls the rooms below, and hands what they answer to its own
//! `present` function: results go to stdout, logs and progress to stderr, and how it went to the
//! exit code (see [`Exit`]).

pub mod check;
pub mod compile;
pub mod control;
pub mod demo;
mod exit;
pub mod explain;
pub mod grants;
pub mod init;
mod logging;
pub mod migrate;
mod output;
pub mod plugin;
mod progress;
mod refused;
mod report;
pub mod run;
pub mod runs;
pub mod schedule;
pub mod serve;
pub mod targets;
mod traces;

pub use exit::{Exit, Refusal};
pub use logging::DEFAULT_FILTER;
pub use output::{ColorChoice, Output};
pub use progress::{Bar, Progress};

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result};
use clap::{ArgAction, Parser, Subcommand};

use crate::config::{
    Config, ConfigError, DEFAULT_FILE, DatabaseUrl, Environment, LogFormat, Rules, UrlError,
};
use logging::Logging;
use output::{Tone, many_lines};
use plugin::PluginCommand;

/// Under what `--help` lists the options of every command.
const EVERYWHERE: &str = "Options of every command";

/// Clean up databases through sandboxed plugins.
///
/// A plugin says which rows have outlived their purpose; besom decides whether it may, deletes them
/// in small batches, and accounts for every row.
#[derive(Debug, Parser)]
#[command(
    name = "besom",
    // Usage lines say so whatever the file is called.
    bin_name = "besom",
    version,
    after_help = "\
Exit codes: 0 done, 1 failed, or a job of several did not run, 2 wrong usage, a configuration at fault or
denied, 3 suspended with a backlog. Results go to stdout, logs to stderr.

Examples:
  besom demo                       see it work, on a database of its own
  besom init                       write a besom.toml to start from
  besom migrate && besom check     prepare a database, and check that everything fits
  besom run tokens --dry-run       what would be deleted
  besom serve                      run jobs by their schedules"
)]
pub struct Cli {
    /// The configuration file; without it besom.toml in the working folder
    #[arg(short, long, global = true, value_name = "FILE", help_heading = EVERYWHERE,
          env = "BESOM_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Log more: -v for besom's own detail, -vv for everything
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = EVERYWHERE)]
    pub verbose: u8,
    /// What to log, such as warn,besom=info (the default); wins over -v
    #[arg(long, global = true, value_name = "FILTER", help_heading = EVERYWHERE,
          env = "BESOM_LOG", hide_env_values = true)]
    pub log: Option<String>,
    /// How log lines look: text or json. Without it as `format` of [log] says, else text
    #[arg(long, global = true, value_enum, value_name = "FORMAT", hide_possible_values = true,
          help_heading = EVERYWHERE)]
    pub log_format: Option<LogFormat>,
    /// When to colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN",
          hide_possible_values = true, help_heading = EVERYWHERE)]
    pub color: ColorChoice,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What besom is to do.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)] // each is documented at its arguments, where --help takes it from
pub enum Command {
    Demo(demo::DemoArgs),
    Run(run::RunArgs),
    Serve(serve::ServeArgs),
    Schedule(schedule::ScheduleArgs),
    Trigger(control::TriggerArgs),
    Pause(control::PauseArgs),
    Resume(control::ResumeArgs),
    Migrate(migrate::MigrateArgs),
    Check(check::CheckArgs),
    Grants(grants::GrantsArgs),
    Explain(explain::ExplainArgs),
    Runs(runs::RunsArgs),
    Plugin(plugin::PluginArgs),
    Init(init::InitArgs),
    #[command(name = crate::plugin::COMMAND, hide = true)]
    Compile(compile::CompileArgs),
}

/// Where a command writes.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Results.
    pub output: Output,
    /// Bars, on a terminal's stderr.
    pub progress: Progress,
}

/// A database URL of the command line. It is taken as it is, because a refusal by the argument
/// parser would print it, password included.
#[derive(Clone)]
pub struct UrlArgument(String);

impl UrlArgument {
    /// The URL.
    ///
    /// # Errors
    /// When it is of no known kind.
    pub fn url(&self) -> Result<DatabaseUrl, UrlError> {
        self.0.parse()
    }
}

impl FromStr for UrlArgument {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for UrlArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlArgument(…)")
    }
}

/// The process: reads the arguments, does what they say, and answers the exit code. Wrong usage
/// ends the process here, with code 2.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Compile(args) = cli.command {
        return compile::execute(args);
    }
    if let Ok(program) = compile::this_program() {
        crate::plugin::compile_apart_by(program);
    }
    let color = cli.color;
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(execute(cli)));
    let exit = done.unwrap_or_else(|error| {
        let label = Tone::Bad.paint("error:", color.applies_to(&io::stderr()));
        let message = many_lines(&in_words(&error));
        let _ = writeln!(io::stderr(), "{label} {message}"); // nobody left to tell otherwise
        Exit::of_error(&error)
    });
    exit.into()
}

/// An error with its causes, without those that its own words quote already.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.contains(&cause) {
            words.push_str(": ");
            words.push_str(&cause);
        }
    }
    words
}

async fn execute(cli: Cli) -> Result<Exit> {
    let terminal = Terminal {
        output: Output::stdout(cli.color),
        progress: Progress::on_stderr(),
    };
    // Before anything else the file says how to log. What is wrong with it is the command's to say,
    // which may not need it.
    let config = load_if_there(cli.config.as_deref()).ok().flatten();
    let log = config.as_ref().map(|config| &config.log);
    let logging = Logging {
        directives: cli.log.as_deref(),
        verbosity: cli.verbose,
        color: cli.color,
        format: (cli.log_format)
            .or(log.map(|log| log.format))
            .unwrap_or_default(),
        collector: config
            .as_ref()
            .and_then(|config| Some((config.log.otlp.as_ref()?, config.host.name.as_str()))),
    };
    let traces = logging.start(&terminal.progress)?;
    let done = command(cli, terminal).await;
    if let Some(traces) = traces {
        traces.finish().await;
    }
    done
}

async fn command(cli: Cli, terminal: Terminal) -> Result<Exit> {
    let named = cli.config;
    let config = || load(named.as_deref());
    match cli.command {
        Command::Demo(args) => demo::execute(args, Environment::of_process(), &terminal).await,
        Command::Run(args) => run::execute(args, config()?, &terminal).await,
        Command::Serve(args) => serve::execute(args, named.clone(), &terminal).await,
        Command::Schedule(args) => schedule::execute(args, config()?, &terminal).await,
        Command::Trigger(args) => control::trigger(args, config()?, &terminal).await,
        Command::Pause(args) => control::pause(args, config()?, &terminal).await,
        Command::Resume(args) => control::resume(args, config()?, &terminal).await,
        Command::Migrate(args) => migrate::execute(args, config()?, &terminal).await,
        Command::Check(args) => check::execute(args, config()?, &terminal).await,
        Command::Grants(args) => grants::execute(args, config()?, &terminal).await,
        Command::Explain(args) => explain::execute(args, config()?, &terminal).await,
        Command::Runs(args) => runs::execute(args, config()?, &terminal).await,
        Command::Plugin(args) => match args.command {
            PluginCommand::List { json } => {
                let config = load_if_there(named.as_deref())?;
                plugin::list(json, config, &terminal).await
            }
            PluginCommand::Jobs { markdown, json } => {
                plugin::jobs::execute(markdown, json, &terminal).await
            }
            PluginCommand::Inspect { file, json } => plugin::inspect(file, json, &terminal).await,
            PluginCommand::Install(args) => {
                plugin::versions::install(args, config()?, &terminal).await
            }
            PluginCommand::Rollback(args) => {
                plugin::versions::rollback(args, config()?, &terminal).await
            }
            PluginCommand::Pin(args) => plugin::versions::pin(args, config()?, &terminal).await,
            PluginCommand::Promote(args) => {
                plugin::versions::promote(args, config()?, &terminal).await
            }
            PluginCommand::Remove(args) => {
                plugin::versions::remove(args, config()?, &terminal).await
            }
            PluginCommand::Keygen(args) => plugin::keys::keygen(&args, &terminal),
            PluginCommand::Sign(args) => plugin::keys::sign(&args, &terminal).await,
        },
        Command::Init(args) => init::execute(args, named, &terminal).await,
        Command::Compile(_) => Ok(Exit::Done), // done before there was a runtime
    }
}

/// The names of the plugins embedded in this binary.
pub fn bundled_names() -> Vec<&'static str> {
    besom_bundle::PLUGINS
        .iter()
        .map(|plugin| plugin.name)
        .collect()
}

fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
    let rules = Rules {
        environment: Environment::of_process(),
        bundled: &bundled_names(),
    };
    Config::load(named, &rules)
}

/// For what also works without a configuration. A file that is named must be there.
fn load_if_there(named: Option<&Path>) -> Result<Option<Config>, ConfigError> {
    if named.is_none() && !Path::new(DEFAULT_FILE).exists() {
        return Ok(None);
    }
    load(named).map(Some)
}

#[cfg(test)]
mod tests;
