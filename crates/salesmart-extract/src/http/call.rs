//! What is asked, and what came back.

use std::fmt;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use salesmart_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

/// A request, before it has a host and credentials.
#[derive(Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and query, or a whole URL: links that a source gives are taken as they are.
    pub path: String,
    /// Headers besides the credentials.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// The [`RateClass`](super::RateClass) it waits for; empty for none.
    pub class: &'static str,
    /// What it is for, where the path does not say it; empty for nothing.
    pub name: &'static str,
    /// Whether it carries the credentials.
    pub authorised: bool,
    /// Why it cannot be sent: a header or body that cannot be written. Told when it is sent, so
    /// that building a call stays a plain expression.
    pub(super) fault: Option<String>,
}

impl Call {
    /// A call without a body that accepts JSON.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            method,
            path: path.into(),
            headers,
            body: None,
            class: "",
            name: "",
            authorised: true,
            fault: None,
        }
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `DELETE`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// A `POST` of JSON.
    pub fn post_json<T: Serialize + ?Sized>(path: impl Into<String>, body: &T) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    /// A `PATCH` of JSON.
    pub fn patch_json<T: Serialize + ?Sized>(path: impl Into<String>, body: &T) -> Self {
        Self::new(Method::PATCH, path).json(body)
    }

    /// A `POST` of a form.
    pub fn post_form<'a>(
        path: impl Into<String>,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut call = Self::new(Method::POST, path);
        call.body = Some(Bytes::from(form.finish()));
        call.header("content-type", "application/x-www-form-urlencoded")
    }

    fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(text) => self.body = Some(Bytes::from(text)),
            Err(error) => self.fault = Some(format!("its body cannot be written as JSON: {error}")),
        }
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            _ => self.fault = Some(format!("the header `{name}` or its value cannot be sent")),
        }
        self
    }

    /// Adds a parameter to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
        self.path.push('=');
        self.path.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        self
    }

    /// Chooses the rate class.
    #[must_use]
    pub fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// Says what it is for.
    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Sends it without credentials.
    #[must_use]
    pub fn unauthorised(mut self) -> Self {
        self.authorised = false;
        self
    }

    /// How errors and logs name it: method and path, without host and query, and what it is for.
    #[must_use]
    pub fn label(&self) -> String {
        let (method, path) = (&self.method, self.bare_path());
        match self.name {
            "" => format!("`{method} {path}`"),
            name => format!("`{method} {path}` ({name})"),
        }
    }

    /// The path without host, query and fragment.
    fn bare_path(&self) -> &str {
        let path = match self.path.split_once("://") {
            Some((_, rest)) if self.is_absolute() => &rest[rest.find('/').unwrap_or(rest.len())..],
            _ => &self.path,
        };
        path.split(['?', '#']).next().unwrap_or_default()
    }

    fn is_absolute(&self) -> bool {
        let starts = |scheme: &str| {
            self.path.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        starts("http://") || starts("https://")
    }

    /// Where it goes, seen from `base`.
    pub(super) fn url(&self, base: &Url) -> Result<Url> {
        let text = if self.is_absolute() {
            self.path.clone()
        } else {
            // Glued, not joined: a path that begins with `//` must not name another host.
            let base = base.as_str().trim_end_matches('/');
            format!("{base}/{}", self.path.strip_prefix('/').unwrap_or(&self.path))
        };
        Url::parse(&text).map_err(|error| {
            Error::bug(format!("failed to call {}: its address cannot be read", self.label()))
                .with_source(error)
        })
    }
}

impl fmt::Debug for Call {
    /// Without query, headers and body, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("call", &self.label())
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

/// A whole reply.
#[derive(Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, unpacked.
    pub body: Bytes,
}

impl Reply {
    /// Whether the status is one of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's value; `None` also where it is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON. [`Client::json`](super::Client::json) also names the call in its error.
    ///
    /// # Errors
    /// [`ErrorKind::SourceUnavailable`] when the body is no JSON, and
    /// [`ErrorKind::SchemaChanged`] when it is JSON of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let (kind, what) = if error.is_data() {
                (ErrorKind::SchemaChanged, "JSON of another shape than expected")
            } else {
                (ErrorKind::SourceUnavailable, "not JSON")
            };
            // The text of a shape error may quote a value, which belongs to no log.
            Error::new(kind, format!("the answer is {what}"))
                .with("at", format!("line {}, column {}", error.line(), error.column()))
                .with("status", self.status)
                .with("length", format!("{} bytes", self.body.len()))
        })
    }

    /// The beginning of the body in one line, for errors: tags of HTML and line ends taken out.
    #[must_use]
    pub fn excerpt(&self) -> String {
        const LONGEST: usize = 300;
        let start = &self.body[..self.body.len().min(4096)];
        let text = String::from_utf8_lossy(start);
        let mut plain = String::new();
        let mut inside_tag = false;
        let is_html = text.trim_start().starts_with('<');
        for character in text.chars() {
            match character {
                '<' if is_html => inside_tag = true,
                '>' if is_html => {
                    inside_tag = false;
                    plain.push(' ');
                }
                _ if inside_tag => {}
                other if other.is_control() || other == '\u{fffd}' => plain.push(' '),
                other => plain.push(other),
            }
        }
        let words: Vec<&str> = plain.split_whitespace().collect();
        words.join(" ").chars().take(LONGEST).collect()
    }
}

impl fmt::Debug for Reply {
    /// Without headers and body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}
