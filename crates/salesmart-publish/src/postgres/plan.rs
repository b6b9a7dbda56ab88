//! What has to happen to each table, and whether it can.

use std::collections::{BTreeMap, BTreeSet};

use salesmart_core::{Error, ErrorKind, Result, TableContract};
use salesmart_lake::{DataFile, Table, TablePath};

use super::config::Settings;
use super::connect::Connection;
use super::control::{LoadedTable, State};
use super::shape::Shape;
use super::sql;
use crate::Snapshot;

/// A changed table is loaded by difference when it would send at most this share of its rows.
/// An estimate, not measured yet: beyond it, sending all rows should not be slower.
const MOST_OF_DIFFERENCE: f64 = 0.5;

/// What happens to a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is there as it should be.
    Unchanged,
    /// It is new, or has columns of other types: a new table takes its place.
    Replace,
    /// The rows of these files are exchanged for others, by the grain.
    Difference { removed: Vec<DataFile>, added: Vec<DataFile> },
    /// All rows are sent, and those that differ are exchanged.
    Merge,
}

/// One table of the release.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// `schema.table`, as the release has it.
    pub(super) name: String,
    /// Schema and table over there.
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) contract: TableContract,
    pub(super) shape: Shape,
    /// The table in the lake.
    pub(super) source: Table,
    /// The fingerprint of its files.
    pub(super) files: String,
    pub(super) words: String,
    pub(super) before: Option<LoadedTable>,
    pub(super) way: Way,
}

impl Planned {
    /// Its name over there.
    pub(super) fn there(&self) -> String {
        sql::qualified(&self.schema, &self.table)
    }

    /// Whether constraints, indexes or columns change while the table stays.
    pub(super) fn is_reshaped(&self) -> bool {
        self.way != Way::Replace
            && self.before.as_ref().is_some_and(|before| before.shape != self.shape)
    }

    /// What it has to be filled with: its name changes when that does.
    pub(super) fn fingerprint(&self) -> String {
        let way = match &self.way {
            Way::Unchanged => "unchanged",
            Way::Replace => "replace",
            Way::Difference { .. } => "difference",
            Way::Merge => "merge",
        };
        let before = self.before.as_ref().map_or("", |before| before.files.as_str());
        sql::hash(&format!("{way} {} {} {before} {}", self.name, self.files, self.shape.to_text()))
    }
}

/// All that has to happen.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) tables: Vec<Planned>,
    /// Tables that no release names any more.
    pub(super) removed: Vec<String>,
}

/// The fingerprint of a version's files: versions are counted anew in another lake.
fn fingerprint(files: &[DataFile]) -> String {
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{} {} {}\n", file.path, file.size, file.rows));
    }
    sql::hash(&text)
}

impl Plan {
    pub(super) async fn new(
        settings: &Settings,
        snapshot: &Snapshot,
        state: &State,
    ) -> Result<Self> {
        let mut plan = Self::default();
        for (name, _) in settings.selection.of(&snapshot.release)? {
            let source = snapshot.table(name).await?;
            let contract = snapshot.contract(name);
            let (schema, table) = name.split_once('.').unwrap_or(("", name));
            let shape = Shape::new(name, &source.schema, &contract)?;
            let files = fingerprint(&source.files);
            let words = words(settings, &contract);
            let before = state.tables.get(name).cloned();
            let mut planned = Planned {
                name: name.to_owned(),
                schema: settings.schema(schema),
                table: table.to_owned(),
                contract,
                shape,
                files,
                words,
                before,
                way: Way::Replace,
                source,
            };
            planned.way = way(snapshot, &planned).await?;
            plan.tables.push(planned);
        }
        let named: BTreeSet<&str> = plan.tables.iter().map(|table| table.name.as_str()).collect();
        plan.removed =
            state.tables.keys().filter(|name| !named.contains(name.as_str())).cloned().collect();
        Ok(plan)
    }

    /// Whether the target is as it should be.
    pub(super) fn is_done(&self) -> bool {
        self.removed.is_empty()
            && self.tables.iter().all(|table| {
                table.way == Way::Unchanged
                    && table.before.as_ref().is_some_and(|before| {
                        before.shape == table.shape && before.words == table.words
                    })
            })
    }

    /// Whether a table must be locked against readers for a moment, to change its columns.
    pub(super) fn locked(&self) -> Vec<&Planned> {
        self.tables
            .iter()
            .filter(|t| t.is_reshaped() || (t.way == Way::Replace && t.before.is_some()))
            .collect()
    }
}

/// A fingerprint of what is said about a table, and to whom it is shown.
fn words(settings: &Settings, contract: &TableContract) -> String {
    let mut text = format!("{:?} {}", settings.read_role, contract.description);
    for column in &contract.columns {
        text.push_str(&format!("\n{} {}", column.name, column.doc));
    }
    sql::hash(&text)
}

async fn way(snapshot: &Snapshot, planned: &Planned) -> Result<Way> {
    let Some(before) = &planned.before else { return Ok(Way::Replace) };
    if !planned.shape.retyped(&before.shape).is_empty() {
        return Ok(Way::Replace);
    }
    if before.files == planned.files {
        return Ok(Way::Unchanged);
    }
    if planned.shape.key.is_empty() || before.shape.key != planned.shape.key {
        return Ok(Way::Merge);
    }
    if planned.shape.columns.len() != before.shape.columns.len() {
        // A new column has values in files that did not change.
        return Ok(Way::Merge);
    }
    let (schema, table) = planned.name.split_once('.').unwrap_or(("", &planned.name));
    let path = TablePath::warehouse(schema, table);
    // The version that was loaded may be gone from the lake, or be one of another lake.
    let Ok(old) = snapshot.lake.table_at(&path, before.version).await else {
        return Ok(Way::Merge);
    };
    if fingerprint(&old.files) != before.files {
        return Ok(Way::Merge);
    }
    let lacks = |all: &[DataFile], of: &[DataFile]| -> Vec<DataFile> {
        of.iter().filter(|file| !all.contains(file)).cloned().collect()
    };
    let removed = lacks(&planned.source.files, &old.files);
    let added = lacks(&old.files, &planned.source.files);
    let sent: u64 = removed.iter().chain(&added).map(|file| file.rows).sum();
    #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
    let share = sent as f64 / planned.source.rows.max(1) as f64;
    Ok(match share <= MOST_OF_DIFFERENCE {
        true => Way::Difference { removed, added },
        false => Way::Merge,
    })
}

/// Refuses a load that would take something away that others stand on, or overwrite what is not
/// ours. Nothing has been changed yet.
pub(super) async fn refuse(
    settings: &Settings,
    plan: &Plan,
    connection: &Connection,
) -> Result<()> {
    let mut problems = Vec::new();
    let ours: BTreeMap<(&str, &str), &Planned> =
        plan.tables.iter().map(|t| ((t.schema.as_str(), t.table.as_str()), t)).collect();
    let relations = connection
        .rows(
            "failed to look at the database",
            "select n.nspname::text, c.relname::text, c.relkind::text \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind in ('r', 'v', 'm', 'f', 'p', 'S', 'i')",
            &[],
        )
        .await?;
    for row in relations {
        let (schema, table): (String, String) = (row.get(0), row.get(1));
        if let Some(planned) = ours.get(&(schema.as_str(), table.as_str()))
            && planned.before.is_none()
        {
            problems.push(
                Error::new(
                    ErrorKind::TargetRefused,
                    format!("{} is there already, and Salesmart did not make it", planned.there()),
                )
                .with_hint(format!(
                    "rename it or drop it, or load elsewhere with `schema_prefix` ({})",
                    settings.location
                )),
            );
        }
    }
    for planned in &plan.tables {
        let Some(before) = &planned.before else { continue };
        let columns: Option<Vec<&str>> = match planned.way {
            Way::Replace => None,
            _ => {
                let mut columns: Vec<&str> =
                    planned.shape.dropped(&before.shape).iter().map(|c| c.name.as_str()).collect();
                columns
                    .extend(planned.shape.widened(&before.shape).iter().map(|c| c.name.as_str()));
                Some(columns)
            }
        };
        if columns.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        let views =
            dependents(connection, &planned.schema, &planned.table, columns.as_deref()).await?;
        if !views.is_empty() {
            let what = match &columns {
                None => {
                    let retyped = planned.shape.retyped(&before.shape);
                    let told: Vec<String> = retyped
                        .iter()
                        .map(|c| {
                            let old = before.shape.column(&c.name).map_or("", |old| &old.sql_type);
                            format!("`{}` from {old} to {}", c.name, c.sql_type)
                        })
                        .collect();
                    format!("retypes {}", told.join(", "))
                }
                Some(columns) => format!("drops or widens {}", sql::names(columns.iter().copied())),
            };
            problems.push(would_break(&planned.there(), &what, &views));
        }
    }
    for name in &plan.removed {
        let (schema, table) = name.split_once('.').unwrap_or(("", name));
        let schema = settings.schema(schema);
        let views = dependents(connection, &schema, table, None).await?;
        if !views.is_empty() {
            problems.push(would_break(&sql::qualified(&schema, table), "no longer has it", &views));
        }
    }
    Error::many(problems).map_or(Ok(()), Err)
}

fn would_break(table: &str, what: &str, views: &[String]) -> Error {
    Error::new(
        ErrorKind::TargetRefused,
        format!("views that others made stand on {table}, of which the release {what}"),
    )
    .with("views", views.join(", "))
    .with_hint(format!(
        "keep their definitions (`select pg_get_viewdef('{}')`), drop them, publish again, and make them anew",
        views.first().map_or("", String::as_str)
    ))
}

/// The views (and rules) that read a table, or some of its columns.
async fn dependents(
    connection: &Connection,
    schema: &str,
    table: &str,
    columns: Option<&[&str]>,
) -> Result<Vec<String>> {
    let columns: Option<Vec<String>> =
        columns.map(|columns| columns.iter().map(|c| (*c).to_owned()).collect());
    let rows = connection
        .rows(
            "failed to look for views",
            "select distinct format('%I.%I', vn.nspname, v.relname) \
             from pg_depend d \
             join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass \
             join pg_class v on v.oid = r.ev_class \
             join pg_namespace vn on vn.oid = v.relnamespace \
             join pg_class t on t.oid = d.refobjid and d.refclassid = 'pg_class'::regclass \
             join pg_namespace tn on tn.oid = t.relnamespace \
             left join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid \
             where tn.nspname = $1 and t.relname = $2 and v.oid <> t.oid \
               and ($3::text[] is null or a.attname = any($3::text[])) \
             order by 1",
            &[&schema, &table, &columns],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
