//! `salesmart connectors`: which there are, and how one is configured.

use clap::{Args, Subcommand};
use salesmart_core::Result;

use crate::context::Context;
use crate::output::{Align, TextTable};

/// Lists the connectors and the targets of releases, and shows an example of one.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart connectors                                          what can be connected
  salesmart connectors example files                            how it is configured
  salesmart connectors example files > pipelines/files.yml      a file to start from
  salesmart connectors example-target postgres                  what stands under `publish:`")]
pub struct Connectors {
    #[command(subcommand)]
    command: Option<ConnectorsCommand>,
}

#[derive(Subcommand, Debug)]
enum ConnectorsCommand {
    /// List the connectors (the default)
    List,
    /// Print a section of a pipeline file that works
    Example {
        /// The connector, such as `files`
        name: String,
    },
    /// Print what stands under `publish:` of a pipeline file for a target of releases
    ExampleTarget {
        /// The kind of target, such as `postgres`
        name: String,
    },
}

impl Connectors {
    /// Does what the subcommand says.
    ///
    /// # Errors
    /// When there is no such connector.
    pub fn run(&self, context: &Context) -> Result<()> {
        let kinds = salesmart_connectors::all();
        match &self.command {
            None | Some(ConnectorsCommand::List) => {
                let mut table =
                    TextTable::new([("connector", Align::Left), ("what it reads", Align::Left)]);
                for kind in kinds {
                    table.row([kind.name, kind.summary]);
                }
                let mut targets =
                    TextTable::new([("target", Align::Left), ("what it takes", Align::Left)]);
                for kind in salesmart_publish::all() {
                    targets.row([kind.name, kind.summary]);
                }
                let style = context.style();
                context.print(&format!("{}\n{}", table.render(style), targets.render(style)))
            }
            Some(ConnectorsCommand::ExampleTarget { name }) => {
                let kind = salesmart_publish::find(salesmart_publish::all(), name)
                    .map_err(|e| e.with_hint("`salesmart connectors` lists them"))?;
                context.print(kind.example)
            }
            Some(ConnectorsCommand::Example { name }) => {
                let kind = salesmart_extract::find(kinds, name)
                    .map_err(|e| e.with_hint("`salesmart connectors` lists them"))?;
                context.print(kind.example)
            }
        }
    }
}
