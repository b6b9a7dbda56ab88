//! Names, texts and types, as PostgreSQL writes them.

use arrow::datatypes::DataType;
use salesmart_core::{ColumnType, Error, Result};

/// A name in quotes.
pub(super) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name in its schema.
pub(super) fn qualified(schema: &str, table: &str) -> String {
    format!("{}.{}", name(schema), name(table))
}

/// Names in quotes, with commas between.
pub(super) fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    all.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A text in quotes. A backslash means itself: the server's `standard_conforming_strings` is on
/// unless somebody turned it off, and sessions of ours turn it on.
pub(super) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

/// The type that holds what a column of the lake holds.
pub(super) fn column_type(table: &str, column: &str, data_type: &DataType) -> Result<String> {
    let Some(known) = ColumnType::from_arrow(data_type) else {
        return Err(Error::configuration(format!(
            "column `{column}` of `{table}` has the type {data_type}, for which PostgreSQL is given none"
        ))
        .with_hint("cast it in its model"));
    };
    Ok(match known {
        ColumnType::String => "text".to_owned(),
        ColumnType::Int64 => "bigint".to_owned(),
        ColumnType::Float64 => "double precision".to_owned(),
        ColumnType::Decimal(precision, scale) => format!("numeric({precision},{scale})"),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Timestamp => "timestamp with time zone".to_owned(),
        ColumnType::Boolean => "boolean".to_owned(),
    })
}

/// A name that is short enough and still one of a kind: its end is exchanged for a hash where it
/// is too long.
pub(super) fn short(name: &str, longest: usize) -> String {
    if name.len() <= longest {
        return name.to_owned();
    }
    let mut end = longest - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{}", &name[..end], &hash(name)[..8])
}

/// 64 bits of FNV-1a in hexadecimal: names and fingerprints that stay the same for ever.
pub(super) fn hash(text: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_end_early() {
        assert_eq!(name("a\"; drop table b; --"), "\"a\"\"; drop table b; --\"");
        assert_eq!(text("it's \\ here"), "'it''s \\ here'");
        assert_eq!(short("abc", 63), "abc");
        let long = "ä".repeat(60);
        assert!(short(&long, 63).len() <= 63);
        assert_ne!(short(&long, 63), short(&format!("{long}b"), 63));
    }
}
