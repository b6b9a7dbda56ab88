//! What clients ask about tables before they query them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTableTypes,
    CommandGetTables, SqlInfo,
};

use crate::engine::Description;

const TABLE: &str = "TABLE";

/// The database.
pub(super) fn catalogs(query: CommandGetCatalogs, of: &Description) -> Result<RecordBatch> {
    let mut builder = query.into_builder();
    builder.append(&of.database);
    builder.build()
}

/// The schemas that are visible.
pub(super) fn schemas(query: CommandGetDbSchemas, of: &Description) -> Result<RecordBatch> {
    let mut builder = query.into_builder();
    for schema in &of.schemas {
        builder.append(&of.database, &schema.name);
    }
    builder.build()
}

/// The tables that are visible, with what their columns mean.
pub(super) fn tables(query: CommandGetTables, of: &Description) -> Result<RecordBatch> {
    let mut builder = query.into_builder();
    for schema in &of.schemas {
        for table in &schema.tables {
            let columns = &table.columns;
            builder.append(&of.database, &schema.name, &table.name, TABLE, columns)?;
        }
    }
    builder.build()
}

/// There are tables only.
pub(super) fn table_types(query: CommandGetTableTypes) -> Result<RecordBatch> {
    let mut builder = query.into_builder();
    builder.append(TABLE);
    builder.build()
}

/// The columns of an answer about primary keys, as Flight SQL has them.
pub(super) fn primary_keys_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_sequence", DataType::Int32, false),
        Field::new("key_name", DataType::Utf8, true),
    ]))
}

/// The columns that are unique together: a table's grain.
pub(super) fn primary_keys(query: &CommandGetPrimaryKeys, of: &Description) -> Result<RecordBatch> {
    let asked = |asked: &Option<String>, name: &str| asked.as_ref().is_none_or(|a| a == name);
    let mut rows: Vec<(&str, &str, &str, i32)> = Vec::new();
    for schema in of.schemas.iter().filter(|schema| asked(&query.db_schema, &schema.name)) {
        let named = schema.tables.iter().filter(|table| table.name == query.table);
        for table in named.filter(|_| asked(&query.catalog, &of.database)) {
            for (column, number) in table.grain.iter().zip(1..) {
                rows.push((&schema.name, &table.name, column, number));
            }
        }
    }
    let texts = |text: fn(&(&str, &str, &str, i32)) -> String| -> ArrayRef {
        Arc::new(StringArray::from(rows.iter().map(text).collect::<Vec<_>>()))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![of.database.as_str(); rows.len()])),
        texts(|row| row.0.to_owned()),
        texts(|row| row.1.to_owned()),
        texts(|row| row.2.to_owned()),
        Arc::new(Int32Array::from(rows.iter().map(|row| row.3).collect::<Vec<_>>())),
        texts(|row| format!("{}_grain", row.1)),
    ];
    Ok(RecordBatch::try_new(primary_keys_schema(), columns)?)
}

/// What the server says of itself.
pub(super) fn about_the_server() -> Result<SqlInfoData> {
    let mut builder = SqlInfoDataBuilder::new();
    builder.append(SqlInfo::FlightSqlServerName, "Salesmart");
    builder.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    builder.append(SqlInfo::FlightSqlServerArrowVersion, "59");
    builder.append(SqlInfo::FlightSqlServerReadOnly, true);
    builder.append(SqlInfo::FlightSqlServerSql, true);
    builder.append(SqlInfo::FlightSqlServerSubstrait, false);
    builder.append(SqlInfo::FlightSqlServerCancel, false);
    builder.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    builder.build()
}
