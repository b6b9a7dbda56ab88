//! How fast Bulk results become batches: a server on loopback gives pages of 25,000 records with 33
//! fields and about 1 kB each, and the connector reads them to the end.
//!
//! `cargo run --release -p salesmart-connectors --example salesforce_bulk -- [RECORDS]`
//!
//! Processor time is that of the whole process (`/proc/self/stat`), the making of the pages
//! included, which is a copy with new ids.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response};
use salesmart_core::{ConnectionName, yaml};
use salesmart_extract::{Event, ReadRequest, channel};
use serde_json::{Value, json};

const PAGE_ROWS: usize = 25_000;
const FIELDS: usize = 33;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let records: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let org = Arc::new(Org { url: url.clone(), records, page: page() });
    let bytes = org.page.len();
    let router = Router::new().fallback(answer).with_state(org);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = tempfile::TempDir::new()?;
    std::fs::write(folder.path().join("secret"), "not a secret")?;
    let section = format!(
        "login_url: {url}\nauth: {{flow: client_credentials, client_id: me, client_secret: 'file:secret'}}\n\
         objects: {{include: [Opportunity]}}\nbulk: {{mode: always, page_rows: {PAGE_ROWS}, window_rows: 100000000}}\n"
    );
    let node = yaml::parse("bench.yml", &section, 1)?;
    let kind = salesmart_connectors::salesforce::KIND;
    let connector = (kind.configure)(&ConnectionName::new("crm")?, &node, folder.path())?;
    let stream = connector.discover().await?.streams.remove(0);

    let (outlet, mut receiver) = channel(2);
    let (started, cpu) = (Instant::now(), processor_seconds()?);
    let reading =
        tokio::spawn(
            async move { connector.read(ReadRequest { stream, cursor: None }, outlet).await },
        );
    let mut rows = 0;
    while let Some(event) = receiver.recv().await {
        if let Event::Rows(batch) = event {
            rows += batch.num_rows();
        }
    }
    reading.await??;
    let (wall, cpu) = (started.elapsed().as_secs_f64(), processor_seconds()? - cpu);
    let megabytes = (bytes / PAGE_ROWS * rows) as f64 / 1e6;
    println!("{rows} records, {megabytes:.0} MB of CSV");
    println!(
        "wall:  {wall:.2} s, {:.0} records/s, {:.0} MB/s",
        rows as f64 / wall,
        megabytes / wall
    );
    println!("core:  {cpu:.2} s, {:.0} records/s, {:.0} MB/s", rows as f64 / cpu, megabytes / cpu);
    println!("peak memory: {} MB", peak_kilobytes()? / 1024);
    Ok(())
}

struct Org {
    url: String,
    records: usize,
    page: Vec<u8>,
}

/// A page whose ids are still to be written: each row begins with its quoted id.
fn page() -> Vec<u8> {
    let mut page = Vec::new();
    for row in 0..PAGE_ROWS {
        page.extend_from_slice(b"\"006000000000000AAA\"");
        for field in 1..FIELDS {
            let value = match field % 4 {
                0 => format!("{}.{:02}", row * field, field),
                1 => format!("2026-09-{:02}T10:{:02}:00.000Z", 1 + row % 28, field),
                2 => format!("Text number {field} of the record {row}, about so long"),
                _ => {
                    if row % 3 == 0 {
                        String::new()
                    } else {
                        format!("Choice {}", row % 9)
                    }
                }
            };
            write!(page, ",\"{value}\"").expect("memory takes it");
        }
        page.push(b'\n');
    }
    page
}

fn fields() -> Vec<Value> {
    let kind = |field: usize| match (field, field % 4) {
        (0, _) => "id",
        (1, _) => "datetime",
        (_, 0) => "currency",
        (_, 1) => "datetime",
        _ => "string",
    };
    let name = |field: usize| match field {
        0 => "Id".to_owned(),
        1 => "SystemModstamp".to_owned(),
        _ => format!("Field_{field}__c"),
    };
    let describe = |field| {
        json!({
            "name": name(field), "type": kind(field), "precision": 18, "scale": 2,
            "filterable": true, "sortable": true,
        })
    };
    (0..FIELDS).map(describe).collect()
}

async fn answer(State(org): State<Arc<Org>>, request: Request) -> Response<Body> {
    let (method, uri) = (request.method(), request.uri());
    let path = uri.path().trim_start_matches("/services/data/v62.0/");
    let job = json!({"id": "750000000000001AAA", "state": "JobComplete"});
    let body = match path {
        "/services/oauth2/token" => json!({"access_token": "token", "instance_url": org.url}),
        "sobjects" => json!({"sobjects": [{"name": "Opportunity", "queryable": true}]}),
        "sobjects/Opportunity/describe" => {
            json!({"name": "Opportunity", "queryable": true, "fields": fields()})
        }
        "queryAll" => json!({"totalSize": org.records, "done": true, "records": []}),
        "limits" => json!({}),
        _ if path.ends_with("/results") => return results(&org, uri.query().unwrap_or_default()),
        _ if *method == Method::DELETE => json!({}),
        _ => job,
    };
    Response::new(Body::from(body.to_string()))
}

fn results(org: &Org, query: &str) -> Response<Body> {
    let locator = query.split('&').find_map(|pair| pair.strip_prefix("locator="));
    let from: usize = locator.and_then(|text| text.parse().ok()).unwrap_or_default();
    let names: Vec<String> = fields().iter().map(|field| field["name"].to_string()).collect();
    let mut body = (names.join(",") + "\n").into_bytes();
    let start = body.len();
    body.extend_from_slice(&org.page);
    let mut line = start;
    let rows = PAGE_ROWS.min(org.records - from);
    for row in 0..rows {
        write!(&mut body[line + 4..line + 16], "{:012}", from + row).expect("it fits");
        line += body[line..].iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    }
    body.truncate(line);
    let next =
        if from + rows < org.records { (from + rows).to_string() } else { "null".to_owned() };
    Response::builder()
        .header("sforce-numberofrecords", rows)
        .header("sforce-locator", next)
        .body(Body::from(Bytes::from(body)))
        .expect("a usable answer")
}

/// Processor seconds of this process, kernel included: ticks of a hundredth of a second.
fn processor_seconds() -> Result<f64, Failure> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks =
        |at: usize| fields.get(at).ok_or("no such field")?.parse::<f64>().map_err(Failure::from);
    Ok((ticks(12)? + ticks(13)?) / 100.0)
}

/// The most memory that was ever resident.
fn peak_kilobytes() -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
