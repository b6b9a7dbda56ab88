//! A source that does what a test tells it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use async_trait::async_trait;
use salesmart_core::stream::SOURCE_POSITION;
use salesmart_core::yaml::Node;
use salesmart_core::{
    Column, ColumnType, ConnectionName, Cursor, Error, ErrorKind, Result, StreamName,
};
use salesmart_extract::{
    Connector, ConnectorKind, Discovery, Event, Finding, Outlet, ReadRequest, RejectedRow,
    SourceCount, StreamSpec,
};
use serde_json::json;

/// The kind of connector that reads such sources.
pub(super) static KINDS: [ConnectorKind; 1] = [ConnectorKind {
    name: "told",
    summary: "does as it is told",
    example: "",
    configure,
    schema: || json!({}),
}];

/// What a stream does when it is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    /// Has so many rows.
    Rows(usize),
    /// Delivers so many rows with a checkpoint, and fails.
    RowsThenFail(usize, ErrorKind),
    /// Fails at once.
    Fail(ErrorKind),
    /// Delivers rows, and counts more.
    Lose { rows: usize, counted: u64 },
    /// Delivers a row that does not fit.
    Reject,
    /// Cannot be discovered.
    Hidden,
}

#[derive(Default)]
struct State {
    streams: BTreeMap<String, Does>,
    columns: Vec<String>,
    down: bool,
    reading: usize,
    most_at_once: usize,
}

/// A handle on a source; clones are the same source.
#[derive(Clone)]
pub(super) struct Source {
    name: String,
    state: Arc<Mutex<State>>,
}

static SOURCES: LazyLock<Mutex<Vec<Source>>> = LazyLock::new(Mutex::default);

impl Source {
    pub(super) fn new() -> Self {
        let mut all = SOURCES.lock().unwrap();
        let source = Self { name: format!("s{}", all.len()), state: Arc::default() };
        source.state.lock().unwrap().columns = vec!["name".to_owned()];
        all.push(source.clone());
        source
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn offers(&self, stream: &str, does: Does) {
        self.state.lock().unwrap().streams.insert(stream.to_owned(), does);
    }

    pub(super) fn adds_column(&self, name: &str) {
        self.state.lock().unwrap().columns.push(name.to_owned());
    }

    pub(super) fn is_down(&self, down: bool) {
        self.state.lock().unwrap().down = down;
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.state.lock().unwrap().most_at_once
    }

    fn spec(&self, stream: &str) -> StreamSpec {
        let column = |name: &str| Column { name: name.to_owned(), column_type: ColumnType::String };
        let state = self.state.lock().unwrap();
        StreamSpec {
            name: StreamName::new(stream).unwrap(),
            columns: ["id"]
                .into_iter()
                .chain(state.columns.iter().map(String::as_str))
                .map(column)
                .collect(),
            key: vec!["id".to_owned()],
            max_rejected: None,
            location: None,
        }
    }

    fn rows(&self, stream: &str, from: usize, to: usize) -> Event {
        let ids: Vec<String> = (from..to).map(|n| format!("{stream}-{n}")).collect();
        let text: ArrayRef = Arc::new(StringArray::from(ids));
        let columns = self.spec(stream).columns.into_iter().map(|column| column.name);
        let columns = columns.chain([SOURCE_POSITION.to_owned()]);
        let all = columns.map(|name| (name, Arc::clone(&text)));
        Event::Rows(RecordBatch::try_from_iter(all).unwrap())
    }
}

fn configure(_: &ConnectionName, with: &Node, _: &Path) -> Result<Arc<dyn Connector>> {
    let name = with.get("source").and_then(Node::as_text).unwrap();
    let all = SOURCES.lock().unwrap();
    Ok(Arc::new(all.iter().find(|source| source.name == name).unwrap().clone()))
}

fn told(kind: ErrorKind) -> Error {
    Error::new(kind, "it was told to fail").with_hint("told to")
}

#[async_trait]
impl Connector for Source {
    fn is_declared(&self) -> bool {
        false
    }

    async fn discover(&self) -> Result<Discovery> {
        if self.state.lock().unwrap().down {
            return Err(told(ErrorKind::SourceUnavailable));
        }
        let mut discovery = Discovery::default();
        let streams = self.state.lock().unwrap().streams.clone();
        for (stream, does) in streams {
            match does {
                Does::Hidden => discovery
                    .failed
                    .push((StreamName::new(&*stream).unwrap(), told(ErrorKind::Permission))),
                _ => discovery.streams.push(self.spec(&stream)),
            }
        }
        Ok(discovery)
    }

    async fn check(&self) -> Vec<Finding> {
        Vec::new()
    }

    async fn read(&self, request: ReadRequest, outlet: Outlet) -> Result<()> {
        let name = request.stream.name.to_string();
        let does = {
            let mut state = self.state.lock().unwrap();
            state.reading += 1;
            state.most_at_once = state.most_at_once.max(state.reading);
            state.streams[&name]
        };
        // Long enough for the others to begin.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let done = request.cursor.and_then(|cursor| cursor.0["at"].as_u64()).unwrap_or(0);
        let done = usize::try_from(done).unwrap();
        let (rows, end) = match does {
            Does::Rows(rows) => (rows, Ok(())),
            Does::RowsThenFail(rows, kind) => (rows, Err(told(kind))),
            Does::Fail(kind) => (0, Err(told(kind))),
            Does::Lose { rows, .. } => (rows, Err(told(ErrorKind::CheckFailed))),
            Does::Reject | Does::Hidden => (0, Ok(())),
        };
        if rows > done {
            outlet.send(self.rows(&name, done, rows)).await?;
        }
        if let Does::Lose { counted, rows } = does {
            let delivered = rows as u64;
            let count = SourceCount { from: None, to: None, rows: counted, delivered };
            outlet.send(Event::Counted(count)).await?;
        }
        if matches!(does, Does::Reject) {
            let rejected = RejectedRow {
                position: "1".to_owned(),
                column: None,
                value: None,
                reason: "odd".to_owned(),
                record: String::new(),
            };
            outlet.send(Event::Rejected(vec![rejected])).await?;
        }
        if rows > done || matches!(does, Does::Reject) {
            outlet.send(Event::Checkpoint(Cursor(json!({ "at": rows })))).await?;
        }
        self.state.lock().unwrap().reading -= 1;
        end
    }
}
