//! What releases and runs recorded of the chain when it was sealed.
//!
//! The chain alone cannot tell that its end was cut off, nor that all of it was sealed anew by
//! somebody who can compute hashes. Each release and run record keeps the head of its night, so a
//! forger has to rewrite all of them too; an export that an auditor keeps is beyond his reach.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use salesmart_core::Result;
use salesmart_lake::Lake;
use serde_json::Value;

use crate::{Finding, FindingKind, Seal};

/// What is recorded.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// The heads, each with the first document that has it.
    pub(super) heads: BTreeMap<(i64, String), String>,
    /// The newest version of each table of the forecast that a release names, and which.
    pub(super) versions: BTreeMap<String, (u64, String)>,
    /// The runs that have a record.
    pub(super) runs: BTreeSet<String>,
}

/// The key under which documents keep the head.
const HEAD: &str = "forecast_head";

/// Reads the heads from all releases and run records.
pub(super) async fn recorded(lake: &Lake) -> Result<Recorded> {
    let mut recorded = Recorded::default();
    for folder in ["releases", "runs"] {
        for name in lake.list_json(folder).await? {
            let path = format!("{folder}/{name}.json");
            let Some(document) = lake.get_json::<Value>(&path).await? else { continue };
            collect(&document, &path, &mut recorded);
            if folder == "runs" {
                recorded.runs.insert(name);
                continue;
            }
            if let Some(tables) = document["tables"].as_object() {
                for (table, released) in tables {
                    let Some(table) = table.strip_prefix("forecast.") else { continue };
                    let version = released["version"].as_u64().unwrap_or(0);
                    let newest = recorded.versions.entry(table.to_owned()).or_default();
                    if newest.1.is_empty() || version > newest.0 {
                        *newest = (version, path.clone());
                    }
                }
            }
        }
    }
    Ok(recorded)
}

/// Finds the head wherever in a document it is kept.
fn collect(value: &Value, path: &str, recorded: &mut Recorded) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == HEAD
                    && let (Some(number), Some(hash)) =
                        (value["snapshot_no"].as_i64(), value["hash"].as_str())
                {
                    recorded
                        .heads
                        .entry((number, hash.to_owned()))
                        .or_insert_with(|| path.to_owned());
                } else {
                    collect(value, path, recorded);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, path, recorded)),
        _ => {}
    }
}

/// Compares what was recorded with the chain.
pub(super) fn compare(seals: &[Seal], recorded: &Recorded) -> Vec<Finding> {
    let mut findings = Vec::new();
    let by_number: HashMap<i64, &Seal> = seals.iter().map(|s| (s.snapshot_no, s)).collect();
    let last = seals.last().map_or(0, |seal| seal.snapshot_no);
    let newest = recorded.heads.last_key_value().filter(|((number, _), _)| *number > last);
    if let Some(((number, hash), document)) = newest {
        let gone = last + 1;
        let message = format!(
            "the chain ends at no {last}, and `{document}` knows of no {number}: its end was cut off"
        );
        findings.push(
            Finding::about(FindingKind::CutOff, format!("no {gone}"), message)
                .at(gone)
                .instead_of(format!("no {number} {hash}"), format!("no {last}")),
        );
    }
    for ((number, hash), document) in &recorded.heads {
        if let Some(seal) = by_number.get(number)
            && seal.hash != *hash
        {
            let message = format!(
                "`{document}` recorded another hash when it was sealed: it was sealed anew, or an \
                 earlier one was"
            );
            findings.push(
                Finding::of(FindingKind::Resealed, seal, message).instead_of(hash, &seal.hash),
            );
        }
    }
    // A lake whose runs were never kept tells nothing by that.
    if !recorded.runs.is_empty() {
        for seal in seals.iter().filter(|seal| !recorded.runs.contains(&seal.sealed_run_id)) {
            let message = "no run has the id that it says sealed it: it was inserted";
            findings.push(
                Finding::of(FindingKind::Inserted, seal, message)
                    .instead_of("a record in `runs/`", &seal.sealed_run_id),
            );
        }
    }
    findings
}
