//! Every dependency's licence is one that `deny.toml` allows.
//!
//! cargo-deny reads licence texts too; this check reads what the crates declare, needs nothing
//! installed and no network, and so is part of every run.

use std::path::{Path, PathBuf};

use crate::failure::{Doing, Failure};
use crate::paths;

pub(super) fn run() -> Result<(), Failure> {
    let read = |name: &str| {
        std::fs::read_to_string(paths::root().join(name)).doing(format_args!("read {name}"))
    };
    let deny = read("deny.toml")?;
    let (everywhere, exceptions) = (allowed(&deny), exceptions(&deny));
    let sources = registry_sources();
    let mut problems = Vec::new();
    let mut looked_at = 0;
    for package in packages(&read("Cargo.lock")?) {
        // What only other systems need is not downloaded, and not part of what we ship.
        let Some(manifest) = sources
            .iter()
            .map(|source| source.join(&package).join("Cargo.toml"))
            .find(|manifest| manifest.exists())
        else {
            continue;
        };
        let text = std::fs::read_to_string(&manifest)
            .doing(format_args!("read `{}`", manifest.display()))?;
        looked_at += 1;
        match declared(&text) {
            None => problems.push(format!("`{package}` declares no licence")),
            Some(licence) => {
                let mut allowed = everywhere.clone();
                for (name, more) in &exceptions {
                    if package.starts_with(&format!("{name}-")) {
                        allowed.extend(more.iter().cloned());
                    }
                }
                if !satisfied(licence, &allowed) {
                    problems.push(format!("`{package}` is under `{licence}`"));
                }
            }
        }
    }
    if looked_at == 0 {
        return Err(Failure::new("found no dependency's source in cargo's registry folder")
            .hint("`cargo fetch --locked` downloads them"));
    }
    super::none(&problems, "use another crate, or allow the licence in deny.toml with the reason")
}

/// The licences of `allow = […]`, comments left out.
fn allowed(deny: &str) -> Vec<String> {
    deny.lines()
        .map(without_comment)
        .skip_while(|line| *line != "allow = [")
        .take_while(|line| *line != "]")
        .flat_map(quoted)
        .collect()
}

/// The licences that single crates may have besides: `{ crate = "x", allow = ["MPL-2.0"] }`.
fn exceptions(deny: &str) -> Vec<(String, Vec<String>)> {
    deny.lines()
        .map(without_comment)
        .filter_map(|line| {
            let (_, rest) = line.split_once("{ crate = ")?;
            let (name, licences) = rest.split_once("allow = ")?;
            Some((quoted(name).next()?, quoted(licences).collect()))
        })
        .collect()
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or("").trim()
}

fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned)
}

/// `name-version` of every package that comes from a registry.
fn packages(lock: &str) -> Vec<String> {
    lock.split("[[package]]")
        .filter(|package| package.contains("source = \"registry"))
        .filter_map(|package| {
            let value =
                |key: &str| package.split_once(key).and_then(|(_, rest)| rest.split('"').next());
            Some(format!("{}-{}", value("name = \"")?, value("version = \"")?))
        })
        .collect()
}

/// The folders into which cargo unpacks crates, one a registry.
fn registry_sources() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let Some(entries) = home.and_then(|h| std::fs::read_dir(h.join("registry/src")).ok()) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}

fn declared(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find(|line| line.starts_with("license = \""))?;
    line.split('"').nth(1)
}

/// Whether an SPDX expression can be met with the allowed licences: any side of `OR`, both sides
/// of `AND`. The old spelling `A/B` means `A OR B`.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    any_of(&mut words, allowed)
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &[String]) -> bool {
    let Some(word) = words.next() else { return false };
    if word == "(" {
        let met = any_of(words, allowed);
        words.next();
        return met;
    }
    let mut licence = word.to_owned();
    if words.next_if_eq(&"WITH").is_some()
        && let Some(exception) = words.next()
    {
        licence = format!("{licence} WITH {exception}");
    }
    allowed.contains(&licence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let allowed: Vec<String> =
            ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).to_vec();
        for (expression, met) in [
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0/MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("ISC AND (GPL-3.0 OR MIT)", true),
            ("(GPL-3.0 OR LGPL-2.1) AND MIT", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("", false),
        ] {
            assert_eq!(satisfied(expression, &allowed), met, "{expression}");
        }
    }

    #[test]
    fn allowed_licences_are_read_without_comments() {
        let deny = "ignore = []\nallow = [\n  \"MIT\", # not \"GPL\"\n  \"ISC\",\n]\n\
                    exceptions = [{ crate = \"x\", allow = [\"MPL-2.0\"] }]\n";
        assert_eq!(allowed(deny), ["MIT", "ISC"]);
        assert_eq!(exceptions(deny), [("x".to_owned(), vec!["MPL-2.0".to_owned()])]);
    }

    #[test]
    fn packages_of_ours_are_not_asked() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n\
                    [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n";
        assert_eq!(packages(lock), ["a-1.0.0"]);
    }
}
