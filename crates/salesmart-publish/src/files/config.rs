//! What a person writes under `with:` for a target of kind `files`. The comments here are the
//! reference.

use std::path::Path;

use salesmart_core::yaml::{At, Node};
use salesmart_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::selection::Selection;

/// Files in a folder or an object store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// Where the files go: a folder (relative to the project), or a URL that begins with
    /// `file://`, `s3://`, `gs://` or `az://`. Credentials come from the environment: `AWS_…`,
    /// `GOOGLE_…` and `AZURE_…` variables, or the machine's own role.
    #[schemars(with = "String")]
    location: At<String>,
    /// How they are written, in one or more ways. Default `[parquet]`.
    #[serde(default)]
    #[schemars(with = "Option<Vec<Format>>")]
    formats: Option<At<Vec<Format>>>,
    /// The tables to write: `kpi.win_rate`, `kpi.*`. Default: all of the release.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    tables: Vec<At<String>>,
    /// CSV only: the character between fields, `\t` for a tab. Default `,`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    delimiter: Option<At<String>>,
    /// CSV only: whether texts that a spreadsheet would run as a formula (they begin with `=`,
    /// `+`, `-`, `@`, a tab or a line end) get a `'` in front. Default `true`; say `false` where
    /// only programs read the files.
    #[serde(default = "yes")]
    escape_formulas: bool,
    /// CSV only: whether files begin with a byte order mark, by which Excel knows UTF-8. Default
    /// `false`.
    #[serde(default)]
    byte_order_mark: bool,
    /// Excel only: the workbook's name without its ending. Default `salesmart`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    workbook: Option<At<String>>,
    /// How many releases stay: the current one and the newest of the others. Folders of older ones
    /// are removed after a load. At least 1; choose more than one, because somebody may still read
    /// the release before. Default: all stay.
    #[serde(default)]
    #[schemars(with = "Option<usize>", range(min = 1))]
    keep: Option<At<usize>>,
}

fn yes() -> bool {
    true
}

/// How files are written.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Apache Parquet, a file a table.
    Parquet,
    /// CSV as RFC 4180 has it, UTF-8, a file a table.
    Csv,
    /// One Excel workbook, a sheet a table.
    Xlsx,
}

/// The section, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) location: String,
    pub(super) formats: Vec<Format>,
    pub(super) selection: Selection,
    pub(super) delimiter: u8,
    pub(super) escape_formulas: bool,
    pub(super) byte_order_mark: bool,
    pub(super) workbook: String,
    /// How many releases stay; all where nothing was said.
    pub(super) keep: Option<usize>,
}

impl Settings {
    pub(super) fn new(node: &Node, root: &Path) -> Result<Self> {
        let config: FilesConfig = node.decode()?;
        let mut problems = Vec::new();
        if config.location.value.trim().is_empty() {
            problems.push(
                Error::configuration("`location` is empty").at(config.location.location.clone()),
            );
        }
        let formats = config.formats.map_or_else(
            || vec![Format::Parquet],
            |formats| {
                if formats.value.is_empty() {
                    problems.push(
                        Error::configuration("`formats` is empty")
                            .at(formats.location.clone())
                            .with("expected", "`parquet`, `csv`, `xlsx`"),
                    );
                }
                let mut formats = formats.value;
                formats.sort_unstable();
                formats.dedup();
                formats
            },
        );
        let delimiter = config.delimiter.map_or(b',', |given| {
            let usable = match given.value.as_str() {
                "\\t" | "\t" => Some(b'\t'),
                text => match text.as_bytes() {
                    [one]
                        if one.is_ascii_graphic()
                            && !one.is_ascii_alphanumeric()
                            && *one != b'"' =>
                    {
                        Some(*one)
                    }
                    _ => None,
                },
            };
            usable.unwrap_or_else(|| {
                problems.push(
                    Error::configuration(format!("`{}` cannot stand between fields", given.value))
                        .at(given.location)
                        .with("expected", "one character, such as `,` or `;`, or `\\t`"),
                );
                b','
            })
        });
        let workbook = config.workbook.map_or_else(
            || "salesmart".to_owned(),
            |given| {
                let usable = !given.value.is_empty()
                    && given.value.chars().all(|c| c.is_alphanumeric() || " _-.".contains(c))
                    && !given.value.starts_with('.');
                if !usable {
                    problems.push(
                        Error::configuration(format!("`{}` is not a file's name", given.value))
                            .at(given.location)
                            .with("expected", "letters, digits, spaces, `_`, `-` and `.`"),
                    );
                }
                given.value
            },
        );
        let keep = config.keep.map(|given| {
            if given.value == 0 {
                problems.push(
                    Error::configuration("`keep` is 0: the current release always stays")
                        .at(given.location)
                        .with("expected", "1 or more"),
                );
            }
            given.value
        });
        let selection = Selection::new(config.tables).unwrap_or_else(|error| {
            problems.push(error);
            Selection::default()
        });
        if let Some(error) = Error::many(problems) {
            return Err(error);
        }
        let location = match config.location.value {
            url if url.contains("://") => url,
            folder => root.join(folder).to_string_lossy().into_owned(),
        };
        Ok(Self {
            location,
            formats,
            selection,
            delimiter,
            escape_formulas: config.escape_formulas,
            byte_order_mark: config.byte_order_mark,
            workbook,
            keep,
        })
    }

    /// What the files of a release depend on beside the release: with other settings they are
    /// other files.
    pub(super) fn fingerprint(&self) -> String {
        format!(
            "{:?} {:?} {} {} {} {}",
            self.formats,
            self.selection.patterns(),
            self.delimiter,
            self.escape_formulas,
            self.byte_order_mark,
            self.workbook
        )
    }
}
