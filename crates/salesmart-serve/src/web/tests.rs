//! What a browser is told, over a real connection.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use salesmart_core::{ReleaseId, RunId};
use salesmart_lake::{Lake, PointerEntry, Release};
use salesmart_model::{BusinessSettings, Catalog};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const MODEL: &str = "/* @model
description: Deals & <script>alert(1)</script>.
grain: [deal_id]
columns:
  deal_id: {type: string, doc: x}
*/
select 'a' as deal_id
";

struct Served {
    folder: tempfile::TempDir,
    address: std::net::SocketAddr,
}

impl Served {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
        let models = [("marts/deal/dim_deal.sql".to_owned(), MODEL.to_owned())];
        let catalog = Arc::new(Catalog::load(&models, None).unwrap());
        let handle = tokio::runtime::Handle::current();
        let web = Web::new(lake, catalog, BusinessSettings::default(), handle);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router(web)).await.unwrap() });
        Self { folder, address }
    }

    /// Publishes a release without tables.
    async fn release(&self, n: u64) {
        let lake = Lake::open(self.folder.path().to_str().unwrap()).await.unwrap();
        let release = lake
            .create_release(Release {
                id: ReleaseId(n),
                created_at: DateTime::<Utc>::UNIX_EPOCH,
                pipeline: "nightly".to_owned(),
                run_id: RunId::from_text(format!("run{n}")),
                as_of: DateTime::<Utc>::UNIX_EPOCH,
                forecast_head: None,
                tables: BTreeMap::new(),
            })
            .await
            .unwrap();
        let entry = PointerEntry {
            release: release.id,
            at: DateTime::<Utc>::UNIX_EPOCH,
            reason: "published".to_owned(),
            run_id: None,
        };
        lake.point_to(entry).await.unwrap();
    }

    /// The head and the body of an answer.
    async fn ask(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    async fn get(&self, path: &str) -> (String, String) {
        self.ask(&format!("GET {path} HTTP/1.1")).await
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

#[tokio::test]
async fn it_is_alive_before_it_is_ready() {
    let served = Served::new().await;
    let (head, body) = served.get("/healthz").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, "ok\n");
    for path in ["/readyz", "/", "/table/mart.dim_deal.html"] {
        let (head, body) = served.get(path).await;
        assert!(head.starts_with("HTTP/1.1 503"), "{path}: {head}");
        assert!(body.contains("no release yet"), "{body}");
        assert!(header(&head, "retry-after").is_some(), "{head}");
    }
    served.release(1).await;
    let (head, body) = served.get("/readyz").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head} {body}");
    assert_eq!(body, "ready: r000001\n");
}

#[tokio::test]
async fn pages_say_what_they_are_and_allow_no_foreign_script() {
    let served = Served::new().await;
    served.release(1).await;
    let (head, body) = served.get("/table/mart.dim_deal.html").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(header(&head, "content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(header(&head, "x-content-type-options"), Some("nosniff"));
    let policy = header(&head, "content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(body.contains("&lt;script&gt;alert(1)"), "{body}");
    assert!(!body.contains("<script>alert"), "{body}");

    let tag = header(&head, "etag").unwrap();
    let again = format!("GET /table/mart.dim_deal.html HTTP/1.1\r\nIf-None-Match: {tag}");
    let (head, body) = served.ask(&again).await;
    assert!(head.starts_with("HTTP/1.1 304"), "{head}");
    assert_eq!(body, "");

    let (head, body) = served.ask("HEAD / HTTP/1.1").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, "");
    let (head, _) = served.get("/assets/style.css").await;
    assert_eq!(header(&head, "content-type"), Some("text/css; charset=utf-8"));
    let (head, body) = served.get("/assets/status.js").await;
    assert_eq!(header(&head, "cache-control"), Some("no-store"));
    assert!(body.contains("r000001"), "{body}");
}

#[tokio::test]
async fn nothing_outside_the_site_is_answered_and_nothing_can_be_sent() {
    let served = Served::new().await;
    served.release(1).await;
    for path in ["/../releases/r000001.json", "/..%2freleases/r000001.json", "/releases/", "/x"] {
        let (head, _) = served.get(path).await;
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let (head, _) = served.ask(&format!("{method} / HTTP/1.1")).await;
        assert!(head.starts_with("HTTP/1.1 405"), "{method}: {head}");
    }
}

#[tokio::test]
async fn a_new_release_is_shown_when_its_site_is_made() {
    let served = Served::new().await;
    served.release(1).await;
    assert!(served.get("/").await.1.contains("r000001"));
    served.release(2).await;
    // The pointer is believed for some seconds, and the old site is shown while the new is made.
    for _ in 0..120 {
        let (head, body) = served.get("/").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        if body.contains("Release <strong>r000002") {
            return;
        }
        assert!(body.contains("Release <strong>r000001"), "{body}");
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    panic!("the second release was never shown");
}
