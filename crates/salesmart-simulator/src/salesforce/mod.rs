//! Salesforce as a client sees it: OAuth, REST queries, Bulk 2.0 query jobs, and all their refusals,
//! over a simulated world.
//!
//! A request goes through `server` (paths, sessions, limits) to `rest`, `bulk` or
//! `replication`. A query is parsed by `soql`, held against the `schema` by `bind`, and run
//! over the `org`'s indexes by `run`. What the contract leaves open is in [`Settings`].

mod activity;
mod bind;
mod bulk;
mod ids;
mod oauth;
mod org;
mod plan;
mod refusal;
mod replication;
mod rest;
mod run;
mod schema;
mod server;
mod settings;
mod soql;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod value;

pub use ids::RecordId;
pub use server::start;
pub use settings::Settings;
