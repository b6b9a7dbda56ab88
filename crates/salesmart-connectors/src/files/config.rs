//! What a person writes under `with:` for a connection of kind `files`. The comments here are the
//! reference; `declaration.rs` checks what they ask for.

use std::collections::BTreeMap;

use salesmart_core::yaml::{At, Pairs};
use salesmart_core::{ColumnType, Threshold};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Files in a folder or an object store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// Where the files are: a folder (relative to the project), or a URL that begins with
    /// `file://`, `s3://`, `gs://` or `az://`. Credentials come from the environment: `AWS_…`,
    /// `GOOGLE_…` and `AZURE_…` variables, or the machine's own role.
    #[schemars(with = "String")]
    pub location: At<String>,
    /// The streams, by name. A name becomes part of paths and table names.
    #[schemars(with = "BTreeMap<String, StreamConfig>")]
    pub streams: Pairs<At<String>, StreamConfig>,
}

/// One stream: files of one shape that make one table.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// The file, relative to `location`; a glob (`deals-*.csv`, `**/deals.csv`, `*` stays inside
    /// one folder); or a prefix that ends in `/`, which means every file under it except those
    /// whose name, or a folder's name on the way, begins with `.` or `_`.
    #[schemars(with = "String")]
    pub path: At<String>,
    /// How the files are written. Default: by their ending (`.csv`, `.tsv`, `.jsonl`, `.ndjson`,
    /// `.json` for arrays, `.parquet`), before `.gz` or `.zst`.
    #[serde(default)]
    #[schemars(with = "Option<Format>")]
    pub format: Option<At<Format>>,
    /// Whether the files are compressed. Default `auto`.
    #[serde(default)]
    #[schemars(with = "Option<Compression>")]
    pub compression: Option<At<Compression>>,
    /// CSV only: the character between fields, `\t` for a tab. Default `,`, and a tab in files
    /// that end in `.tsv`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub delimiter: Option<At<String>>,
    /// CSV only: the character around fields that contain delimiters or line ends, doubled inside
    /// them; `none` where quotes have no meaning. Default `"`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub quote: Option<At<String>>,
    /// CSV only: whether the first line names the columns. With `false` the columns are taken in
    /// the order in which they are declared. Default `true`.
    #[serde(default)]
    #[schemars(with = "Option<bool>")]
    pub header: Option<At<bool>>,
    /// How text is encoded; a byte order mark in the file always wins. Default `utf-8`.
    #[serde(default)]
    #[schemars(with = "Option<Encoding>")]
    pub encoding: Option<At<Encoding>>,
    /// The texts that mean null. Default `[""]`; with `[]` an empty text is an empty text.
    #[serde(default)]
    pub null_tokens: Option<Vec<String>>,
    /// The columns that identify a row. Without one, a row is identified by its content.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub key: Vec<At<String>>,
    /// What a changed file means. Default `replace`.
    #[serde(default)]
    #[schemars(with = "Option<OnChange>")]
    pub on_change: Option<At<OnChange>>,
    /// How many rows may be rejected before the run fails: a share (`0.1%`) or a number of rows.
    /// Default: what `land.max_rejected` says.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub max_rejected: Option<Threshold>,
    /// The columns to read, in the order of the table: a type, or a mapping with one and more.
    #[schemars(with = "BTreeMap<String, ColumnSchema>")]
    pub columns: Pairs<At<String>, ColumnConfig>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Fields between delimiters, a record a line.
    Csv,
    /// A JSON object a line.
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
    /// Apache Parquet.
    Parquet,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// By the ending: `.gz` is gzip, `.zst` is zstd, everything else is not compressed.
    #[default]
    Auto,
    /// Not compressed, whatever the ending says.
    None,
    /// Gzip, one member or many.
    Gzip,
    /// Zstandard, one frame or many.
    Zstd,
}

/// How text is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, the low byte first, as Windows writes it.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Latin-1, read as Windows-1252, which has `€`, dashes and curly quotes where Latin-1 has
    /// invisible control characters.
    #[serde(rename = "latin-1")]
    Latin1,
}

/// What a changed file means for the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnChange {
    /// The files together are the whole table: when one is new, changed or gone, all are read
    /// again, and rows that none of them has are deleted.
    #[default]
    Replace,
    /// Each file brings rows that replace those with the same key; only new and changed files are
    /// read, in the order of their paths, and nothing is ever deleted.
    Upsert,
}

/// One column.
#[derive(Clone, Debug)]
pub struct ColumnConfig {
    /// Everything there is to say about it.
    pub fields: ColumnFields,
}

/// The long form of a column.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnFields {
    /// The type: `string`, `int64`, `float64`, `decimal(p,s)`, `date`, `timestamp` or `boolean`.
    /// A value that the type cannot hold exactly is rejected, never rounded.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub column_type: ColumnType,
    /// The column's name in the source. Default: its own name.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub from: Option<At<String>>,
    /// Numbers: the character before the decimals. Default `.`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub decimal_separator: Option<At<char>>,
    /// Numbers: the character between groups of three digits. Default: there is none.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub thousands_separator: Option<At<char>>,
    /// Dates and timestamps: how they are written, such as `%d-%m-%Y` or `%m/%d/%Y %H:%M` (the
    /// letters of `strftime`). Default: ISO 8601, `2017-12-31` and `2017-12-31T23:59:59Z`. A time
    /// without an offset is taken as UTC.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub format: Option<At<String>>,
    /// Booleans: the texts that mean true. Default `[true]`, in any letter case.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub true_values: Option<At<Vec<String>>>,
    /// Booleans: the texts that mean false. Default `[false]`, in any letter case.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub false_values: Option<At<Vec<String>>>,
    /// Values to replace: the text in the source, exactly, and what it means; `~` is null. Every
    /// replacement is counted and reported.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Option<String>>")]
    pub map: Pairs<At<String>, Option<String>>,
}

/// The two forms of a column, for the JSON Schema.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it only describes what `ColumnConfig` reads")]
enum ColumnSchema {
    /// A type alone.
    Short(String),
    /// A type and more.
    Long(Box<ColumnFields>),
}

impl<'de> Deserialize<'de> for ColumnConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ColumnVisitor;

        impl<'de> Visitor<'de> for ColumnVisitor {
            type Value = ColumnFields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a column type, or a mapping with `type`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ColumnFields, E> {
                let column_type = text.parse().map_err(E::custom)?;
                Ok(ColumnFields {
                    column_type,
                    from: None,
                    decimal_separator: None,
                    thousands_separator: None,
                    format: None,
                    true_values: None,
                    false_values: None,
                    map: Pairs::default(),
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnFields, A::Error> {
                ColumnFields::deserialize(MapAccessDeserializer::new(map))
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<ColumnFields, E> {
                Err(E::custom(salesmart_core::Error::configuration("the column has no type").with(
                    "expected",
                    "string, int64, float64, decimal(p,s), date, timestamp or boolean",
                )))
            }
        }

        deserializer.deserialize_any(ColumnVisitor).map(|fields| Self { fields })
    }
}

impl Format {
    /// The format that a file's ending names, a compression's ending aside.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path_ending(without_compression(path)).as_str() {
            "csv" | "tsv" => Some(Format::Csv),
            "jsonl" | "ndjson" => Some(Format::JsonLines),
            "json" => Some(Format::JsonArray),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }
}

impl Compression {
    /// The compression of one file: never [`Compression::Auto`].
    pub(super) fn of(self, path: &str) -> Self {
        match self {
            Compression::Auto => match path_ending(path).as_str() {
                "gz" => Compression::Gzip,
                "zst" => Compression::Zstd,
                _ => Compression::None,
            },
            declared => declared,
        }
    }
}

/// Whether the file's ending says that tabs stand between its fields.
pub(super) fn is_tsv(path: &str) -> bool {
    path_ending(without_compression(path)) == "tsv"
}

fn without_compression(path: &str) -> &str {
    match path_ending(path).as_str() {
        "gz" => &path[..path.len() - 3],
        "zst" => &path[..path.len() - 4],
        _ => path,
    }
}

/// What follows the last point of the last segment, in lower case.
fn path_ending(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default()
}
