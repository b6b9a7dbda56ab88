//! Running other programs, their output passed straight through.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::failure::{Doing, Failure};
use crate::paths;

/// A `cargo` command in the checkout that builds in the shared folder.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(paths::root()).env("CARGO_TARGET_DIR", paths::target());
    // `cargo run` describes xtask to its children by these; the cargo below is about other crates.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") {
            command.env_remove(name);
        }
    }
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    command
}

/// Runs a command, says so, and says how long it took.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = shown(command);
    println!("$ {line}");
    let started = Instant::now();
    let status = command.stdin(Stdio::null()).status().doing(format_args!("start `{line}`"))?;
    if !status.success() {
        return Err(Failure::new(format!("`{line}` failed ({status})")));
    }
    println!("  took {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a command quietly; its output is shown only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<(), Failure> {
    let line = shown(command);
    let output = command.stdin(Stdio::null()).output().doing(format_args!("start `{line}`"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{line}` failed ({})\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// Whether a command can be started and succeeds; its output is thrown away.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

fn shown(command: &Command) -> String {
    let mut line = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
