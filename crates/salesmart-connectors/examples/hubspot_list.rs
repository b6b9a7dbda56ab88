//! How fast HubSpot's list pages become batches: a server on loopback gives pages of 100 records
//! with 33 properties and about 1 kB each, and the connector reads them to the end.
//!
//! `cargo run --release -p salesmart-connectors --example hubspot_list -- [RECORDS]`
//!
//! Processor time is that of the whole process (`/proc/self/stat`), the server and the making of
//! the pages included, which is a copy with new ids.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use salesmart_core::{ConnectionName, yaml};
use salesmart_extract::{Event, ReadRequest, channel};
use serde_json::{Map, Value, json};

const PAGE_ROWS: usize = 100;
const PROPERTIES: usize = 33;
/// What stands where an id is to be written.
const ID: &str = "000000000000";

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let records: usize = std::env::args().nth(1).map_or(Ok(500_000), |text| text.parse())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (page, places) = page();
    let bytes = page.len();
    let portal = Arc::new(Portal { records, page, places });
    let router = Router::new().fallback(answer).with_state(portal);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = tempfile::TempDir::new()?;
    std::fs::write(folder.path().join("token"), "not a secret")?;
    let section = format!(
        "base_url: {url}\nauth: {{token: 'file:token'}}\nobjects: {{include: [deals]}}\n\
         history: {{}}\nassociations: []\nforecasts: false\n\
         limits: {{requests_per_ten_seconds: 100000000, searches_per_second: 1000000, heed_remaining: false}}\n"
    );
    let node = yaml::parse("bench.yml", &section, 1)?;
    let kind = salesmart_connectors::hubspot::KIND;
    let connector = (kind.configure)(&ConnectionName::new("crm")?, &node, folder.path())?;
    let streams = connector.discover().await?.streams;
    let stream =
        streams.into_iter().find(|spec| spec.name.as_str() == "deals").ok_or("no deals")?;

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
    println!("{rows} records, {megabytes:.0} MB of JSON");
    let rate = |seconds: f64| (rows as f64 / seconds, megabytes / seconds);
    let ((rows_wall, mb_wall), (rows_cpu, mb_cpu)) = (rate(wall), rate(cpu));
    println!("wall:  {wall:.2} s, {rows_wall:.0} records/s, {mb_wall:.0} MB/s");
    println!("core:  {cpu:.2} s, {rows_cpu:.0} records/s, {mb_cpu:.0} MB/s");
    println!("peak memory: {} MB", peak_kilobytes()? / 1024);
    Ok(())
}

struct Portal {
    records: usize,
    page: Vec<u8>,
    /// Where in the page the ids are, and of which row each is.
    places: Vec<(usize, usize)>,
}

fn name(property: usize) -> String {
    match property {
        0 => "hs_object_id".to_owned(),
        1 => "hs_lastmodifieddate".to_owned(),
        _ => format!("property_{property:02}"),
    }
}

fn kind(property: usize) -> &'static str {
    match property % 4 {
        0 => "number",
        1 => "datetime",
        2 => "string",
        _ => "enumeration",
    }
}

/// The records of a page whose ids are still to be written.
fn page() -> (Vec<u8>, Vec<(usize, usize)>) {
    let mut page = String::new();
    let mut places = Vec::new();
    for row in 0..PAGE_ROWS {
        let mut properties = Map::new();
        for property in 1..PROPERTIES {
            let value = match (kind(property), row % 3) {
                ("number", _) => json!(format!("{}.{property:02}", row * property)),
                ("datetime", _) => {
                    json!(format!("2026-09-{:02}T10:{property:02}:00.000Z", 1 + row % 28))
                }
                ("string", _) => json!(format!("Text {property} of record {row}")),
                (_, 0) => Value::Null,
                _ => json!(format!("choice_{}", row % 9)),
            };
            properties.insert(name(property), value);
        }
        properties.insert(name(0), json!(ID));
        let record = json!({
            "id": ID, "properties": properties, "archived": false,
            "createdAt": "2026-01-01T10:00:00.000Z", "updatedAt": "2026-09-01T10:00:00.000Z",
        })
        .to_string();
        for (place, _) in record.match_indices(ID) {
            places.push((page.len() + place, row));
        }
        page.push_str(&record);
        page.push(',');
    }
    page.pop();
    (page.into_bytes(), places)
}

async fn answer(State(portal): State<Arc<Portal>>, request: Request) -> Response<Body> {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let body = match path {
        "/crm/v3/objects/deals" => list(&portal, query),
        "/crm/v3/objects/deals/search" => {
            json!({"total": portal.records, "results": []}).to_string().into_bytes()
        }
        "/crm/v3/properties/deals" => {
            let property = |number| json!({"name": name(number), "type": kind(number)});
            let properties: Vec<Value> = (0..PROPERTIES).map(property).collect();
            json!({"results": properties}).to_string().into_bytes()
        }
        _ => json!({"results": []}).to_string().into_bytes(),
    };
    Response::new(Body::from(Bytes::from(body)))
}

fn list(portal: &Portal, query: &str) -> Vec<u8> {
    if query.contains("archived=true") {
        return br#"{"results":[]}"#.to_vec();
    }
    let after = query.split('&').find_map(|pair| pair.strip_prefix("after="));
    let from: usize = after.and_then(|text| text.parse().ok()).unwrap_or_default();
    let mut body = br#"{"results":["#.to_vec();
    let start = body.len();
    body.extend_from_slice(&portal.page);
    for (place, row) in &portal.places {
        let id = format!("{:012}", from + row + 1);
        body[start + place..start + place + ID.len()].copy_from_slice(id.as_bytes());
    }
    body.push(b']');
    if from + PAGE_ROWS < portal.records {
        let next = from + PAGE_ROWS;
        body.extend_from_slice(format!(r#","paging":{{"next":{{"after":"{next}"}}}}"#).as_bytes());
    }
    body.push(b'}');
    body
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
