//! `pg_catalog` and `information_schema` as schemas of the engine.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::error::Result;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::PG_CATALOG_TABLES;

use super::names::Oids;
use super::rows::Rows;
use super::{cluster, information_schema, relations, statistics};
use crate::engine::Description;

/// `pg_catalog`: what tells of this release is ours, what is the same in every PostgreSQL (types,
/// functions, operators) comes from datafusion-pg-catalog.
#[derive(Debug)]
pub(super) struct PgCatalog {
    pub(super) description: Arc<Description>,
    pub(super) oids: Arc<Oids>,
    pub(super) upstream: Arc<dyn SchemaProvider>,
}

impl PgCatalog {
    fn own(&self, name: &str) -> Option<Rows> {
        let (description, oids) = (&self.description, &self.oids);
        Some(match name {
            "pg_namespace" => relations::namespaces(description, oids),
            "pg_class" => relations::classes(description, oids),
            "pg_attribute" => relations::attributes(description, oids),
            "pg_index" => relations::indexes(description, oids),
            "pg_constraint" => relations::constraints(description, oids),
            "pg_description" => relations::descriptions(description, oids),
            "pg_settings" => cluster::settings(description),
            "pg_database" => cluster::databases(description, oids),
            "pg_roles" | "pg_authid" => cluster::roles(description, oids),
            "pg_user" | "pg_shadow" => cluster::users(description, oids),
            "pg_group" => cluster::groups(),
            "pg_auth_members" => cluster::memberships(),
            "pg_tables" => cluster::tables(description),
            "pg_tablespace" => cluster::tablespaces(),
            "pg_stat_activity" => cluster::activity(description, oids),
            "pg_stat_user_tables" | "pg_stat_all_tables" => {
                cluster::table_statistics(description, oids)
            }
            _ => statistics::table(description, name)?,
        })
    }
}

#[async_trait]
impl SchemaProvider for PgCatalog {
    fn table_names(&self) -> Vec<String> {
        let names = PG_CATALOG_TABLES.iter().chain(super::MORE_TABLES);
        names.map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.own(name) {
            Some(rows) => Ok(Some(rows.provider()?)),
            None => self.upstream.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        PG_CATALOG_TABLES.contains(&name) || super::MORE_TABLES.contains(&name)
    }
}

/// `information_schema`.
#[derive(Debug)]
pub(super) struct InformationSchema {
    pub(super) description: Arc<Description>,
}

#[async_trait]
impl SchemaProvider for InformationSchema {
    fn table_names(&self) -> Vec<String> {
        information_schema::TABLES.iter().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let rows = information_schema::table(&self.description, name);
        rows.map(|rows| rows.provider()).transpose()
    }

    fn table_exist(&self, name: &str) -> bool {
        information_schema::TABLES.contains(&name)
    }
}
