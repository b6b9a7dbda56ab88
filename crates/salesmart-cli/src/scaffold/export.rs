//! A new project that reads the files a CRM exports.

use std::path::{Path, PathBuf};

use salesmart_core::{Error, Result};
use salesmart_simulator::Company;

use super::{Existing, write_file};

/// Where the pipeline expects its export, from the project folder.
pub const EXPORT_FOLDER: &str = "data/crm-export";
/// The pipeline that a new project begins with.
pub const PIPELINE: &str = "crm-export";

/// The files of a new project: path from its folder, and text.
const TEMPLATES: [(&str, &str); 7] = [
    ("README.md", include_str!("../../templates/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
    ("config/business.yml", include_str!("../../templates/config/business.yml")),
    ("config/targets.yml", include_str!("../../templates/config/targets.yml")),
    ("config/lake.yml", include_str!("../../templates/config/lake.yml")),
    ("pipelines/crm-export.yml", include_str!("../../../../pipelines/crm-export.yml")),
    (
        "sql/marts/account/fct_account_won.sql",
        include_str!("../../templates/sql/marts/account/fct_account_won.sql"),
    ),
];

/// Writes a project named after `company_name`, with the export of `company` as its data. The data
/// of a generated company is always written: the same company gives the same bytes.
///
/// # Errors
/// When a file is there and may not be, or cannot be written.
pub fn write(
    root: &Path,
    company_name: &str,
    company: &Company,
    existing: Existing,
) -> Result<Vec<PathBuf>> {
    let data = root.join(EXPORT_FOLDER);
    if existing == Existing::Refuse {
        refuse(root, &data)?;
    }
    let mut written = Vec::new();
    for (path, text) in TEMPLATES {
        let file = root.join(path);
        if file.exists() {
            continue;
        }
        let text = text
            .replace("{{company}}", company_name)
            .replace("{{sample_ends}}", &company.as_of().to_string());
        write_file(&file, &text)?;
        written.push(file);
    }
    company.write_export(&data)?;
    written.push(data);
    Ok(written)
}

/// An error when anything that would be written is there.
fn refuse(root: &Path, data: &Path) -> Result<()> {
    let mut there: Vec<String> = TEMPLATES
        .iter()
        .map(|(path, _)| root.join(path))
        .chain([data.to_owned()])
        .filter(|path| path.exists())
        .map(|path| format!("`{}`", path.strip_prefix(".").unwrap_or(&path).display()))
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    there.sort();
    Err(Error::configuration(format!("`{}` is not empty", root.display()))
        .with("already there", there.join(", "))
        .with_state("nothing was written")
        .with_hint("name another folder: `salesmart init NEW-FOLDER`"))
}

#[cfg(test)]
mod tests {
    use salesmart_simulator::Size;

    use super::*;

    fn company() -> Company {
        Company::generate(1, Size { reps: 5, deals: 20 }, "2026-09-30".parse().unwrap())
    }

    #[test]
    fn a_project_is_written_once_and_then_refused() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "Acme", &company(), Existing::Refuse).unwrap();
        let business = std::fs::read_to_string(dir.path().join("config/business.yml")).unwrap();
        assert!(business.contains("company_name: Acme\n"));
        let error = write(dir.path(), "Acme", &company(), Existing::Refuse).unwrap_err();
        assert_eq!(error.state(), Some("nothing was written"));
    }

    #[test]
    fn what_a_person_changed_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "Acme", &company(), Existing::Refuse).unwrap();
        let lake = dir.path().join("config/lake.yml");
        std::fs::write(&lake, "url: ./other\n").unwrap();
        write(dir.path(), "Acme", &company(), Existing::Keep).unwrap();
        assert_eq!(std::fs::read_to_string(lake).unwrap(), "url: ./other\n");
    }

    #[test]
    fn no_template_keeps_a_placeholder() {
        let dir = tempfile::tempdir().unwrap();
        for path in write(dir.path(), "Acme", &company(), Existing::Refuse).unwrap() {
            if path.is_file() {
                assert!(!std::fs::read_to_string(&path).unwrap().contains("{{"), "{path:?}");
            }
        }
    }
}
