//! `cargo xtask …`: what developers do often, one module a command.
//!
//! No dependencies: it builds in a second, on a machine that has nothing but Rust, and it is what
//! installs the rest.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these commands talk to the developer who typed them"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod bench;
mod bless;
mod check;
mod clients;
mod failure;
mod http;
mod install;
mod paths;
mod process;
mod scaffold;
mod servers;
mod test;

use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
cargo xtask COMMAND

  test [ARGS…]           install what tests need, build, start the servers, run every test;
                         ARGS go to `cargo test`: `cargo xtask test unknown_key` runs what
                         has that in its name
  check [NAME…]          formatting, lints, docs and the rules of the house; with names, only
                         those (`cargo xtask check --list` names them)
  bless [ARGS…]          run the tests and write every snapshot anew; read the diff before you commit
  bench [ARGS…]          build and measure (benches/README.md)
  servers                start the servers of the cloud-store tests and keep them until Enter
  new-connector NAME     the folder of a new connector, and its staging model
  new-model PATH         a model and its case file: `cargo xtask new-model kpis/sales/kpi_discount.sql`

Environment
  SALESMART_CACHE        where builds and test servers are kept (default ~/.cache/salesmart)
  CARGO_TARGET_DIR       where cargo builds (default $SALESMART_CACHE/target)
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_else(|| "--help".to_owned());
    let rest: Vec<String> = arguments.collect();
    match run(&command, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, arguments: &[String]) -> Result<(), Failure> {
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        print!("{HELP}");
        return Ok(());
    }
    match command {
        "test" => test::run(arguments),
        "check" => check::run(arguments),
        "bless" => bless::run(arguments),
        "bench" => bench::run(arguments),
        "servers" => servers::run(),
        "new-connector" => scaffold::connector(arguments),
        "new-model" => scaffold::model(arguments),
        "--help" | "-h" | "help" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(Failure::new(format!("`{other}` is not a command of xtask"))
            .hint("`cargo xtask --help` lists them")),
    }
}
