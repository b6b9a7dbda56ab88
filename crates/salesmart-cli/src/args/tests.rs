//! What the command line says of itself.

use clap::{CommandFactory, Parser};
use salesmart_core::ErrorKind;

use super::*;

/// The text of `--help`, or of `-h`, as it is without a terminal.
fn help(path: &[&str], long: bool) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut at = &mut command;
    for name in path {
        at = at.find_subcommand_mut(name).unwrap();
    }
    let help = if long { at.render_long_help() } else { at.render_help() };
    help.to_string()
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn short_help_is_short() {
    let text = help(&[], false);
    assert!(text.lines().count() < 50, "{text}");
    insta::assert_snapshot!("short", text);
}

#[test]
fn long_help_teaches() {
    insta::assert_snapshot!("long", help(&[], true));
}

#[test]
fn every_command_teaches_by_example() {
    for name in Cli::command().get_subcommands().map(|c| c.get_name().to_owned()) {
        let text = help(&[&name], true);
        assert!(text.contains("Examples:"), "{name}");
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
        insta::assert_snapshot!(format!("help_{name}"), text);
    }
}

#[test]
fn the_help_names_every_exit_code() {
    let text = help(&[], true);
    for kind in ErrorKind::ALL {
        let line = format!("{:>5}  {}", kind.exit_code(), kind.as_str());
        assert!(text.contains(&line), "{line}");
    }
}

#[test]
fn global_options_may_stand_behind_the_command() {
    let line =
        ["salesmart", "run", "nightly", "--project", "acme", "--set", "A=1", "--set", "B=2", "-vv"];
    let cli = Cli::try_parse_from(line).unwrap();
    assert_eq!(cli.global.project.as_deref(), Some(std::path::Path::new("acme")));
    assert_eq!(cli.global.assignments, ["A=1", "B=2"]);
    assert_eq!(cli.global.verbose, 2);
    assert!(matches!(cli.command, Command::Run(_)));
}

#[test]
fn a_release_is_named_as_people_write_it() {
    let line = ["salesmart", "releases", "rollback", "41"];
    assert!(matches!(Cli::try_parse_from(line).unwrap().command, Command::Releases(_)));
    let error = Cli::try_parse_from(["salesmart", "releases", "roll-back", "newest"]).unwrap_err();
    assert!(error.to_string().contains("`newest` is not a release id"), "{error}");
}
