//! Where the text of a secret came from: it must not stand in the file.

use crate::{Error, Result};

/// Where a text came from that may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From a variable, whole, or from a file that was read already.
    Elsewhere,
    /// It is `file:PATH`, and the file is still to be read.
    File,
}

/// What stands before the path of a file that holds a secret.
const FILE: &str = "file:";

impl Origin {
    /// The origin of a scalar's text. `written` is what stands in the file, where it is something
    /// else.
    ///
    /// # Errors
    /// When the text, or a part of it, stands in the file, and when it is empty. Without the text.
    pub(crate) fn of(text: &str, written: Option<&str>) -> Result<Self> {
        let path = text.strip_prefix(FILE).filter(|path| !path.starts_with("//"));
        match (written, path) {
            // `file:/path` in the file or in a variable has been replaced by the content.
            (_, Some("")) => Err(Error::configuration("`file:` of a secret names no file")
                .with_hint("write the path behind it: `file:secrets/token`")),
            (None, Some(_)) => Ok(Origin::File),
            (Some(written), path) if is_variable(written) || written.starts_with(FILE) => {
                if text.is_empty() {
                    return Err(Error::configuration("a secret is empty")
                        .with_hint(format!("set what `{written}` stands for")));
                }
                Ok(path.map_or(Origin::Elsewhere, |_| Origin::File))
            }
            (Some(written), _) if is_whole_reference(written) => {
                Err(Error::configuration("a secret has a default that stands in the file")
                    .with_hint("write `${NAME}` without `:-`, and set the variable"))
            }
            (Some(_), _) => Err(Error::configuration("a secret is written in clear in part")
                .with_hint("put the whole text into the variable, and write `${NAME}` alone")),
            (None, None) => Err(Error::configuration("a secret is written in clear in the file")
                .with_hint(
                    "write `${NAME}` and set that variable, or `file:PATH` with the path of a file \
                     that holds it; then replace the secret, since it was in a file",
                )),
        }
    }

    /// The origin in a word, for the way through serde.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Origin::Elsewhere => "elsewhere",
            Origin::File => FILE,
        }
    }

    /// The path in a text of that origin.
    pub(crate) fn path<'a>(origin: &str, text: &'a str) -> Option<&'a str> {
        (origin == FILE).then(|| text.strip_prefix(FILE).unwrap_or(text))
    }
}

/// Whether a text is one reference to a variable and nothing else.
fn is_whole_reference(written: &str) -> bool {
    written
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inside| !inside.contains(['}', '{']))
}

/// The same, without a default.
fn is_variable(written: &str) -> bool {
    is_whole_reference(written) && !written.contains(":-")
}
