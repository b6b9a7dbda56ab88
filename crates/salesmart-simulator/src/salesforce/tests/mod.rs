//! The server as a client sees it: over HTTP, with nothing but what the contract promises.

mod bulk;
mod faults;
mod oauth;
mod objects;
mod query;
mod replication;

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value as Json;

use super::{Settings, start};
use crate::Size;
use crate::wire::{FaultPlan, Running, SharedWorld};
use crate::world::{self, World};

/// The base path that most tests use.
const BASE: &str = "/services/data/v60.0";

/// A server and a client with a token.
pub(super) struct Sim {
    pub(super) server: Running,
    pub(super) world: SharedWorld,
    pub(super) client: Client,
    pub(super) token: String,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The code of the one error.
    pub(super) fn code(&self) -> String {
        let body = self.json();
        assert_eq!(body.as_array().unwrap().len(), 1, "{body}");
        assert!(body[0]["message"].is_string(), "{body}");
        body[0]["errorCode"].as_str().unwrap().to_owned()
    }
}

/// A world that is small enough to read whole.
pub(super) fn small_world() -> SharedWorld {
    let size = Size { reps: 8, deals: 600 };
    SharedWorld::new(World::new(world::Settings { size, ..world::Settings::default() }))
}

impl Sim {
    pub(super) async fn new() -> Self {
        Self::with(Settings::default(), FaultPlan::none()).await
    }

    pub(super) async fn with(settings: Settings, faults: FaultPlan) -> Self {
        let world = small_world();
        let server = start(world.clone(), settings, faults, None).await.unwrap();
        let mut sim = Self { server, world, client: Client::new(), token: String::new() };
        sim.token = sim.fresh_token().await;
        sim
    }

    pub(super) async fn fresh_token(&self) -> String {
        let form = "grant_type=client_credentials&client_id=simulator-client\
                    &client_secret=simulator-secret";
        let reply = self.token_request(form, &[]).await;
        reply.json()["access_token"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) async fn token_request(&self, form: &str, headers: &[(&str, &str)]) -> Reply {
        let url = format!("{}/services/oauth2/token", self.server.url());
        let mut request = self
            .client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request).await
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Json>,
    ) -> Reply {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.server.url())
        };
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        read(request).await
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, &[], None).await
    }

    pub(super) async fn query(&self, soql: &str) -> Reply {
        self.get(&format!("{BASE}/query?{}", encoded("q", soql))).await
    }

    /// Every record of a query, over all its pages.
    pub(super) async fn all(&self, resource: &str, soql: &str) -> Vec<Json> {
        let mut reply = self.get(&format!("{BASE}/{resource}?{}", encoded("q", soql))).await;
        let mut records = Vec::new();
        loop {
            assert_eq!(reply.status, 200, "{soql}: {}", reply.text);
            let page = reply.json();
            records.extend(page["records"].as_array().unwrap().iter().cloned());
            if page["done"] == true {
                assert!(page.get("nextRecordsUrl").is_none());
                assert_eq!(page["totalSize"], records.len(), "{soql}");
                return records;
            }
            reply = self.get(page["nextRecordsUrl"].as_str().unwrap()).await;
        }
    }

    /// The names of an object's fields, and their types.
    pub(super) async fn fields(&self, object: &str) -> BTreeMap<String, String> {
        let described = self.get(&format!("{BASE}/sobjects/{object}/describe")).await.json();
        let fields = described["fields"].as_array().unwrap();
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        fields.iter().map(|field| (text(&field["name"]), text(&field["type"]))).collect()
    }

    pub(super) async fn count(&self, soql: &str) -> u64 {
        let reply = self.query(soql).await;
        assert_eq!(reply.status, 200, "{soql}: {}", reply.text);
        reply.json()["totalSize"].as_u64().unwrap()
    }

    pub(super) async fn counts(&self) -> Json {
        self.get("/__simulator/counts").await.json()
    }
}

pub(super) fn encoded(name: &str, value: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

async fn read(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, text: response.text().await.unwrap() }
}

/// The texts of one field of records.
pub(super) fn texts(records: &[Json], field: &str) -> Vec<String> {
    records.iter().map(|record| record[field].as_str().unwrap().to_owned()).collect()
}
