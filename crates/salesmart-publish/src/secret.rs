//! Secrets whose value is the content of a file.

use std::path::Path;

use salesmart_core::{Error, Result, Secret, SecretRef};

/// The value of a secret: the variable's, or the content of the file that `file:PATH` names, seen
/// from the project folder and without the line end at its end.
pub(crate) fn resolve(secret: &SecretRef, root: &Path) -> Result<Secret> {
    secret.resolve_with(|path| {
        let failed = |why: &str| {
            Error::configuration(format!("failed to read a secret from the file `{path}`: {why}"))
                .with_hint("`file:PATH` is seen from the project folder")
        };
        let text =
            std::fs::read_to_string(root.join(path)).map_err(|error| failed(&error.to_string()))?;
        match text.trim().is_empty() {
            true => Err(failed("it is empty")),
            false => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        }
    })
}
