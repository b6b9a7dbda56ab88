//! The views of `pg_catalog` that have no rows here, or that only repeat other tables.

use super::names::{grain, index_name, is_primary, quoted};
use super::rows::{Cell, Rows};
use crate::engine::Description;

/// A view by its name.
pub(super) fn table(description: &Description, name: &str) -> Option<Rows> {
    let columns = match name {
        "pg_indexes" => return Some(indexes(description)),
        "pg_collation" => return Some(collations()),
        "pg_timezone_names" => return Some(zones()),
        "pg_locks" => {
            "locktype, database oid, relation oid, page int4, tuple int2, virtualxid, \
             transactionid oid, classid oid, objid oid, objsubid int2, virtualtransaction, \
             pid int4, mode, granted bool, fastpath bool, waitstart"
        }
        "pg_views" => "schemaname, viewname, viewowner, definition",
        "pg_matviews" => {
            "schemaname, matviewname, matviewowner, tablespace, hasindexes bool, \
             ispopulated bool, definition"
        }
        "pg_sequences" => {
            "schemaname, sequencename, sequenceowner, data_type, start_value int8, \
             min_value int8, max_value int8, increment_by int8, cycle bool, cache_size int8, \
             last_value int8"
        }
        "pg_rules" => "schemaname, tablename, rulename, definition",
        "pg_policies" => {
            "schemaname, tablename, policyname, permissive, roles text[], cmd, qual, with_check"
        }
        "pg_stats" => {
            "schemaname, tablename, attname, inherited bool, null_frac float4, avg_width int4, \
             n_distinct float4, most_common_vals, most_common_freqs, histogram_bounds, \
             correlation float4"
        }
        "pg_cursors" => {
            "name, statement, is_holdable bool, is_binary bool, is_scrollable bool, creation_time"
        }
        "pg_prepared_statements" => {
            "name, statement, prepare_time, parameter_types text[], from_sql bool, \
             generic_plans int8, custom_plans int8"
        }
        "pg_prepared_xacts" => "transaction int4, gid, prepared, owner, database",
        "pg_publication_tables" => "pubname, schemaname, tablename, attnames text[], rowfilter",
        "pg_available_extensions" => "name, default_version, installed_version, comment",
        "pg_extension" => {
            "oid oid, extname, extowner oid, extnamespace oid, extrelocatable bool, extversion, \
             extconfig oid[], extcondition text[]"
        }
        // `stxkind` is an array there; as text nothing can look into it.
        "pg_statistic_ext" => {
            "oid oid, stxrelid oid, stxname, stxnamespace oid, stxowner oid, stxstattarget int4, \
             stxkeys int2[], stxkind text[], stxexprs"
        }
        "pg_policy" => {
            "oid oid, polname, polrelid oid, polcmd, polpermissive bool, polroles oid[], polqual, \
             polwithcheck"
        }
        "pg_publication_rel" => "oid oid, prpubid oid, prrelid oid, prqual, prattrs int2[]",
        "pg_parameter_acl" => "oid oid, parname, paracl text[]",
        "pg_transform" => "oid oid, trftype oid, trflang oid, trffromsql oid, trftosql oid",
        "pg_ts_config_map" => "mapcfg oid, maptokentype int4, mapseqno int4, mapdict oid",
        "pg_default_acl" => {
            "oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype, defaclacl text[]"
        }
        "pg_db_role_setting" => "setdatabase oid, setrole oid, setconfig text[]",
        "pg_foreign_table" => "ftrelid oid, ftserver oid, ftoptions text[]",
        "pg_trigger" => {
            "oid oid, tgrelid oid, tgparentid oid, tgname, tgfoid oid, tgtype int2, tgenabled, \
             tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid, \
             tgdeferrable bool, tginitdeferred bool, tgnargs int2, tgattr int2[], tgargs, tgqual, \
             tgoldtable, tgnewtable"
        }
        "pg_rewrite" => {
            "oid oid, rulename, ev_class oid, ev_type, ev_enabled, is_instead bool, ev_qual, \
             ev_action"
        }
        "pg_partitioned_table" => {
            "partrelid oid, partstrat, partnatts int2, partdefid oid, partattrs int2[], \
             partclass oid[], partcollation oid[], partexprs"
        }
        // Dependencies of PostgreSQL's own objects; ours have none.
        "pg_depend" => {
            "classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, \
             refobjsubid int4, deptype"
        }
        "pg_shdepend" => {
            "dbid oid, classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, deptype"
        }
        "pg_stat_database" => {
            "datid oid, datname, numbackends int4, xact_commit int8, xact_rollback int8, \
             blks_read int8, blks_hit int8"
        }
        "pg_stat_replication" => "pid int4, usesysid oid, usename, application_name, state",
        _ => return None,
    };
    Some(Rows::new(columns))
}

fn indexes(description: &Description) -> Rows {
    let mut rows = Rows::new("schemaname, tablename, indexname, tablespace, indexdef");
    for schema in &description.schemas {
        for table in schema.tables.iter().filter(|table| !grain(table).is_empty()) {
            rows.add([
                ("schemaname", schema.name.as_str().into()),
                ("tablename", table.name.as_str().into()),
                ("indexname", index_name(table).into()),
                ("indexdef", index_definition(&schema.name, table).into()),
            ]);
        }
    }
    rows
}

/// The statement that would make the index of a grain.
pub(super) fn index_definition(schema: &str, table: &crate::engine::TableDescription) -> String {
    let columns: Vec<String> = table.grain.iter().map(|name| quoted(name)).collect();
    let nulls = if is_primary(table) { "" } else { " NULLS NOT DISTINCT" };
    format!(
        "CREATE UNIQUE INDEX {} ON {}.{} USING btree ({}){nulls}",
        quoted(&index_name(table)),
        quoted(schema),
        quoted(&table.name),
        columns.join(", ")
    )
}

fn zones() -> Rows {
    let mut rows = Rows::new("name, abbrev, utc_offset, is_dst bool = f");
    for name in ["UTC", "Etc/UTC"] {
        let offset = "00:00:00".into();
        rows.add([("name", name.into()), ("abbrev", "UTC".into()), ("utc_offset", offset)]);
    }
    rows
}

/// The one collation: by code points.
fn collations() -> Rows {
    let mut rows = Rows::new(
        "oid oid, collname, collnamespace oid = 11, collowner oid = 10, collprovider text = c, \
         collisdeterministic bool = t, collencoding int4 = -1, collcollate, collctype, \
         colliculocale, collversion",
    );
    for (oid, name, locale) in [(100, "default", None), (950, "C", Some("C"))] {
        let provider = if locale.is_some() { "c" } else { "d" };
        rows.add([
            ("oid", Cell::Number(oid)),
            ("collname", name.into()),
            ("collprovider", provider.into()),
            ("collcollate", locale.into()),
            ("collctype", locale.into()),
        ]);
    }
    rows
}
