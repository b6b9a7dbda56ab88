#!/bin/bash
# Runs once, when the database is made: who loads, who reads, and Metabase's own database.
set -eu
secret() { cat "/run/secrets/$1"; }
psql --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
    --set=loader="$(secret loader)" --set=reader="$(secret reader)" \
    --set=metabase="$(secret metabase-database)" <<'SQL'
create role loader login password :'loader';
create role reader login password :'reader';
create role metabase login password :'metabase';
grant connect, create on database warehouse to loader;
create database metabase owner metabase;
SQL
