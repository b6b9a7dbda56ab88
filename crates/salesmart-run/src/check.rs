//! Everything that can be known without running.

use salesmart_core::{Error, Result};
use salesmart_extract::Finding;
use salesmart_model::plan_all;
use serde::Serialize;

use crate::workspace::Workspace;

/// What was looked at and found to be in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Pipelines.
    pub pipelines: usize,
    /// Connections of all pipelines.
    pub connections: usize,
    /// Streams of all connections.
    pub streams: usize,
    /// Models that plan and keep their contract.
    pub models: usize,
    /// SQL checks that plan.
    pub checks: usize,
    /// Targets whose metric and period there are.
    pub targets: usize,
    /// What the sources themselves said, by connection, when they were asked.
    pub findings: Vec<(String, Finding)>,
    /// What the targets of releases said, by target, when they were asked.
    pub target_findings: Vec<(String, Finding)>,
}

/// Checks a whole project, or one pipeline of it with all models: configuration, connections'
/// sections, SQL, contracts. With `connections`, also looks at the sources and the targets.
///
/// # Errors
/// Every problem that was found, as one error. Findings about sources are in the report, not here.
pub async fn check(
    workspace: &Workspace,
    pipeline: Option<&str>,
    connections: bool,
) -> Result<CheckReport> {
    let mut problems = Vec::new();
    let mut report = CheckReport::default();
    let names: Vec<String> = match pipeline {
        Some(name) => vec![name.to_owned()],
        None => workspace.project().pipeline_names().map(str::to_owned).collect(),
    };
    let mut connected = Vec::new();
    let mut targets = Vec::new();
    for name in names {
        report.pipelines += 1;
        match workspace.project().pipeline(&name).and_then(|pipeline| {
            let selectors: Vec<&str> =
                pipeline.model.select.iter().map(|selector| selector.value.as_str()).collect();
            for (selector, place) in selectors.iter().zip(&pipeline.model.select) {
                if let Err(error) = workspace.catalog().select(&[selector]) {
                    return Err(error.at(place.location.clone()));
                }
            }
            let targets = workspace.targets(&pipeline);
            match (workspace.connections(&pipeline), targets) {
                (Ok(connections), Ok(targets)) => Ok((connections, targets)),
                (connections, targets) => {
                    let problems = [connections.err(), targets.err()].into_iter().flatten();
                    Err(Error::many(problems.collect())
                        .unwrap_or_else(|| Error::bug("a pipeline was neither read nor refused")))
                }
            }
        }) {
            Ok((connections, of_pipeline)) => {
                connected.extend(connections);
                targets.extend(of_pipeline);
            }
            Err(error) => problems.push(error),
        }
    }
    report.connections = connected.len();
    report.streams = connected.iter().map(|connection| connection.connector.declared().len()).sum();

    // With broken connections the raw tables are unknown: the models are planned with what is
    // left, as if the others were not connected.
    let raw = if problems.is_empty() {
        match workspace.declared_streams() {
            Ok(raw) => raw,
            Err(error) => {
                problems.push(error);
                Vec::new()
            }
        }
    } else {
        Vec::new()
    };
    match plan_all(workspace.catalog(), &raw, &workspace.business()).await {
        Ok(planned) => {
            report.models = planned.models;
            report.checks = planned.checks;
            report.targets = workspace.business().targets.len();
        }
        Err(error) => problems.push(error),
    }
    if let Some(error) = Error::many(problems) {
        return Err(error);
    }
    if connections {
        for connection in &connected {
            for finding in connection.connector.check().await {
                report.findings.push((connection.name.to_string(), finding));
            }
        }
        for target in &targets {
            for finding in target.target.check().await {
                report.target_findings.push((target.name.to_string(), finding));
            }
        }
    }
    Ok(report)
}
