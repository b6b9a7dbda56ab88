//! A table over exactly the files of a table version.
//!
//! DataFusion's own listing table looks for its files before it reads them, and takes one that it
//! does not find for an empty folder: rows would be missing and nobody would know. Here the list
//! of files is the table. One that is not there fails the query that reads it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use salesmart_lake::DataFile;

/// Files of one or more table versions, read as one table. Columns that a file lacks are null.
#[derive(Debug)]
pub(crate) struct Files {
    store: ObjectStoreUrl,
    files: Vec<DataFile>,
    schema: SchemaRef,
}

impl Files {
    pub(crate) fn new(store: ObjectStoreUrl, files: Vec<DataFile>, schema: SchemaRef) -> Self {
        Self { store, files, schema }
    }

    /// How many rows there are, by the tables' logs.
    fn statistics(&self) -> Statistics {
        let rows: u64 = self.files.iter().map(|file| file.rows).sum();
        let rows = usize::try_from(rows).map_or(Precision::Absent, Precision::Exact);
        Statistics { num_rows: rows, ..Statistics::new_unknown(&self.schema) }
    }
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(Self::statistics(self))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let source =
            ParquetSource::new(Arc::clone(&self.schema)).with_table_parquet_options(options);
        let files: FileGroup =
            self.files.iter().map(|file| PartitionedFile::new(&file.path, file.size)).collect();
        // One group: the engine divides it among its partitions by byte ranges.
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_group(files)
            .with_statistics(self.statistics())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
