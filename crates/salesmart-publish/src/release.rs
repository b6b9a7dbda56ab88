//! Making a release of what was built, making it current, and going back to an older one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use salesmart_core::receipt::{CheckResult, ForecastHead, Modeled, Published, Severity};
use salesmart_core::{Error, ErrorKind, ReleaseId, Result, RunId};
use salesmart_lake::{Lake, PointerEntry, Release, ReleasedTable};

/// Failing checks that an error shows one by one.
const SHOWN_CHECKS: usize = 10;

/// What to publish.
#[derive(Clone, Debug)]
pub struct PublishRequest<'a> {
    /// The lake.
    pub lake: &'a Lake,
    /// What was built.
    pub modeled: &'a Modeled,
    /// The last sealed forecast snapshot.
    pub forecast_head: Option<&'a ForecastHead>,
    /// Whether every model was built: tables of the release before that were not built are then
    /// gone. Otherwise they stay as they were.
    pub complete: bool,
    /// The pipeline.
    pub pipeline: &'a str,
    /// The run.
    pub run_id: &'a RunId,
    /// The moment, for the record.
    pub now: DateTime<Utc>,
}

/// Makes a release of what was built, and makes it current. When the tables are those of the
/// current release, nothing happens.
///
/// # Errors
/// When a check with severity `error` failed, when the store fails, or when another process moved
/// the pointer meanwhile. The release before stays current.
pub async fn publish(request: PublishRequest<'_>) -> Result<Published> {
    let current = request.lake.current_release().await?;
    if let Some(error) = failed_checks(&request.modeled.checks) {
        return Err(error.with_state(state(current.as_ref())));
    }
    let mut tables = match &current {
        Some(current) if !request.complete => current.tables.clone(),
        _ => BTreeMap::new(),
    };
    for table in request.modeled.tables.iter().filter(|table| table.published) {
        tables.insert(
            format!("{}.{}", table.schema, table.table),
            ReleasedTable { version: table.version, rows: table.rows },
        );
    }
    if let Some(current) = &current
        && current.tables == tables
    {
        return Ok(Published { release: current.id, new: false, targets: Vec::new() });
    }
    let release = request
        .lake
        .create_release(Release {
            id: ReleaseId(0),
            created_at: request.now,
            pipeline: request.pipeline.to_owned(),
            run_id: request.run_id.clone(),
            as_of: request.modeled.as_of,
            forecast_head: request.forecast_head.cloned(),
            tables,
        })
        .await?;
    request
        .lake
        .point_to(PointerEntry {
            release: release.id,
            at: request.now,
            reason: "published".to_owned(),
            run_id: Some(request.run_id.clone()),
        })
        .await?;
    Ok(Published { release: release.id, new: true, targets: Vec::new() })
}

/// Makes an older release current again.
///
/// # Errors
/// When there is no such release, one of its tables is gone, or the store fails.
pub async fn roll_back(lake: &Lake, id: ReleaseId, now: DateTime<Utc>) -> Result<Release> {
    let release = lake.release(id).await?;
    if lake.current_release().await?.is_some_and(|current| current.id == id) {
        return Err(Error::configuration(format!("release {id} is current already"))
            .with_state("nothing was changed"));
    }
    for name in release.tables.keys() {
        release.table(lake, name).await.map_err(|e| {
            e.wrap(format!("release {id} cannot be made current")).with_state("nothing was changed")
        })?;
    }
    lake.point_to(PointerEntry {
        release: id,
        at: now,
        reason: "rolled back".to_owned(),
        run_id: None,
    })
    .await?;
    Ok(release)
}

/// What readers see after a failure.
#[must_use]
pub fn state(current: Option<&Release>) -> String {
    match current {
        Some(release) => {
            format!(
                "nothing was published, release {} of {} stays current",
                release.id,
                release.created_at.format("%Y-%m-%d %H:%M UTC")
            )
        }
        None => "nothing was published, and nothing was before".to_owned(),
    }
}

fn failed_checks(checks: &[CheckResult]) -> Option<Error> {
    let failed: Vec<&CheckResult> =
        checks.iter().filter(|check| !check.passed && check.severity == Severity::Error).collect();
    let first = failed.first()?;
    let message = match failed.len() {
        1 => "a data check failed".to_owned(),
        many => format!("{many} data checks failed"),
    };
    let mut error = Error::new(ErrorKind::CheckFailed, message);
    for check in failed.iter().take(SHOWN_CHECKS) {
        let column = check.column.as_ref().map(|column| format!(".{column}")).unwrap_or_default();
        let samples = if check.samples.is_empty() {
            String::new()
        } else {
            format!(" ({})", check.samples.join("; "))
        };
        error = error.with(
            "check",
            format!(
                "{}{column} {}: {} offending rows{samples}",
                check.table, check.check, check.offending_rows
            ),
        );
    }
    if failed.len() > SHOWN_CHECKS {
        error = error.with("and", format!("{} more", failed.len() - SHOWN_CHECKS));
    }
    if let Some(location) = &first.location {
        error = error.at(location.clone());
    }
    Some(error.with_hint(
        "correct the source or the model; a check that should not stop a release takes `severity: warn`",
    ))
}

#[cfg(test)]
mod tests {
    use salesmart_core::receipt::ModeledTable;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn table(name: &str, version: u64, published: bool) -> ModeledTable {
        ModeledTable {
            schema: "kpi".to_owned(),
            table: name.to_owned(),
            version,
            rows: 3,
            built: true,
            published,
            seconds: 0.1,
        }
    }

    fn modeled(tables: Vec<ModeledTable>) -> Modeled {
        Modeled { as_of: at("2026-11-23T05:00:00Z"), tables, checks: Vec::new() }
    }

    async fn publish_it(lake: &Lake, modeled: &Modeled, complete: bool) -> Result<Published> {
        let run_id = RunId::from_text("run");
        publish(PublishRequest {
            lake,
            modeled,
            forecast_head: Some(&ForecastHead { snapshot_no: 7, hash: "ab".repeat(32) }),
            complete,
            pipeline: "nightly",
            run_id: &run_id,
            now: at("2026-11-23T05:01:00Z"),
        })
        .await
    }

    #[tokio::test]
    async fn a_release_holds_what_was_built_and_no_inner_tables() {
        let lake = Lake::open("memory:///").await.unwrap();
        let first = modeled(vec![
            table("win_rate", 1, true),
            table("stg", 1, false),
            table("size", 4, true),
        ]);
        assert!(publish_it(&lake, &first, true).await.unwrap().new);
        let again = publish_it(&lake, &first, true).await.unwrap();
        assert_eq!(again, Published { release: ReleaseId(1), new: false, targets: Vec::new() });
        let head = lake.current_release().await.unwrap().unwrap().forecast_head;
        assert_eq!(head.map(|head| head.snapshot_no), Some(7), "readers can check the chain's end");
        // A part of the models: the rest stays as it was.
        publish_it(&lake, &modeled(vec![table("win_rate", 2, true)]), false).await.unwrap();
        let current = lake.current_release().await.unwrap().unwrap();
        let versions: Vec<(&str, u64)> =
            current.tables.iter().map(|(name, table)| (name.as_str(), table.version)).collect();
        assert_eq!(versions, [("kpi.size", 4), ("kpi.win_rate", 2)]);
        // All models, of which one is gone.
        publish_it(&lake, &modeled(vec![table("win_rate", 2, true)]), true).await.unwrap();
        assert_eq!(lake.current_release().await.unwrap().unwrap().tables.len(), 1);
    }

    #[tokio::test]
    async fn a_failed_check_keeps_the_release_before() {
        let lake = Lake::open("memory:///").await.unwrap();
        publish_it(&lake, &modeled(vec![table("win_rate", 1, true)]), true).await.unwrap();
        let mut bad = modeled(vec![table("win_rate", 2, true)]);
        bad.checks.push(CheckResult {
            table: "kpi.win_rate".to_owned(),
            column: Some("value".to_owned()),
            check: "between 0 and 1".to_owned(),
            severity: Severity::Error,
            passed: false,
            offending_rows: 2,
            samples: vec!["value=1.5".to_owned()],
            location: None,
        });
        let error = publish_it(&lake, &bad, true).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckFailed);
        assert_eq!(
            error.context()[0].1,
            "kpi.win_rate.value between 0 and 1: 2 offending rows (value=1.5)"
        );
        assert_eq!(
            error.state(),
            Some("nothing was published, release r000001 of 2026-11-23 05:01 UTC stays current")
        );
        bad.checks[0].severity = Severity::Warn;
        assert!(publish_it(&lake, &bad, true).await.unwrap().new);
    }
}
