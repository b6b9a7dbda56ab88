//! The figures of a simulated company equal its truth, which the simulator works out from the events
//! in Rust, whichever system they came out of, and out of both at once; on the first night, and
//! ten days later.

mod forecast;
mod funnel;
mod kpis;

use std::collections::BTreeMap;

use salesmart_simulator::Sheet;
use salesmart_tests::simulated::{Simulated, System};

/// What differs between the truth and what was published.
#[derive(Default)]
struct Differences {
    /// How many figures were compared, by what they are.
    compared: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Differences {
    fn compare(
        &mut self,
        what: &str,
        key: &[String],
        truth: &[String],
        found: Option<&Vec<String>>,
    ) {
        *self.compared.entry(what.to_owned()).or_default() += 1;
        if found.is_none_or(|found| found != truth) {
            let found = found.map_or("nothing".to_owned(), |found| found.join(" | "));
            let (key, truth) = (key.join(" | "), truth.join(" | "));
            self.wrong.push(format!("{what}: {key}\n      true {truth}\n published {found}"));
        }
    }

    /// Something was published of which there is no truth.
    fn untrue(&mut self, what: &str, key: &[String], found: &[String]) {
        let (key, found) = (key.join(" | "), found.join(" | "));
        self.wrong.push(format!("{what}: {key}\n      true nothing\n published {found}"));
    }

    /// # Panics
    /// When there are any: with how many of what, and the first twenty.
    #[track_caller]
    fn assert_none(&self, of: &str) {
        let mut wrong: BTreeMap<&str, usize> = BTreeMap::new();
        for difference in &self.wrong {
            *wrong.entry(difference.split(':').next().unwrap()).or_default() += 1;
        }
        assert!(
            self.wrong.is_empty(),
            "{of}: {} differences {wrong:?}; compared were {:?}\n{}",
            self.wrong.len(),
            self.compared,
            self.wrong[..self.wrong.len().min(20)].join("\n")
        );
    }
}

/// The rows of a query by the sheet's keys.
fn rows(simulated: &Simulated, sheet: &Sheet, sql: &str) -> BTreeMap<Vec<String>, Vec<String>> {
    let rows = simulated.query(sql);
    let count = rows.len();
    let rows: BTreeMap<Vec<String>, Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let of = |names: &[&str]| names.iter().map(|name| row[*name].clone()).collect();
            (of(sheet.keys), of(sheet.values))
        })
        .collect();
    assert_eq!(rows.len(), count, "{}: a key has several rows", sheet.name);
    rows
}

/// Compares a sheet with the rows of a query, both ways. HubSpot knows no regions; where it has
/// them all the same they are unassigned.
fn compare_sheet(
    differences: &mut Differences,
    simulated: &Simulated,
    sheet: &Sheet,
    sql: &str,
    may_be_more: impl Fn(&[String], &[String]) -> bool,
) {
    let published = rows(simulated, sheet, sql);
    for (key, truth) in &sheet.rows {
        differences.compare(sheet.name, key, truth, published.get(key));
    }
    for (key, found) in &published {
        let is_region = simulated.system == System::HubSpot && key.iter().any(|k| k == "region");
        if !sheet.rows.contains_key(key) && !is_region && !may_be_more(key, found) {
            differences.untrue(sheet.name, key, found);
        }
    }
}
