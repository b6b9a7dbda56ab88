//! A model or check, in the layer its path names, and its case file.

use crate::failure::Failure;

/// A layer of `sql/`: how its files begin, whether they stand in a folder of their own, what they
/// are stored as, and the kind of table they read.
struct Layer {
    folder: &'static str,
    prefixes: &'static [&'static str],
    in_topic: bool,
    kind: &'static str,
    reads: &'static str,
}

const LAYERS: [Layer; 8] = [
    Layer {
        folder: "staging",
        prefixes: &["stg_"],
        in_topic: true,
        kind: "view",
        reads: "raw.system.stream",
    },
    Layer {
        folder: "intermediate",
        prefixes: &["int_"],
        in_topic: true,
        kind: "view",
        reads: "staging.stg_system__object",
    },
    Layer {
        folder: "marts",
        prefixes: &["dim_", "fct_", "bridge_"],
        in_topic: true,
        kind: "table",
        reads: "intermediate.int_thing",
    },
    Layer {
        folder: "kpis",
        prefixes: &["kpi_"],
        in_topic: true,
        kind: "table",
        reads: "mart.fct_thing",
    },
    Layer {
        folder: "funnel",
        prefixes: &["funnel_"],
        in_topic: false,
        kind: "table",
        reads: "mart.fct_thing",
    },
    Layer {
        folder: "forecast",
        prefixes: &["forecast_"],
        in_topic: false,
        kind: "table",
        reads: "mart.fct_thing",
    },
    Layer {
        folder: "ops",
        prefixes: &["ops_"],
        in_topic: false,
        kind: "table",
        reads: "system.run",
    },
    Layer {
        folder: "checks",
        prefixes: &["check_"],
        in_topic: false,
        kind: "check",
        reads: "mart.fct_thing",
    },
];

const USAGE: &str = "cargo xtask new-model kpis/sales/kpi_discount.sql";

/// Writes a model and its case file.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    super::write_new(&files(super::only(arguments, USAGE)?)?)?;
    println!(
        "\nnext: write the case first, then the SQL; `salesmart check` says what does not fit"
    );
    Ok(())
}

fn files(argument: &str) -> Result<Vec<(String, String)>, Failure> {
    let path = argument.strip_prefix("sql/").unwrap_or(argument);
    let path = path.strip_suffix(".sql").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    let layer = LAYERS
        .iter()
        .find(|layer| layer.folder == parts[0])
        .ok_or_else(|| refused(argument, "its first folder is no layer of sql/"))?;
    let wanted = if layer.in_topic { 3 } else { 2 };
    if parts.len() != wanted {
        let shape = if layer.in_topic { "LAYER/TOPIC/FILE.sql" } else { "LAYER/FILE.sql" };
        return Err(refused(argument, &format!("a file of `{}` is {shape}", layer.folder)));
    }
    if let Some(part) = parts.iter().find(|part| !super::is_plain_name(part)) {
        return Err(refused(argument, &format!("`{part}` is not a plain lowercase name")));
    }
    let name = parts[wanted - 1];
    let Some(thing) = layer.prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)) else {
        let begins = layer.prefixes.join("` or `");
        return Err(refused(argument, &format!("files of `{}` begin with `{begins}`", parts[0])));
    };
    if layer.folder == "staging" && !thing.starts_with(&format!("{}__", parts[1])) {
        let shape = format!("stg_{}__OBJECT.sql", parts[1]);
        return Err(refused(argument, &format!("a file of this folder is `{shape}`")));
    }
    let template = match layer.kind {
        "check" => include_str!("templates/check.sql.txt"),
        _ if layer.folder == "kpis" => include_str!("templates/kpi.sql.txt"),
        _ => include_str!("templates/model.sql.txt"),
    };
    let fill = |text: &str| {
        text.replace("{{thing}}", thing)
            .replace("{{kind}}", layer.kind)
            .replace("{{reads}}", layer.reads)
            .replace("{{model}}", &format!("sql/{path}.sql"))
    };
    let mut files = vec![(format!("sql/{path}.sql"), fill(template))];
    if layer.kind != "check" {
        let case = include_str!("templates/case.yml.txt");
        files.push((format!("tests/models/{path}.yml"), fill(case)));
    }
    Ok(files)
}

fn refused(path: &str, why: &str) -> Failure {
    Failure::new(format!("`{path}` cannot name a model: {why}")).hint(format!("type `{USAGE}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_which_files_are_written() {
        let paths = |argument: &str| {
            files(argument).unwrap().into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        assert_eq!(
            paths("sql/kpis/sales/kpi_discount.sql"),
            ["sql/kpis/sales/kpi_discount.sql", "tests/models/kpis/sales/kpi_discount.yml"]
        );
        assert_eq!(paths("checks/check_all_is_well"), ["sql/checks/check_all_is_well.sql"]);
        for (_, text) in files("marts/deal/fct_deal").unwrap() {
            assert!(!text.contains("{{"));
        }
    }

    #[test]
    fn a_path_that_fits_no_layer_is_refused() {
        for wrong in [
            "views/x.sql",
            "kpis/kpi_x.sql",
            "kpis/sales/x.sql",
            "ops/a/ops_x.sql",
            "staging/crm/stg_erp__x.sql",
            "marts/Deal/fct_deal.sql",
        ] {
            assert!(files(wrong).is_err(), "{wrong}");
        }
    }
}
