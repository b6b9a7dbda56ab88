//! A file fits in the head of a reader.

use crate::failure::{Doing, Failure};
use crate::paths;

/// Lines of a file, its tests not counted.
const MOST: usize = 600;

pub(super) fn run() -> Result<(), Failure> {
    let mut problems = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        for file in paths::files_below(&paths::root().join(folder), ".rs") {
            if file.ends_with("tests.rs") || paths::shown(&file).contains("/target/") {
                continue;
            }
            let text = std::fs::read_to_string(&file)
                .doing(format_args!("read `{}`", paths::shown(&file)))?;
            let lines = code_lines(&text);
            if lines > MOST {
                problems.push(format!("{} has {lines} lines", paths::shown(&file)));
            }
        }
    }
    super::none(&problems, "split it by idea, one a file; larger tests go to `tests.rs` beside it")
}

/// Everything before the test module, which is the last thing in a file.
fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests"))
        .unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn tests_are_not_counted() {
        assert_eq!(super::code_lines("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(super::code_lines("a\n#[cfg(test)]\nuse x;\nb\n"), 4);
    }
}
