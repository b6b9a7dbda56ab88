-- Tableau, and everything else that comes by ODBC, Excel among it: what psqlodbc sends for SQLTables, SQLColumns, SQLPrimaryKeys,
-- SQLStatistics and SQLForeignKeys.
-- From postgresql-interfaces/psqlodbc, connection.c and info.c
select oid, typbasetype from pg_type where typname = 'lo';

select relname, nspname, relkind from pg_catalog.pg_class c, pg_catalog.pg_namespace n where relkind in ('r', 'v', 'm', 'f', 'p') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'pg_temp_1') and n.oid = relnamespace order by nspname, relname;

select NULL, nspname, NULL from pg_catalog.pg_namespace n where n.nspname like '%' order by nspname;

select n.nspname, c.relname, a.attname, a.atttypid, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull, c.relhasrules, c.relkind, c.oid, pg_get_expr(d.adbin, d.adrelid), case t.typtype when 'd' then t.typbasetype else 0 end, t.typtypmod, 0, attidentity, c.relhassubclass from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace and c.relname like 'win\_rate' and n.nspname like 'kpi') inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum > 0 and a.attrelid = c.oid) inner join pg_catalog.pg_type t on t.oid = a.atttypid) left outer join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum order by n.nspname, c.relname, attnum;

select n.nspname, c.relname, a.attname, a.atttypid, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull, c.relhasrules, c.relkind, case t.typtype when 'd' then t.typbasetype else 0 end, t.typtypmod, 0, c.relhassubclass from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace and c.relname like 'win\_rate' and n.nspname like 'kpi') inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum operator(pg_catalog.>) 0 and a.attrelid operator(pg_catalog.=) c.oid) inner join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid) left outer join pg_attrdef d on a.atthasdef and d.adrelid operator(pg_catalog.=) a.attrelid and d.adnum operator(pg_catalog.=) a.attnum order by n.nspname, c.relname, attnum;

select ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname from pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i, pg_catalog.pg_namespace n, pg_catalog.pg_class ic where tc.relname = 'dim_rep' AND n.nspname = 'mart' AND tc.oid = i.indrelid AND n.oid = tc.relnamespace AND i.indisprimary = 't' AND ia.attrelid = i.indexrelid AND ta.attrelid = i.indrelid AND ta.attnum = i.indkey[ia.attnum-1] AND (NOT ta.attisdropped) AND (NOT ia.attisdropped) AND ic.oid = i.indexrelid order by ia.attnum;

select c.relname, i.indkey, i.indisunique, i.indisclustered, a.amname, c.relhasrules, n.nspname, c.oid, 0, i.indoption from pg_catalog.pg_index i, pg_catalog.pg_class c, pg_catalog.pg_class d, pg_catalog.pg_am a, pg_catalog.pg_namespace n where d.relname = 'dim_rep' and n.nspname = 'mart' and n.oid = d.relnamespace and d.oid = i.indrelid and i.indexrelid = c.oid and c.relam = a.oid order by i.indisprimary desc, i.indisunique, n.nspname, c.relname;

select 'warehouse'::name as "PKTABLE_CAT", n2.nspname as "PKTABLE_SCHEM", c2.relname as "PKTABLE_NAME", a2.attname as "PKCOLUMN_NAME", 'warehouse'::name as "FKTABLE_CAT", n1.nspname as "FKTABLE_SCHEM", c1.relname as "FKTABLE_NAME", a1.attname as "FKCOLUMN_NAME", i::int2 as "KEY_SEQ", cn.conname as "FK_NAME" from ((select cn.*, generate_series(1, 32) as i from pg_catalog.pg_constraint cn, pg_catalog.pg_class c, pg_catalog.pg_namespace n where contype = 'f' and conrelid = c.oid and relname = 'win_rate' and n.oid = c.relnamespace and n.nspname = 'kpi') cn inner join pg_catalog.pg_class c1 on c1.oid = cn.conrelid inner join pg_catalog.pg_namespace n1 on n1.oid = c1.relnamespace inner join pg_catalog.pg_attribute a1 on a1.attrelid = c1.oid and a1.attnum = cn.conkey[i] inner join pg_catalog.pg_class c2 on c2.oid = cn.confrelid inner join pg_catalog.pg_namespace n2 on n2.oid = c2.relnamespace inner join pg_catalog.pg_attribute a2 on a2.attrelid = c2.oid and a2.attnum = cn.confkey[i]);

-- Tableau's own probes of what the server can do, and a view of it: a sum by a dimension and by quarter.
SELECT 1 AS "COL";

SELECT CAST('2013-04-25' AS DATE) AS "d", CAST(1.5 AS DOUBLE PRECISION) AS "x";

SELECT "win_rate"."scope" AS "scope", SUM("win_rate"."n") AS "sum:n:ok", CAST(DATE_TRUNC('QUARTER', CAST("win_rate"."period_start" AS DATE)) AS DATE) AS "tqr:period_start:ok" FROM "kpi"."win_rate" "win_rate" GROUP BY 1, 3;
