//! What the search box looks through, as a script.

use salesmart_core::{Error, Result};
use serde_json::json;

use crate::pages::Book;
use crate::wording;

/// The index: what it is, its name, what it is about, where it is.
pub(crate) fn script(book: &Book<'_>) -> Result<String> {
    let mut entries = Vec::new();
    for metric in &book.metrics {
        entries.push(json!(["metric", metric.title, metric.id, metric.definition, metric.href]));
    }
    for table in &book.tables {
        entries.push(json!(["table", table.name, table.kind, table.description, table.href]));
    }
    for table in &book.tables {
        for column in &table.columns {
            let href = format!("{}#{}", table.href, wording::column_anchor(&column.name));
            entries.push(json!(["column", column.name, table.name, column.doc, href]));
        }
    }
    assignment("SALESMART_SEARCH", &entries)
}

/// A script that gives a value a name.
pub(crate) fn assignment<T: serde::Serialize>(name: &str, value: &T) -> Result<String> {
    let text = serde_json::to_string(value)
        .map_err(|e| Error::bug(format!("`{name}` is no JSON")).with_source(e))?;
    // Scripts are files of their own, and still no text may end one.
    let text = text.replace('<', "\\u003c").replace('\u{2028}', "\\u2028");
    Ok(format!("window.{name} = {};\n", text.replace('\u{2029}', "\\u2029")))
}
