//! The tables of `pg_catalog` that tell of schemas, tables, columns, keys and comments.

use datafusion_postgres::datafusion_pg_catalog::pg_catalog::PG_CATALOG_TABLES;
use pgwire::api::Type;

use super::names::{Oids, comment, grain, index_name, is_primary, modifier, pg_type};
use super::rows::{Cell, Rows};
use crate::engine::{Description, TableDescription};

/// PostgreSQL's own numbers of things that every server has.
pub(super) mod known {
    pub(crate) const PG_CATALOG: i32 = 11;
    pub(crate) const INFORMATION_SCHEMA: i32 = 13_183;
    pub(crate) const OWNER: i32 = 10;
    pub(crate) const PG_CLASS: i32 = 1_259;
    pub(crate) const PG_NAMESPACE: i32 = 2_615;
    pub(crate) const PG_DATABASE: i32 = 1_262;
    pub(crate) const BTREE: i32 = 403;
    pub(crate) const DEFAULT_COLLATION: i32 = 100;
    pub(crate) const DEFAULT_TABLESPACE: i32 = 1_663;
}

/// The numbers that PostgreSQL gives to those of its own tables that clients cast to `regclass`.
const SYSTEM_TABLES: [(&str, i32); 16] = [
    ("pg_type", 1247),
    ("pg_attribute", 1249),
    ("pg_proc", 1255),
    ("pg_class", known::PG_CLASS),
    ("pg_authid", 1260),
    ("pg_auth_members", 1261),
    ("pg_database", known::PG_DATABASE),
    ("pg_tablespace", 1213),
    ("pg_attrdef", 2604),
    ("pg_constraint", 2606),
    ("pg_description", 2609),
    ("pg_index", 2610),
    ("pg_namespace", known::PG_NAMESPACE),
    ("pg_language", 2612),
    ("pg_extension", 3079),
    ("pg_am", 2601),
];

/// The number of one of PostgreSQL's own tables. Those that nobody casts are numbered behind.
pub(super) fn system_table(name: &str) -> i32 {
    let known = SYSTEM_TABLES.iter().find(|(known, _)| *known == name);
    let at = || PG_CATALOG_TABLES.iter().position(|table| *table == name);
    known.map(|(_, oid)| *oid).or_else(|| Some(12_000 + i32::try_from(at()?).ok()?)).unwrap_or(0)
}

/// `pg_namespace`.
pub(super) fn namespaces(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new("oid oid, nspname, nspowner oid = 10, nspacl text[]");
    rows.add([("oid", known::PG_CATALOG.into()), ("nspname", "pg_catalog".into())]);
    rows.add([("oid", known::INFORMATION_SCHEMA.into()), ("nspname", "information_schema".into())]);
    for schema in &description.schemas {
        let oid = oids.of("schema", &schema.name);
        rows.add([("oid", oid.into()), ("nspname", schema.name.as_str().into())]);
    }
    rows
}

/// `pg_class`: tables, the indexes of their grains, and PostgreSQL's own tables.
pub(super) fn classes(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "oid oid, relname, relnamespace oid, reltype oid = 0, reloftype oid = 0, \
         relowner oid = 10, relam oid = 2, relfilenode oid = 0, reltablespace oid = 0, \
         relpages int4 = 0, reltuples float4 = -1, relallvisible int4 = 0, reltoastrelid oid = 0, \
         relhasindex bool = f, relisshared bool = f, relpersistence text = p, relkind text = r, \
         relnatts int2 = 0, relchecks int2 = 0, relhasrules bool = f, relhastriggers bool = f, \
         relhassubclass bool = f, relrowsecurity bool = f, relforcerowsecurity bool = f, \
         relispopulated bool = t, relreplident text = n, relispartition bool = f, \
         relrewrite oid = 0, relfrozenxid oid = 0, relminmxid oid = 0, relacl text[], \
         reloptions text[], relpartbound",
    );
    for name in PG_CATALOG_TABLES {
        rows.add([
            ("oid", system_table(name).into()),
            ("relname", (*name).into()),
            ("relnamespace", known::PG_CATALOG.into()),
        ]);
    }
    for schema in &description.schemas {
        let namespace = oids.of("schema", &schema.name);
        for table in &schema.tables {
            let key = grain(table);
            rows.add([
                ("oid", oids.within("table", &schema.name, &table.name).into()),
                ("relname", table.name.as_str().into()),
                ("relnamespace", namespace.into()),
                ("reltuples", i64::try_from(table.rows).unwrap_or(i64::MAX).into()),
                ("relnatts", table.columns.fields().len().into()),
                ("relhasindex", (!key.is_empty()).into()),
            ]);
            if key.is_empty() {
                continue;
            }
            rows.add([
                ("oid", oids.within("index", &schema.name, &table.name).into()),
                ("relname", index_name(table).into()),
                ("relnamespace", namespace.into()),
                ("relam", known::BTREE.into()),
                ("relkind", "i".into()),
                ("reltuples", i64::try_from(table.rows).unwrap_or(i64::MAX).into()),
                ("relnatts", key.len().into()),
            ]);
        }
    }
    rows
}

/// `pg_attribute`: the columns of tables and of the indexes of their grains.
pub(super) fn attributes(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "attrelid oid, attname, atttypid oid, attstattarget int4 = -1, attlen int2, attnum int2, \
         attndims int4 = 0, attcacheoff int4 = -1, atttypmod int4 = -1, attbyval bool = f, \
         attalign text = i, attstorage text = p, attcompression text = '', attnotnull bool = f, \
         atthasdef bool = f, atthasmissing bool = f, attidentity text = '', \
         attgenerated text = '', attisdropped bool = f, attislocal bool = t, \
         attinhcount int4 = 0, attcollation oid = 0, attacl text[], attoptions text[], \
         attfdwoptions text[], attmissingval",
    );
    for schema in &description.schemas {
        for table in &schema.tables {
            let relation = oids.within("table", &schema.name, &table.name);
            for (at, _) in table.columns.fields().iter().enumerate() {
                attribute(&mut rows, relation, table, at, at);
            }
            let index = oids.within("index", &schema.name, &table.name);
            for (place, position) in grain(table).into_iter().enumerate() {
                attribute(&mut rows, index, table, place, usize::from(position.unsigned_abs()) - 1);
            }
        }
    }
    rows
}

fn attribute(rows: &mut Rows, relation: i32, table: &TableDescription, place: usize, at: usize) {
    let field = table.columns.field(at);
    let kind = pg_type(field);
    let (length, by_value, align, storage) = layout(&kind);
    let collation = if kind == Type::TEXT { known::DEFAULT_COLLATION } else { 0 };
    rows.add([
        ("attrelid", relation.into()),
        ("attname", field.name().as_str().into()),
        ("atttypid", i64::from(kind.oid()).into()),
        ("attlen", length.into()),
        ("attnum", (place + 1).into()),
        ("atttypmod", modifier(field).into()),
        ("attbyval", by_value.into()),
        ("attalign", align.into()),
        ("attstorage", storage.into()),
        ("attnotnull", (!field.is_nullable()).into()),
        ("attcollation", collation.into()),
        ("attndims", i32::from(kind.name().starts_with('_')).into()),
    ]);
}

/// Length, whether it is passed by value, alignment and storage of a type.
fn layout(kind: &Type) -> (i32, bool, &'static str, &'static str) {
    match *kind {
        Type::BOOL => (1, true, "c", "p"),
        Type::INT2 => (2, true, "s", "p"),
        Type::INT4 | Type::FLOAT4 | Type::DATE => (4, true, "i", "p"),
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            (8, true, "d", "p")
        }
        Type::NUMERIC => (-1, false, "i", "m"),
        _ => (-1, false, "i", "x"),
    }
}

/// `pg_index`: one for each table of which the grain is known.
pub(super) fn indexes(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool = t, \
         indnullsnotdistinct bool = t, indisprimary bool = f, indisexclusion bool = f, \
         indimmediate bool = t, indisclustered bool = f, indisvalid bool = t, \
         indcheckxmin bool = f, indisready bool = t, indislive bool = t, \
         indisreplident bool = f, indkey int2[], indcollation oid[], indclass oid[], \
         indoption int2[], indexprs, indpred",
    );
    for schema in &description.schemas {
        for table in &schema.tables {
            let key = grain(table);
            if key.is_empty() {
                continue;
            }
            let zeros = || Cell::Numbers(vec![0; key.len()]);
            rows.add([
                ("indexrelid", oids.within("index", &schema.name, &table.name).into()),
                ("indrelid", oids.within("table", &schema.name, &table.name).into()),
                ("indnatts", key.len().into()),
                ("indnkeyatts", key.len().into()),
                ("indisprimary", is_primary(table).into()),
                ("indkey", Cell::Numbers(key.iter().map(|at| i64::from(*at)).collect())),
                ("indcollation", zeros()),
                ("indclass", zeros()),
                ("indoption", zeros()),
            ]);
        }
    }
    rows
}

/// `pg_constraint`: the primary keys.
pub(super) fn constraints(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new(
        "oid oid, conname, connamespace oid, contype text = p, condeferrable bool = f, \
         condeferred bool = f, convalidated bool = t, conrelid oid, contypid oid = 0, \
         conindid oid, conparentid oid = 0, confrelid oid = 0, confupdtype text = ' ', \
         confdeltype text = ' ', confmatchtype text = ' ', conislocal bool = t, \
         coninhcount int2 = 0, connoinherit bool = t, conkey int2[], confkey int2[], \
         conpfeqop oid[], conppeqop oid[], conffeqop oid[], confdelsetcols int2[], \
         conexclop oid[], conbin",
    );
    for schema in &description.schemas {
        for table in schema.tables.iter().filter(|table| is_primary(table)) {
            let key = grain(table).iter().map(|at| i64::from(*at)).collect();
            rows.add([
                ("oid", oids.within("constraint", &schema.name, &table.name).into()),
                ("conname", index_name(table).into()),
                ("connamespace", oids.of("schema", &schema.name).into()),
                ("conrelid", oids.within("table", &schema.name, &table.name).into()),
                ("conindid", oids.within("index", &schema.name, &table.name).into()),
                ("conkey", Cell::Numbers(key)),
            ]);
        }
    }
    rows
}

/// The comments: object, table of the catalog the object is in, column or 0, text.
pub(super) fn comments(description: &Description, oids: &Oids) -> Vec<(i32, i32, i32, String)> {
    let mut comments = Vec::new();
    for schema in &description.schemas {
        if let Some(text) = schema.description {
            let oid = oids.of("schema", &schema.name);
            comments.push((oid, known::PG_NAMESPACE, 0, text.to_owned()));
        }
        for table in &schema.tables {
            let oid = oids.within("table", &schema.name, &table.name);
            if let Some(text) = &table.description {
                comments.push((oid, known::PG_CLASS, 0, text.clone()));
            }
            for (place, field) in (1..).zip(table.columns.fields()) {
                if let Some(text) = comment(field) {
                    comments.push((oid, known::PG_CLASS, place, text.to_owned()));
                }
            }
        }
    }
    comments
}

/// `pg_description`.
pub(super) fn descriptions(description: &Description, oids: &Oids) -> Rows {
    let mut rows = Rows::new("objoid oid, classoid oid, objsubid int4, description");
    for (object, class, column, text) in comments(description, oids) {
        rows.add([
            ("objoid", object.into()),
            ("classoid", class.into()),
            ("objsubid", column.into()),
            ("description", text.into()),
        ]);
    }
    rows
}
