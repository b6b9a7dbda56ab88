//! Whole runs against the simulator's systems over HTTP: what they have is what is landed.

mod clients;
mod killed;
mod misbehaving;
mod schema;
mod synced;
