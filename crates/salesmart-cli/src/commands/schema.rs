//! `salesmart schema`: the JSON Schema of the files a person writes.

use clap::{Args, ValueEnum};
use salesmart_core::{Error, Result};

use crate::context::Context;

/// Prints the JSON Schema of a configuration file, so that an editor can complete and check it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart schema > pipelines/pipeline.schema.json
  salesmart schema business > config/business.schema.json
  salesmart schema targets > config/targets.schema.json

An editor with the YAML language server then needs one line at the top of a pipeline file:
  # yaml-language-server: $schema=pipeline.schema.json")]
pub struct Schema {
    /// The file
    #[arg(value_enum, default_value_t)]
    file: FileKind,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum FileKind {
    /// `pipelines/*.yml`
    #[default]
    Pipeline,
    /// `config/business.yml`
    Business,
    /// `config/targets.yml`
    Targets,
    /// `config/lake.yml`
    Lake,
    /// `config/serve.yml`
    Serve,
}

impl Schema {
    /// Prints it.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn run(&self, context: &Context) -> Result<()> {
        let schema = match self.file {
            FileKind::Pipeline => {
                let connectors: Vec<_> = salesmart_connectors::all()
                    .iter()
                    .map(|kind| (kind.name, (kind.schema)()))
                    .collect();
                let targets: Vec<_> = salesmart_publish::all()
                    .iter()
                    .map(|kind| (kind.name, (kind.schema)()))
                    .collect();
                salesmart_config::schema::pipeline(&connectors, &targets)
            }
            FileKind::Business => salesmart_config::schema::business(),
            FileKind::Targets => salesmart_config::schema::targets(),
            FileKind::Lake => salesmart_config::schema::lake(),
            FileKind::Serve => salesmart_config::schema::serve(),
        };
        let text = serde_json::to_string_pretty(&schema)
            .map_err(|e| Error::bug("failed to write a JSON Schema").with_source(e))?;
        context.print(&format!("{text}\n"))
    }
}
