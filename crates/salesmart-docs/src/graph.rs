//! What the graph of tables and columns is drawn from, as a script.
//!
//! Tables are numbers, and so are their columns: names would be most of the file.

use std::collections::BTreeMap;

use salesmart_core::Result;
use salesmart_model::{Influence, Influences, Relation, SourceColumn};
use serde::Serialize;

use crate::pages::Book;
use crate::search::assignment;

#[derive(Serialize)]
struct Graph<'a> {
    tables: Vec<Table<'a>>,
}

#[derive(Serialize)]
struct Table<'a> {
    /// Name.
    n: &'a str,
    /// Page.
    h: &'a str,
    /// Schema.
    s: &'a str,
    /// Kind.
    k: &'a str,
    /// The tables it reads.
    r: Vec<usize>,
    /// How far it stands from what is given: one more than the farthest that it reads.
    l: usize,
    /// Columns.
    c: Vec<Column<'a>>,
    /// What decides which rows there are: table, column, how.
    w: Vec<(usize, usize, u8)>,
}

#[derive(Serialize)]
struct Column<'a> {
    /// Name.
    n: &'a str,
    /// What its values are made of: table, column, way.
    v: Vec<(usize, usize, u8)>,
    /// What decides which value it is: table, column, how.
    d: Vec<(usize, usize, u8)>,
    /// The tables whose rows it counts.
    t: Vec<usize>,
}

/// The graph.
pub(crate) fn script(book: &Book<'_>) -> Result<String> {
    let places: BTreeMap<&str, usize> =
        book.tables.iter().enumerate().map(|(place, table)| (table.name.as_str(), place)).collect();
    let columns: Vec<BTreeMap<&str, usize>> = book
        .tables
        .iter()
        .map(|table| {
            let names = table.columns.iter().enumerate();
            names.map(|(place, column)| (column.name.as_str(), place)).collect()
        })
        .collect();
    let place = |source: &SourceColumn| {
        let table = *places.get(source.relation.to_string().as_str())?;
        Some((table, *columns.get(table)?.get(source.column.as_str())?))
    };
    let table_of = |relation: &Relation| places.get(relation.to_string().as_str()).copied();
    let influences = |found: &Influences| -> Vec<(usize, usize, u8)> {
        found
            .iter()
            .filter_map(|(source, how)| {
                let (table, column) = place(source)?;
                Some((table, column, how.iter().map(|one| bit(*one)).sum()))
            })
            .collect()
    };
    let mut tables = Vec::new();
    for table in &book.tables {
        let found = table.name.parse().ok().and_then(|name| book.lineage.get(&name));
        let reads = table.reads().filter_map(|name| places.get(name).copied());
        tables.push(Table {
            n: &table.name,
            h: &table.href,
            s: &table.schema,
            k: table.kind,
            r: reads.filter(|read| book.tables[*read].name != table.name).collect(),
            l: 0,
            c: table
                .columns
                .iter()
                .map(|column| {
                    let traced = found.and_then(|found| found.column(&column.name));
                    Column {
                        n: &column.name,
                        v: traced
                            .iter()
                            .flat_map(|traced| &traced.values)
                            .filter_map(|(source, way)| {
                                let (table, column) = place(source)?;
                                Some((table, column, *way as u8))
                            })
                            .collect(),
                        d: traced.map(|traced| influences(&traced.decided_by)).unwrap_or_default(),
                        t: traced
                            .iter()
                            .flat_map(|traced| &traced.counts)
                            .filter_map(table_of)
                            .collect(),
                    }
                })
                .collect(),
            w: found.map(|found| influences(&found.rows)).unwrap_or_default(),
        });
    }
    layers(&mut tables);
    assignment("SALESMART_GRAPH", &Graph { tables })
}

/// Each kind of influence is a bit; scripts know them in this order.
fn bit(influence: Influence) -> u8 {
    1 << influence as u8
}

/// The longest way to each table from those that read nothing. Models never read in a circle.
fn layers(tables: &mut [Table<'_>]) {
    loop {
        let mut moved = false;
        for place in 0..tables.len() {
            let below = tables[place].r.iter().map(|read| tables[*read].l + 1).max().unwrap_or(0);
            if below > tables[place].l && below <= tables.len() {
                tables[place].l = below;
                moved = true;
            }
        }
        if !moved {
            return;
        }
    }
}
