//! What one user sees of one release.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use salesmart_core::ReleaseId;

use super::{Description, Failure, OpenRelease, Reader, code};

/// What a client connects to: the current release, whichever it is, or one for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Database {
    /// `warehouse`: follows the current release.
    Warehouse,
    /// `r000042`.
    Release(ReleaseId),
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Warehouse => f.write_str("warehouse"),
            Database::Release(id) => id.fmt(f),
        }
    }
}

impl FromStr for Database {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        match (name, name.starts_with('r').then(|| name.parse())) {
            ("warehouse", _) => Ok(Database::Warehouse),
            (_, Some(Ok(id))) => Ok(Database::Release(id)),
            _ => Err(Failure::new(
                code::INVALID_CATALOG,
                format!("database \"{name}\" does not exist"),
            )
            .with_hint(
                "Connect to \"warehouse\", or to a release by its id, such as \"r000042\".",
            )),
        }
    }
}

/// What one user sees of one release, ready to be asked.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) release: Arc<OpenRelease>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) context: SessionContext,
    pub(crate) description: Arc<Description>,
}
