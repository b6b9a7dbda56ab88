//! `information_schema`, as PostgreSQL 15 declares it.

use arrow::datatypes::Field;
use pgwire::api::Type;

use super::cluster::OWNER;
use super::names::{index_name, is_primary, modifier, pg_type};
use super::rows::{Cell, Rows};
use crate::engine::{Description, SchemaDescription, TableDescription};

/// The tables that are here.
pub(super) const TABLES: [&str; 21] = [
    "applicable_roles",
    "character_sets",
    "check_constraints",
    "column_privileges",
    "columns",
    "constraint_column_usage",
    "domains",
    "enabled_roles",
    "key_column_usage",
    "parameters",
    "referential_constraints",
    "role_table_grants",
    "routines",
    "schemata",
    "sequences",
    "table_constraints",
    "table_privileges",
    "tables",
    "triggers",
    "usage_privileges",
    "views",
];

/// A table by its name.
pub(super) fn table(description: &Description, name: &str) -> Option<Rows> {
    let rows = match name {
        "schemata" => schemata(description),
        "tables" => tables(description),
        "columns" => columns(description),
        "table_constraints" => table_constraints(description),
        "key_column_usage" => key_columns(description, true),
        "constraint_column_usage" => key_columns(description, false),
        "role_table_grants" | "table_privileges" => grants(description),
        "column_privileges" => column_grants(description),
        "enabled_roles" => {
            let mut rows = Rows::new("role_name");
            rows.add([("role_name", description.user.as_str().into())]);
            rows
        }
        "character_sets" => {
            let mut rows = Rows::new(
                "character_set_catalog, character_set_schema, character_set_name text = UTF8, \
                 character_repertoire text = UCS, form_of_use text = UTF8, \
                 default_collate_catalog, default_collate_schema, default_collate_name",
            );
            rows.add([("default_collate_catalog", description.database.as_str().into())]);
            rows
        }
        _ => Rows::new(empty(name)?),
    };
    Some(rows)
}

/// The columns of tables that never have rows here: there is nothing of their kind.
fn empty(name: &str) -> Option<&'static str> {
    Some(match name {
        "applicable_roles" => "grantee, role_name, is_grantable",
        "check_constraints" => {
            "constraint_catalog, constraint_schema, constraint_name, check_clause"
        }
        "domains" => {
            "domain_catalog, domain_schema, domain_name, data_type, \
             character_maximum_length int4, numeric_precision int4, numeric_scale int4, \
             domain_default, udt_catalog, udt_schema, udt_name, dtd_identifier"
        }
        "parameters" => {
            "specific_catalog, specific_schema, specific_name, ordinal_position int4, \
             parameter_mode, is_result, as_locator, parameter_name, data_type, \
             character_maximum_length int4, numeric_precision int4, numeric_scale int4, \
             udt_catalog, udt_schema, udt_name, dtd_identifier, parameter_default"
        }
        "referential_constraints" => {
            "constraint_catalog, constraint_schema, constraint_name, unique_constraint_catalog, \
             unique_constraint_schema, unique_constraint_name, match_option, update_rule, \
             delete_rule"
        }
        "routines" => {
            "specific_catalog, specific_schema, specific_name, routine_catalog, routine_schema, \
             routine_name, routine_type, type_udt_catalog, type_udt_schema, type_udt_name, \
             data_type, routine_body, routine_definition, external_language, is_deterministic, \
             security_type, dtd_identifier"
        }
        "sequences" => {
            "sequence_catalog, sequence_schema, sequence_name, data_type, numeric_precision int4, \
             numeric_precision_radix int4, numeric_scale int4, start_value, minimum_value, \
             maximum_value, increment, cycle_option"
        }
        "triggers" => {
            "trigger_catalog, trigger_schema, trigger_name, event_manipulation, \
             event_object_catalog, event_object_schema, event_object_table, action_order int4, \
             action_condition, action_statement, action_orientation, action_timing, \
             action_reference_old_table, action_reference_new_table, created"
        }
        "usage_privileges" => {
            "grantor, grantee, object_catalog, object_schema, object_name, object_type, \
             privilege_type, is_grantable"
        }
        "views" => {
            "table_catalog, table_schema, table_name, view_definition, check_option, \
             is_updatable, is_insertable_into, is_trigger_updatable, is_trigger_deletable, \
             is_trigger_insertable_into"
        }
        _ => return None,
    })
}

fn each_table(
    description: &Description,
) -> impl Iterator<Item = (&SchemaDescription, &TableDescription)> {
    description
        .schemas
        .iter()
        .flat_map(|schema| schema.tables.iter().map(move |table| (schema, table)))
}

fn schemata(description: &Description) -> Rows {
    let mut rows = Rows::new(
        "catalog_name, schema_name, schema_owner text = salesmart, default_character_set_catalog, \
         default_character_set_schema, default_character_set_name, sql_path",
    );
    let own = description.schemas.iter().map(|schema| schema.name.as_str());
    for name in ["pg_catalog", "information_schema"].into_iter().chain(own) {
        let catalog = description.database.as_str().into();
        rows.add([("catalog_name", catalog), ("schema_name", name.into())]);
    }
    rows
}

fn tables(description: &Description) -> Rows {
    let mut rows = Rows::new(
        "table_catalog, table_schema, table_name, table_type text = 'BASE TABLE', \
         self_referencing_column_name, reference_generation, user_defined_type_catalog, \
         user_defined_type_schema, user_defined_type_name, is_insertable_into text = NO, \
         is_typed text = NO, commit_action",
    );
    for (schema, table) in each_table(description) {
        rows.add([
            ("table_catalog", description.database.as_str().into()),
            ("table_schema", schema.name.as_str().into()),
            ("table_name", table.name.as_str().into()),
        ]);
    }
    rows
}

fn columns(description: &Description) -> Rows {
    let mut rows = Rows::new(
        "table_catalog, table_schema, table_name, column_name, ordinal_position int4, \
         column_default, is_nullable, data_type, character_maximum_length int4, \
         character_octet_length int4, numeric_precision int4, numeric_precision_radix int4, \
         numeric_scale int4, datetime_precision int4, interval_type, interval_precision int4, \
         character_set_catalog, character_set_schema, character_set_name, collation_catalog, \
         collation_schema, collation_name, domain_catalog, domain_schema, domain_name, \
         udt_catalog, udt_schema text = pg_catalog, udt_name, scope_catalog, scope_schema, \
         scope_name, maximum_cardinality int4, dtd_identifier, is_self_referencing text = NO, \
         is_identity text = NO, identity_generation, identity_start, identity_increment, \
         identity_maximum, identity_minimum, identity_cycle text = NO, is_generated text = NEVER, \
         generation_expression, is_updatable text = NO",
    );
    for (schema, table) in each_table(description) {
        for (place, field) in (1_i32..).zip(table.columns.fields()) {
            let (precision, radix, scale) = numeric(field);
            rows.add([
                ("table_catalog", description.database.as_str().into()),
                ("table_schema", schema.name.as_str().into()),
                ("table_name", table.name.as_str().into()),
                ("column_name", field.name().as_str().into()),
                ("ordinal_position", place.into()),
                ("is_nullable", if field.is_nullable() { "YES" } else { "NO" }.into()),
                ("data_type", standard_name(&pg_type(field)).into()),
                ("character_octet_length", text_length(field)),
                ("numeric_precision", precision),
                ("numeric_precision_radix", radix),
                ("numeric_scale", scale),
                ("datetime_precision", datetime(field)),
                ("udt_catalog", description.database.as_str().into()),
                ("udt_name", pg_type(field).name().into()),
                ("dtd_identifier", place.to_string().into()),
            ]);
        }
    }
    rows
}

/// The name of a type in the standard, as `information_schema` writes it.
pub(super) fn standard_name(kind: &Type) -> &str {
    match *kind {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::TIMESTAMP => "timestamp without time zone",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        Type::TIME => "time without time zone",
        Type::VARCHAR => "character varying",
        _ if kind.name().starts_with('_') => "ARRAY",
        _ => kind.name(),
    }
}

fn numeric(field: &Field) -> (Cell, Cell, Cell) {
    let binary = |bits: i32, scale: Cell| (bits.into(), Cell::Number(2), scale);
    match pg_type(field) {
        Type::INT2 => binary(16, Cell::Number(0)),
        Type::INT4 => binary(32, Cell::Number(0)),
        Type::INT8 => binary(64, Cell::Number(0)),
        Type::FLOAT4 => binary(24, Cell::Null),
        Type::FLOAT8 => binary(53, Cell::Null),
        Type::NUMERIC if modifier(field) >= 0 => {
            let packed = modifier(field) - 4;
            ((packed >> 16).into(), Cell::Number(10), (packed & 0xffff).into())
        }
        Type::NUMERIC => (Cell::Null, Cell::Number(10), Cell::Null),
        _ => (Cell::Null, Cell::Null, Cell::Null),
    }
}

fn text_length(field: &Field) -> Cell {
    if pg_type(field) == Type::TEXT { Cell::Number(1_073_741_824) } else { Cell::Null }
}

fn datetime(field: &Field) -> Cell {
    match pg_type(field) {
        Type::DATE => Cell::Number(0),
        Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::TIME | Type::INTERVAL => Cell::Number(6),
        _ => Cell::Null,
    }
}

fn table_constraints(description: &Description) -> Rows {
    let mut rows = Rows::new(
        "constraint_catalog, constraint_schema, constraint_name, table_catalog, table_schema, \
         table_name, constraint_type text = 'PRIMARY KEY', is_deferrable text = NO, \
         initially_deferred text = NO, enforced text = YES, nulls_distinct",
    );
    for (schema, table) in each_table(description).filter(|(_, table)| is_primary(table)) {
        rows.add([
            ("constraint_catalog", description.database.as_str().into()),
            ("constraint_schema", schema.name.as_str().into()),
            ("constraint_name", index_name(table).into()),
            ("table_catalog", description.database.as_str().into()),
            ("table_schema", schema.name.as_str().into()),
            ("table_name", table.name.as_str().into()),
        ]);
    }
    rows
}

fn key_columns(description: &Description, with_positions: bool) -> Rows {
    let mut rows = if with_positions {
        Rows::new(
            "constraint_catalog, constraint_schema, constraint_name, table_catalog, \
             table_schema, table_name, column_name, ordinal_position int4, \
             position_in_unique_constraint int4",
        )
    } else {
        Rows::new(
            "table_catalog, table_schema, table_name, column_name, constraint_catalog, \
             constraint_schema, constraint_name",
        )
    };
    for (schema, table) in each_table(description).filter(|(_, table)| is_primary(table)) {
        for (place, name) in (1_i32..).zip(&table.grain) {
            let common = [
                ("constraint_catalog", Cell::from(description.database.as_str())),
                ("constraint_schema", schema.name.as_str().into()),
                ("constraint_name", index_name(table).into()),
                ("table_catalog", description.database.as_str().into()),
                ("table_schema", schema.name.as_str().into()),
                ("table_name", table.name.as_str().into()),
                ("column_name", name.as_str().into()),
            ];
            if with_positions {
                let [a, b, c, d, e, f, g] = common;
                rows.add([a, b, c, d, e, f, g, ("ordinal_position", place.into())]);
            } else {
                rows.add(common);
            }
        }
    }
    rows
}

fn grants(description: &Description) -> Rows {
    let mut rows = Rows::new(
        "grantor text = salesmart, grantee, table_catalog, table_schema, table_name, \
         privilege_type text = SELECT, is_grantable text = NO, with_hierarchy text = NO",
    );
    for (schema, table) in each_table(description) {
        rows.add([
            ("grantor", OWNER.into()),
            ("grantee", description.user.as_str().into()),
            ("table_catalog", description.database.as_str().into()),
            ("table_schema", schema.name.as_str().into()),
            ("table_name", table.name.as_str().into()),
        ]);
    }
    rows
}

fn column_grants(description: &Description) -> Rows {
    let mut rows = Rows::new(
        "grantor text = salesmart, grantee, table_catalog, table_schema, table_name, column_name, \
         privilege_type text = SELECT, is_grantable text = NO",
    );
    for (schema, table) in each_table(description) {
        for field in table.columns.fields() {
            rows.add([
                ("grantee", description.user.as_str().into()),
                ("table_catalog", description.database.as_str().into()),
                ("table_schema", schema.name.as_str().into()),
                ("table_name", table.name.as_str().into()),
                ("column_name", field.name().as_str().into()),
            ]);
        }
    }
    rows
}
