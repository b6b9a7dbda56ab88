//! Comma-separated values with a header: null is an empty field, empty text is `""`.

use crate::canonical::RowLines;

/// One line of fields.
pub(super) fn line<'a>(fields: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut text = String::new();
    for (place, value) in fields.enumerate() {
        if place > 0 {
            text.push(',');
        }
        field(value, &mut text);
    }
    text.push('\n');
    text
}

/// One row of a batch.
pub(super) fn row(cells: &RowLines<'_>, index: usize, to: &mut String) {
    for place in 0..cells.width() {
        if place > 0 {
            to.push(',');
        }
        field(cells.value(place, index).as_deref(), to);
    }
    to.push('\n');
}

fn field(value: Option<&str>, to: &mut String) {
    let Some(value) = value else { return };
    let is_plain = !value.is_empty() && !value.contains([',', '"', '\n', '\r']);
    if is_plain {
        return to.push_str(value);
    }
    to.push('"');
    to.push_str(&value.replace('"', "\"\""));
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_is_quoted_and_null_is_not_empty_text() {
        let fields =
            [Some("a,b"), None, Some(""), Some("say \"x\""), Some("two\nlines"), Some("c")];
        assert_eq!(line(fields.into_iter()), "\"a,b\",,\"\",\"say \"\"x\"\"\",\"two\nlines\",c\n");
    }
}
