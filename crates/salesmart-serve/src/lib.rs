//! Serving: releases, read by those who did not make them.
//!
//! ```text
//!  psql, BI tools ──PostgreSQL──┐
//!                               ├──▶ engine: a view of one release, within the role's limits ──▶ lake
//!  ADBC ──Arrow Flight SQL──────┘
//! ```
//!
//! A statement is answered from one release, whichever becomes current meanwhile; a transaction
//! too. It reads releases only and cannot write: neither into the lake nor onto the server's disk.
//!
//! Architecture invariant: `engine/` knows no wire protocol, `postgres/` and `flight/` plan and run
//! nothing themselves, and only `catalog/` knows what PostgreSQL's own tables look like.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod auth;
mod catalog;
mod engine;
mod flight;
mod postgres;
mod serve;
mod tls;
mod web;

pub use auth::{hash_password, one_time_password};
pub use serve::{Addresses, Server};
