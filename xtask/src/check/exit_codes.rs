//! `docs/exit-codes.md` says what `salesmart-core`'s `ErrorKind` says.

use std::collections::BTreeMap;

use crate::failure::{Doing, Failure};
use crate::paths;

const CODE: &str = "crates/salesmart-core/src/error.rs";
const DOCUMENT: &str = "docs/exit-codes.md";

pub(super) fn run() -> Result<(), Failure> {
    let read = |file: &str| {
        std::fs::read_to_string(paths::root().join(file)).doing(format_args!("read `{file}`"))
    };
    let in_code = in_code(&read(CODE)?);
    if in_code.is_empty() {
        return Err(Failure::new(format!("found no exit code in `{CODE}`"))
            .hint("this check reads the arms of `exit_code` and `as_str`; did they move?"));
    }
    let documented = documented(&read(DOCUMENT)?);
    let mut problems = Vec::new();
    for (name, code) in &in_code {
        match documented.get(name) {
            Some(shown) if shown == code => {}
            Some(shown) => problems.push(format!("`{name}` exits {code}, documented is {shown}")),
            None => problems.push(format!("`{name}` (exit code {code}) is not documented")),
        }
    }
    for name in documented.keys().filter(|name| !in_code.contains_key(*name)) {
        problems.push(format!("`{name}` is documented and is not an error kind"));
    }
    super::none(&problems, &format!("a row of {DOCUMENT} is: | 3 | `configuration` | … |"))
}

/// Spelling → exit code, from the arms of two `match`es.
fn in_code(text: &str) -> BTreeMap<String, String> {
    let mut codes = BTreeMap::new();
    let mut names = BTreeMap::new();
    for line in text.lines() {
        let Some((variant, value)) =
            line.trim().strip_prefix("ErrorKind::").and_then(|arm| arm.split_once(" => "))
        else {
            continue;
        };
        let value = value.trim_end_matches(',');
        if value.bytes().all(|b| b.is_ascii_digit()) {
            codes.insert(variant, value);
        } else if let Some(name) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
            names.insert(variant, name);
        }
    }
    codes
        .into_iter()
        .filter_map(|(variant, code)| Some(((*names.get(variant)?).to_owned(), code.to_owned())))
        .collect()
}

/// Spelling → exit code, from the rows whose second cell is code.
fn documented(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            let code = cells.next()?.to_owned();
            let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?.to_owned();
            Some((name, code))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_document_are_read_alike() {
        let code = "    ErrorKind::Bug => 1,\n ErrorKind::Bug => \"bug\",\n";
        let document = "| 0 | success |\n| 1 | `bug` | a defect |\n";
        assert_eq!(in_code(code), documented(document));
        assert_eq!(in_code(code).get("bug").map(String::as_str), Some("1"));
    }
}
