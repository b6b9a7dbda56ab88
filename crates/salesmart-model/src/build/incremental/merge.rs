//! Two streams of rows in the order of their key, with no key in common, as one.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use futures::{Stream, StreamExt};
use salesmart_core::{Error, Result};

use super::keys::Keys;

/// A stream of batches, looked at row by row.
pub(super) struct Rows<S> {
    stream: S,
    key: usize,
    batch: Option<RecordBatch>,
}

impl<S: Stream<Item = Result<RecordBatch>> + Unpin> Rows<S> {
    pub(super) fn new(stream: S, key: usize) -> Self {
        Self { stream, key, batch: None }
    }

    fn keys<'a>(&self, batch: &'a RecordBatch) -> &'a StringArray {
        batch.column(self.key).as_string::<i32>()
    }

    /// The key of the next row.
    async fn head(&mut self) -> Result<Option<String>> {
        while self.batch.as_ref().is_none_or(|batch| batch.num_rows() == 0) {
            match self.stream.next().await {
                Some(batch) => self.batch = Some(batch?),
                None => return Ok(None),
            }
        }
        Ok(self.batch.as_ref().map(|batch| self.keys(batch).value(0).to_owned()))
    }

    /// Rows at hand for whose keys this holds; it holds for a beginning of them.
    fn take(&mut self, holds: impl Fn(&str) -> bool) -> Option<RecordBatch> {
        let batch = self.batch.take()?;
        let keys = self.keys(&batch);
        let (mut from, mut to) = (0, keys.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            if holds(keys.value(middle)) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        let taken = batch.slice(0, from);
        self.batch = Some(batch.slice(from, batch.num_rows() - from));
        Some(taken)
    }
}

/// The next rows in the order of the keys, from the stored rows and from the new ones up to a key;
/// `None` when both have no more.
pub(super) async fn next<A, B>(
    stored: &mut Rows<A>,
    new: &mut Rows<B>,
    up_to: Option<&str>,
) -> Result<Option<RecordBatch>>
where
    A: Stream<Item = Result<RecordBatch>> + Unpin,
    B: Stream<Item = Result<RecordBatch>> + Unpin,
{
    let is_due = |key: &str| up_to.is_none_or(|last| key <= last);
    let old = stored.head().await?;
    let due = new.head().await?.filter(|key| is_due(key));
    Ok(match (old, due) {
        (None, None) => None,
        (Some(_), None) => stored.take(|_| true),
        (None, Some(_)) => new.take(is_due),
        (Some(old), Some(due)) if old < due => stored.take(|key| key < due.as_str()),
        (Some(old), Some(due)) if due < old => new.take(|key| key < old.as_str() && is_due(key)),
        (Some(old), _) => {
            return Err(Error::bug(format!("key `{old}` is among stored and new rows")));
        }
    })
}

/// A batch without the rows of some keys.
pub(super) fn without(batch: &RecordBatch, key: usize, keys: &Keys) -> Result<RecordBatch> {
    let column = batch.column(key).as_string::<i32>();
    // Neighbours have the same key: one look-up does for all of them.
    let mut last: Option<(&str, bool)> = None;
    let stays: BooleanArray = column
        .iter()
        .map(|key| {
            let key = key.unwrap_or_default();
            match last {
                Some((before, stays)) if before == key => Some(stays),
                _ => {
                    let stays = !keys.contains(key);
                    last = Some((key, stays));
                    Some(stays)
                }
            }
        })
        .collect();
    if stays.true_count() == batch.num_rows() {
        return Ok(batch.clone());
    }
    filter_record_batch(batch, &stays)
        .map_err(|e| Error::bug("stored rows cannot be filtered").with_source(e))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::ArrayRef;
    use arrow::datatypes::{DataType, Field, Schema};
    use futures::stream;

    use super::*;

    fn batches(parts: &[&str]) -> Vec<Result<RecordBatch>> {
        let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true)]));
        let batch = |part: &&str| {
            let keys: Vec<String> = part.chars().map(String::from).collect();
            let keys: ArrayRef = Arc::new(StringArray::from(keys));
            Ok(RecordBatch::try_new(Arc::clone(&schema), vec![keys]).unwrap())
        };
        parts.iter().map(batch).collect()
    }

    #[tokio::test]
    async fn rows_come_in_order_and_only_up_to_where_they_belong() {
        let mut new = Rows::new(stream::iter(batches(&["cc", "f", "", "xyz"])), 0);
        let mut all = String::new();
        for (stored, up_to) in [(vec!["aab", "", "ddeg"], Some("g")), (vec!["hw"], None)] {
            let mut stored = Rows::new(stream::iter(batches(&stored)), 0);
            while let Some(rows) = next(&mut stored, &mut new, up_to).await.unwrap() {
                all.extend(rows.column(0).as_string::<i32>().iter().map(Option::unwrap));
            }
            all.push('|');
        }
        assert_eq!(all, "aabccddefg|hwxyz|");
        let mut same = Rows::new(stream::iter(batches(&["b"])), 0);
        let mut other = Rows::new(stream::iter(batches(&["b"])), 0);
        assert!(next(&mut same, &mut other, None).await.is_err());
    }

    #[test]
    fn rows_of_some_keys_go() {
        let batch = batches(&["aabccd"]).remove(0).unwrap();
        let keys: Keys = ["a", "c", "z"].into_iter().map(str::to_owned).collect();
        let left = without(&batch, 0, &keys).unwrap();
        assert_eq!(left.num_rows(), 2);
        let none = Keys::default();
        assert_eq!(without(&batch, 0, &none).unwrap().num_rows(), 6);
    }
}
