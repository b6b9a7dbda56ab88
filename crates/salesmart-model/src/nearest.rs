//! Hints that name what was meant.

pub(crate) use salesmart_core::suggest::nearest;

/// A hint that names the nearest known name, or all of them where none is near.
pub(crate) fn did_you_mean<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
    what_there_is: &str,
) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(name) = nearest(typed, known.iter().copied()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let shown = salesmart_core::suggest::list(known.iter().take(30).copied());
    match known.len() {
        0 => None,
        1..=30 => Some(format!("{what_there_is}: {shown}")),
        all => Some(format!("{what_there_is}: {shown} … ({all} in all)")),
    }
}
