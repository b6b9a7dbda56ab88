//! Which files a stream means: one file, a glob, or everything under a prefix.

use globset::{GlobBuilder, GlobMatcher};
use salesmart_core::{Error, Result};

/// A checked `path`.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    File,
    Prefix,
    Glob(Box<GlobMatcher>),
}

impl Pattern {
    /// Checks a path as it is written.
    pub(super) fn new(text: &str) -> Result<Self> {
        let unusable =
            |why: &str| Error::configuration(format!("`{text}` is not a usable path: {why}"));
        if text.is_empty() {
            return Err(unusable("it is empty").with_hint(
                "name a file, a glob such as `deals-*.csv`, or a prefix such as `deals/`",
            ));
        }
        if text.starts_with('/') || text.contains("://") {
            return Err(unusable("it is not relative")
                .with_hint("put the folder or URL into `location`, and what is inside it here"));
        }
        if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(
                unusable("it has `.` or `..` in it").with_hint("put the folder into `location`")
            );
        }
        if text.trim_end_matches('/').split('/').any(str::is_empty) {
            return Err(unusable("it has an empty folder name"));
        }
        let kind = if text.contains(['*', '?', '[', '{']) {
            if text.ends_with('/') {
                return Err(unusable("a glob names files, not folders")
                    .with_hint(format!("`{text}**` means every file below")));
            }
            let glob = GlobBuilder::new(text)
                .literal_separator(true)
                .build()
                .map_err(|error| unusable(&error.kind().to_string()))?;
            Kind::Glob(Box::new(glob.compile_matcher()))
        } else if text.ends_with('/') {
            Kind::Prefix
        } else {
            Kind::File
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// The path as it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it can only mean one file.
    pub(super) fn is_one_file(&self) -> bool {
        matches!(self.kind, Kind::File)
    }

    /// The folder below which all the files are, without a slash at its end; empty for the root.
    pub(super) fn folder(&self) -> &str {
        let literal = match &self.kind {
            Kind::Prefix => return self.text.trim_end_matches('/'),
            Kind::File => self.text.as_str(),
            Kind::Glob(_) => {
                let end = self.text.find(['*', '?', '[', '{', '\\']).unwrap_or(self.text.len());
                &self.text[..end]
            }
        };
        literal.rfind('/').map_or("", |slash| &literal[..slash])
    }

    /// Whether files may be in folders below [`Pattern::folder`].
    pub(super) fn is_recursive(&self) -> bool {
        match &self.kind {
            Kind::File => false,
            Kind::Prefix => true,
            Kind::Glob(_) => {
                let folder = self.folder();
                let rest = self.text[folder.len()..].trim_start_matches('/');
                rest.contains('/') || rest.contains("**")
            }
        }
    }

    /// Whether a path relative to the location is meant.
    pub(super) fn matches(&self, path: &str) -> bool {
        match &self.kind {
            Kind::File => path == self.text,
            // `_SUCCESS`, `_delta_log/`, `.crc` and the like are notes of the writer, not data.
            Kind::Prefix => path
                .strip_prefix(&self.text)
                .is_some_and(|rest| !rest.split('/').any(|part| part.starts_with(['.', '_']))),
            Kind::Glob(matcher) => matcher.is_match(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    #[test]
    fn a_star_stays_in_its_folder() {
        let glob = pattern("2017/deals-*.csv");
        assert_eq!((glob.folder(), glob.is_recursive()), ("2017", false));
        assert!(glob.matches("2017/deals-1.csv"));
        assert!(!glob.matches("2017/deals-1/x.csv"));
        assert!(!glob.matches("2017/deals-1.csv.gz"));
        let deep = pattern("**/deals.csv");
        assert_eq!((deep.folder(), deep.is_recursive()), ("", true));
        assert!(deep.matches("a/b/deals.csv") && deep.matches("deals.csv"));
        assert!(pattern("{won,lost}/*.csv").matches("won/x.csv"));
    }

    #[test]
    fn a_prefix_means_data_files_below_it() {
        let prefix = pattern("deals/");
        assert!(prefix.matches("deals/a.csv") && prefix.matches("deals/2017/a.csv"));
        assert!(!prefix.matches("deals/_delta_log/0.json"));
        assert!(!prefix.matches("deals/_SUCCESS") && !prefix.matches("deals/.a.crc"));
        assert!(!prefix.matches("deals2/a.csv"));
    }

    #[test]
    fn paths_outside_the_location_are_refused() {
        for text in ["", "/etc/passwd", "../x.csv", "a/../../x", "s3://b/x", "a//b", "[a.csv", "*/"]
        {
            assert!(Pattern::new(text).is_err(), "{text}");
        }
    }
}
