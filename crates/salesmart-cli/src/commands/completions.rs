//! `salesmart completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use salesmart_core::Result;

use crate::args::Cli;
use crate::output::Sink;

/// Prints the completions of a shell.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart completions bash > ~/.local/share/bash-completion/completions/salesmart
  salesmart completions zsh > ~/.zfunc/_salesmart
  salesmart completions fish > ~/.config/fish/completions/salesmart.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints them.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn run(&self) -> Result<()> {
        // Generated in memory: the generator panics when a pipe closes.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "salesmart", &mut script);
        let mut sink = Sink::stdout();
        sink.text(&String::from_utf8_lossy(&script))?;
        sink.complete()
    }
}
