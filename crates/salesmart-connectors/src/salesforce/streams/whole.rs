//! Objects without a stamp to find changes by: all of them, in each run.

use std::sync::Arc;

use salesmart_core::{Error, ErrorKind, Result};
use salesmart_extract::{Event, SourceCount};

use super::Reader;
use super::pages::{Pages, Query};
use crate::salesforce::decode::Shape;
use crate::salesforce::position::Progress;

impl Reader {
    /// A snapshot. It counts only when it is whole: a failure in the middle begins it anew.
    pub(super) async fn whole(&mut self) -> Result<()> {
        let rows = self.count(&[]).await?;
        let shape = Arc::new(Shape::rows(&self.object, None));
        let query = Query { object: self.object.name.clone(), shape, conditions: Vec::new() };
        let settings = Arc::clone(&self.settings);
        let bulk = &settings.bulk;
        let mut pages = Pages::open(&self.api, bulk, query, rows, &Progress::Start).await?;
        pages.ready(bulk).await?;
        self.outlet.send(Event::SnapshotBegins).await?;
        let mut delivered = 0;
        while let Some(page) = pages.next().await? {
            delivered += page.decoded.records;
            for batch in page.decoded.batches {
                self.outlet.send(Event::Rows(batch)).await?;
            }
            if !page.decoded.rejected.is_empty() {
                self.outlet.send(Event::Rejected(page.decoded.rejected)).await?;
            }
        }
        pages.close().await;
        let rows = self.count(&[]).await?;
        if rows > delivered {
            return Err(Error::new(
                ErrorKind::CheckFailed,
                format!("`{}` did not give all rows that Salesforce counts", self.object.name),
            )
            .with("expected", format!("{rows} rows"))
            .with("found", format!("{delivered} rows"))
            .with_state("nothing of this reading counts: the stream stays as it was last landed")
            .with_hint("run again: the object changed while it was read, or rows are lost")
            .with_retryable(true));
        }
        self.outlet.send(Event::SnapshotEnds).await?;
        let counted = SourceCount { from: None, to: None, rows, delivered };
        self.outlet.send(Event::Counted(counted)).await
    }
}
