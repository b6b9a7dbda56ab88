-- Superset: it reads schemas, tables and columns by SQLAlchemy's reflection, which tests/clients/postgres_drivers.py runs itself;
-- these are the statements that Superset adds.
-- From apache/superset, superset/db_engine_specs/postgres.py
SELECT datname FROM pg_database
WHERE datistemplate = false;

SELECT pg_backend_pid();

SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid='0';

EXPLAIN SELECT metric FROM kpi.win_rate;

-- What SQLAlchemy 1.4, which Superset pins, asks with psycopg2: values stand in the text.
-- From sqlalchemy/sqlalchemy (rel_1_4), lib/sqlalchemy/dialects/postgresql/base.py
select pg_catalog.version();

select current_schema();

show transaction isolation level;

show standard_conforming_strings;

SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' ORDER BY nspname;

SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'kpi' AND c.relkind in ('r', 'p');

SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'kpi' AND c.relkind IN ('v', 'm');

SELECT c.oid
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname = 'kpi')
AND c.relname = 'win_rate' AND c.relkind in
('r', 'v', 'm', 'f', 'p');

SELECT a.attname,
  pg_catalog.format_type(a.atttypid, a.atttypmod),
  (
    SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    FROM pg_catalog.pg_attrdef d
    WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
    AND a.atthasdef
  ) AS DEFAULT,
  a.attnotnull,
  a.attrelid as table_oid,
  pgd.description as comment,
  a.attgenerated as generated,
  (SELECT json_build_object(
    'always', a.attidentity = 'a',
    'start', s.seqstart,
    'increment', s.seqincrement,
    'minvalue', s.seqmin,
    'maxvalue', s.seqmax,
    'cache', s.seqcache,
    'cycle', s.seqcycle)
  FROM pg_catalog.pg_sequence s
  JOIN pg_catalog.pg_class c on s.seqrelid = c."oid"
  WHERE c.relkind = 'S'
  AND a.attidentity != ''
  AND s.seqrelid = pg_catalog.pg_get_serial_sequence(
    a.attrelid::regclass::text, a.attname
  )::regclass::oid
  ) as identity_options
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_description pgd ON (
  pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum)
WHERE a.attrelid = 'kpi.win_rate'::regclass
AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

SELECT t.typname as "name",
  pg_catalog.format_type(t.typbasetype, t.typtypmod) as "attype",
  not t.typnotnull as "nullable",
  t.typdefault as "default",
  pg_catalog.pg_type_is_visible(t.oid) as "visible",
  n.nspname as "schema"
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd';

SELECT a.attname
FROM pg_attribute a JOIN (
  SELECT unnest(ix.indkey) attnum,
    generate_subscripts(ix.indkey, 1) ord
  FROM pg_index ix
  WHERE ix.indrelid = 'mart.dim_rep'::regclass AND ix.indisprimary
) k ON a.attnum=k.attnum
WHERE a.attrelid = 'mart.dim_rep'::regclass
ORDER BY k.ord;

SELECT conname
FROM  pg_catalog.pg_constraint r
WHERE r.conrelid = 'mart.dim_rep'::regclass AND r.contype = 'p'
ORDER BY 1;

SELECT r.conname,
  pg_catalog.pg_get_constraintdef(r.oid, true) as condef,
  n.nspname as conschema
FROM pg_catalog.pg_constraint r,
  pg_namespace n,
  pg_class c
WHERE r.conrelid = 'kpi.win_rate'::regclass AND
  r.contype = 'f' AND
  c.oid = confrelid AND
  n.oid = c.relnamespace
ORDER BY 1;

SELECT pgd.description as table_comment
FROM pg_catalog.pg_description pgd
WHERE pgd.objsubid = 0 AND
  pgd.objoid = 'kpi.win_rate'::regclass;

-- A chart by month.
SELECT DATE_TRUNC('month', period_start) AS "__timestamp", sum(n) AS "SUM(n)"
FROM kpi.win_rate
WHERE period_start >= TO_DATE('2020-01-01', 'YYYY-MM-DD') AND period_start < TO_DATE('2030-01-01', 'YYYY-MM-DD')
GROUP BY DATE_TRUNC('month', period_start) ORDER BY "SUM(n)" DESC
LIMIT 50000;
