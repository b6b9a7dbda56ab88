//! Forecasts: Salesforce holds what is forecast now, and forgets what was. So each run photographs
//! all open periods, and the day of the photograph is part of the key: the days accumulate, and a
//! second run on the same day replaces the first one's rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use salesmart_core::Result;
use salesmart_extract::{Event, SourceCount};

use super::Reader;
use super::pages::{Pages, Query};
use crate::salesforce::decode::Shape;
use crate::salesforce::position::Progress;
use crate::salesforce::soql;

/// How many periods one query names.
const PERIODS_A_QUERY: usize = 100;
/// How often it is looked whether forecasts are up to date.
const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Reader {
    /// A photograph of all open periods.
    pub(super) async fn per_period(&mut self) -> Result<()> {
        let date = self.bound.date_naive().to_string();
        let periods = self.open_periods().await?;
        let (mut rows, mut delivered) = (0, 0);
        for periods in periods.chunks(PERIODS_A_QUERY) {
            let conditions = vec![soql::any_of("PeriodId", periods.iter().map(String::as_str))];
            self.until_up_to_date(&conditions).await?;
            let expected = self.count(&conditions).await?;
            rows += expected;
            if expected > 0 {
                delivered += self.photograph(conditions, expected, &date).await?;
            }
        }
        let day = Some(date.clone());
        let counted = SourceCount { from: day.clone(), to: day, rows, delivered };
        self.outlet.send(Event::Counted(counted)).await?;
        self.position.snapshot_date = Some(date);
        Ok(())
    }

    /// The ids of the periods that are not over and begin within what is configured.
    async fn open_periods(&self) -> Result<Vec<String>> {
        let today = self.bound.date_naive();
        let last = (self.bound + self.settings.forecasts.ahead.as_delta()).date_naive();
        let conditions = [format!("EndDate >= {today}"), format!("StartDate <= {last}")];
        let query = soql::select(&["Id"], "Period", &conditions, Some(&soql::Order::Id));
        let records = self.api.records(&query).await?;
        let ids = records.iter().filter_map(|record| record.get("Id")?.as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    /// Waits while Salesforce recomputes forecasts, for a while; then they are read as they are,
    /// and say so themselves in `isuptodate`.
    async fn until_up_to_date(&self, conditions: &[String]) -> Result<()> {
        if !self.object.has("IsUpToDate") {
            return Ok(());
        }
        let mut stale = conditions.to_vec();
        stale.push("IsUpToDate = false".to_owned());
        let (wait, started) = (self.settings.forecasts.wait.as_std(), Instant::now());
        while self.count(&stale).await? > 0 {
            let left = wait.saturating_sub(started.elapsed());
            if left.is_zero() {
                tracing::info!(object = self.object.name, "forecasts are not up to date");
                break;
            }
            tokio::time::sleep(left.min(LOOK_EVERY)).await;
        }
        Ok(())
    }

    async fn photograph(&mut self, conditions: Vec<String>, rows: u64, date: &str) -> Result<u64> {
        let shape = Arc::new(Shape::rows(&self.object, Some(date.to_owned())));
        let query = Query { object: self.object.name.clone(), shape, conditions };
        let settings = Arc::clone(&self.settings);
        let bulk = &settings.bulk;
        let mut pages = Pages::open(&self.api, bulk, query, rows, &Progress::Start).await?;
        pages.ready(bulk).await?;
        let mut delivered = 0;
        while let Some(page) = pages.next().await? {
            delivered += page.decoded.records;
            self.send_rows(page.decoded).await?;
        }
        pages.close().await;
        Ok(delivered)
    }
}
