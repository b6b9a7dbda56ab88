//! The repository's own models: they load, they plan, and every case file of `tests/models/`
//! gives the rows it says. (The stories run the same cases through the public interface; here
//! they can be run without building anything else.)

use std::path::{Path, PathBuf};

use crate::{BusinessSettings, CaseFile, Catalog, plan_all, run_case};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

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

fn catalog() -> Catalog {
    Catalog::load(&[], Some(&root().join("sql"))).unwrap_or_else(|error| panic!("{error:#?}"))
}

#[tokio::test]
async fn every_model_keeps_its_contract() {
    let planned = plan_all(&catalog(), &[], &BusinessSettings::default()).await;
    let planned = planned.unwrap_or_else(|error| panic!("{error:#?}"));
    assert!(planned.models > 90, "{planned:?}");
}

#[tokio::test]
async fn every_case_gives_the_rows_it_says() {
    let catalog = catalog();
    let folder = root().join("tests/models");
    let mut paths = Vec::new();
    files(&folder, "yml", &mut paths);
    let mut failures = Vec::new();
    let mut run = 0;
    // While one writes a model, its own cases are enough: SALESMART_CASES=kpis/win_rate.
    let only = std::env::var("SALESMART_CASES").unwrap_or_default();
    for path in paths.iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let name = path.strip_prefix(&folder).unwrap().with_extension("sql");
        let name = format!("sql/{}", name.to_str().unwrap());
        let model = catalog.models().find(|model| model.path == name);
        let model = model.unwrap_or_else(|| panic!("{} belongs to no model", path.display()));
        let text = std::fs::read_to_string(path).unwrap();
        let file = CaseFile::parse(&name, &text).unwrap_or_else(|error| panic!("{error:#?}"));
        for case in &file.cases {
            run += 1;
            let outcome = run_case(&catalog, &model.name, case, &BusinessSettings::default()).await;
            if let Err(error) = outcome {
                failures.push(format!("{name}: {}\n{}", case.name, crate::testing::render(&error)));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {run} failed:\n{}", failures.len(), failures.join("\n\n"));
    assert!(!only.is_empty() || run > 40, "only {run} cases were found");
}
