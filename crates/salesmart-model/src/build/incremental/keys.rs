//! The keys whose inputs changed since a table was built.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{DateTime, Utc};
use datafusion::common::exec_err;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::DataFrame;
use salesmart_core::{Error, Result};
use salesmart_lake::{DataFile, TablePath};
use serde::{Deserialize, Serialize};

use super::{Input, Source as InputSource, diff};
use crate::build::table::Job;
use crate::catalog::Model;
use crate::diagnostics::Source;
use crate::header::Kind;
use crate::incremental::{AsOf, Incremental};
use crate::name::Relation;
use crate::sql::{self, Instant};
use crate::{plan, store};

/// More keys than these are not replaced one by one: everything is built.
const MOST_KEYS: usize = 400_000;

/// A set of keys.
pub(in crate::build) type Keys = HashSet<String>;

/// What a table was made of, input by input, when it was built.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// Everything but the rows of the inputs that change keys.
    pub(super) basis: String,
    pub(super) as_of: DateTime<Utc>,
    /// By input, the version of each table it consists of.
    pub(super) inputs: BTreeMap<String, BTreeMap<String, u64>>,
    /// The same of every other table that was read, where what it brought must be found again.
    #[serde(default)]
    pub(super) others: BTreeMap<String, BTreeMap<String, u64>>,
}

/// The file in which a commit says which keys it replaced.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChangedKeys {
    /// Its name, relative to the table; none where no key was replaced.
    pub(super) name: Option<String>,
    pub(super) size: u64,
    pub(super) rows: u64,
}

/// The keys to build again, or why everything must be.
pub(in crate::build) type Found = Result<BTreeSet<String>, String>;

impl Job {
    /// The keys whose inputs changed since the table was built.
    pub(super) async fn changed_keys(
        &self,
        model: &Model,
        declared: &Incremental,
        inputs: &[Input],
        before: &State,
    ) -> Result<Found> {
        let mut keys = BTreeSet::new();
        for input in inputs {
            let name = input.relation.to_string();
            let Some(versions) = before.inputs.get(&name) else {
                return Ok(Err(format!("`{name}` was no input before")));
            };
            match self.of_input(model, input, versions).await? {
                Ok(some) => keys.extend(some),
                Err(why) => return Ok(Err(format!("{why} (`{name}`)"))),
            }
        }
        if let AsOf::Moves(query, text, _) = &declared.as_of {
            if before.as_of > self.instant.as_of {
                return Ok(Err("the instant went back".to_owned()));
            }
            let last = Instant::new(before.as_of, &self.business);
            let source = Source { file: &model.file, text };
            let query = sql::bind_since(query, last, self.instant);
            let plan = plan::analysed(&self.workspace, query, source).await?;
            let frame = DataFrame::new(self.workspace.context().state(), plan);
            match distinct(frame, source).await? {
                Some(some) => keys.extend(some),
                None => return Ok(Err("time moves rows that have no key".to_owned())),
            }
        }
        if keys.len() > MOST_KEYS {
            return Ok(Err(format!("{} keys changed", keys.len())));
        }
        Ok(Ok(keys))
    }

    async fn of_input(
        &self,
        model: &Model,
        input: &Input,
        versions: &BTreeMap<String, u64>,
    ) -> Result<Found> {
        let gone = |path: &String| !input.parts.iter().any(|part| part.path.as_str() == path);
        if versions.keys().any(gone) {
            return Ok(Err("a connection is gone".to_owned()));
        }
        let mut keys = BTreeSet::new();
        for part in &input.parts {
            let version = versions.get(part.path.as_str()).copied();
            if version == Some(part.version) {
                continue;
            }
            let found = match (&input.source, version) {
                (InputSource::Appended, version) => {
                    self.of_added_files(model, input, part, version).await?
                }
                (_, None) => Err("it was not there before".to_owned()),
                (InputSource::Keyed, Some(version)) => {
                    self.of_commits(&part.path, version, part.version).await?
                }
                (InputSource::Whole, Some(version)) => {
                    self.of_versions(model, input, &part.path, version, part.version).await?
                }
            };
            match found {
                Ok(some) => keys.extend(some),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(keys))
    }

    /// Of a table that is only added to: the keys of the rows in files that are new.
    async fn of_added_files(
        &self,
        model: &Model,
        input: &Input,
        part: &super::Part,
        version: Option<u64>,
    ) -> Result<Found> {
        let before: BTreeSet<String> = match version {
            None => BTreeSet::new(),
            Some(version) => {
                let table = self.lake.table_at(&part.path, version).await?;
                table.files.into_iter().map(|file| file.path).collect()
            }
        };
        let added: Vec<DataFile> =
            part.files.iter().filter(|file| !before.contains(&file.path)).cloned().collect();
        if added.len() + before.len() != part.files.len() {
            return Ok(Err("files of it were replaced".to_owned()));
        }
        if added.is_empty() {
            return Ok(Ok(BTreeSet::new()));
        }
        let schema = plan::relation_schema(&self.catalog, &input.relation)
            .ok_or_else(|| Error::bug(format!("`{}` has no schema", input.relation)))?;
        let workspace = self.workspace.fresh(&self.business, crate::session::config());
        let provider = store::provider(&self.lake, &added, schema)?;
        super::register(&workspace, &input.relation, provider)?;
        let text = format!("select {} as key from {}", input.key, input.relation);
        let source = Source { file: &model.file, text: &text };
        let query = sql::parse(&model.file, &text)?;
        let plan = plan::analysed(&workspace, query, source).await?;
        let frame = DataFrame::new(workspace.context().state(), plan);
        Ok(distinct(frame, source).await?.ok_or_else(|| "a new row has no key".to_owned()))
    }

    /// Of a table that is built whole: the keys of rows that differ in what the model reads.
    async fn of_versions(
        &self,
        model: &Model,
        input: &Input,
        path: &TablePath,
        from: u64,
        to: u64,
    ) -> Result<Found> {
        let source = Source { file: &model.file, text: &model.text };
        let plan = plan::plan_model(&self.workspace, model, self.instant).await?;
        let state = self.workspace.context().state();
        let columns = state.optimize(&plan).and_then(|plan| diff::columns(&plan, &input.relation));
        let columns = columns.map_err(|e| source.running(&e))?;
        let before = self.lake.table_at(path, from).await?;
        let now = self.lake.table_at(path, to).await?;
        let keys = diff::keys(&self.lake, &before, &now, &input.key, &columns).await?;
        Ok(keys.ok_or_else(|| "its columns changed".to_owned()))
    }

    /// Of a table that is built in parts: the keys that its builds since then replaced.
    async fn of_commits(&self, path: &TablePath, from: u64, to: u64) -> Result<Found> {
        let mut files = Vec::new();
        for version in from + 1..=to {
            let metadata = self.lake.commit_metadata(path, version).await?;
            let keys = metadata.get(store::CHANGED_KEYS).map(ChangedKeys::deserialize);
            let Some(Ok(keys)) = keys else {
                return Ok(Err(format!("all of it was built in its version {version}")));
            };
            files.extend(keys.name.map(|name| DataFile {
                path: format!("{path}/{name}"),
                size: keys.size,
                rows: keys.rows,
            }));
        }
        if from > to {
            return Ok(Err("it went back to an older version".to_owned()));
        }
        let provider = store::provider(&self.lake, &files, keys_schema())?;
        let frame = self.workspace.context().read_table(provider);
        let source = Source { file: path.as_str(), text: "" };
        let frame = frame.map_err(|e| source.running(&e))?;
        Ok(distinct(frame, source).await?.ok_or_else(|| "a key of it is null".to_owned()))
    }
}

/// The columns of a file of keys.
pub(super) fn keys_schema() -> arrow::datatypes::SchemaRef {
    Arc::new(Schema::new(vec![Field::new("key", DataType::Utf8, true)]))
}

/// The values of a frame's only column; `None` where one is null.
async fn distinct(frame: DataFrame, source: Source<'_>) -> Result<Option<BTreeSet<String>>> {
    let mut keys = BTreeSet::new();
    let batches = frame.distinct().map_err(|e| source.running(&e))?;
    for batch in batches.collect().await.map_err(|e| source.running(&e))? {
        let column = arrow::compute::cast(batch.column(0), &DataType::Utf8)
            .map_err(|e| Error::bug("a key is no text").with_source(e))?;
        if column.null_count() > 0 {
            return Ok(None);
        }
        keys.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(Some(keys))
}

/// The name of [`IsChanged`] in SQL.
pub(super) const IS_CHANGED: &str = "salesmart_is_changed_key";

/// Whether a key is among those to build again. It is a filter that the reader of Parquet can ask
/// before it reads a row's other columns.
#[derive(Debug)]
pub(super) struct IsChanged {
    keys: Arc<Keys>,
    signature: Signature,
}

impl IsChanged {
    pub(super) fn udf(keys: &Arc<Keys>) -> ScalarUDF {
        let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
        ScalarUDF::from(Self { keys: Arc::clone(keys), signature })
    }
}

impl PartialEq for IsChanged {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.keys, &other.keys)
    }
}

impl Eq for IsChanged {}

impl Hash for IsChanged {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.keys).hash(state);
    }
}

impl ScalarUDFImpl for IsChanged {
    fn name(&self) -> &'static str {
        IS_CHANGED
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [keys] = arrays.as_slice() else {
            return exec_err!("`{IS_CHANGED}` takes one key");
        };
        let found: BooleanArray = keys
            .as_string::<i32>()
            .iter()
            .map(|key| Some(key.is_some_and(|key| self.keys.contains(key))))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// How an input tells what changed in it.
pub(super) fn source_of(catalog: &crate::catalog::Catalog, relation: &Relation) -> InputSource {
    let model = match relation {
        Relation::Model(name) => catalog.model(name),
        _ => None,
    };
    let has_keys =
        |model: &Model| model.header.incremental.as_ref().is_some_and(Incremental::has_keys);
    match model.map(Model::kind) {
        None | Some(Kind::Snapshot) => InputSource::Appended,
        Some(Kind::Incremental) if model.is_some_and(has_keys) => InputSource::Keyed,
        Some(_) => InputSource::Whole,
    }
}
