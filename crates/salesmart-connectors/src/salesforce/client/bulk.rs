//! Query jobs of the Bulk API 2.0.

use std::time::{Duration, Instant};

use bytes::Bytes;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_extract::http::{Call, Method};
use serde::Deserialize;
use serde_json::json;

use super::dialect::{JOB_ENDED, code_of};
use super::{Api, TORN_PAGES, torn, without_nul};

/// A job as Salesforce describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::salesforce) struct Job {
    pub(in crate::salesforce) id: String,
    state: String,
    #[serde(default)]
    error_message: Option<String>,
}

/// A page of a job's results: CSV with a header line.
#[derive(Clone, Debug)]
pub(in crate::salesforce) struct ResultsPage {
    pub(in crate::salesforce) body: Bytes,
    /// How many rows Salesforce says are in it.
    pub(in crate::salesforce) rows: Option<u64>,
    /// Where the next page begins; none behind the last one.
    pub(in crate::salesforce) next: Option<String>,
}

impl Api {
    /// Starts a job that reads records with those in the bin and the archive.
    pub(in crate::salesforce) async fn create_job(&self, query: &str) -> Result<Job> {
        self.within_budget()?;
        let job = json!({
            "operation": "queryAll",
            "query": query,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        self.http.json(Call::post_json(self.jobs(""), &job)).await
    }

    /// Waits until a job is complete, looking after it less and less often.
    ///
    /// A job that is not done in time is aborted, so that it does not go on using the org.
    pub(in crate::salesforce) async fn await_job(
        &self,
        id: &str,
        deadline: Duration,
    ) -> Result<()> {
        let (mut wait, longest) = self.pace.poll;
        let started = Instant::now();
        loop {
            let job: Job = self.json(Call::get(self.jobs(id)).name("a bulk job")).await?;
            match job.state.as_str() {
                "JobComplete" => return Ok(()),
                "Failed" | "Aborted" => return Err(failed(&job)),
                _ if started.elapsed() >= deadline => {
                    self.abort_job(id).await;
                    return Err(overdue(&job, deadline));
                }
                _ => tokio::time::sleep(wait.min(deadline.saturating_sub(started.elapsed()))).await,
            }
            wait = wait.saturating_mul(3).checked_div(2).unwrap_or(longest).min(longest);
        }
    }

    /// A page of results.
    pub(in crate::salesforce) async fn results(
        &self,
        id: &str,
        locator: Option<&str>,
        rows: u32,
    ) -> Result<ResultsPage> {
        self.within_budget()?;
        let mut call = Call::get(self.jobs(&format!("{id}/results")))
            .query("maxRecords", &rows.to_string())
            .header("accept", "text/csv");
        if let Some(locator) = locator {
            call = call.query("locator", locator);
        }
        for _ in 0..TORN_PAGES {
            let reply = self.http.send(call.clone()).await?;
            let rows = reply.header("sforce-numberofrecords").and_then(|text| text.parse().ok());
            // The end is the text `null`, which is no locator; a missing header is an end too.
            let next = reply.header("sforce-locator").filter(|text| !matches!(*text, "" | "null"));
            let next = next.map(str::to_owned);
            let body = without_nul(reply.body);
            // Every record ends with a line end, so a body without one at its end was cut.
            if body.is_empty() || body.ends_with(b"\n") {
                return Ok(ResultsPage { body, rows, next });
            }
            tracing::debug!(call = call.label(), "the body ends in the middle");
        }
        Err(torn(&call))
    }

    /// Stops a job; that it cannot be stopped is only logged, since something else failed before.
    pub(in crate::salesforce) async fn abort_job(&self, id: &str) {
        let call = Call::patch_json(self.jobs(id), &json!({"state": "Aborted"}));
        if let Err(error) = self.http.send(call).await {
            tracing::warn!(job = id, %error, "failed to abort a bulk job");
        }
    }

    /// Forgets a job whose results were read. Salesforce does so itself after a week.
    pub(in crate::salesforce) async fn delete_job(&self, id: &str) {
        if let Err(error) = self.http.send(Call::new(Method::DELETE, self.jobs(id))).await {
            tracing::debug!(job = id, %error, "failed to delete a bulk job");
        }
    }

    /// The address of a job, or of all; never with two slashes in a row, which is another address.
    fn jobs(&self, id: &str) -> String {
        let base = format!("{}/jobs/query", self.root);
        if id.is_empty() { base } else { format!("{base}/{id}") }
    }
}

/// The error for a job that ended badly. The code in its message, if we know it, tells what to do.
fn failed(job: &Job) -> Error {
    let message = job.error_message.clone().unwrap_or_default();
    let coded = |code: &str| {
        let error = Error::new(ErrorKind::SourceUnavailable, "a bulk job failed in Salesforce")
            .with("job", &job.id)
            .with("state", &job.state)
            .with("code", code)
            .with_retryable(true)
            .with_hint("run again; with `bulk: {mode: never}` the object is read by REST instead");
        if message.is_empty() { error } else { error.with("answer", &message) }
    };
    let error = coded(message.split([':', ' ']).next().unwrap_or_default());
    if code_of(&error).is_some() { error } else { coded(JOB_ENDED) }
}

fn overdue(job: &Job, deadline: Duration) -> Error {
    Error::new(ErrorKind::SourceUnavailable, "a bulk job did not end in time and was aborted")
        .with("job", &job.id)
        .with("state", &job.state)
        .with("code", JOB_ENDED)
        .with("waited", format!("{} s", deadline.as_secs()))
        .with_retryable(true)
        .with_hint("run again when the org is less busy, or raise `bulk.deadline`")
}
