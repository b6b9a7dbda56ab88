//! PostgreSQL's functions that clients call to ask of the server and of what is in it.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::prelude::SessionContext;

use super::answer::{Answer, Arguments, Returns};
use super::cluster::{OWNER, setting, version};
use super::names::{Oids, grain, is_primary, quoted};
use super::relations::{self, known, system_table};
use super::rows::Cell;
use super::statistics::index_definition;
use crate::engine::Description;

/// Functions that say yes: whatever a session can name, it may see.
const YES: [&str; 27] = [
    "has_foreign_data_wrapper_privilege",
    "has_function_privilege",
    "has_language_privilege",
    "has_sequence_privilege",
    "has_server_privilege",
    "has_tablespace_privilege",
    "has_type_privilege",
    "pg_collation_is_visible",
    "pg_conversion_is_visible",
    "pg_function_is_visible",
    "pg_has_role",
    "pg_opclass_is_visible",
    "pg_operator_is_visible",
    "pg_opfamily_is_visible",
    "pg_relation_is_publishable",
    "pg_statistics_obj_is_visible",
    "pg_ts_config_is_visible",
    "pg_ts_dict_is_visible",
    "pg_ts_parser_is_visible",
    "pg_ts_template_is_visible",
    "pg_type_is_visible",
    "row_security_active",
    "pg_is_in_recovery",
    "pg_is_other_temp_schema",
    "pg_is_wal_replay_paused",
    "pg_cancel_backend",
    "pg_terminate_backend",
];

/// Of those above, the ones that say no.
const NO: [&str; 6] = [
    "row_security_active",
    "pg_is_in_recovery",
    "pg_is_other_temp_schema",
    "pg_is_wal_replay_paused",
    // Cancelling is a message of the protocol here, not a function.
    "pg_cancel_backend",
    "pg_terminate_backend",
];

/// Functions of things that are not here: they return null.
const NOTHING: [&str; 23] = [
    "inet_client_addr",
    "inet_server_addr",
    "pg_get_expr",
    "pg_get_function_arg_default",
    "pg_get_function_sqlbody",
    "pg_get_functiondef",
    "pg_get_partition_constraintdef",
    "pg_get_partkeydef",
    "pg_get_publication_tables",
    "pg_get_ruledef",
    "pg_get_serial_sequence",
    "pg_get_statisticsobjdef",
    "pg_get_statisticsobjdef_columns",
    "pg_get_statisticsobjdef_expressions",
    "pg_get_triggerdef",
    "pg_get_viewdef",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_options_to_table",
    "pg_sequence_last_value",
    "pg_tablespace_location",
    "shobj_description",
    "inet_client_port",
];

/// Registers all of them.
pub(super) fn register(context: &SessionContext, description: &Arc<Description>, oids: &Arc<Oids>) {
    for name in YES {
        let answer = !NO.contains(&name);
        context.register_udf(Answer::function(name, Returns::Bool, move |_| answer.into()));
    }
    for name in NOTHING {
        context.register_udf(Answer::function(name, Returns::Text, |_| Cell::Null));
    }
    context.register_udf(Answer::function("format", Returns::Text, formatted));
    context.register_udf(Answer::function("json_build_object", Returns::Text, |given| {
        let pairs = (0..given.len() / 2).map(|pair| {
            let name = serde_json::Value::from(given.text(2 * pair).unwrap_or_default());
            format!("{name} : {}", given.json(2 * pair + 1))
        });
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(", ")).into()
    }));
    session(context, description);
    privileges(context, description, oids);
    definitions(context, description, oids);
    sizes(context, description, oids);
}

/// What the session is and is set to.
fn session(context: &SessionContext, description: &Arc<Description>) {
    let fixed = [
        ("version", version()),
        ("current_database", description.database.clone()),
        ("current_catalog", description.database.clone()),
        ("current_schema", description.default_schema.clone()),
        ("current_user", description.user.clone()),
        ("session_user", description.user.clone()),
        ("current_role", description.user.clone()),
        ("user", description.user.clone()),
        ("getdatabaseencoding", "UTF8".to_owned()),
        ("pg_client_encoding", "UTF8".to_owned()),
    ];
    for (name, text) in fixed {
        context.register_udf(Answer::function(name, Returns::Text, move |_| text.clone().into()));
    }
    let own = Arc::clone(description);
    context.register_udf(Answer::function("current_setting", Returns::Text, move |given| {
        given.text(0).and_then(|name| setting(&own, name)).into()
    }));
    // The server keeps settings itself; here the new value is said back, as PostgreSQL does.
    context
        .register_udf(Answer::function("set_config", Returns::Text, |given| given.text(1).into()));
    let schema = description.default_schema.clone();
    context.register_udf(Answer::function("current_schemas", Returns::Texts, move |given| {
        let implicit = matches!(given.text(0), Some("true" | "t"));
        let mut names = vec![schema.clone()];
        if implicit {
            names.insert(0, "pg_catalog".to_owned());
        }
        Cell::Texts(names)
    }));
    context.register_udf(Answer::function("pg_encoding_to_char", Returns::Text, |given| {
        given.number(0).map(|code| if code == 6 { "UTF8" } else { "" }).into()
    }));
    context.register_udf(Answer::function("pg_char_to_encoding", Returns::Int4, |given| {
        given.text(0).map(|name| if name.eq_ignore_ascii_case("UTF8") { 6 } else { -1 }).into()
    }));
    for (name, number) in
        [("pg_my_temp_schema", 0), ("inet_server_port", 5432), ("pg_trigger_depth", 0)]
    {
        context.register_udf(Answer::function(name, Returns::Int4, move |_| Cell::Number(number)));
    }
    for name in ["txid_current", "pg_current_xact_id", "pg_current_xact_id_if_assigned"] {
        context.register_udf(Answer::function(name, Returns::Int8, |_| Cell::Number(1)));
    }
}

/// Reading is allowed on what is visible, and nothing else is.
fn privileges(context: &SessionContext, description: &Arc<Description>, oids: &Arc<Oids>) {
    for name in [
        "has_any_column_privilege",
        "has_column_privilege",
        "has_schema_privilege",
        "has_table_privilege",
    ] {
        context.register_udf(Answer::function(name, Returns::Bool, |given| {
            // The kind of privilege is the last argument, after the user, where one is given.
            let Some(kind) = given.text(given.len().saturating_sub(1)) else { return Cell::Null };
            let granted = kind.split(',').any(|kind| {
                let kind = kind.trim();
                kind.eq_ignore_ascii_case("select") || kind.eq_ignore_ascii_case("usage")
            });
            granted.into()
        }));
    }
    context.register_udf(Answer::function("has_database_privilege", Returns::Bool, |given| {
        let Some(kind) = given.text(given.len().saturating_sub(1)) else { return Cell::Null };
        kind.split(',').any(|kind| kind.trim().eq_ignore_ascii_case("connect")).into()
    }));
    let (user, number) = (description.user.clone(), oids.of("role", &description.user));
    context.register_udf(Answer::function("pg_get_userbyid", Returns::Text, move |given| {
        let Some(oid) = given.number(0) else { return Cell::Null };
        if oid == i64::from(number) {
            return user.as_str().into();
        }
        if oid == i64::from(known::OWNER) {
            OWNER.into()
        } else {
            format!("unknown (OID={oid})").into()
        }
    }));
}

/// What is described: tables, columns, keys, and comments on them.
fn definitions(context: &SessionContext, description: &Arc<Description>, oids: &Arc<Oids>) {
    let mut comments: HashMap<(i64, i64), String> = HashMap::new();
    let mut classes: HashMap<i64, i32> = HashMap::new();
    for (object, class, column, text) in relations::comments(description, oids) {
        comments.insert((object.into(), column.into()), text);
        classes.insert(object.into(), class);
    }
    let comments = Arc::new(comments);
    let of_columns = Arc::clone(&comments);
    context.register_udf(Answer::function("obj_description", Returns::Text, move |given| {
        let Some(object) = given.number(0) else { return Cell::Null };
        let asked = given.text(1).map(system_table);
        if asked.is_some_and(|asked| classes.get(&object).is_some_and(|class| *class != asked)) {
            return Cell::Null;
        }
        comments.get(&(object, 0)).cloned().into()
    }));
    context.register_udf(Answer::function("col_description", Returns::Text, move |given| {
        let (Some(object), Some(column)) = (given.number(0), given.number(1)) else {
            return Cell::Null;
        };
        if column == 0 { Cell::Null } else { of_columns.get(&(object, column)).cloned().into() }
    }));
    let mut index_texts: HashMap<i64, (String, Vec<String>)> = HashMap::new();
    let mut constraint_texts: HashMap<i64, String> = HashMap::new();
    for schema in &description.schemas {
        for table in schema.tables.iter().filter(|table| !grain(table).is_empty()) {
            let index = oids.within("index", &schema.name, &table.name);
            let whole = index_definition(&schema.name, table);
            index_texts.insert(index.into(), (whole, table.grain.clone()));
            if is_primary(table) {
                let columns: Vec<String> = table.grain.iter().map(|name| quoted(name)).collect();
                let constraint = oids.within("constraint", &schema.name, &table.name);
                let text = format!("PRIMARY KEY ({})", columns.join(", "));
                constraint_texts.insert(constraint.into(), text);
            }
        }
    }
    context.register_udf(Answer::function("pg_get_indexdef", Returns::Text, move |given| {
        let Some((whole, columns)) = given.number(0).and_then(|oid| index_texts.get(&oid)) else {
            return Cell::Null;
        };
        match given.number(1) {
            None | Some(0) => whole.as_str().into(),
            Some(at) => {
                let column = usize::try_from(at - 1).ok().and_then(|at| columns.get(at));
                column.map(|name| quoted(name)).into()
            }
        }
    }));
    context.register_udf(Answer::function("pg_get_constraintdef", Returns::Text, move |given| {
        given.number(0).and_then(|oid| constraint_texts.get(&oid)).cloned().into()
    }));
    // The arguments of PostgreSQL's own functions are in its catalog as numbers; spelling them out
    // is left to the client's documentation of PostgreSQL.
    for name in [
        "pg_get_function_arguments",
        "pg_get_function_identity_arguments",
        "pg_get_function_result",
    ] {
        context.register_udf(Answer::function(name, Returns::Text, |given| {
            if given.any_null() { Cell::Null } else { "".into() }
        }));
    }
}

/// `format`: `%s` is text, `%I` a name, `%L` a literal; `%1$s` counts from 1.
fn formatted(given: &Arguments<'_>) -> Cell {
    let Some(pattern) = given.text(0) else { return Cell::Null };
    let mut written = String::new();
    let mut letters = pattern.chars().peekable();
    let mut next = 1;
    while let Some(letter) = letters.next() {
        if letter != '%' {
            written.push(letter);
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = letters.peek().filter(|c| c.is_ascii_digit() || **c == '$') {
            digits.push(*digit);
            letters.next();
        }
        let kind = letters.next();
        if kind == Some('%') {
            written.push('%');
            continue;
        }
        let at = digits.trim_end_matches('$').parse().unwrap_or(next);
        next = at + 1;
        match (kind, given.text(at)) {
            (Some('I'), Some(name)) => written.push_str(&quoted(name)),
            (Some('L'), Some(value)) => {
                written.push('\'');
                written.push_str(&value.replace('\'', "''"));
                written.push('\'');
            }
            (Some('L'), None) => written.push_str("NULL"),
            (_, value) => written.push_str(value.unwrap_or_default()),
        }
    }
    written.into()
}

/// How large things are.
fn sizes(context: &SessionContext, description: &Arc<Description>, oids: &Arc<Oids>) {
    let mut rows: HashMap<i64, i64> = HashMap::new();
    let mut names: HashMap<String, i64> = HashMap::new();
    for schema in &description.schemas {
        for table in &schema.tables {
            let oid = i64::from(oids.within("table", &schema.name, &table.name));
            let count = i64::try_from(table.rows).unwrap_or(i64::MAX);
            let width = i64::try_from(table.columns.fields().len()).unwrap_or(1) * 8;
            rows.insert(oid, count.saturating_mul(width));
            names.insert(format!("{}.{}", quoted(&schema.name), quoted(&table.name)), oid);
        }
    }
    let whole: i64 = rows.values().sum();
    let rows = Arc::new(rows);
    for name in ["pg_relation_size", "pg_table_size", "pg_total_relation_size"] {
        let (rows, names) = (Arc::clone(&rows), names.clone());
        context.register_udf(Answer::function(name, Returns::Int8, move |given| {
            let by_name = || given.text(0).and_then(|name| names.get(name).copied());
            let Some(oid) = given.number(0).or_else(by_name) else { return Cell::Null };
            rows.get(&oid).copied().unwrap_or(0).into()
        }));
    }
    context.register_udf(Answer::function("pg_indexes_size", Returns::Int8, |_| Cell::Number(0)));
    for name in ["pg_database_size", "pg_tablespace_size"] {
        context.register_udf(Answer::function(name, Returns::Int8, move |_| whole.into()));
    }
    context.register_udf(Answer::function("pg_size_pretty", Returns::Text, |given| {
        given.number(0).map(pretty).into()
    }));
}

/// A number of bytes as PostgreSQL writes it for people.
fn pretty(bytes: i64) -> String {
    let mut size = bytes;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if size.abs() < 10_240 {
            return format!("{size} {unit}");
        }
        size = (size + 512) / 1024;
    }
    format!("{size} TB")
}
