//! A request, taken apart, and the answer to it.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::Problem;

/// The answer of an endpoint.
pub(super) type Answer = Result<Reply, Problem>;

/// A body of JSON and its status.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    body: Vec<u8>,
}

impl Reply {
    /// 200 with what was written straight into a buffer.
    pub(super) fn written(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, body }
    }

    /// 200.
    pub(super) fn ok(value: &Value) -> Self {
        Self::written(value.to_string().into_bytes())
    }

    /// The same with another status.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let json = HeaderValue::from_static("application/json;charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    /// Without the query, as it came.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// Where this server is reached, for the links to next pages.
    pub(super) base: String,
}

impl Asked {
    /// The decoded parts of the path. A path with a date for its version is the one with v3, or
    /// v4 for associations.
    pub(super) fn segments(&self) -> Vec<String> {
        let decoded = |part: &str| {
            // A form field decodes a path's percent signs as well; `+` means itself in a path.
            let part = part.replace('+', "%2B");
            url::form_urlencoded::parse(part.as_bytes())
                .next()
                .map_or_else(String::new, |(name, _)| name.into_owned())
        };
        let mut segments: Vec<String> =
            self.path.trim_matches('/').split('/').map(decoded).collect();
        let is_dated = segments.get(2).is_some_and(|version| {
            version.starts_with("20") && version.as_bytes().get(4) == Some(&b'-')
        });
        if is_dated && segments.first().is_some_and(|first| first == "crm") {
            let about_associations = segments.iter().any(|part| part == "associations");
            segments.remove(2);
            let version = if about_associations { "v4" } else { "v3" };
            segments.insert(1, version.to_owned());
        }
        segments
    }

    /// A parameter of the query.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A list in the query, given with commas, or by repeating the name.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        let parts = values.flat_map(|(_, value)| value.split(','));
        parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    /// A switch in the query, off by default.
    pub(super) fn is_set(&self, name: &str) -> Result<bool, Problem> {
        // Python's `True` is one as well: HubSpot's own client sends it.
        match self.one(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => {
                Err(Problem::invalid(format!("Invalid value for `{name}`: {other} is no boolean")))
            }
        }
    }

    /// The page size.
    pub(super) fn limit(&self, default: usize, most: usize) -> Result<usize, Problem> {
        let Some(limit) = self.one("limit") else { return Ok(default) };
        match limit.parse() {
            Ok(limit) if limit > most => Err(Problem::invalid(format!(
                "Invalid value for limit: {limit}. The limit must be at most {most}."
            ))),
            Ok(0) | Err(_) => {
                Err(Problem::invalid(format!("Invalid value for limit: {limit} is no page size")))
            }
            Ok(limit) => Ok(limit),
        }
    }

    /// Where to go on: a number that an earlier page gave.
    pub(super) fn after(&self) -> Result<Option<u64>, Problem> {
        self.one("after").map(cursor).transpose()
    }

    /// The body.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Problem::invalid(format!("Invalid input JSON: {error}")))
    }

    /// The rest of a page: where the next one is, if there is one.
    pub(super) fn paging(&self, after: Option<u64>) -> String {
        let Some(after) = after else { return String::new() };
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        link.append_pair("after", &after.to_string());
        for (name, value) in self.query.iter().filter(|(name, _)| name != "after") {
            link.append_pair(name, value);
        }
        format!(
            ",\"paging\":{{\"next\":{{\"after\":\"{after}\",\"link\":\"{}{}?{}\"}}}}",
            self.base,
            self.path,
            link.finish()
        )
    }
}

/// A cursor that an earlier page gave.
pub(super) fn cursor(after: &str) -> Result<u64, Problem> {
    after.parse().map_err(|_| {
        Problem::invalid(format!(
            "Invalid value for after: {after} is no cursor of an earlier page"
        ))
    })
}
