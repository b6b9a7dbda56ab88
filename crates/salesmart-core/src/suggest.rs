//! The nearest known name to one that was written wrong, for "did you mean" hints.

/// The known name that `written` was most likely meant to be; `None` when nothing is near.
///
/// Near means at most one slip in three characters: a letter missing, added, changed or swapped.
/// Upper and lower case are the same here, and so are `-` and `_`.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let written = plain(written);
    let allowed = (written.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&written, &plain(name)), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The names in backticks with commas between, as errors list what is known.
#[must_use]
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_through_and_strangers_are_not() {
        let known = ["columns", "connector", "key", "null_tokens"];
        assert_eq!(nearest("colums", known), Some("columns"));
        assert_eq!(nearest("Connector", known), Some("connector"));
        assert_eq!(nearest("null-tokens", known), Some("null_tokens"));
        assert_eq!(nearest("kye", known), Some("key"));
        assert_eq!(nearest("password", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("a", ["b"]), None, "one letter is not near to every other letter");
    }
}
