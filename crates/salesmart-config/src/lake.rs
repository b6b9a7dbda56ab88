//! `config/lake.yml`: where the lake is.

use std::path::Path;

use salesmart_core::Result;
use salesmart_core::yaml::{At, Node};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where the lake is when nothing says otherwise: a folder of the project.
pub const DEFAULT_URL: &str = "./lake";

/// The file as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "The lake of a Salesmart project", inline)]
pub(crate) struct LakeFile {
    /// Where the lake is: a path (relative to the project folder), or a `file://`, `s3://`,
    /// `gs://` or `az://` URL. By default `./lake`. `--lake` and `SALESMART_LAKE` override it.
    #[schemars(with = "Option<String>")]
    url: Option<At<String>>,
}

impl LakeFile {
    /// The URL or path of the lake.
    pub(crate) fn url(node: &Node, root: &Path) -> Result<String> {
        let file: LakeFile = node.decode()?;
        Ok(resolve(file.url.as_ref().map_or(DEFAULT_URL, |url| &url.value), root))
    }
}

/// A relative path becomes one from the project folder; everything else stays as it is.
pub(crate) fn resolve(url: &str, root: &Path) -> String {
    if url.contains("://") || url.starts_with("memory:") || Path::new(url).is_absolute() {
        return url.to_owned();
    }
    root.join(url.strip_prefix("./").unwrap_or(url)).to_string_lossy().into_owned()
}
