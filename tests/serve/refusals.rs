//! What is refused, and with which of PostgreSQL's codes.

use super::{Server, one, project, publish, refusal, story};

#[test]
fn a_statement_that_does_more_than_read_is_refused_by_postgresqls_code() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        for (sql, expected) in [
            // Writing.
            ("insert into mart.fct_deal values ('x', 1, null)", "25006"),
            ("update mart.fct_deal set amount = 0", "25006"),
            ("delete from mart.fct_deal", "25006"),
            (
                "merge into mart.fct_deal d using mart.fct_deal s on d.id = s.id when matched then delete",
                "25006",
            ),
            ("truncate table mart.fct_deal", "25006"),
            ("drop table mart.fct_deal", "25006"),
            ("drop schema mart cascade", "25006"),
            ("alter table mart.fct_deal rename to x", "25006"),
            ("create table x (a int)", "25006"),
            ("create temporary table x as select 1", "25006"),
            ("create view x as select 1", "25006"),
            ("create materialized view x as select 1", "25006"),
            ("create index i on mart.fct_deal (id)", "25006"),
            ("create database x", "25006"),
            ("create role mallory", "25006"),
            ("create function f() returns int language sql as 'select 1'", "25006"),
            ("grant all on mart.fct_deal to ada", "25006"),
            ("select * into x from mart.fct_deal", "25006"),
            ("select * from mart.fct_deal for update", "25006"),
            ("with d as (delete from mart.fct_deal returning *) select * from d", "25006"),
            ("explain analyze delete from mart.fct_deal", "25006"),
            ("comment on table mart.fct_deal is 'x'", "25006"),
            ("vacuum", "25006"),
            ("call f()", "25006"),
            // Files and programs of the server.
            ("copy mart.fct_deal from '/etc/passwd'", "42501"),
            ("copy mart.fct_deal to '/tmp/x'", "42501"),
            ("copy (select 1) to program 'id'", "42501"),
            ("load 'x'", "42501"),
            ("create external table x stored as csv location '/etc/passwd'", "42601"),
            ("select * from '/etc/passwd'", "42P01"),
            ("select * from \"/etc/passwd\"", "42P01"),
            ("select * from read_csv('/etc/passwd')", "42883"),
            ("select * from read_parquet('lake')", "42883"),
            ("select pg_read_file('/etc/passwd')", "42883"),
            ("select lo_import('/etc/passwd')", "42883"),
            // What is not there.
            ("select * from mart.nope", "42P01"),
            ("select nope from mart.fct_deal", "42703"),
            ("select nope(1)", "42883"),
            ("selec 1", "42601"),
            ("select 1 +", "42601"),
            ("select id from mart.fct_deal d join mart.fct_deal e on d.id = e.id", "42702"),
            ("select 1/0", "22012"),
            ("select 'x'::int", "22P02"),
            // What only the pipeline sees.
            ("select * from intermediate.int_deal", "42P01"),
            ("select * from staging.stg_shop__deals", "42P01"),
            ("select * from raw.shop.deals", "42P01"),
            // The session.
            ("set role postgres", "42501"),
            ("set session authorization bob", "42501"),
            ("set no_such_setting = 1", "42704"),
            ("set server_version = '9'", "55P02"),
            ("set salesmart.release = 'yesterday'", "22023"),
            ("show no_such_setting", "42704"),
            ("execute nothing", "26000"),
            ("fetch 1 from nothing", "34000"),
            ("savepoint s", "25P01"),
        ] {
            assert_eq!(refusal(&client, sql).await, expected, "{sql}");
        }
        // Refusals cost nothing: the connection goes on, and nothing has changed.
        assert_eq!(one(&client, "select count(*) from mart.fct_deal").await, "3");
    });
    assert!(!std::path::Path::new("/tmp/x").exists());
}

#[test]
fn a_role_sees_its_schemas_and_nothing_of_the_others() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let bob = server.client("bob").await;
        for sql in [
            "select * from mart.fct_deal",
            "select count(*) from mart.fct_deal",
            "select 1 from warehouse.mart.fct_deal",
            "explain select * from mart.fct_deal",
            "explain analyze select * from mart.fct_deal",
            "with a as (select * from mart.fct_deal) select 1 from a",
            "select (select max(id) from mart.fct_deal)",
            "select 1 where exists (select 1 from mart.fct_deal)",
            "declare c cursor with hold for select * from mart.fct_deal",
        ] {
            assert_eq!(refusal(&bob, sql).await, "42501", "{sql}");
        }
        let prepared = bob.prepare("select * from mart.fct_deal").await.unwrap_err();
        assert_eq!(super::code(&prepared), "42501");
        // Nor in any listing.
        for sql in [
            "select count(*) from information_schema.tables where table_name = 'fct_deal'",
            "select count(*) from information_schema.columns where table_name = 'fct_deal'",
            "select count(*) from information_schema.schemata where schema_name = 'mart'",
            "select count(*) from pg_catalog.pg_class where relname = 'fct_deal'",
            "select count(*) from pg_catalog.pg_namespace where nspname = 'mart'",
            "select count(*) from pg_catalog.pg_tables where tablename = 'fct_deal'",
            "select count(*) from pg_catalog.pg_attribute where attname = 'closed'",
            "select count(*) from pg_catalog.pg_description where description like '%Deals%'",
        ] {
            assert_eq!(one(&bob, sql).await, "0", "{sql}");
            let ada = server.client("ada").await;
            assert_ne!(one(&ada, sql).await, "0", "who may see it does: {sql}");
        }
    });
}

#[test]
fn explain_names_no_file_of_the_lake() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    for how in ["explain", "explain analyze", "explain verbose", "explain (format json)"] {
        let said = server
            .psql(
                "ada",
                &[&format!("{how} select count(*), max(id) from mart.fct_deal where amount > 0")],
            )
            .ok();
        assert!(!said.stdout.contains("parquet]"), "{how}: {}", said.stdout);
        assert!(!said.stdout.contains("warehouse/"), "{how}: {}", said.stdout);
        assert!(
            said.stdout.contains("fct_deal") || said.stdout.contains("DataSource"),
            "{how}: {}",
            said.stdout
        );
    }
}
