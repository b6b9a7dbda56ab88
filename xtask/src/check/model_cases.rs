//! Every KPI has a case file: rows in, rows out. `sql/kpis/sales/kpi_win_rate.sql` has
//! `tests/models/kpis/sales/kpi_win_rate.*`.

use std::path::Path;

use crate::failure::Failure;
use crate::paths;

pub(super) fn run() -> Result<(), Failure> {
    let root = paths::root();
    let cases = root.join("tests/models");
    let there: Vec<String> =
        paths::files_below(&cases, "").iter().map(|file| stem(file, &cases)).collect();
    let sql = root.join("sql");
    let problems: Vec<String> = paths::files_below(&sql.join("kpis"), ".sql")
        .iter()
        .map(|model| stem(model, &sql))
        .filter(|model| !there.contains(model))
        .map(|model| format!("sql/{model}.sql has no case file tests/models/{model}.yml"))
        .collect();
    super::none(&problems, "`cargo xtask new-model` writes both; CONTRIBUTING.md says how")
}

/// `kpis/sales/kpi_win_rate` of `…/kpis/sales/kpi_win_rate.sql`.
fn stem(file: &Path, folder: &Path) -> String {
    let relative = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    relative.to_string_lossy().replace('\\', "/")
}
