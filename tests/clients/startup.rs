//! What Metabase, Grafana, Superset, Tableau, Power BI and DBeaver send when they connect, as their
//! sources have it (`tests/clients/startup/`), each statement by itself and without an error. What
//! PostgreSQL itself says to the same statements is compared in `compared.rs`.

use super::{Served, repository, said};

/// The tools, by the names of their files.
pub(super) const TOOLS: [&str; 6] =
    ["dbeaver", "grafana", "metabase", "power-bi", "superset", "tableau"];

/// The statements of a file: each ends with `;` at the end of a line.
pub(super) fn statements(text: &str) -> Vec<String> {
    text.split(";\n").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[test]
fn every_statement_that_a_bi_tool_sends_at_its_start_is_answered() {
    let served = Served::start();
    let mut failures = Vec::new();
    let mut counts = Vec::new();
    for tool in TOOLS {
        let file = repository().join(format!("tests/clients/startup/{tool}.sql"));
        let text = std::fs::read_to_string(&file).unwrap();
        let all = statements(&text);
        counts.push((tool, all.len()));
        for statement in all {
            let mut psql = served.client("psql");
            psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", &statement]);
            let said = said(&mut psql);
            if said.code != 0 {
                failures.push(format!("── {tool}\n{statement}\n▶ {}", said.stderr));
            }
        }
    }
    assert!(counts.iter().all(|(_, count)| *count >= 5), "{counts:?}");
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn what_tools_look_for_is_in_the_answers() {
    let served = Served::start();
    let file = |tool: &str| {
        let file = repository().join(format!("tests/clients/startup/{tool}.sql"));
        std::fs::read_to_string(file).unwrap()
    };
    let answer = |statement: &str| {
        let mut psql = served.client("psql");
        psql.args(["-X", "-q", "-A", "-t", "-c", statement]);
        said(&mut psql).ok().stdout
    };
    let find = |tool: &str, part: &str| {
        let text = file(tool);
        let found = statements(&text).into_iter().find(|statement| statement.contains(part));
        found.unwrap_or_else(|| panic!("no statement of {tool} has `{part}`"))
    };
    // Metabase: tables with what they mean and how many rows they have; fields with their comments.
    let tables = answer(&find("metabase", "n_live_tup"));
    assert!(tables.contains("kpi|win_rate|TABLE|Won deals over won and lost deals"), "{tables}");
    let fields = answer(&find("metabase", "field-comment"));
    assert!(
        fields.contains("metric|text|0|kpi|win_rate|f|which figure, as in ops.metric|t|f"),
        "{fields}"
    );
    assert!(fields.contains("rep_id|text|0|mart|dim_rep|t|connection:source id|t|f"), "{fields}");
    // Grafana: columns of a table named with its schema.
    let columns = answer(&find("grafana", "data_type AS \"type\""));
    assert!(columns.contains("period_start|date"), "{columns}");
    // Tableau: the primary key.
    let key = answer(&find("tableau", "i.indisprimary = 't'"));
    assert_eq!(key.trim(), "rep_id|1|dim_rep_pkey|mart|dim_rep");
    // Power BI: the types, arrays among them.
    let types = answer(&find("power-bi", "array_recv"));
    assert!(types.contains("pg_catalog|1700|numeric|b|f|"), "{types}");
    assert!(types.contains("pg_catalog|1231|_numeric|a|f|1700"), "{types}");
}
