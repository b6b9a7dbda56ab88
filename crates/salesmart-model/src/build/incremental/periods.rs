//! Figures of periods: those in which something changed are computed again, the others stay.
//!
//! ```text
//! what changed deals bring now ──┐ not the same: days ─▶ their periods ─▶ the model over these
//! what they brought ─────────────┘                                               │ figures
//! figures so far, without those of these periods, as of now ────────────────────▶┴▶ figures now
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Int64Type};
use chrono::{Days, NaiveDate};
use datafusion::common::ScalarValue;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result as EngineResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::prelude::{DataFrame, ident};
use futures::TryStreamExt;
use salesmart_core::{Error, Result};
use salesmart_lake::Table;
use serde::Deserialize;

use super::diff::{Print, prints};
use super::keys::{Keys, State};
use super::{Increment, register};
use crate::build::table::{Built, Job, Written, stored_schema};
use crate::catalog::Model;
use crate::diagnostics::Source;
use crate::graph;
use crate::incremental::{Incremental, Periods};
use crate::name::Relation;
use crate::session::{Workspace, config};
use crate::sql::Instant;
use crate::{plan, sql, store};

/// The tables in which the model sees only the periods that are computed.
const PERIODS: &str = "mart.dim_period";
const DAYS: &str = "mart.bridge_date_period";

/// Periods by grain: their first days.
type Touched = BTreeMap<String, Vec<NaiveDate>>;

impl Job {
    /// Computes the periods in which something changed, or all.
    pub(super) async fn build_periods(
        &self,
        model: &Model,
        declared: &Incremental,
        increment: &Increment,
        newest: Option<&Table>,
        periods: &Periods,
    ) -> Result<Built> {
        if let Some(table) = newest {
            match self.what_changed(model, declared, increment, table).await? {
                Ok(keys) => {
                    let size = keys.len();
                    let part = self.touched(model, increment, table, keys, periods).await?;
                    if let Some(written) = part {
                        return self.commit_sums(model, written, Some(size)).await;
                    }
                }
                Err(why) => tracing::info!(table = %self.name, why, "all of it is built"),
            }
        }
        let schema = stored_schema(model);
        let written = self.write(model, &schema, &self.workspace, &|_| true).await?;
        self.commit_sums(model, written.unwrap_or_default(), None).await
    }

    /// The figures with those of the periods that changed keys touch computed again; `None` where
    /// nobody knows what the keys brought.
    async fn touched(
        &self,
        model: &Model,
        increment: &Increment,
        table: &Table,
        keys: BTreeSet<String>,
        periods: &Periods,
    ) -> Result<Option<Written>> {
        let state = table.metadata.get(store::INCREMENTAL).map(State::deserialize);
        let Some(Ok(state)) = state else { return Ok(None) };
        let last = Instant::new(state.as_of, &self.business);
        let mut days = BTreeSet::from([last.date, self.instant.date]);
        let size = keys.len();
        if !keys.is_empty() {
            let keys: Arc<Keys> = Arc::new(keys.into_iter().collect());
            let Some((inputs, others)) = self.as_they_were(increment, &state).await? else {
                return Ok(None);
            };
            let before = self.only_keys(model, &inputs, &others, last, &keys).await?;
            let now = self.restricted(model, increment, &keys).await?;
            let mut moved = Moved::default();
            moved.see(self.brought(model, &before, last, periods).await?, -1).await?;
            moved.see(self.brought(model, &now, self.instant, periods).await?, 1).await?;
            days.extend(moved.days()?);
        }
        let (touched, period_keys) = self.periods_of(&days).await?;
        let count: usize = touched.values().map(Vec::len).sum();
        tracing::info!(table = %self.name, keys = size, periods = count, "periods are built");

        let workspace = self.within(model, &period_keys).await?;
        let source = Source { file: &model.file, text: &model.text };
        let new = plan::plan_model(&workspace, model, self.instant).await?;
        let stored = store::provider(&self.lake, &table.files, plan::contract_schema(model))?;
        let plan = LogicalPlanBuilder::scan("stored", provider_as_source(stored), None)
            .and_then(LogicalPlanBuilder::build)
            .and_then(|stored| replaced(model, stored, new, &touched, self.instant))
            .map_err(|e| source.running(&e))?;
        let stream = self.in_order(model, &workspace, plan).await?;
        let schema = stored_schema(model);
        self.write_stream(model, &schema, &workspace, stream, &|_| true).await
    }

    /// What figures are made of.
    async fn brought(
        &self,
        model: &Model,
        workspace: &Workspace,
        instant: Instant,
        periods: &Periods,
    ) -> Result<SendableRecordBatchStream> {
        let source = Source { file: &model.file, text: &periods.text };
        let query = sql::bind(&periods.query, instant);
        let plan = plan::analysed(workspace, query, source).await?;
        let frame = DataFrame::new(workspace.context().state(), plan);
        frame.execute_stream().await.map_err(|e| source.running(&e))
    }

    /// The periods that some days are in, and their keys.
    async fn periods_of(&self, days: &BTreeSet<NaiveDate>) -> Result<(Touched, Vec<i64>)> {
        let text =
            format!("select period_key, period_grain, period_start, period_end from {PERIODS}");
        let source = Source { file: PERIODS, text: &text };
        let plan = plan::analysed(&self.workspace, sql::parse(PERIODS, &text)?, source).await?;
        let frame = DataFrame::new(self.workspace.context().state(), plan);
        let batches = frame.collect().await.map_err(|e| source.running(&e))?;
        let mut touched = Touched::new();
        let mut keys = Vec::new();
        for batch in &batches {
            let starts = batch.column(2).as_primitive::<Date32Type>();
            let ends = batch.column(3).as_primitive::<Date32Type>();
            for row in 0..batch.num_rows() {
                let (start, end) = (date(starts.value(row))?, date(ends.value(row))?);
                if start <= end && days.range(start..=end).next().is_some() {
                    let grain = batch.column(1).as_string::<i32>().value(row).to_owned();
                    touched.entry(grain).or_default().push(start);
                    keys.push(batch.column(0).as_primitive::<Int64Type>().value(row));
                }
            }
        }
        Ok((touched, keys))
    }

    /// Everything that the model reads, as if there were only some periods.
    async fn within(&self, model: &Model, periods: &[i64]) -> Result<Workspace> {
        let workspace = self.workspace.fresh(&self.business, config());
        let closure = graph::closure(&self.catalog, model);
        let some: Vec<Expr> = periods.iter().map(|key| lit(*key)).collect();
        for relation in &closure.bases {
            let mut provider = self.current(relation).await?;
            if [PERIODS, DAYS].contains(&relation.to_string().as_str()) {
                let plan = LogicalPlanBuilder::scan("all", provider_as_source(provider), None)
                    .and_then(|plan| plan.filter(ident("period_key").in_list(some.clone(), false)))
                    .and_then(LogicalPlanBuilder::build)
                    .map_err(|e| Error::bug("periods cannot be chosen").with_source(e))?;
                provider = Arc::new(ViewTable::new(plan, None));
            }
            register(&workspace, relation, provider)?;
        }
        for view in closure.views {
            let plan = plan::plan_model(&workspace, view, self.instant).await?;
            let relation = Relation::Model(view.name.clone());
            register(&workspace, &relation, Arc::new(ViewTable::new(plan, None)))?;
        }
        Ok(workspace)
    }
}

/// Stored figures of other periods, as of now, and new ones.
fn replaced(
    model: &Model,
    stored: LogicalPlan,
    new: LogicalPlan,
    touched: &Touched,
    instant: Instant,
) -> EngineResult<LogicalPlan> {
    let day = |day: &NaiveDate| lit(ScalarValue::Date32(Some(since_1970(*day))));
    let stays = touched.iter().map(|(grain, starts)| {
        let starts = starts.iter().map(day).collect();
        let is_touched = ident("period_grain")
            .eq(lit(grain.as_str()))
            .and(ident("period_start").in_list(starts, false));
        !is_touched
    });
    let stays = stays.reduce(Expr::and).unwrap_or_else(|| lit(true));
    let columns = model.header.columns.iter().map(|column| {
        let name = &column.name;
        let value = match name.as_str() {
            "as_of" => lit(ScalarValue::TimestampMicrosecond(
                Some(instant.as_of.timestamp_micros()),
                Some("UTC".into()),
            )),
            _ => ident(name),
        };
        cast(value, column.column_type.to_arrow()).alias(name)
    });
    let columns: Vec<Expr> = columns.collect();
    let same = model.header.columns.iter().map(|column| ident(&column.name));
    let new = LogicalPlanBuilder::from(new).project(same)?.build()?;
    LogicalPlanBuilder::from(stored).filter(stays)?.project(columns)?.union(new)?.build()
}

/// Rows that one side has and the other has not, and on which days.
#[derive(Default)]
struct Moved {
    rows: HashMap<Print, (i64, i32)>,
}

impl Moved {
    async fn see(&mut self, stream: SendableRecordBatchStream, sign: i64) -> Result<()> {
        let failed = |e| Error::bug("what changed deals bring cannot be read").with_source(e);
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(failed)?;
        for batch in &batches {
            let column = batch
                .column_by_name("date_day")
                .and_then(|column| column.as_primitive_opt::<Date32Type>())
                .ok_or_else(|| Error::bug("what changed deals bring has no day"))?;
            for (row, print) in prints(batch)?.into_iter().enumerate() {
                // What has no day is in no period.
                if column.is_valid(row) {
                    self.rows.entry(print).or_insert((0, column.value(row))).0 += sign;
                }
            }
        }
        Ok(())
    }

    fn days(self) -> Result<BTreeSet<NaiveDate>> {
        let moved = self.rows.into_values().filter(|(count, _)| *count != 0);
        moved.map(|(_, day)| date(day)).collect()
    }
}

fn date(days: i32) -> Result<NaiveDate> {
    let day = match u64::try_from(days) {
        Ok(days) => NaiveDate::default().checked_add_days(Days::new(days)),
        Err(_) => NaiveDate::default().checked_sub_days(Days::new(u64::from(days.unsigned_abs()))),
    };
    day.ok_or_else(|| Error::bug(format!("day {days} is in no calendar")))
}

fn since_1970(day: NaiveDate) -> i32 {
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).unwrap_or(i32::MAX)
}
