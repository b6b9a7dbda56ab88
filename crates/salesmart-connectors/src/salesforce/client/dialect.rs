//! What Salesforce's replies mean.

use std::error::Error as _;
use std::sync::Arc;

use salesmart_core::{Error, ErrorKind};
use salesmart_extract::http::{Call, Dialect, QuotaBudget, Reply, Verdict, retry_after, usual};
use serde::Deserialize;

/// Reads replies and the quota that their headers tell.
pub(super) struct SalesforceDialect {
    budget: Arc<QuotaBudget>,
}

/// One entry of an error body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    message: String,
}

/// The code of our own for a job that failed, was aborted or never ended.
pub(super) const JOB_ENDED: &str = "JOB_ENDED";

/// The errors that a reader can do something about by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::salesforce) enum Code {
    /// The link to the next page is no longer known.
    LocatorGone,
    /// The query is too much work: ask for less.
    TooMuch,
    /// The Bulk API does not know this object.
    NotByBulk,
    /// The log of deletions does not reach that far back, or has too much in it.
    DeletionsUnknown,
    /// There is no such thing (any more): a job, or a page of its results.
    NotFound,
    /// A job ended without results.
    JobEnded,
}

/// The code of an error that came from Salesforce, if it is one of [`Code`].
pub(in crate::salesforce) fn code_of(error: &Error) -> Option<Code> {
    let own = |error: &Error| {
        let code = error.context().iter().find(|(key, _)| *key == "code")?.1.as_str();
        let answer = error.context().iter().find(|(key, _)| *key == "answer");
        let answer = answer.map(|(_, text)| text.as_str()).unwrap_or_default();
        Some(match code {
            "INVALID_QUERY_LOCATOR" => Code::LocatorGone,
            "QUERY_TIMEOUT" | "OPERATION_TOO_LARGE" | "QUERY_TOO_COMPLICATED" => Code::TooMuch,
            "INVALIDENTITY" | "INVALID_ENTITY" => Code::NotByBulk,
            // The code is that of many things; the words are those of this one.
            _ if answer.contains("not supported by the Bulk API") => Code::NotByBulk,
            _ if answer.contains("bulk v2 query jobs") => Code::NotByBulk,
            "EXCEEDED_ID_LIMIT" | "INVALID_REPLICATION_DATE" => Code::DeletionsUnknown,
            "NOT_FOUND" | "INVALIDJOB" | "INVALIDLOCATOR" => Code::NotFound,
            "INVALIDREQUEST" if answer.contains("locator") => Code::NotFound,
            JOB_ENDED => Code::JobEnded,
            _ => return None,
        })
    };
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut code = own(error);
    while let (None, Some(cause)) = (code, next) {
        code = cause.downcast_ref::<Error>().and_then(own);
        next = cause.source();
    }
    code
}

impl SalesforceDialect {
    pub(super) fn new(budget: Arc<QuotaBudget>) -> Self {
        Self { budget }
    }
}

/// `api-usage=18/5000`, possibly followed by more.
fn api_usage(header: &str) -> Option<(u64, u64)> {
    let entry = header.split([';', ',']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, limit) = entry.split_once('/')?;
    Some((used.trim().parse().ok()?, limit.trim().parse().ok()?))
}

impl Dialect for SalesforceDialect {
    fn judge(&self, call: &Call, reply: &Reply) -> Verdict {
        if let Some((used, limit)) = reply.header("sforce-limit-info").and_then(api_usage) {
            self.budget.observe(used, limit);
        }
        if reply.is_success() {
            return Verdict::Accept;
        }
        let complaints: Vec<Complaint> = serde_json::from_slice(&reply.body).unwrap_or_default();
        let Complaint { error_code: code, message } =
            complaints.into_iter().next().unwrap_or_default();
        let later = |why: &str| Verdict::Retry {
            after: retry_after(&reply.headers, None),
            why: format!("the server answered {}: {why}", reply.status),
        };
        match (reply.status, code.as_str()) {
            (401, _) => Verdict::Reauthorise,
            // The words tell the cap of a day from too many long requests at once.
            (_, "REQUEST_LIMIT_EXCEEDED") if message.to_lowercase().contains("concurrent") => {
                later("too many long requests at once")
            }
            (_, "REQUEST_LIMIT_EXCEEDED") => Verdict::Fail(self.used_up(&message)),
            (_, "SERVER_UNAVAILABLE" | "UNABLE_TO_LOCK_ROW") => later(&code),
            _ if message.contains("transaction security policies took too long") => {
                later("its security policies took too long")
            }
            (400..=499, _) if !code.is_empty() => {
                Verdict::Fail(complaint(call, reply.status, &code, &message))
            }
            _ => usual(call, reply),
        }
    }

    fn refused(&self, call: &Call, reply: &Reply) -> Error {
        let complaints: Vec<Complaint> = serde_json::from_slice(&reply.body).unwrap_or_default();
        let Complaint { error_code, message } = complaints.into_iter().next().unwrap_or_default();
        Error::new(
            ErrorKind::Permission,
            format!("failed to call {}: Salesforce refuses a new session", call.label()),
        )
        .with("status", reply.status)
        .with("code", error_code)
        .with("answer", message)
        .with_hint(
            "check that the user is active and has `API Enabled`, and the login hours and IP ranges \
             of its profile and of the connected app",
        )
    }
}

impl SalesforceDialect {
    fn used_up(&self, message: &str) -> Error {
        let mut error = Error::new(
            ErrorKind::QuotaExhausted,
            "the org's API requests of the last 24 hours are used up",
        )
        .with("answer", message)
        .with_state("what was read so far is kept")
        .with_hint(
            "the next run goes on from here once requests are free again; \
             `Setup > Company Information` shows who uses them",
        );
        if let Some((used, limit)) = self.budget.seen() {
            error = error.with("used", format!("{used} of {limit} requests, by everybody"));
        }
        error
    }
}

/// The error for a reply with a code.
fn complaint(call: &Call, status: u16, code: &str, message: &str) -> Error {
    let (kind, hint) = match code {
        "INVALID_TYPE" | "INSUFFICIENT_ACCESS" | "INSUFFICIENT_ACCESS_OR_READONLY" => (
            ErrorKind::Permission,
            "grant the integration user `Read` and `View All` on the object in its permission set, \
             or exclude the object",
        ),
        "NOT_FOUND" => (
            ErrorKind::Permission,
            "the object is not there or hidden: grant the integration user `Read` on it, or exclude it",
        ),
        "INVALID_FIELD" => (
            ErrorKind::SchemaChanged,
            "a field was removed or hidden since the run began, or cannot be filtered: run again, or \
             exclude the field under `fields`",
        ),
        "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => (
            ErrorKind::Permission,
            "grant the integration user `API Enabled`; the org's edition must include the API",
        ),
        "FUNCTIONALITY_NOT_ENABLED" => (
            ErrorKind::Permission,
            "the org does not have the feature that this needs: turn it on in Setup, or exclude the object",
        ),
        "UNSUPPORTED_API_VERSION" => (
            ErrorKind::Configuration,
            "set `api_version` to one that `salesmart check --connections` names",
        ),
        "MALFORMED_QUERY" => (ErrorKind::SourceUnavailable, "exclude the field or object it names"),
        _ => (ErrorKind::SourceUnavailable, "run again; if it stays, exclude the object"),
    };
    let is_passing = matches!(
        code_of_text(code),
        Some(Code::LocatorGone | Code::TooMuch | Code::DeletionsUnknown)
    );
    Error::new(
        kind,
        format!("failed to call {}: Salesforce answered {status} `{code}`", call.label()),
    )
    .with("code", code)
    .with("answer", message)
    .with_retryable(is_passing)
    .with_hint(hint)
}

fn code_of_text(code: &str) -> Option<Code> {
    code_of(&Error::new(ErrorKind::SourceUnavailable, "").with("code", code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use salesmart_extract::http::HeaderMap;

    fn judged(status: u16, body: &str) -> (Verdict, Option<(u64, u64)>) {
        let budget = Arc::new(QuotaBudget::new(0.5));
        let dialect = SalesforceDialect::new(Arc::clone(&budget));
        let mut headers = HeaderMap::new();
        headers.insert(
            "sforce-limit-info",
            "api-usage=18/5000; per-app-api-usage=17/250(appName=x)".parse().unwrap(),
        );
        let body = Bytes::copy_from_slice(body.as_bytes());
        let reply = Reply { status, headers, body };
        let call = Call::get("/services/data/v62.0/queryAll?q=SECRET");
        (dialect.judge(&call, &reply), budget.seen())
    }

    fn error(status: u16, body: &str) -> Error {
        match judged(status, body).0 {
            Verdict::Fail(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_quota_is_read_from_every_reply() {
        let (verdict, seen) = judged(200, "{}");
        assert!(matches!(verdict, Verdict::Accept));
        assert_eq!(seen, Some((18, 5000)));
    }

    #[test]
    fn codes_tell_what_to_do() {
        let body =
            r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        assert_eq!(error(403, body).kind(), ErrorKind::QuotaExhausted);
        let body = r#"[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        assert!(matches!(judged(403, body).0, Verdict::Retry { .. }));
        let body = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
        assert!(matches!(judged(401, body).0, Verdict::Reauthorise));
        let body =
            r#"[{"message":"sObject type 'Deal' is not supported.","errorCode":"INVALID_TYPE"}]"#;
        let hidden = error(400, body);
        assert_eq!(hidden.kind(), ErrorKind::Permission);
        assert!(hidden.hint().is_some_and(|hint| hint.contains("View All")));
        assert!(!format!("{hidden:#}").contains("SECRET"), "no query in errors");
        for (code, expected) in [
            ("INVALID_QUERY_LOCATOR", Code::LocatorGone),
            ("QUERY_TIMEOUT", Code::TooMuch),
            ("OPERATION_TOO_LARGE", Code::TooMuch),
            ("INVALIDENTITY", Code::NotByBulk),
            ("EXCEEDED_ID_LIMIT", Code::DeletionsUnknown),
        ] {
            let body = format!(r#"[{{"message":"m","errorCode":"{code}"}}]"#);
            let error = error(400, &body);
            assert_eq!(code_of(&error), Some(expected), "{code}");
            assert_eq!(code_of(&error.wrap("failed to read")), Some(expected), "{code}");
        }
        let body = r#"[{"message":"Entity 'Period' is not supported by the Bulk API.","errorCode":"API_ERROR"}]"#;
        assert_eq!(code_of(&error(400, body)), Some(Code::NotByBulk));
        assert!(matches!(judged(503, "<html>busy</html>").0, Verdict::Retry { .. }));
    }
}
