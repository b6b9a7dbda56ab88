//! Where a stream's reading stands.

use serde::{Deserialize, Serialize};

/// Where a stream's reading stands, in words only its connector understands. It is saved in the
/// same commit as the rows it accounts for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub serde_json::Value);

impl Cursor {
    /// Keeps a connector's own position type.
    ///
    /// # Errors
    /// When the type cannot be written as JSON (a map with keys that are not text, say).
    pub fn encode<T: Serialize>(position: &T) -> crate::Result<Self> {
        serde_json::to_value(position)
            .map(Self)
            .map_err(|e| crate::Error::bug("failed to encode a cursor").with_source(e))
    }

    /// Reads a connector's own position type back.
    ///
    /// # Errors
    /// When the saved cursor has another shape, as after a change of connector or version.
    pub fn decode<T: for<'de> Deserialize<'de>>(&self) -> crate::Result<T> {
        T::deserialize(&self.0).map_err(|e| {
            crate::Error::configuration(
                "the saved cursor has another shape than this connector writes",
            )
            .with("cursor", &self.0)
            .with_source(e)
            .with_hint("run with `--full-refresh` to read the stream again from the start")
        })
    }
}
