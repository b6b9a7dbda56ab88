//! The lake's releases, open for reading.
//!
//! Which release is current is looked at no more than once a second, when somebody asks. A release
//! that is open stays as it is; tables that two releases have in the same version are opened once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider,
};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionContext;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use salesmart_core::receipt::Severity;
use salesmart_core::{ReleaseId, Result};
use salesmart_lake::{Lake, Release};
use salesmart_model::{BusinessSettings, Catalog, OpenTable, Rule, TableName, open_table, reader};

use super::{
    Database, Description, Failure, Reader, SchemaDescription, TableDescription, View, code,
};
use crate::catalog;

/// How long the answer to "which release is current?" is good for.
const FRESH: Duration = Duration::from_secs(1);
/// Tables that are opened at a time.
const AT_ONCE: usize = 16;
/// Releases that stay open although nobody uses them, beside the current one.
const KEPT: usize = 8;
/// Sessions that a release keeps for users and databases.
const VIEWS: usize = 1_000;

/// What is known of each schema.
const SCHEMAS: [(&str, &str); 5] = [
    ("mart", "Dimensions and facts."),
    ("kpi", "Figures by period and scope, one family a table."),
    ("funnel", "Stages, conversion and losses."),
    ("forecast", "Sealed forecasts, how good they were, and what moved them."),
    ("ops", "Runs, checks, exclusions, and what every metric and column means."),
];

/// What is needed to open a release.
struct Ground {
    lake: Lake,
    catalog: Arc<Catalog>,
    business: BusinessSettings,
    runtime: Arc<RuntimeEnv>,
}

/// The lake's releases.
pub(crate) struct Releases {
    ground: Arc<Ground>,
    /// The current release, and when that was seen.
    current: Mutex<Option<(Instant, Arc<OpenRelease>)>>,
    /// Held by the one who looks.
    looking: tokio::sync::Mutex<()>,
    /// Releases that were opened, the last used last.
    open: Mutex<Vec<Arc<OpenRelease>>>,
    /// Tables of releases that are open.
    tables: Mutex<HashMap<(String, u64), Weak<OpenTable>>>,
    /// Every release there is, as of the last look.
    known: Mutex<Vec<ReleaseId>>,
}

/// One release, open.
pub(crate) struct OpenRelease {
    pub(crate) release: Release,
    ground: Arc<Ground>,
    /// Schemas, then tables.
    schemas: BTreeMap<String, BTreeMap<String, Arc<OpenTable>>>,
    databases: Vec<String>,
    /// What has been prepared for a user, by name and database.
    views: Mutex<HashMap<(String, Database), Prepared>>,
}

/// A session over the release, and its description. A `View` adds the release itself, which must
/// not hold itself.
type Prepared = (SessionContext, Arc<Description>);

/// A table of a release, opened.
type Named = (TableName, Arc<OpenTable>);

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Releases {
    pub(super) fn new(lake: Lake, catalog: Arc<Catalog>, business: BusinessSettings) -> Self {
        // Nothing is written to the disk of the server, not even what a sort would put aside: a
        // statement has the memory of its role and no more.
        let runtime = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            )
            .build_arc()
            .unwrap_or_default();
        Self {
            ground: Arc::new(Ground { lake, catalog, business, runtime }),
            current: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            open: Mutex::default(),
            tables: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// The release that a database stands for.
    ///
    /// # Errors
    /// 3D000 when there is no such release, 57P03 when there is none at all yet.
    pub(crate) fn get(
        &self,
        database: Database,
    ) -> BoxFuture<'_, Result<Arc<OpenRelease>, Failure>> {
        match database {
            Database::Warehouse => Box::pin(self.current()),
            Database::Release(id) => Box::pin(self.of_id(id)),
        }
    }

    /// The current release.
    async fn current(&self) -> Result<Arc<OpenRelease>, Failure> {
        let seen = || locked(&self.current).clone();
        let fresh = |seen: &(Instant, Arc<OpenRelease>)| seen.0.elapsed() < FRESH;
        let last = seen();
        if let Some((_, release)) = last.as_ref().filter(|seen| fresh(seen)) {
            return Ok(Arc::clone(release));
        }
        // One looks; the others go on with what they have, and wait only where there is nothing.
        let _looking = match (self.looking.try_lock(), &last) {
            (Ok(guard), _) => guard,
            (Err(_), Some((_, release))) => return Ok(Arc::clone(release)),
            (Err(_), None) => self.looking.lock().await,
        };
        if let Some((_, release)) = seen().as_ref().filter(|seen| fresh(seen)) {
            return Ok(Arc::clone(release));
        }
        match self.look().await {
            Ok(release) => {
                *locked(&self.current) = Some((Instant::now(), Arc::clone(&release)));
                Ok(release)
            }
            // The lake does not answer: what was read of it is still true.
            Err(failure) => match last {
                Some((_, release)) => {
                    tracing::warn!(
                        "failed to look for a new release, going on with {}: {}",
                        release.release.id,
                        failure.message
                    );
                    *locked(&self.current) = Some((Instant::now(), Arc::clone(&release)));
                    Ok(release)
                }
                None => Err(failure),
            },
        }
    }

    async fn look(&self) -> Result<Arc<OpenRelease>, Failure> {
        let lake = &self.ground.lake;
        let current = lake.current_release().await.map_err(|e| Failure::from(&e))?;
        let Some(release) = current else {
            return Err(Failure::new(code::CANNOT_CONNECT_NOW, "there is no release yet")
                .with_hint("Run a pipeline: `salesmart run NAME`."));
        };
        if let Some(open) = self.find_open(release.id) {
            return Ok(open);
        }
        *locked(&self.known) = lake.releases().await.map_err(|e| Failure::from(&e))?;
        let id = release.id;
        let open = self.open(release).await.map_err(|e| Failure::from(&e))?;
        tracing::info!("serving release {id}");
        Ok(open)
    }

    async fn of_id(&self, id: ReleaseId) -> Result<Arc<OpenRelease>, Failure> {
        if let Some(open) = self.find_open(id) {
            return Ok(open);
        }
        let known = self.ground.lake.releases().await.map_err(|e| Failure::from(&e))?;
        if !known.contains(&id) {
            return Err(Failure::new(code::INVALID_CATALOG, format!("there is no release {id}"))
                .with_hint(match known.last() {
                    Some(last) => format!("The newest is {last}."),
                    None => "There is none yet.".to_owned(),
                }));
        }
        *locked(&self.known) = known;
        let release = self.ground.lake.release(id).await.map_err(|e| Failure::from(&e))?;
        self.open(release).await.map_err(|e| Failure::from(&e))
    }

    fn find_open(&self, id: ReleaseId) -> Option<Arc<OpenRelease>> {
        let mut open = locked(&self.open);
        let at = open.iter().position(|open| open.release.id == id)?;
        let found = open.remove(at);
        open.push(Arc::clone(&found));
        Some(found)
    }

    /// Opens a release, all its tables.
    async fn open(&self, release: Release) -> Result<Arc<OpenRelease>> {
        let mut tables: Vec<BoxFuture<'_, Result<Named>>> = Vec::new();
        for (name, released) in &release.tables {
            tables.push(Box::pin(self.table(name.parse()?, released.version)));
        }
        let opened: Vec<Named> =
            futures::stream::iter(tables).buffered(AT_ONCE).try_collect().await?;
        let mut schemas: BTreeMap<String, BTreeMap<String, Arc<OpenTable>>> = BTreeMap::new();
        for (name, table) in opened {
            schemas.entry(name.schema).or_default().insert(name.table, table);
        }
        let releases =
            locked(&self.known).iter().rev().map(ToString::to_string).collect::<Vec<_>>();
        let databases = std::iter::once(Database::Warehouse.to_string()).chain(releases).collect();
        let opened = Arc::new(OpenRelease {
            release,
            ground: Arc::clone(&self.ground),
            schemas,
            databases,
            views: Mutex::default(),
        });
        let mut open = locked(&self.open);
        open.push(Arc::clone(&opened));
        if open.len() > KEPT {
            let current = locked(&self.current).as_ref().map(|(_, current)| current.release.id);
            if let Some(at) = open.iter().position(|open| Some(open.release.id) != current) {
                open.remove(at);
            }
        }
        drop(open);
        locked(&self.tables).retain(|_, table| table.strong_count() > 0);
        Ok(opened)
    }

    async fn table(&self, name: TableName, version: u64) -> Result<(TableName, Arc<OpenTable>)> {
        let key = (name.to_string(), version);
        let open = locked(&self.tables).get(&key).and_then(Weak::upgrade);
        if let Some(table) = open {
            return Ok((name, table));
        }
        let table = Arc::new(open_table(&self.ground.lake, &name, version).await?);
        locked(&self.tables).insert(key, Arc::downgrade(&table));
        Ok((name, table))
    }
}

impl OpenRelease {
    /// Whether the release has a schema, visible or not.
    pub(crate) fn has_schema(&self, name: &str) -> bool {
        self.schemas.contains_key(name)
    }

    /// What a user sees of it.
    ///
    /// # Errors
    /// When the catalogs of PostgreSQL cannot be made.
    pub(crate) fn view(
        self: &Arc<Self>,
        user: &Arc<Reader>,
        database: Database,
    ) -> Result<View, Failure> {
        let key = (user.name.clone(), database);
        let prepared = locked(&self.views).get(&key).cloned();
        let (context, description) = match prepared {
            Some(prepared) => prepared,
            None => {
                let prepared = self.prepare(user, database)?;
                let mut views = locked(&self.views);
                if views.len() > VIEWS {
                    views.clear();
                }
                views.insert(key, prepared.clone());
                prepared
            }
        };
        Ok(View { release: Arc::clone(self), reader: Arc::clone(user), context, description })
    }

    fn prepare(&self, user: &Reader, database: Database) -> Result<Prepared, Failure> {
        let ground = &self.ground;
        let name = database.to_string();
        let context = reader(&ground.lake, &ground.business, &name, Arc::clone(&ground.runtime));
        let provider = MemoryCatalogProvider::new();
        let failed =
            |e: datafusion::common::DataFusionError| Failure::new(code::INTERNAL, e.to_string());
        for (schema, tables) in &self.schemas {
            if !user.role.schemas.contains(schema) {
                continue;
            }
            let inside = MemorySchemaProvider::new();
            for (table, open) in tables {
                inside.register_table(table.clone(), Arc::clone(&open.provider)).map_err(failed)?;
            }
            provider.register_schema(schema, Arc::new(inside)).map_err(failed)?;
        }
        context.register_catalog(&name, Arc::new(provider) as Arc<dyn CatalogProvider>);
        let description = Arc::new(self.describe(user, name));
        tracing::debug!(
            "release {} as of {} is ready for \"{}\" in the role \"{}\"",
            description.release,
            self.release.as_of,
            user.name,
            user.role_name
        );
        catalog::register(&context, &description).map_err(failed)?;
        Ok((context, description))
    }

    fn describe(&self, user: &Reader, database: String) -> Description {
        let models: BTreeMap<String, &salesmart_model::Model> =
            self.ground.catalog.models().map(|model| (model.name.to_string(), model)).collect();
        let visible: Vec<&String> =
            self.schemas.keys().filter(|schema| user.role.schemas.contains(schema)).collect();
        let default_schema = visible
            .iter()
            .find(|schema| schema.as_str() == "kpi")
            .or_else(|| visible.first())
            .map_or_else(|| "kpi".to_owned(), |schema| (*schema).clone());
        let schemas = visible
            .into_iter()
            .map(|schema| SchemaDescription {
                name: schema.clone(),
                description: SCHEMAS.iter().find(|(name, _)| name == schema).map(|(_, text)| *text),
                tables: self.schemas[schema]
                    .iter()
                    .map(|(table, open)| {
                        let name = format!("{schema}.{table}");
                        let header = models.get(&name).map(|model| &model.header);
                        TableDescription {
                            name: table.clone(),
                            description: header.map(about),
                            grain: header.map(|header| header.grain.clone()).unwrap_or_default(),
                            rows: self.release.tables.get(&name).map_or(0, |table| table.rows),
                            columns: header.map_or_else(
                                || Arc::clone(&open.columns),
                                |header| promised(&open.columns, header),
                            ),
                        }
                    })
                    .collect(),
            })
            .collect();
        Description {
            release: self.release.id,
            database,
            databases: self.databases.clone(),
            user: user.name.clone(),
            default_schema,
            schemas,
        }
    }
}

/// The columns, those not nullable whose model's checks forbid null in a release.
fn promised(columns: &SchemaRef, header: &salesmart_model::ModelHeader) -> SchemaRef {
    let forbids_null = |name: &str| {
        header.checks.iter().any(|check| {
            check.rule == Rule::NotNull
                && check.severity == Severity::Error
                && check.column.as_deref() == Some(name)
        })
    };
    let fields = columns.fields().iter().map(|field| {
        let nullable = field.is_nullable() && !forbids_null(field.name());
        field.as_ref().clone().with_nullable(nullable)
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), columns.metadata().clone()))
}

/// What a table says, and what its metrics mean.
fn about(header: &salesmart_model::ModelHeader) -> String {
    let mut text = header.description.trim().to_owned();
    for metric in &header.metrics {
        text.push_str(&format!("\n{}: {} = {}", metric.id, metric.definition, metric.formula));
    }
    text
}
