//! What a landing would hold after a reading: events folded into a map.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use salesmart_extract::{Event, SOURCE_POSITION, StreamSpec};

use super::Row;

/// The rows of a stream by key, the key's values joined with `|`.
pub(crate) type State = BTreeMap<String, Row>;

/// The rows of a batch by key. Without a declared key a row is identified by all its values.
fn rows(spec: &StreamSpec, batch: &RecordBatch) -> Vec<(String, Row)> {
    let options = FormatOptions::default();
    let schema = batch.schema();
    let cell = |column: &Arc<dyn Array>, row: usize| match column.is_null(row) {
        true => None,
        false => {
            let formatter = ArrayFormatter::try_new(column, &options).expect("a printable type");
            Some(formatter.value(row).to_string())
        }
    };
    let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    (0..batch.num_rows())
        .map(|row| {
            let cells: Row = names
                .iter()
                .zip(batch.columns())
                .filter(|(name, _)| name.as_str() != SOURCE_POSITION)
                .map(|(name, column)| ((*name).clone(), cell(column, row)))
                .collect();
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "∅".to_owned());
            let key: Vec<String> = match spec.key.is_empty() {
                true => cells.values().map(text).collect(),
                false => spec.key.iter().map(|name| text(&cells[name])).collect(),
            };
            (key.join("|"), cells)
        })
        .collect()
}

/// Applies the events that a landing would commit: those before the last checkpoint. What stands
/// behind it is lost with the process.
pub(crate) fn apply(state: &mut State, spec: &StreamSpec, events: &[Event]) {
    let Some(last) = events.iter().rposition(|event| matches!(event, Event::Checkpoint(_))) else {
        return;
    };
    let mut snapshot: Option<State> = None;
    let mut census: Option<BTreeSet<String>> = None;
    for event in &events[..=last] {
        match event {
            Event::SnapshotBegins => snapshot = Some(State::new()),
            Event::SnapshotEnds => *state = snapshot.take().expect("a snapshot began"),
            Event::Rows(batch) => {
                snapshot.as_mut().unwrap_or(state).extend(rows(spec, batch));
            }
            Event::Patch(batch) => {
                for (key, cells) in rows(spec, batch) {
                    state.get_mut(&key).expect("a patch is of a landed row").extend(cells);
                }
            }
            Event::Deleted(batch) => {
                for (key, _) in rows(spec, batch) {
                    state.remove(&key);
                }
            }
            Event::CensusBegins => census = Some(BTreeSet::new()),
            Event::Census(batch) => {
                let named = census.as_mut().expect("a census began");
                for (key, _) in rows(spec, batch) {
                    assert!(state.contains_key(&key), "the census names `{key}`, which was lost");
                    assert!(named.insert(key.clone()), "the census names `{key}` twice");
                }
            }
            Event::CensusEnds => {
                let named = census.take().expect("a census began");
                state.retain(|key, _| named.contains(key));
            }
            Event::Counted(count) => {
                assert!(count.rows <= count.delivered, "rows were lost: {count:?}");
            }
            Event::Rejected(rejected) => panic!("nothing is to be rejected: {rejected:?}"),
            Event::Used(_) | Event::Repaired(_) | Event::Checkpoint(_) => {}
        }
    }
}

/// Compares what would be landed with what the source has, in the columns that the source names.
pub(crate) fn assert_same(landed: &State, live: &State, when: &str) {
    let missing: Vec<&String> = live.keys().filter(|key| !landed.contains_key(*key)).collect();
    let extra: Vec<&String> = landed.keys().filter(|key| !live.contains_key(*key)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "{when}: missing {missing:?}, extra {extra:?}");
    for (key, row) in live {
        for (column, value) in row {
            let found = landed[key].get(column);
            assert_eq!(found, Some(value), "{when}: column `{column}` of `{key}`");
        }
    }
}
