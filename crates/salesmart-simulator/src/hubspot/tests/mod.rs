//! The contract, rule by rule, over real HTTP.

mod access;
mod associations;
mod changes;
mod lists;
mod portal;
mod search;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{Limits, Settings, start};
use crate::Size;
use crate::wire::{FaultPlan, Running, SharedWorld};
use crate::world::{self, World};

/// A portal that a test talks to.
struct Portal {
    server: Running,
    world: SharedWorld,
    client: reqwest::Client,
    token: String,
}

/// What it answered.
struct Answered {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The body of a success.
    fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }
}

/// Settings without limits, so that tests need not wait.
fn quick() -> Settings {
    Settings { limits: Limits::none(), ..Settings::default() }
}

fn small_world(deals: u64) -> SharedWorld {
    let size = Size { reps: 6, deals };
    SharedWorld::new(World::new(world::Settings { size, ..Default::default() }))
}

impl Portal {
    async fn small() -> Self {
        Self::with(quick(), FaultPlan::none(), 400).await
    }

    async fn with(settings: Settings, faults: FaultPlan, deals: u64) -> Self {
        let world = small_world(deals);
        let token = settings.token.clone();
        let server = start(world.clone(), settings, faults, None).await.unwrap();
        Self { server, world, client: reqwest::Client::new(), token }
    }

    async fn get(&self, path: &str) -> Answered {
        let request = self.client.get(format!("{}{path}", self.server.url()));
        Self::answer(request.bearer_auth(&self.token)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answered {
        let request = self.client.post(format!("{}{path}", self.server.url()));
        Self::answer(request.bearer_auth(&self.token).body(body.to_string())).await
    }

    async fn form(&self, path: &str, form: &[(&str, &str)]) -> Answered {
        let request = self.client.post(format!("{}{path}", self.server.url()));
        Self::answer(request.form(form)).await
    }

    async fn answer(request: reqwest::RequestBuilder) -> Answered {
        let reply = request.send().await.unwrap();
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        Answered { status, headers, text: reply.text().await.unwrap() }
    }

    /// Every record of a list, by following `paging.next.link` as it came.
    async fn all(&self, path: &str) -> Vec<Value> {
        let mut records = Vec::new();
        let mut next = Some(format!("{}{path}", self.server.url()));
        while let Some(link) = next {
            let page = Self::answer(self.client.get(link).bearer_auth(&self.token)).await.ok();
            records.extend(results(&page).iter().cloned());
            next = page["paging"]["next"]["link"].as_str().map(str::to_owned);
        }
        records
    }

    /// What the world says of an object.
    async fn records(&self, object: &str) -> Vec<Value> {
        let answered = self.get(&format!("/__simulator/records/{object}")).await;
        assert_eq!(answered.status, 200, "{}", answered.text);
        answered.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn count(&self, object: &str) -> (u64, u64) {
        let counts = self.get("/__simulator/counts").await.ok();
        let count = &counts[object];
        (count["all"].as_u64().unwrap(), count["live"].as_u64().unwrap())
    }
}

fn results(page: &Value) -> &[Value] {
    page["results"].as_array().map_or(&[], Vec::as_slice)
}

fn ids(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["id"].as_str().unwrap().parse().unwrap()).collect()
}
