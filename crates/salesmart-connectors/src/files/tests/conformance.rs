//! The suite that every connector passes, over a folder and over an object store.

use std::fmt::Write;

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

use salesmart_extract::{ReadRequest, channel};

use super::*;
use crate::conformance::{Account, suite};
use crate::files::store::Store;
use crate::files::{Files, Source, declaration};

const STREAM: &str = "path: deals.csv\nkey: [id]\ncolumns: {id: int64, name: string}";

fn csv(rows: &[(i64, &str)]) -> String {
    rows.iter().fold("id,name\n".to_owned(), |mut text, (id, name)| {
        writeln!(text, "{id},{name}").unwrap();
        text
    })
}

impl Account for Folder {
    fn connector(&self) -> Arc<dyn Connector> {
        Folder::connector(self)
    }

    fn stream(&self) -> StreamName {
        StreamName::new("deals").unwrap()
    }

    async fn put(&self, rows: &[(i64, &str)]) {
        Folder::put(self, "deals.csv", csv(rows));
    }

    fn sees_deletes(&self) -> bool {
        !self.stream.contains("upsert")
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

    async fn put(&self, rows: &[(i64, &str)]) {
        let path = object_store::path::Path::from(format!("{}deals.csv", self.prefix));
        self.objects.put(&path, csv(rows).into()).await.unwrap();
    }

    fn sees_deletes(&self) -> bool {
        true
    }

    fn broken(&self) -> Vec<(Arc<dyn Connector>, &'static str)> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_folder_that_is_replaced_conforms() {
    suite(|| Folder::new(STREAM)).await;
}

#[tokio::test]
async fn a_folder_that_is_upserted_conforms() {
    suite(|| Folder::new(&format!("{STREAM}\non_change: upsert"))).await;
}

#[tokio::test]
async fn an_object_store_conforms() {
    suite(|| Bucket { objects: Arc::new(InMemory::new()), prefix: "" }).await;
    suite(|| Bucket { objects: Arc::new(InMemory::new()), prefix: "exports/2017/" }).await;
}

#[tokio::test]
async fn an_object_with_the_same_etag_is_not_opened() {
    let bucket = Bucket { objects: Arc::new(InMemory::new()), prefix: "" };
    bucket.put(&[(1, "one")]).await;
    let (result, first) = read(&bucket.connector(), &bucket.stream(), None).await;
    result.unwrap();
    let cursor = first.cursor().unwrap();
    let file = &cursor.0["files"]["deals.csv"];
    assert!(file["etag"].is_string() && file.get("sha256").is_none(), "{file}");
    // The same bytes under a new etag are other content: nobody downloads them to find out.
    bucket.put(&[(1, "one")]).await;
    let (_, second) = read(&bucket.connector(), &bucket.stream(), Some(cursor)).await;
    assert_eq!(second.batches().len(), 1);
}

#[tokio::test]
async fn an_object_that_changes_while_it_is_read_is_an_error() {
    let bucket = Bucket { objects: Arc::new(InMemory::new()), prefix: "" };
    let rows: Vec<(i64, &str)> = (0..1_500_000).map(|id| (id, "some name or other")).collect();
    bucket.put(&rows).await;
    let connector = bucket.connector();
    let (outlet, mut receiver) = channel(1);
    let request = ReadRequest { stream: bucket.stream(), cursor: None };
    let receiving = async {
        let mut is_changed = false;
        while let Some(event) = receiver.recv().await {
            assert!(!matches!(event, Event::Checkpoint(_) | Event::SnapshotEnds));
            if matches!(event, Event::Rows(_)) && !is_changed {
                bucket.put(&[(1, "one")]).await;
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
    let bucket = Bucket { objects: Arc::new(InMemory::new()), prefix: "" };
    bucket.objects.put(&"deals.csv".into(), "".into()).await.unwrap();
    let (result, _) = read(&bucket.connector(), &bucket.stream(), None).await;
    assert_eq!(result.unwrap_err().message(), "`deals.csv` is empty: it has no header");
}
