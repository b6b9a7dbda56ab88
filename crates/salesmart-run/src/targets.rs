//! Loading the lake's current release into the targets of a pipeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use salesmart_core::receipt::{Failure, Severity, TargetLoad};
use salesmart_core::{ColumnPromise, Error, ErrorKind, Result, RunId, TableContract, ValueRule};
use salesmart_lake::{Lake, Release};
use salesmart_model::{Catalog, Rule};
use salesmart_publish::Snapshot;
use tokio::time::Instant;

use crate::leases::acquire;
use crate::observe::{Observer, Progress};
use crate::workspace::PipelineTarget;

/// What models promise of the published tables.
pub(crate) fn contracts(catalog: &Catalog) -> BTreeMap<String, TableContract> {
    catalog
        .models()
        .filter(|model| model.is_published())
        .map(|model| {
            let header = &model.header;
            let columns = header.columns.iter().map(|column| {
                let mut promise = ColumnPromise {
                    name: column.name.clone(),
                    doc: column.doc.clone(),
                    ..ColumnPromise::default()
                };
                let of_column = header.checks.iter().filter(|check| {
                    // A warning is no promise.
                    check.severity == Severity::Error
                        && check.column.as_deref() == Some(column.name.as_str())
                });
                for check in of_column {
                    match &check.rule {
                        Rule::NotNull => promise.not_null = true,
                        Rule::AcceptedValues(values) => {
                            promise.rules.push(ValueRule::OneOf(values.clone()));
                        }
                        Rule::Between(low, high) => {
                            promise.rules.push(ValueRule::Between(low.clone(), high.clone()));
                        }
                        _ => {}
                    }
                }
                promise
            });
            let contract = TableContract {
                description: header.description.clone(),
                grain: header.grain.clone(),
                columns: columns.collect(),
            };
            (model.name.to_string(), contract)
        })
        .collect()
}

/// What loading needs.
pub(crate) struct Loading<'a> {
    pub(crate) lake: &'a Lake,
    pub(crate) catalog: &'a Catalog,
    pub(crate) targets: &'a [PipelineTarget],
    pub(crate) run_id: &'a RunId,
    pub(crate) observer: &'a Arc<dyn Observer>,
}

/// What was loaded, and why some targets do not hold the release.
pub(crate) struct Outcome {
    pub(crate) release: Release,
    pub(crate) loads: Vec<TargetLoad>,
    pub(crate) error: Option<Error>,
}

/// Brings every target to the lake's current release. One that fails does not keep the others.
pub(crate) async fn load(loading: Loading<'_>) -> Result<Option<Outcome>> {
    let Some(mut release) = loading.lake.current_release().await? else { return Ok(None) };
    let contracts = contracts(loading.catalog);
    let mut loads = Vec::new();
    let mut errors = Vec::new();
    for target in loading.targets {
        // Two pipelines may load the same target: the one that comes second must not bring an
        // older release, so it looks for the current one only when it is its turn.
        let lease =
            acquire(loading.lake, &format!("target-{}", target.name), loading.run_id).await?;
        release = loading.lake.current_release().await?.unwrap_or(release);
        loading.observer.observe(Progress::TargetBegins { target: target.name.as_str() });
        let begun = Instant::now();
        let snapshot = Snapshot {
            lake: loading.lake.clone(),
            release: release.clone(),
            contracts: contracts.clone(),
        };
        let outcome = target.target.load(&snapshot).await;
        let mut load = TargetLoad {
            target: target.name.clone(),
            kind: target.kind.to_owned(),
            release: release.id,
            before: None,
            seconds: begun.elapsed().as_secs_f64(),
            reconnects: 0,
            tables: Vec::new(),
            notes: Vec::new(),
            failure: None,
        };
        match outcome {
            Ok(loaded) => {
                load.before = loaded.before;
                load.reconnects = loaded.reconnects;
                load.tables = loaded.tables;
                load.notes = loaded.notes;
            }
            Err(error) => {
                // A target that is away cannot say what it holds, and that is no second failure.
                load.before = target.target.holds().await.ok().flatten();
                load.failure = Some(Failure::from(&error));
                errors.push(refused(target, &load, error));
            }
        }
        loading.observer.observe(Progress::TargetDone(&load));
        loads.push(load);
        lease.release().await?;
    }
    Ok(Some(Outcome { release, loads, error: Error::many(errors) }))
}

/// The error of a target, with what readers see there now.
fn refused(target: &PipelineTarget, load: &TargetLoad, error: Error) -> Error {
    let holds = match load.before {
        Some(before) => format!("`{}` still holds {before}, whole", target.name),
        None => format!("`{}` holds what it held", target.name),
    };
    let mut told = Error::new(
        ErrorKind::TargetRefused,
        format!("target `{}` did not take release {}", target.name, load.release),
    )
    .with_state(format!("release {} is current in the lake; {holds}", load.release));
    for (key, value) in error.context() {
        told = told.with(key, value);
    }
    if let Some(place) = error.location() {
        told = told.at(place.clone());
    }
    let hint = error.hint().unwrap_or("mend the target, then publish again").to_owned();
    told.with_hint(hint).with_source(error)
}
