-- Grafana: the queries of its PostgreSQL data source's editor, with `kpi.win_rate` as the table.
-- From grafana/grafana, public/app/plugins/datasource/grafana-postgresql-datasource/postgresMetaQuery.ts
SELECT current_setting('server_version_num')::int/100 as version;

SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';

SELECT schema_name AS "name"
FROM information_schema.schemata
WHERE schema_name NOT IN ('information_schema', 'pg_catalog', 'pg_toast', '_timescaledb_cache',
    '_timescaledb_catalog', '_timescaledb_internal', '_timescaledb_config',
    'timescaledb_information', 'timescaledb_experimental')
ORDER BY schema_name;

SELECT quote_ident(table_name) AS "table"
FROM information_schema.tables
WHERE quote_ident(table_schema) = 'kpi'
ORDER BY 1;

SELECT
    CASE WHEN
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
      THEN quote_ident(table_name)
      ELSE quote_ident(table_schema) || '.' || quote_ident(table_name)
    END AS "table"
    FROM information_schema.tables
    WHERE quote_ident(table_schema) NOT IN ('information_schema',
                             'pg_catalog',
                             '_timescaledb_cache',
                             '_timescaledb_catalog',
                             '_timescaledb_internal',
                             '_timescaledb_config',
                             'timescaledb_information',
                             'timescaledb_experimental')
    ORDER BY CASE WHEN
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          ) THEN 0 ELSE 1 END, 1;

SELECT quote_ident(column_name) AS "column", data_type AS "type"
    FROM information_schema.columns
    WHERE
      CASE WHEN array_length(parse_ident('kpi.win_rate'),1) = 2
        THEN quote_ident(table_schema) = (parse_ident('kpi.win_rate'))[1]
          AND quote_ident(table_name) = (parse_ident('kpi.win_rate'))[2]
        ELSE quote_ident(table_name) = 'kpi.win_rate'
          AND
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
      END;

-- A panel: what its macros $__timeGroup and $__timeFilter become.
-- From grafana/grafana, pkg/tsdb/grafana-postgresql-datasource/macros.go
SELECT floor(extract(epoch from as_of)/86400)*86400 AS "time", metric, sum(n) AS "n"
FROM kpi.win_rate
WHERE as_of BETWEEN '2020-01-01T00:00:00Z' AND '2030-01-01T00:00:00Z'
GROUP BY 1, 2
ORDER BY 1, 2;
