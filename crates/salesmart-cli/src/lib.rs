//! The `salesmart` binary: arguments, wiring, progress, how errors read, exit codes.
//!
//! Data goes to standard output, everything else to standard error. A command is one file in
//! [`commands`]; it returns an [`Error`], which [`report`] words and whose kind is the exit code.
//!
//! Architecture invariant: nothing here computes a figure, and no other room prints.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

pub mod args;
pub mod builtin;
pub mod commands;
pub mod context;
pub mod logging;
pub mod output;
pub mod progress;
pub mod report;
pub mod scaffold;
pub mod style;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use salesmart_core::{Error, Result};
pub use salesmart_run::period;

use args::{Cli, Command};
use context::Context;
use style::Style;

/// Reads the command line, does what it says and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let style = Style::of_stderr(cli.global.color);
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // `salesmart query … | head` has got what it wanted.
        Err(error) if output::is_closed_stdout(&error) => ExitCode::SUCCESS,
        Err(error) => fail(&error, style),
    }
}

fn fail(error: &Error, style: Style) -> ExitCode {
    // When not even this can be written, the exit code is all that is left to say.
    let _ = std::io::stderr().write_all(report::render(error, style).as_bytes());
    ExitCode::from(error.kind().exit_code())
}

fn run(cli: Cli) -> Result<()> {
    let context = Context::new(cli.global);
    match cli.command {
        Command::Demo(command) => command.run(context),
        Command::Init(command) => command.run(&context),
        Command::Check(command) => command.run(&context),
        Command::Run(command) => command.run(&context),
        Command::Extract(command) => command.run(&context),
        Command::Land(command) => command.run(&context),
        Command::Model(command) => command.run(&context),
        Command::Publish(command) => command.run(&context),
        Command::Query(command) => command.run(&context),
        Command::Docs(command) => command.run(&context),
        Command::Serve(command) => command.run(&context),
        Command::Runs(command) => command.run(&context),
        Command::Releases(command) => command.run(&context),
        Command::Explain(command) => command.run(&context),
        Command::Metrics(command) => command.run(&context),
        Command::Audit(command) => command.run(&context),
        Command::Models(command) => command.run(&context),
        Command::Connectors(command) => command.run(&context),
        Command::Schema(command) => command.run(&context),
        Command::Completions(command) => command.run(),
        Command::Simulate(command) => command.run(&context),
    }
}
