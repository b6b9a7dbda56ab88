//! Any sequence of events folds to the same rows as a model in memory, wherever it is killed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Int64Array};
use proptest::prelude::*;
use salesmart_core::stream::SOURCE_POSITION;

use super::*;

/// Key, amount, stage.
type Record = (u8, i64, u8);

/// What a source does between two checkpoints.
#[derive(Clone, Debug)]
enum Doing {
    Rows(Vec<Record>),
    Patch(Vec<(u8, u8)>),
    Deleted(Vec<u8>),
    Census(BTreeSet<u8>),
    Snapshot(Vec<Record>),
    Rejected,
}

fn doing() -> impl Strategy<Value = Doing> {
    let key = 0_u8..7;
    let record = (key.clone(), 0_i64..3, 0_u8..3);
    prop_oneof![
        4 => prop::collection::vec(record.clone(), 0..6).prop_map(Doing::Rows),
        3 => prop::collection::vec((key.clone(), 0_u8..4), 0..6).prop_map(Doing::Patch),
        2 => prop::collection::vec(key.clone(), 0..3).prop_map(Doing::Deleted),
        1 => prop::collection::btree_set(key, 0..6).prop_map(Doing::Census),
        1 => Just(Doing::Rejected),
        1 => prop::collection::vec(record, 0..6).prop_map(Doing::Snapshot),
    ]
}

/// What happens up to one checkpoint. A snapshot stands alone, as connectors send it.
fn step() -> impl Strategy<Value = Vec<Doing>> {
    prop::collection::vec(doing(), 1..4).prop_map(|doings| {
        match doings.iter().find(|doing| matches!(doing, Doing::Snapshot(_))) {
            Some(snapshot) => vec![snapshot.clone()],
            None => doings,
        }
    })
}

type State = BTreeMap<u8, (i64, u8)>;

fn fold(steps: &[Vec<Doing>]) -> State {
    let mut state = State::new();
    for doing in steps.iter().flatten() {
        match doing {
            Doing::Rows(rows) => {
                state.extend(rows.iter().map(|(key, amount, stage)| (*key, (*amount, *stage))));
            }
            Doing::Patch(patches) => {
                for (key, stage) in patches {
                    state.entry(*key).and_modify(|row| row.1 = *stage);
                }
            }
            Doing::Deleted(keys) => state.retain(|key, _| !keys.contains(key)),
            Doing::Census(keys) => state.retain(|key, _| keys.contains(key)),
            Doing::Rejected => {}
            Doing::Snapshot(rows) => {
                state.clear();
                for (key, amount, stage) in rows {
                    state.entry(*key).or_insert((*amount, *stage));
                }
            }
        }
    }
    state
}

fn stream() -> StreamSpec {
    let column = |name: &str, column_type| Column { name: name.to_owned(), column_type };
    StreamSpec {
        columns: vec![
            column("id", ColumnType::String),
            column("amount", ColumnType::Int64),
            column("stage", ColumnType::String),
        ],
        ..spec(&["id"])
    }
}

fn text(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn batch(keys: &[u8], rest: Vec<(&str, ArrayRef)>, with_position: bool) -> RecordBatch {
    let mut columns = vec![("id", text(keys.iter().map(|key| format!("k{key}"))))];
    columns.extend(rest);
    if with_position {
        columns.push((SOURCE_POSITION, text(keys.iter().map(|key| format!("at {key}")))));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

fn row_events(rows: &[Record]) -> Vec<Event> {
    rows.chunks(2)
        .map(|some| {
            let keys: Vec<u8> = some.iter().map(|row| row.0).collect();
            let amounts = Int64Array::from_iter_values(some.iter().map(|row| row.1));
            let stages = text(some.iter().map(|row| format!("s{}", row.2)));
            let rest: Vec<(&str, ArrayRef)> =
                vec![("amount", Arc::new(amounts)), ("stage", stages)];
            Event::Rows(batch(&keys, rest, true))
        })
        .collect()
}

fn events(doing: &Doing) -> Vec<Event> {
    match doing {
        Doing::Rows(rows) => row_events(rows),
        Doing::Patch(patches) => patches
            .chunks(2)
            .map(|some| {
                let keys: Vec<u8> = some.iter().map(|patch| patch.0).collect();
                let stages = text(some.iter().map(|patch| format!("s{}", patch.1)));
                Event::Patch(batch(&keys, vec![("stage", stages)], true))
            })
            .collect(),
        Doing::Deleted(keys) => vec![Event::Deleted(batch(keys, Vec::new(), true))],
        Doing::Census(keys) => {
            let keys: Vec<u8> = keys.iter().copied().collect();
            let parts = keys.chunks(2).map(|some| Event::Census(batch(some, Vec::new(), false)));
            [Event::CensusBegins].into_iter().chain(parts).chain([Event::CensusEnds]).collect()
        }
        Doing::Rejected => vec![Event::Rejected(vec![RejectedRow {
            position: "at 9".to_owned(),
            column: None,
            value: None,
            reason: "odd".to_owned(),
            record: String::new(),
        }])],
        Doing::Snapshot(rows) => {
            let mut all = vec![Event::SnapshotBegins];
            all.extend(row_events(rows));
            all.push(Event::SnapshotEnds);
            all
        }
    }
}

/// Where a landing is killed: before its nth commit, or after so many events.
#[derive(Clone, Copy, Debug)]
enum Kill {
    BeforeCommit(usize),
    AfterEvents(usize),
    Never,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    partition_rows: u64,
    fresh_keys: usize,
    patch_keys: usize,
}

/// Lands the steps from the saved cursor on, until it is killed.
async fn land_until(lake: &Lake, steps: &[Vec<Doing>], kill: Kill, limits: Limits, run: usize) {
    let saved = saved_cursor(lake, &connection(), &stream().name).await.unwrap();
    let done = saved.map_or(0, |cursor| cursor.0["at"].as_u64().unwrap());
    let mut all = Vec::new();
    for (number, step) in (1_u64..).zip(steps).filter(|(number, _)| *number > done) {
        all.extend(step.iter().flat_map(events));
        all.push(cursor(number));
    }
    let commits = Arc::new(AtomicUsize::new(0));
    let stopped = Arc::new(tokio::sync::Notify::new());
    let fence: crate::Fence = {
        let (commits, stopped) = (Arc::clone(&commits), Arc::clone(&stopped));
        Arc::new(move || {
            let nth = commits.fetch_add(1, Ordering::SeqCst);
            let stopped = Arc::clone(&stopped);
            Box::pin(async move {
                if matches!(kill, Kill::BeforeCommit(n) if n == nth) {
                    stopped.notify_one();
                    std::future::pending::<()>().await;
                }
                Ok(())
            })
        })
    };
    let request = LandRequest {
        partition_rows: limits.partition_rows,
        fresh_keys: limits.fresh_keys,
        patch_keys: limits.patch_keys,
        ..LandRequest::new(
            lake.clone(),
            connection(),
            stream(),
            RunId::from_text(format!("run{run}")),
            "2026-11-23T05:00:00Z".parse().unwrap(),
            Threshold::Share(1.0),
            fence,
        )
    };
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let send = async move {
        for (number, event) in all.into_iter().enumerate() {
            if matches!(kill, Kill::AfterEvents(n) if n == number) {
                return;
            }
            if sender.send(event).await.is_err() {
                break;
            }
        }
        drop(sender);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = land(request, receiver) => {
            assert!(outcome.landed.rows.adds_up(), "{:?}", outcome.landed.rows);
            if let Some(error) = outcome.error {
                assert!(outcome.lost_rows, "{error:?}");
            }
        }
        () = send => {}
        () = stopped.notified() => {}
    }
}

async fn landed(lake: &Lake) -> State {
    let path = TablePath::raw(&connection(), &stream().name);
    let Some(table) = lake.table(&path).await.unwrap() else { return State::new() };
    let mut newest: BTreeMap<String, (i64, Option<(i64, u8)>)> = BTreeMap::new();
    let batches: Vec<RecordBatch> = lake.read(&table, None).try_collect().await.unwrap();
    for batch in batches {
        let column = |name: &str| batch.column_by_name(name).unwrap();
        for row in 0..batch.num_rows() {
            let text = |name: &str| column(name).as_string::<i32>().value(row).to_owned();
            let number = |name: &str| column(name).as_primitive::<Int64Type>().value(row);
            let values = (text("_op") == "upsert")
                .then(|| (number("amount"), text("stage")[1..].parse().unwrap()));
            let sequence = number("_sequence");
            let known = newest.entry(text("id")).or_insert((i64::MIN, None));
            assert_ne!(known.0, sequence, "sequences are unique");
            if known.0 < sequence {
                *known = (sequence, values);
            }
        }
    }
    newest
        .into_iter()
        .filter_map(|(key, (_, values))| Some((key[1..].parse().unwrap(), values?)))
        .collect()
}

fn limits() -> impl Strategy<Value = Limits> {
    let few = || prop_oneof![Just(1), Just(3), Just(1_000)];
    (few(), few(), few()).prop_map(|(partition_rows, fresh_keys, patch_keys)| Limits {
        partition_rows,
        fresh_keys: usize::try_from(fresh_keys).unwrap(),
        patch_keys: usize::try_from(patch_keys).unwrap(),
    })
}

fn kill() -> impl Strategy<Value = Kill> {
    prop_oneof![
        (0_usize..6).prop_map(Kill::BeforeCommit),
        (0_usize..20).prop_map(Kill::AfterEvents),
    ]
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn events_fold_to_what_the_model_says(
        steps in prop::collection::vec(step(), 1..5),
        limits in limits(),
        kills in prop::collection::vec(kill(), 0..4),
    ) {
        let state = wait(async {
            let lake = Lake::open("memory:///").await.unwrap();
            let kills = kills.into_iter().chain([Kill::Never]);
            for (run, kill) in kills.enumerate() {
                land_until(&lake, &steps, kill, limits, run).await;
            }
            landed(&lake).await
        });
        prop_assert_eq!(state, fold(&steps));
    }
}
