//! From SQL files to built tables and check results.
//!
//! ```text
//! sql/**.sql ─▶ Catalog ─▶ plan_all ─▶ build ─▶ Modeled (tables, check results)
//!               headers    types vs     Delta tables in the lake,
//!               graph      contracts    one version each
//! ```
//!
//! A model is one SELECT with its contract in the header. The graph comes from parsing the SQL,
//! not from templates. Everything that can be known without running is known from
//! [`Catalog::load`] and [`plan_all`]. Models see time only as `$as_of`: the same inputs and the
//! same instant give the same rows in the same order.
//!
//! Architecture invariant: this crate knows no connector and no pipeline file, and only
//! `store.rs`, `build/` and `query.rs` touch the lake.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod build;
mod calendar;
mod cases;
mod catalog;
mod checks;
mod diagnostics;
mod explain;
mod functions;
mod graph;
mod header;
mod incremental;
mod lineage;
mod name;
mod nearest;
mod plan;
mod quarantine;
mod query;
mod raw;
mod refs;
#[cfg(test)]
mod repository;
mod rule;
mod scan;
mod select;
mod session;
mod settings;
mod sql;
mod store;
pub mod system;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use build::{BuildRequest, LateSystem, Progress, SoFar, build};
pub use calendar::{Calendar, FiscalYear, Grain, WeekPattern, YearEnd};
pub use cases::{Case, CaseFile, run_case};
pub use catalog::{Catalog, Model, Origin, SqlCheck};
pub use explain::explain;
pub use header::{ColumnContract, Kind, Metric, ModelHeader};
pub use incremental::{AsOf, ChangedBy, Incremental};
pub use lineage::{ColumnLineage, Influence, Influences, ModelLineage, SourceColumn, Way, lineage};
pub use name::{Layer, Relation, TableName};
pub use plan::{Planned, plan_all};
pub use query::{OpenTable, open_table, problem, query, reader};
pub use raw::RawStream;
pub use refs::Reference;
pub use rule::{CheckSpec, Rule};
pub use settings::{BusinessSettings, Target};
