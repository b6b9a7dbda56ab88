//! Columns that change without a stamp: new fields, which all older records lack, and formulas.

use std::sync::Arc;

use salesmart_core::Result;
use salesmart_extract::Event;

use super::Reader;
use super::pages::{Pages, Query};
use crate::salesforce::decode::Shape;
use crate::salesforce::position::Progress;
use crate::salesforce::soql;

impl Reader {
    /// Patches the rows that were landed before, where there is something to patch them with.
    pub(super) async fn patches(&mut self, cursor: &str) -> Result<()> {
        let Some(until) = self.position.until else { return Ok(()) };
        let columns = self.columns();
        let known = &self.position.columns;
        let mut wanted: Vec<String> =
            columns.iter().filter(|column| !known.contains(column)).cloned().collect();
        let every = self.settings.refresh_formulas_every.as_delta();
        let is_due = self.position.formulas_at.is_none_or(|at| self.bound - at >= every);
        if is_due {
            let formulas = self.object.formulas().map(str::to_owned);
            wanted.extend(formulas.filter(|column| known.contains(column)));
        }
        if !wanted.is_empty() {
            tracing::info!(object = self.object.name, columns = ?wanted, "patching columns");
            // No later record has a row yet; it comes with all its columns.
            let conditions = soql::within(cursor, None, until);
            let rows = self.count(&conditions).await?;
            if rows > 0 {
                self.patch(conditions, rows, &wanted).await?;
            }
        }
        if is_due {
            self.position.formulas_at = Some(self.bound);
        }
        // A field that is hidden for a while misses changes: back again, it is a new one.
        self.moved |= self.position.columns != columns;
        self.position.columns = columns;
        Ok(())
    }

    async fn patch(
        &mut self,
        conditions: Vec<String>,
        rows: u64,
        columns: &[String],
    ) -> Result<()> {
        let shape = Arc::new(Shape::patch(&self.object, columns));
        let query = Query { object: self.object.name.clone(), shape, conditions };
        let settings = Arc::clone(&self.settings);
        let bulk = &settings.bulk;
        let mut pages = Pages::open(&self.api, bulk, query, rows, &Progress::Start).await?;
        pages.ready(bulk).await?;
        while let Some(page) = pages.next().await? {
            self.sent += page.decoded.records;
            for batch in page.decoded.batches {
                self.outlet.send(Event::Patch(batch)).await?;
            }
            if !page.decoded.rejected.is_empty() {
                self.outlet.send(Event::Rejected(page.decoded.rejected)).await?;
            }
        }
        pages.close().await;
        Ok(())
    }
}
