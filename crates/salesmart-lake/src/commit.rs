//! Making files part of a table, with what belongs to them, in one step.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::SchemaRef;
use chrono::Utc;
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake_core::kernel::{
    Action, Add, EagerSnapshot, MetadataExt, Protocol, StructType, Transaction, new_metadata,
};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use salesmart_core::{Error, Result};
use serde_json::{Value, json};

use crate::table::{METADATA_KEY, delta_error};
use crate::{Lake, NewFile, TablePath, crash};

/// What happens to the files that are in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitMode {
    /// They stay.
    Append,
    /// They are replaced.
    Overwrite,
    /// Those whose names begin with this are replaced, the others stay
    /// (see [`crate::TableWriter::with_prefix`]).
    ReplacePrefix(String),
    /// Those of these names are replaced, the others stay. All of them must be there.
    ReplaceFiles(BTreeSet<String>),
}

/// Files and what belongs to them.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The files to add.
    pub files: Vec<NewFile>,
    /// What happens to the files that are there.
    pub mode: CommitMode,
    /// The table's columns from this commit on.
    pub schema: SchemaRef,
    /// Salesmart's own facts about this commit: cursor, run, counts, fingerprint.
    pub metadata: BTreeMap<String, Value>,
    /// An application id and its version, recorded with the rows: the proof that they are in.
    pub transaction: Option<(String, i64)>,
    /// A sentence about the table, for tools that show one.
    pub description: Option<String>,
}

impl Lake {
    /// Commits files to a table, making the table where there is none. Either everything in the
    /// commit is visible afterwards, or nothing.
    ///
    /// # Errors
    /// When the store fails, or another writer committed to the table meanwhile (which the lease
    /// prevents between runs of Salesmart).
    pub async fn commit(&self, path: &TablePath, commit: Commit) -> Result<u64> {
        let failed = |e| delta_error(format!("failed to commit to table `{path}`"), e);
        let unusable = |e| failed(DeltaTableError::from(e));
        if let Some(folder) = &self.folder {
            // A commit without files still needs its folder on a local disk.
            std::fs::create_dir_all(folder.join(path.as_str())).map_err(|e| {
                Error::configuration(format!("failed to make the folder of table `{path}`"))
                    .with_source(e)
            })?;
        }
        let current = self.table(path).await?;
        let schema: StructType = commit.schema.as_ref().try_into_kernel().map_err(|e| {
            Error::bug(format!("table `{path}` has a column that Delta cannot hold")).with_source(e)
        })?;

        let mut actions = Vec::new();
        match &current {
            None => {
                // The oldest protocol there is: every reader of Delta understands it.
                let protocol: Protocol =
                    serde_json::from_value(json!({ "minReaderVersion": 1, "minWriterVersion": 2 }))
                        .map_err(|e| {
                            Error::bug("failed to state the Delta protocol").with_source(e)
                        })?;
                actions.push(Action::Protocol(protocol));
                let mut metadata = new_metadata(
                    &schema,
                    Vec::<String>::new(),
                    // Releases name versions that must stay readable for years.
                    [("delta.enableExpiredLogCleanup", "false")],
                )
                .map_err(unusable)?;
                if let Some(description) = &commit.description {
                    metadata = metadata.with_description(description.clone()).map_err(unusable)?;
                }
                actions.push(Action::Metadata(metadata));
            }
            Some(table) => {
                let state = table.delta.snapshot().map_err(failed)?;
                let mut metadata = state.metadata().clone();
                if state.schema().as_ref() != &schema {
                    metadata = metadata.with_schema(&schema).map_err(unusable)?;
                }
                if let Some(description) = &commit.description
                    && metadata.description() != Some(description.as_str())
                {
                    metadata = metadata.with_description(description.clone()).map_err(unusable)?;
                }
                if &metadata != state.metadata() {
                    actions.push(Action::Metadata(metadata));
                }
                let mut replaced = 0;
                for file in state.log_data().iter() {
                    let goes = match &commit.mode {
                        CommitMode::Append => false,
                        CommitMode::Overwrite => true,
                        CommitMode::ReplacePrefix(prefix) => {
                            file.path().starts_with(prefix.as_str())
                        }
                        CommitMode::ReplaceFiles(names) => names.contains(file.path().as_ref()),
                    };
                    if goes {
                        replaced += 1;
                        actions.push(Action::Remove(file.remove_action(true)));
                    }
                }
                if let CommitMode::ReplaceFiles(names) = &commit.mode
                    && names.len() != replaced
                {
                    return Err(Error::bug(format!(
                        "table `{path}` no longer has the files that a commit replaces"
                    )));
                }
            }
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the log of a table says when it was written"
        )]
        let now = Utc::now().timestamp_millis();
        for file in &commit.files {
            actions.push(Action::Add(Add {
                path: file.name.clone(),
                size: i64::try_from(file.size).unwrap_or(i64::MAX),
                modification_time: now,
                data_change: true,
                stats: Some(json!({ "numRecords": file.rows }).to_string()),
                ..Add::default()
            }));
        }

        let mut properties = CommitProperties::default()
            .with_metadata([(
                METADATA_KEY.to_owned(),
                Value::Object(commit.metadata.into_iter().collect()),
            )])
            // A version that somebody else made meanwhile is a conflict, not something to merge with.
            .with_max_retries(0)
            .with_cleanup_expired_logs(Some(false));
        if let Some((application, version)) = commit.transaction {
            properties = properties.with_application_transaction(
                Transaction::new_with_last_update(application, version, Some(now)),
            );
        }
        let operation = DeltaOperation::Write {
            mode: if commit.mode == CommitMode::Append {
                SaveMode::Append
            } else {
                SaveMode::Overwrite
            },
            partition_by: None,
            predicate: None,
        };
        let reference: Option<&EagerSnapshot> = match &current {
            Some(table) => Some(table.delta.snapshot().map_err(failed)?.snapshot()),
            None => None,
        };
        let finalized = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(
                reference.map(|snapshot| snapshot as &dyn TableReference),
                self.log_store(path)?,
                operation,
            )
            .await
            .map_err(failed)?;
        crash::after_write(path.as_str());
        Ok(finalized.version())
    }
}
