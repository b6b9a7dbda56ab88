//! The suite that every connector passes, over a folder and over an object store.

use std::fmt::Write;

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

use salesmart_extract::{ReadRequest, channel};

use super::*;
use crate::conformance::{Account, Case, Size, State, suite};
use crate::files::store::Store;
use crate::files::{Files, Source, declaration};

const STREAM: &str = "path: deals.csv\nkey: [id]\ncolumns: {id: int64, name: string}";

fn csv(rows: &[(i64, &str)]) -> String {
    rows.iter().fold("id,name\n".to_owned(), |mut text, (id, name)| {
        writeln!(text, "{id},{name}").unwrap();
        text
    })
}

/// Names that look like something else stay text.
const SEVERAL: [(i64, &str); 5] =
    [(1, "0123"), (2, "true"), (3, "2017-01-01"), (4, "four"), (5, "five")];

fn rows_of(case: Case) -> &'static [(i64, &'static str)] {
    match case.size {
        Size::Empty => &[],
        Size::One => &SEVERAL[..1],
        Size::Several => &SEVERAL,
    }
}

/// What a file of this content means.
fn state(content: &str) -> State {
    let rows = content.lines().skip(1).map(|line| line.split_once(',').unwrap());
    let row = |(id, name): (&str, &str)| {
        let cell = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        (id.to_owned(), [cell("id", id), cell("name", name)].into_iter().collect())
    };
    rows.map(row).collect()
}

/// The next content: the first record is gone, the second is changed, one is new.
fn changed(content: &str) -> String {
    let mut lines: Vec<String> = content.lines().map(str::to_owned).collect();
    lines.remove(1);
    lines[1].push_str(" changed");
    let last: i64 = lines.last().unwrap().split_once(',').unwrap().0.parse().unwrap();
    lines.push(format!("{},new", last + 1));
    lines.join("\n") + "\n"
}

impl Folder {
    fn of(stream: &str, case: Case) -> Self {
        let folder = Folder::new(stream);
        folder.put("deals.csv", csv(rows_of(case)));
        folder
    }

    fn content(&self) -> String {
        std::fs::read_to_string(self.path().join("deals.csv")).unwrap()
    }
}

impl Account for Folder {
    fn connector(&self) -> Arc<dyn Connector> {
        Folder::connector(self)
    }

    fn stream(&self) -> StreamName {
        StreamName::new("deals").unwrap()
    }

    async fn live(&self) -> State {
        state(&self.content())
    }

    async fn advance(&self) {
        self.put("deals.csv", changed(&self.content()));
    }

    fn sees_deletes(&self) -> bool {
        !self.stream.contains("upsert")
    }

    fn is_silent(&self) -> bool {
        true
    }

    fn broken(&self) -> Vec<(Arc<dyn Connector>, &'static str)> {
        let secret = "hunter2";
        let section = |location: &str| {
            let text = format!(
                "location: {location}\nstreams:\n  deals:\n    path: deals.csv\n    columns: {{id: int64}}\n"
            );
            let node = yaml::parse("pipeline.yml", &text, 1).unwrap();
            let name = ConnectionName::new("crm_export").unwrap();
            (crate::files::KIND.configure)(&name, &node, self.path()).unwrap()
        };
        vec![
            (section("not-there"), secret),
            (section(&format!("file:///not-there?token={secret}")), secret),
        ]
    }
}

/// An object store, whose files are known by etag.
struct Bucket {
    objects: Arc<InMemory>,
    prefix: &'static str,
}

impl Bucket {
    fn empty() -> Self {
        Self { objects: Arc::new(InMemory::new()), prefix: "" }
    }

    async fn of(prefix: &'static str, case: Case) -> Self {
        let bucket = Self { prefix, ..Self::empty() };
        bucket.put(csv(rows_of(case))).await;
        bucket
    }

    fn path(&self) -> object_store::path::Path {
        format!("{}deals.csv", self.prefix).into()
    }

    async fn put(&self, content: String) {
        self.objects.put(&self.path(), content.into()).await.unwrap();
    }

    async fn content(&self) -> String {
        let bytes = self.objects.get(&self.path()).await.unwrap().bytes().await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}

impl Account for Bucket {
    fn connector(&self) -> Arc<dyn Connector> {
        let text =
            format!("location: memory\nstreams:\n  deals:\n    {}", STREAM.replace('\n', "\n    "));
        let text = text.replace("deals.csv", &format!("'{}*.csv'", self.prefix));
        let node = yaml::parse("pipeline.yml", &text, 1).unwrap();
        let (_, streams) = declaration::declare(&node).unwrap();
        let objects: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&self.objects);
        let name = ConnectionName::new("crm_export").unwrap();
        Arc::new(Files::new(&name, Source::Open(Store::over(objects)), streams))
    }

    fn stream(&self) -> StreamName {
        StreamName::new("deals").unwrap()
    }

    async fn live(&self) -> State {
        state(&self.content().await)
    }

    async fn advance(&self) {
        self.put(changed(&self.content().await)).await;
    }

    fn sees_deletes(&self) -> bool {
        true
    }

    fn is_silent(&self) -> bool {
        true
    }

    fn broken(&self) -> Vec<(Arc<dyn Connector>, &'static str)> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_folder_that_is_replaced_conforms() {
    suite(async |case| Folder::of(STREAM, case)).await;
}

#[tokio::test]
async fn a_folder_that_is_upserted_conforms() {
    suite(async |case| Folder::of(&format!("{STREAM}\non_change: upsert"), case)).await;
}

#[tokio::test]
async fn an_object_store_conforms() {
    suite(async |case| Bucket::of("", case).await).await;
    suite(async |case| Bucket::of("exports/2017/", case).await).await;
}

#[tokio::test]
async fn an_object_with_the_same_etag_is_not_opened() {
    let bucket = Bucket::empty();
    bucket.put(csv(&[(1, "one")])).await;
    let (result, first) = read(&bucket.connector(), &bucket.stream(), None).await;
    result.unwrap();
    let cursor = first.cursor().unwrap();
    let file = &cursor.0["files"]["deals.csv"];
    assert!(file["etag"].is_string() && file.get("sha256").is_none(), "{file}");
    // The same bytes under a new etag are other content: nobody downloads them to find out.
    bucket.put(csv(&[(1, "one")])).await;
    let (_, second) = read(&bucket.connector(), &bucket.stream(), Some(cursor)).await;
    assert_eq!(second.batches().len(), 1);
}

#[tokio::test]
async fn an_object_that_changes_while_it_is_read_is_an_error() {
    let bucket = Bucket::empty();
    let rows: Vec<(i64, &str)> = (0..1_500_000).map(|id| (id, "some name or other")).collect();
    bucket.put(csv(&rows)).await;
    let connector = bucket.connector();
    let (outlet, mut receiver) = channel(1);
    let request = ReadRequest { stream: unknown(&bucket.stream()), cursor: None };
    let receiving = async {
        let mut is_changed = false;
        while let Some(event) = receiver.recv().await {
            assert!(!matches!(event, Event::Checkpoint(_) | Event::SnapshotEnds));
            if matches!(event, Event::Rows(_)) && !is_changed {
                bucket.put(csv(&[(1, "one")])).await;
                is_changed = true;
            }
        }
        assert!(is_changed);
    };
    let (result, ()) = tokio::join!(connector.read(request, outlet), receiving);
    let error = result.unwrap_err();
    assert_eq!(error.message(), "`deals.csv` changed while it was read");
    assert!(error.is_retryable() && error.state().is_some() && error.hint().is_some());
}

#[tokio::test]
async fn an_empty_object_has_no_header() {
    let bucket = Bucket::empty();
    bucket.objects.put(&"deals.csv".into(), "".into()).await.unwrap();
    let (result, _) = read(&bucket.connector(), &bucket.stream(), None).await;
    assert_eq!(result.unwrap_err().message(), "`deals.csv` is empty: it has no header");
}
