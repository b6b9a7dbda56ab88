//! What a kind of connector says about itself, so that the rest of the house needs no vendor name.

use std::path::Path;
use std::sync::Arc;

use salesmart_core::yaml::Node;
use salesmart_core::{ConnectionName, Error, Result};

use crate::Connector;

/// One kind of connector; `salesmart-connectors` lists them all.
#[derive(Clone, Copy)]
pub struct ConnectorKind {
    /// The name in pipeline files, such as `files`.
    pub name: &'static str,
    /// One sentence for `--help` and docs.
    pub summary: &'static str,
    /// A pipeline section that works, parsed by a test.
    pub example: &'static str,
    /// Builds a connection from its section of the pipeline file, in which `${…}` is already
    /// replaced. Relative paths are taken from the project folder.
    pub configure: fn(&ConnectionName, &Node, &Path) -> Result<Arc<dyn Connector>>,
    /// The JSON Schema of that section.
    pub schema: fn() -> serde_json::Value,
}

/// The kind with that name.
///
/// # Errors
/// Names the known kinds.
pub fn find<'a>(kinds: &'a [ConnectorKind], name: &str) -> Result<&'a ConnectorKind> {
    kinds.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let known: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.name)).collect();
        Error::configuration(format!("`{name}` is not a connector"))
            .with("expected", known.join(", "))
    })
}
