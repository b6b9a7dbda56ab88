//! The models that ship inside the binary.

use include_dir::{Dir, include_dir};

static SQL: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../sql");

/// Every model and check inside the binary: its path from `sql/` and its text, sorted by path.
#[must_use]
pub fn models() -> Vec<(String, String)> {
    let mut models = Vec::new();
    collect(&SQL, &mut models);
    models.sort();
    models
}

fn collect(dir: &Dir<'_>, models: &mut Vec<(String, String)>) {
    for file in dir.files() {
        if file.path().extension().is_some_and(|ending| ending == "sql") {
            // A path inside the binary has the separators of the machine that built it.
            let path = file.path().to_string_lossy().replace('\\', "/");
            models.push((path, String::from_utf8_lossy(file.contents()).into_owned()));
        }
    }
    for dir in dir.dirs() {
        collect(dir, models);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_are_inside_and_nothing_else() {
        let models = models();
        assert!(models.iter().any(|(path, _)| path == "kpis/win_rate/kpi_win_rate.sql"));
        for (path, text) in &models {
            assert!(path.ends_with(".sql"), "{path}");
            assert!(text.starts_with("/* @model") || text.starts_with("/* @check"), "{path}");
        }
        assert!(models.is_sorted());
    }
}
