//! Bulk query jobs, from their creation to their deletion.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{BASE, Settings, Sim};
use crate::wire::FaultPlan;

impl Sim {
    async fn create(&self, job: Json) -> super::Reply {
        self.call(Method::POST, &format!("{BASE}/jobs/query"), &[], Some(job)).await
    }

    /// Creates a job and looks at it until it is done.
    pub(super) async fn job(&self, job: Json) -> String {
        let reply = self.create(job).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        for _ in 0..10 {
            let info = self.get(&format!("{BASE}/jobs/query/{id}")).await.json();
            match info["state"].as_str().unwrap() {
                "JobComplete" => return id,
                "InProgress" | "UploadComplete" => {}
                other => panic!("{other}: {info}"),
            }
        }
        panic!("{id} never ends");
    }

    /// Every row of a job's results, over all pages of so many rows.
    pub(super) async fn results(&self, id: &str, most: usize) -> Vec<BTreeMap<String, String>> {
        let mut rows = Vec::new();
        let mut locator = String::new();
        loop {
            let path = format!("{BASE}/jobs/query/{id}/results?maxRecords={most}{locator}");
            let reply = self.get(&path).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            let page = csv(&reply.text, b',');
            assert_eq!(reply.header("sforce-numberofrecords").unwrap(), page.len().to_string());
            rows.extend(page);
            match reply.header("sforce-locator").unwrap() {
                "null" => return rows,
                next => locator = format!("&locator={next}"),
            }
        }
    }
}

/// The rows of a page, by the names of its header.
pub(super) fn csv(text: &str, delimiter: u8) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            names.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
        })
        .collect()
}

#[tokio::test]
async fn a_job_goes_its_way() {
    let sim = Sim::new().await;
    let soql = "SELECT Id, Name, Owner.Name FROM Opportunity";
    let created = sim.create(json!({"operation": "query", "query": soql})).await;
    assert_eq!(created.status, 200);
    assert!(created.header("sforce-limit-info").is_some());
    let info = created.json();
    let id = info["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("750") && id.len() == 18);
    for (name, value) in [
        ("operation", json!("query")),
        ("object", json!("Opportunity")),
        ("state", json!("UploadComplete")),
        ("concurrencyMode", json!("Parallel")),
        ("contentType", json!("CSV")),
        ("apiVersion", json!(60.0)),
        ("lineEnding", json!("LF")),
        ("columnDelimiter", json!("COMMA")),
        ("jobType", json!("V2Query")),
    ] {
        assert_eq!(info[name], value, "{name}");
    }
    assert!(info["createdDate"].as_str().unwrap().ends_with("+0000"));
    let results = format!("{BASE}/jobs/query/{id}/results");
    assert_eq!(sim.get(&results).await.code(), "INVALIDJOBSTATE");
    let path = format!("{BASE}/jobs/query/{id}");
    assert_eq!(sim.get(&path).await.json()["state"], "InProgress");
    let done = sim.get(&path).await.json();
    assert_eq!(done["state"], "JobComplete");
    let total = sim.count("SELECT COUNT() FROM Opportunity").await;
    assert_eq!(done["numberRecordsProcessed"], total);
    assert_eq!(done["retries"], 0);

    let whole = sim.get(&results).await;
    assert!(whole.header("content-type").unwrap().starts_with("text/csv"));
    assert_eq!(whole.header("sforce-locator"), Some("null"));
    assert!(
        whole.text.starts_with("\"Id\",\"Name\",\"Owner.Name\"\n\"006"),
        "{}",
        &whole.text[..80]
    );
    assert_eq!(csv(&whole.text, b',').len() as u64, total);
    assert_eq!(sim.results(&id, 100).await, csv(&whole.text, b','));

    // A locator is good as long as the job is, and another version of the API sees nothing.
    let page = sim.get(&format!("{results}?maxRecords=100")).await;
    let next =
        format!("{results}?maxRecords=100&locator={}", page.header("sforce-locator").unwrap());
    assert_eq!(sim.get(&next).await.text, sim.get(&next).await.text);
    assert_eq!(sim.get(&format!("{results}?locator=nonsense")).await.status, 400);
    assert_eq!(sim.get(&format!("{results}?maxRecords=0")).await.status, 400);
    assert_eq!(sim.get(&results.replace("v60.0", "v61.0")).await.status, 409);
    assert_eq!(sim.get(&path.replace("query/", "query//")).await.status, 404);
    let listed = sim.get(&format!("{BASE}/jobs/query")).await.json();
    assert_eq!(listed["done"], true);
    assert_eq!(listed["records"][0]["id"], id);

    assert_eq!(sim.call(Method::DELETE, &path, &[], None).await.status, 204);
    assert_eq!(sim.get(&path).await.status, 404);
}

#[tokio::test]
async fn delimiters_line_ends_and_gzip_are_as_asked() {
    let sim = Sim::new().await;
    for (name, sign) in
        [("TAB", b'\t'), ("PIPE", b'|'), ("SEMICOLON", b';'), ("CARET", b'^'), ("BACKQUOTE", b'`')]
    {
        let soql = "SELECT Id, Name, Description FROM Opportunity";
        let job = json!({"operation": "query", "query": soql, "columnDelimiter": name, "lineEnding": "CRLF"});
        let id = sim.job(job).await;
        let reply = sim.get(&format!("{BASE}/jobs/query/{id}/results")).await;
        let header = format!("\"Id\"{0}\"Name\"{0}\"Description\"\r\n", char::from(sign));
        assert!(reply.text.starts_with(&header), "{}", &reply.text[..60]);
        let total = sim.count("SELECT COUNT() FROM Opportunity").await;
        assert_eq!(csv(&reply.text, sign).len() as u64, total, "{name}");
        if name == "TAB" {
            let path = format!("{BASE}/jobs/query/{id}/results");
            // A client that leaves bodies as they come.
            let plain_client = reqwest::Client::builder().no_gzip().build().unwrap();
            let packed = plain_client
                .get(format!("{}{path}", sim.server.url()))
                .bearer_auth(&sim.token)
                .header("accept-encoding", "gzip")
                .send()
                .await
                .unwrap();
            assert_eq!(packed.headers()["content-encoding"], "gzip");
            let bytes = packed.bytes().await.unwrap();
            let mut text = String::new();
            let mut decoder = flate2::read::MultiGzDecoder::new(bytes.as_ref());
            std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
            let plain =
                sim.call(Method::GET, &path, &[("accept-encoding", "identity")], None).await;
            assert!(plain.header("content-encoding").is_none());
            assert_eq!(text, plain.text);
            assert!(bytes.len() * 2 < text.len());
        }
    }
}

#[tokio::test]
async fn pages_can_be_read_side_by_side() {
    let settings = Settings { bulk_page_rows: 50, ..Settings::default() };
    let sim = Sim::with(settings, FaultPlan::none()).await;
    let id = sim.job(json!({"operation": "queryAll", "query": "SELECT Id FROM Opportunity"})).await;
    let mut rows = Vec::new();
    let mut path = format!("{BASE}/jobs/query/{id}/resultPages");
    let mut answers = 0;
    loop {
        let pages = sim.get(&path).await.json();
        let urls = pages["resultPages"].as_array().unwrap();
        assert!((1..=5).contains(&urls.len()));
        for url in urls {
            rows.extend(csv(&sim.get(url["resultUrl"].as_str().unwrap()).await.text, b','));
        }
        answers += 1;
        if pages["done"] == true {
            break;
        }
        path = pages["nextRecordsUrl"].as_str().unwrap().to_owned();
    }
    assert!(answers > 1);
    assert_eq!(rows, sim.results(&id, 1_000).await);
    let old = format!("{BASE}/jobs/query/{id}/resultPages").replace("v60.0", "v57.0");
    assert_eq!(sim.get(&old).await.status, 404);
}

#[tokio::test]
async fn what_bulk_does_not_do_is_refused() {
    let sim = Sim::new().await;
    for (soql, code, words) in [
        ("SELECT COUNT() FROM Opportunity", "API_ERROR", "Aggregate"),
        (
            "SELECT StageName, COUNT(Id) FROM Opportunity GROUP BY StageName",
            "API_ERROR",
            "Aggregate",
        ),
        ("SELECT StageName FROM Opportunity GROUP BY StageName", "API_ERROR", "GROUP BY"),
        ("SELECT Id FROM Opportunity LIMIT 5 OFFSET 5", "API_ERROR", "OFFSET"),
        ("SELECT FIELDS(ALL) FROM Opportunity LIMIT 200", "API_ERROR", "FIELDS"),
        (
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            "API_ERROR",
            "Foreign Key Relationships",
        ),
        ("SELECT Id, BillingAddress FROM Account", "API_ERROR", "compound"),
        (
            "SELECT Id FROM OpportunityStage",
            "INVALIDENTITY",
            "Entity 'OpportunityStage' is not supported by the Bulk API.",
        ),
        ("SELECT Id FRM Account", "MALFORMED_QUERY", "unexpected token"),
    ] {
        let reply = sim.create(json!({"operation": "query", "query": soql})).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, code), "{soql}");
        assert!(reply.text.contains(words), "{soql}: {}", reply.text);
    }
    for job in [
        json!({"operation": "insert", "query": "SELECT Id FROM Account"}),
        json!({"operation": "query"}),
        json!({"operation": "query", "query": "SELECT Id FROM Account", "columnDelimiter": "SLASH"}),
        json!({"operation": "query", "query": "SELECT Id FROM Account", "lineEnding": "CR"}),
        json!({"operation": "query", "query": "SELECT Id FROM Account", "contentType": "XML"}),
    ] {
        let reply = sim.create(job).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "INVALIDJOB"), "{}", reply.text);
    }
    // Unknown fields are found out late.
    let reply = sim.create(json!({"operation": "query", "query": "SELECT Nme FROM Account"})).await;
    let path = format!("{BASE}/jobs/query/{}", reply.json()["id"].as_str().unwrap());
    sim.get(&path).await;
    let failed = sim.get(&path).await.json();
    assert_eq!(failed["state"], "Failed");
    assert!(failed["errorMessage"].as_str().unwrap().contains("INVALID_FIELD"), "{failed}");
}

#[tokio::test]
async fn jobs_can_be_aborted_and_are_counted() {
    let settings = Settings { bulk_daily_jobs: 2, ..Settings::default() };
    let sim = Sim::with(settings, FaultPlan::none()).await;
    let job = json!({"operation": "query", "query": "SELECT Id FROM Account"});
    let id = sim.create(job.clone()).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{BASE}/jobs/query/{id}");
    let aborted = sim.call(Method::PATCH, &path, &[], Some(json!({"state": "Aborted"}))).await;
    assert_eq!(aborted.json()["state"], "Aborted");
    assert_eq!(sim.get(&path).await.json()["state"], "Aborted");
    let again = sim.call(Method::PATCH, &path, &[], Some(json!({"state": "Aborted"}))).await;
    assert_eq!(again.code(), "INVALIDJOBSTATE");
    sim.job(job.clone()).await;
    let over = sim.create(job).await;
    assert_eq!(over.status, 400);
    assert!(over.text.contains("Max bulk v2 query jobs (2) per 24 hrs has been reached"));
    let limits = sim.get(&format!("{BASE}/limits")).await.json();
    assert_eq!(limits["DailyBulkV2QueryJobs"], json!({"Max": 2, "Remaining": 0}));
}

#[tokio::test]
async fn no_rows_are_a_header() {
    let sim = Sim::new().await;
    let soql = "SELECT Id, Name FROM Account WHERE Name = 'nobody at all'";
    let id = sim.job(json!({"operation": "query", "query": soql})).await;
    let reply = sim.get(&format!("{BASE}/jobs/query/{id}/results")).await;
    assert_eq!(reply.text, "\"Id\",\"Name\"\n");
    assert_eq!(reply.header("sforce-locator"), Some("null"));
    assert_eq!(reply.header("sforce-numberofrecords"), Some("0"));
}
