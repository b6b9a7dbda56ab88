//! The tables of `pg_catalog` that tell of the server: databases, roles, settings, activity.

use super::names::Oids;
use super::relations::known;
use super::rows::{Cell, Rows};
use crate::engine::Description;

/// The version of PostgreSQL whose catalog is imitated.
pub(crate) const SERVER_VERSION: &str = "15.0";
/// The same as a number.
pub(crate) const SERVER_VERSION_NUM: &str = "150000";

/// Who owns everything: nobody can log in under this name.
pub(super) const OWNER: &str = "salesmart";

/// What `version()` says. Clients look for `PostgreSQL` at its beginning, and for the number.
pub(super) fn version() -> String {
    format!("PostgreSQL {SERVER_VERSION} (Salesmart {})", env!("CARGO_PKG_VERSION"))
}

/// Settings that clients ask for, as every session has them. Those that a session may change are
/// answered by the server before they come here.
pub(super) const SETTINGS: [(&str, &str); 27] = [
    ("allow_system_table_mods", "off"),
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("DateStyle", "ISO, MDY"),
    ("default_tablespace", ""),
    ("default_transaction_isolation", "repeatable read"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("IntervalStyle", "postgres"),
    ("is_superuser", "off"),
    ("lc_collate", "C.UTF-8"),
    ("lc_ctype", "C.UTF-8"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", SERVER_VERSION_NUM),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("TimeZone", "Etc/UTC"),
    ("transaction_isolation", "repeatable read"),
    ("transaction_read_only", "on"),
    ("wal_level", "replica"),
];

/// A setting by its name, in whatever case.
pub(super) fn setting(description: &Description, name: &str) -> Option<String> {
    if name.eq_ignore_ascii_case("search_path") {
        return Some(description.default_schema.clone());
    }
    SETTINGS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| (*value).to_owned())
}

/// `pg_settings`.
pub(super) fn settings(description: &Description) -> Rows {
    let mut rows = Rows::new(
        "name, setting, unit, category text = 'Salesmart', short_desc text = '', extra_desc, \
         context text = user, vartype text = string, source text = default, min_val, max_val, \
         enumvals text[], boot_val, reset_val, sourcefile, sourceline int4, \
         pending_restart bool = f",
    );
    let path = [("search_path", description.default_schema.as_str())];
    for (name, value) in SETTINGS.iter().chain(&path) {
        rows.add([
            ("name", (*name).into()),
            ("setting", (*value).into()),
            ("boot_val", (*value).into()),
            ("reset_val", (*value).into()),
        ]);
    }
    rows
}

/// `pg_database`: one for the current release, and one for each release that can be asked.
pub(super) fn databases(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "oid oid, datname, datdba oid = 10, encoding int4 = 6, datlocprovider text = c, \
         datistemplate bool = f, datallowconn bool = t, datconnlimit int4 = -1, \
         datfrozenxid oid = 0, datminmxid oid = 0, dattablespace oid = 1663, \
         datcollate text = 'C.UTF-8', datctype text = 'C.UTF-8', daticulocale, \
         datcollversion, datacl text[]",
    );
    let mut names: Vec<&str> = description.databases.iter().map(String::as_str).collect();
    if !names.contains(&description.database.as_str()) {
        names.push(&description.database);
    }
    for name in names {
        rows.add([("oid", oids.of("database", name).into()), ("datname", name.into())]);
    }
    rows
}

/// The roles: the owner of everything, and who asks.
fn role_rows(description: &Description, oids: &Oids) -> [(i32, String, bool); 2] {
    let user = oids.of("role", &description.user);
    [(known::OWNER, OWNER.to_owned(), false), (user, description.user.clone(), true)]
}

/// `pg_roles`.
pub(super) fn roles(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "rolname, rolsuper bool = f, rolinherit bool = t, rolcreaterole bool = f, \
         rolcreatedb bool = f, rolcanlogin bool, rolreplication bool = f, rolconnlimit int4 = -1, \
         rolpassword text = '********', rolvaliduntil, rolbypassrls bool = f, rolconfig text[], \
         oid oid",
    );
    for (oid, name, can_log_in) in role_rows(description, oids) {
        rows.add([
            ("oid", oid.into()),
            ("rolname", name.into()),
            ("rolcanlogin", can_log_in.into()),
        ]);
    }
    rows
}

/// `pg_user`.
pub(super) fn users(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "usename, usesysid oid, usecreatedb bool = f, usesuper bool = f, userepl bool = f, \
         usebypassrls bool = f, passwd text = '********', valuntil, useconfig text[]",
    );
    for (oid, name, _) in role_rows(description, oids).into_iter().filter(|(_, _, login)| *login) {
        rows.add([("usesysid", oid.into()), ("usename", name.into())]);
    }
    rows
}

/// `pg_group`, of which there are none.
pub(super) fn groups() -> Rows {
    Rows::new("groname, grosysid oid, grolist oid[]")
}

/// `pg_auth_members`, of which there are none: roles are in the server's configuration.
pub(super) fn memberships() -> Rows {
    Rows::new("roleid oid, member oid, grantor oid, admin_option bool")
}

/// `pg_tables`.
pub(super) fn tables(description: &Description) -> Rows {
    let mut rows = Rows::new(
        "schemaname, tablename, tableowner text = salesmart, tablespace, hasindexes bool, \
         hasrules bool = f, hastriggers bool = f, rowsecurity bool = f",
    );
    for schema in &description.schemas {
        for table in &schema.tables {
            rows.add([
                ("schemaname", schema.name.as_str().into()),
                ("tablename", table.name.as_str().into()),
                ("hasindexes", (!table.grain.is_empty()).into()),
            ]);
        }
    }
    rows
}

/// `pg_stat_user_tables`: how many rows each table has.
pub(super) fn table_statistics(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "relid oid, schemaname, relname, seq_scan int8 = 0, seq_tup_read int8 = 0, idx_scan int8, \
         idx_tup_fetch int8, n_tup_ins int8 = 0, n_tup_upd int8 = 0, n_tup_del int8 = 0, \
         n_tup_hot_upd int8 = 0, n_live_tup int8, n_dead_tup int8 = 0, \
         n_mod_since_analyze int8 = 0, n_ins_since_vacuum int8 = 0, last_vacuum, last_autovacuum, \
         last_analyze, last_autoanalyze, vacuum_count int8 = 0, autovacuum_count int8 = 0, \
         analyze_count int8 = 0, autoanalyze_count int8 = 0",
    );
    for schema in &description.schemas {
        for table in &schema.tables {
            rows.add([
                ("relid", oids.within("table", &schema.name, &table.name).into()),
                ("schemaname", schema.name.as_str().into()),
                ("relname", table.name.as_str().into()),
                ("n_live_tup", i64::try_from(table.rows).unwrap_or(i64::MAX).into()),
            ]);
        }
    }
    rows
}

/// `pg_stat_activity`: this session alone; what others ask is not shown.
pub(super) fn activity(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "datid oid, datname, pid int4 = 1, leader_pid int4, usesysid oid, usename, \
         application_name text = '', client_addr, client_hostname, client_port int4, \
         backend_start, xact_start, query_start, state_change, wait_event_type, wait_event, \
         state text = active, backend_xid, backend_xmin, query_id int8, query text = '', \
         backend_type text = 'client backend'",
    );
    rows.add([
        ("datid", oids.of("database", &description.database).into()),
        ("datname", description.database.as_str().into()),
        ("usesysid", oids.of("role", &description.user).into()),
        ("usename", description.user.as_str().into()),
    ]);
    rows
}

/// `pg_tablespace`.
pub(super) fn tablespaces() -> Rows {
    let mut rows =
        Rows::new("oid oid, spcname, spcowner oid = 10, spcacl text[], spcoptions text[]");
    rows.add([("oid", known::DEFAULT_TABLESPACE.into()), ("spcname", "pg_default".into())]);
    rows.add([("oid", Cell::Number(1664)), ("spcname", "pg_global".into())]);
    rows
}
