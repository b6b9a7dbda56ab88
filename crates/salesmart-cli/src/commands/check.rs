//! `salesmart check`: every mistake that can be known without running.

use std::fmt::Write;

use clap::Args;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_extract::Finding;
use salesmart_run::CheckReport;
use serde::Serialize;

use crate::context::Context;
use crate::style::Style;

/// Finds every mistake that can be known without running: unknown keys, missing files, SQL that
/// does not plan, columns that do not exist, types that break a contract, cycles, layers read in
/// the wrong direction. Each with its file, line and a hint.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart check                             the whole project
  salesmart check crm-export                  one pipeline, and all models
  salesmart check --connections               also look at sources and targets: there, allowed
  salesmart check --connections --json        the same for programs")]
pub struct Check {
    /// Only this pipeline; all models are checked in any case
    pipeline: Option<String>,
    /// Also look at the sources and at the targets of releases, without reading or changing them
    #[arg(long)]
    connections: bool,
    /// Write what was found as JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Checks.
    ///
    /// # Errors
    /// Everything that is wrong, as one error.
    pub fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        let lake = workspace.project().lake_url(context.global().lake.as_deref());
        let report = context.block_on(async {
            salesmart_run::check(&workspace, self.pipeline.as_deref(), self.connections).await
        });
        let report = match (report, lake) {
            (Ok(report), Ok(_)) => report,
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => return Err(error),
            (Err(error), Err(beside)) => {
                return Err(Error::many(vec![error, beside])
                    .unwrap_or_else(|| Error::bug("two errors are none")));
            }
        };
        let text = match self.json {
            true => super::json(&Told::of(&report))?,
            false => render(&report, context.style()),
        };
        context.print(&text)?;
        match Error::many(unmet(&report)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// What was found, for programs.
#[derive(Serialize)]
struct Told<'a> {
    ok: bool,
    pipelines: usize,
    connections: usize,
    streams: usize,
    models: usize,
    checks: usize,
    targets: usize,
    /// The connections that were looked at, in the order of the project.
    sources: Vec<Source<'a>>,
    /// The targets of releases that were looked at.
    publish: Vec<Source<'a>>,
}

/// What one source said.
#[derive(Serialize)]
struct Source<'a> {
    connection: &'a str,
    ok: bool,
    findings: Vec<&'a Finding>,
}

impl<'a> Told<'a> {
    fn of(report: &'a CheckReport) -> Self {
        let publish = grouped(&report.target_findings);
        let sources = grouped(&report.findings);
        Self {
            ok: sources.iter().chain(&publish).all(|source| source.ok),
            pipelines: report.pipelines,
            connections: report.connections,
            streams: report.streams,
            models: report.models,
            checks: report.checks,
            targets: report.targets,
            sources,
            publish,
        }
    }
}

/// The findings by connection or target.
fn grouped(findings: &[(String, Finding)]) -> Vec<Source<'_>> {
    let mut sources: Vec<Source<'_>> = Vec::new();
    for (connection, finding) in findings {
        match sources.last_mut().filter(|source| source.connection == connection) {
            Some(source) => {
                source.ok &= finding.ok;
                source.findings.push(finding);
            }
            None => sources.push(Source { connection, ok: finding.ok, findings: vec![finding] }),
        }
    }
    sources
}

/// An error for each connection and each target that is not ready, of the kind of its first failure.
fn unmet(report: &CheckReport) -> Vec<Error> {
    let named = |what, findings| grouped(findings).into_iter().map(move |source| (what, source));
    named("connection", &report.findings)
        .chain(named("target", &report.target_findings))
        .filter_map(|(what, source)| {
            let mut failed = source.findings.iter().filter(|finding| !finding.ok);
            let first = failed.next()?;
            let error = Error::new(
                first.kind.unwrap_or(ErrorKind::SourceUnavailable),
                format!("{what} `{}` is not ready: {}", source.connection, first.message),
            );
            let error = match failed.count() {
                0 => error,
                1 => error.with("also", "one more of the findings above"),
                more => error.with("also", format!("{more} more of the findings above")),
            };
            Some(match &first.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            })
        })
        .collect()
}

fn render(report: &CheckReport, style: Style) -> String {
    let mut text = String::new();
    for source in grouped(&report.findings).into_iter().chain(grouped(&report.target_findings)) {
        let _ = writeln!(text, "{}", style.bold(source.connection));
        for finding in &source.findings {
            let mark = match finding {
                Finding { ok: false, .. } => style.red("fail"),
                Finding { hint: Some(_), .. } => style.yellow("note"),
                _ => style.green("ok  "),
            };
            let _ = writeln!(text, "  {mark}  {}", indented(&finding.message));
            if let Some(hint) = &finding.hint {
                let _ = writeln!(text, "        {} {}", style.cyan("hint:"), indented(hint));
            }
        }
    }
    let count =
        |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let _ = writeln!(
        text,
        "{} {}, {}, {}, {}, {} and {} are in order",
        style.green("ok"),
        count(report.pipelines, "pipeline"),
        count(report.connections, "connection"),
        count(report.streams, "stream"),
        count(report.models, "model"),
        count(report.checks, "check"),
        count(report.targets, "target"),
    );
    text
}

/// Lines after the first stand under it.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n        ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> CheckReport {
        let crm = |finding| ("crm".to_owned(), finding);
        CheckReport {
            pipelines: 1,
            connections: 2,
            streams: 0,
            models: 42,
            checks: 7,
            targets: 3,
            findings: vec![
                crm(Finding::good("signed in at `https://acme.my.salesforce.com`")),
                crm(Finding::note(
                    "field history of `Opportunity` is off",
                    "turn on history tracking of `StageName` and `OwnerId`",
                )),
                crm(Finding::unmet(
                    ErrorKind::Permission,
                    "`ForecastingItem` is hidden",
                    "grant `View All Forecasts`\nto the integration user",
                )),
                crm(Finding::bad(
                    "limits",
                    &Error::new(ErrorKind::SourceUnavailable, "no answer").with("attempts", 8),
                )),
                ("mail".to_owned(), Finding::good("reachable")),
            ],
            target_findings: vec![(
                "warehouse".to_owned(),
                Finding::unmet(
                    ErrorKind::Configuration,
                    "there is no role `bi`",
                    "`create role bi`",
                ),
            )],
        }
    }

    #[test]
    fn findings_are_listed_by_connection_with_what_to_do() {
        insta::assert_snapshot!(render(&report(), Style::PLAIN), @"
        crm
          ok    signed in at `https://acme.my.salesforce.com`
          note  field history of `Opportunity` is off
                hint: turn on history tracking of `StageName` and `OwnerId`
          fail  `ForecastingItem` is hidden
                hint: grant `View All Forecasts`
                to the integration user
          fail  limits: no answer; attempts: 8
        mail
          ok    reachable
        warehouse
          fail  there is no role `bi`
                hint: `create role bi`
        ok 1 pipeline, 2 connections, 0 streams, 42 models, 7 checks and 3 targets are in order
        ");
    }

    #[test]
    fn a_connection_that_is_not_ready_decides_the_exit_code() {
        let errors = unmet(&report());
        assert_eq!(errors.len(), 2, "`mail` is ready");
        assert_eq!(errors[1].message(), "target `warehouse` is not ready: there is no role `bi`");
        assert_eq!(errors[0].kind(), ErrorKind::Permission);
        assert_eq!(
            errors[0].message(),
            "connection `crm` is not ready: `ForecastingItem` is hidden"
        );
        assert!(errors[0].hint().is_some_and(|hint| hint.contains("View All Forecasts")));
        assert_eq!(errors[0].context(), [("also", "one more of the findings above".to_owned())]);
        assert!(unmet(&CheckReport::default()).is_empty());
    }

    #[test]
    fn programs_get_the_same_as_json() {
        let json: serde_json::Value =
            serde_json::from_str(&super::super::json(&Told::of(&report())).unwrap()).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["sources"][0]["connection"], "crm");
        assert_eq!(json["sources"][0]["findings"][2]["kind"], "permission");
        assert_eq!(json["sources"][0]["findings"][0]["hint"], serde_json::Value::Null);
        assert_eq!(json["sources"][1]["ok"], true);
    }
}
