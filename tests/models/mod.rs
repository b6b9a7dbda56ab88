//! Every case file of `tests/models/`: rows in, rows out.

use std::path::{Path, PathBuf};

use salesmart_model::{BusinessSettings, CaseFile, Catalog, run_case};
use salesmart_tests::repository;

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort_unstable();
    for path in entries {
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

fn relative(path: &Path, to: &Path) -> String {
    path.strip_prefix(to).unwrap().with_extension("").to_str().unwrap().to_owned()
}

#[test]
fn every_case_gives_the_rows_it_says() {
    let repository = repository();
    let sql = repository.join("sql");
    let mut models = Vec::new();
    files(&sql, "sql", &mut models);
    let builtin: Vec<(String, String)> = models
        .iter()
        .map(|path| {
            (format!("{}.sql", relative(path, &sql)), std::fs::read_to_string(path).unwrap())
        })
        .collect();
    let catalog = Catalog::load(&builtin, None).unwrap();
    let cases = repository.join("tests/models");
    let mut paths = Vec::new();
    files(&cases, "yml", &mut paths);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut failures = Vec::new();
    let mut run = 0;
    for path in &paths {
        let name = relative(path, &cases);
        let model = catalog
            .models()
            .find(|model| model.path == format!("sql/{name}.sql"))
            .unwrap_or_else(|| panic!("`tests/models/{name}.yml` belongs to no model"));
        let text = std::fs::read_to_string(path).unwrap();
        let file = CaseFile::parse(&format!("tests/models/{name}.yml"), &text).unwrap();
        for case in &file.cases {
            run += 1;
            let outcome = runtime.block_on(run_case(
                &catalog,
                &model.name,
                case,
                &BusinessSettings::default(),
            ));
            if let Err(error) = outcome {
                failures.push(format!("{name}: {}\n{error:#?}", case.name));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {run} cases failed:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    assert!(run > 20, "only {run} cases were found");
}
