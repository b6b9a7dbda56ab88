//! Releases in PostgreSQL: what arrives there, what stays, what readers see meanwhile.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use salesmart_tests::Project;

use super::project;
use super::server::{Database, Server, salesmart, shared};

/// The project of two tables with a target.
fn with_target(database: &Database<'_>, more: &str) -> Project {
    let project = project();
    let pipeline = std::fs::read_to_string(project.path().join("pipelines/deals.yml")).unwrap();
    project.write("pipelines/deals.yml", format!("{pipeline}{}", database.target(more)));
    project
}

fn deals(project: &Project, rows: &str) {
    project.write("data/deals.csv", format!("id,amount,closed\n{rows}"));
}

/// Makes `mart.dim_total` count regions, of which there are three as long as nobody adds one.
fn total_of_regions(project: &Project) {
    project.write("data/regions.csv", "id\neast\nnorth\nwest\n");
    project.replace(
        "pipelines/deals.yml",
        "        deals:\n",
        "        regions:\n          path: regions.csv\n          key: [id]\n          columns:\n            id: string\n        deals:\n",
    );
    let model = |source: &str, query: &str| {
        format!(
            "/* @model\ndescription: Regions.\ngrain: [id]\nkind: table\nowner: tests\n{source}columns:\n  id: {{type: string, doc: The region.}}\n*/\n{query}\n"
        )
    };
    project.write(
        "sql/staging/shop/stg_shop__regions.sql",
        model("source: {id: string}\n", "select distinct id from raw.shop.regions"),
    );
    project.write(
        "sql/intermediate/deal/int_region.sql",
        model("", "select id from staging.stg_shop__regions"),
    );
    project.replace(
        "sql/marts/deal/dim_total.sql",
        "intermediate.int_deal",
        "intermediate.int_region",
    );
}

#[test]
fn a_release_arrives_with_what_its_models_promise() {
    a_release_arrives(&shared());
}

/// A release and the next one, with all that belongs to them, on any server.
pub(super) fn a_release_arrives(server: &Server) {
    let database = server.database();
    let project = with_target(&database, "");
    total_of_regions(&project);
    let said = salesmart(&project, &["run", "deals"]).ok();
    assert!(
        said.stdout.contains("target    warehouse: holds r000001: 2 of 2 tables"),
        "{}",
        said.stdout
    );
    let rows = database.read("select id, amount, closed from mart.fct_deal order by id");
    assert_eq!(rows, [["a", "10.00", "2026-01-31"], ["b", "", "2026-02-01"], ["c", "2.50", ""]]);
    assert_eq!(database.read("select n from mart.dim_total"), [["3"]]);
    let current = "select release, tables, rows, as_of at time zone 'UTC' from salesmart.salesmart_release where is_current";
    assert_eq!(database.read(current), [["r000001", "2", "4", "2026-03-01 00:00:00"]]);
    // From version 18 on, "not null" is a constraint of its own.
    let constraints = database.admin(
        "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'mart.fct_deal'::regclass and contype <> 'n' order by 1",
    );
    assert_eq!(
        constraints,
        [
            [
                "mart_fct_deal_amount_check",
                "CHECK (((amount >= (0)::numeric) AND (amount <= (1000)::numeric)))"
            ],
            ["mart_fct_deal_pkey", "PRIMARY KEY (id)"]
        ]
    );
    // The total's grain is not promised to have a value, so it is unique and no key.
    let indexes =
        "select indexdef from pg_indexes where schemaname = 'mart' and tablename = 'dim_total'";
    assert_eq!(
        database.admin(indexes),
        [["CREATE UNIQUE INDEX mart_dim_total_grain ON mart.dim_total USING btree (n)"]]
    );
    let comments = "select obj_description('mart.fct_deal'::regclass), col_description('mart.fct_deal'::regclass, 2)";
    assert_eq!(database.admin(comments), [["Deals, for readers.", "What it brings."]]);
    // Readers read, and nothing else; what is staged is none of their business.
    for refused in [
        "delete from mart.fct_deal",
        "select * from salesmart.salesmart_table",
        "create table mart.mine (n int)",
        "drop table mart.fct_deal",
    ] {
        let told = database.try_read(refused).unwrap_err();
        assert!(told.contains("42501"), "{refused}: {told}");
    }
    assert!(
        database.admin("select 1 from pg_tables where schemaname = 'salesmart_load'").is_empty()
    );

    let again = salesmart(&project, &["run", "deals"]).ok();
    assert!(again.stdout.contains("holds r000001, nothing had changed"), "{}", again.stdout);
    assert_eq!(database.loads(), 1);

    deals(&project, "a,11.00,2026-01-31\nb,,2026-02-01\nd,4.00,2026-02-03\n");
    let said = salesmart(&project, &["run", "deals"]).ok();
    assert!(said.stdout.contains("1 of 2 tables changed"), "{}", said.stdout);
    let rows = database.read("select id, amount from mart.fct_deal order by id");
    assert_eq!(rows, [["a", "11.00"], ["b", ""], ["d", "4.00"]]);
    let shown = salesmart(&project, &["runs", "show", "last"]).ok().stdout;
    assert!(shown.contains("target warehouse (postgres) holds r000002"), "{shown}");
    assert!(shown.contains("1 tables were unchanged"), "{shown}");

    // Rolling back in the lake, and bringing the target along.
    let _ = salesmart(&project, &["releases", "roll-back", "r000001"]).ok();
    let _ = salesmart(&project, &["publish", "deals", "--targets-only"]).ok();
    assert_eq!(database.release(), "r000001");
    let rows = database.read("select id, amount from mart.fct_deal order by id");
    assert_eq!(rows, [["a", "10.00"], ["b", ""], ["c", "2.50"]]);
}

#[test]
fn readers_over_fifty_releases_see_one_release_at_a_time() {
    let server = shared();
    let database = server.database();
    let project = with_target(&database, "");
    let _ = salesmart(&project, &["run", "deals"]).ok();
    let done = AtomicBool::new(false);
    let seen: Vec<(usize, BTreeSet<String>)> = std::thread::scope(|scope| {
        let readers = [false, true].map(|in_steps| {
            let (database, done) = (&database, &done);
            scope.spawn(move || {
                let mut reads = 0;
                let mut sizes = BTreeSet::new();
                while !done.load(Ordering::SeqCst) {
                    // One statement that joins; or several under one snapshot, with time between.
                    let sql = match in_steps {
                        false => "select (select release from salesmart.salesmart_release where is_current), (select n from mart.dim_total), count(*), (select rows from salesmart.salesmart_release where is_current) from mart.fct_deal",
                        true => "begin isolation level repeatable read; select release from salesmart.salesmart_release where is_current; select pg_sleep(0.02); select n from mart.dim_total; select pg_sleep(0.02); select count(*) from mart.fct_deal; select rows from salesmart.salesmart_release where is_current; commit",
                    };
                    let rows: Vec<String> =
                        database.read(sql).into_iter().flatten().filter(|v| !v.is_empty()).collect();
                    assert_eq!(rows.len(), 4, "{rows:?}");
                    assert_eq!(rows[1], rows[2], "two tables of different releases: {rows:?}");
                    let all = rows[2].parse::<u64>().unwrap() + 1;
                    assert_eq!(rows[3], all.to_string(), "tables and release differ: {rows:?}");
                    assert_ne!(rows[2], "0", "an empty table");
                    sizes.insert(rows[0].clone());
                    reads += 1;
                }
                (reads, sizes)
            })
        });
        for size in 0..50 {
            let rows: String = (0..=size % 17 + 3)
                .map(|id| format!("d{id},{}.00,\n", (id + size) % 999))
                .collect();
            deals(&project, &rows);
            let _ = salesmart(&project, &["run", "deals"]).ok();
        }
        done.store(true, Ordering::SeqCst);
        readers.map(|reader| reader.join().unwrap()).into()
    });
    assert_eq!(database.release(), "r000051");
    for (reads, releases) in seen {
        assert!(reads > 50 && releases.len() > 20, "{reads} reads saw {} releases", releases.len());
    }
}

#[test]
fn columns_come_and_go_and_views_of_others_stay() {
    columns_come_and_go(&shared());
}

/// Every change that a release may make to the columns of a table, on any server.
pub(super) fn columns_come_and_go(server: &Server) {
    let database = server.database();
    let project = with_target(&database, "");
    let _ = salesmart(&project, &["run", "deals"]).ok();
    database.admin("create schema own; create view own.big as select id, amount from mart.fct_deal where amount > 5; create view own.days as select closed from mart.fct_deal");
    // One more column: both views stay, and so does the table.
    let oid = database.admin("select 'mart.fct_deal'::regclass::oid");
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "select id, amount, closed from",
        "select id, amount, closed, cast(amount * 2 as decimal(19,2)) as doubled from",
    );
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "  closed: {type: date, doc: When it was closed.}\n",
        "  closed: {type: date, doc: When it was closed.}\n  doubled: {type: \"decimal(19,2)\", doc: Twice that.}\n",
    );
    let _ = salesmart(&project, &["run", "deals"]).ok();
    assert_eq!(
        database.read("select id, doubled from mart.fct_deal where id = 'a'"),
        [["a", "20.00"]]
    );
    assert_eq!(database.admin("select id from own.big"), [["a"]]);
    assert_eq!(database.admin("select 'mart.fct_deal'::regclass::oid"), oid);
    // More digits before the point: a change of type without a new table.
    for _ in ["in the contract", "in the query"] {
        project.replace("sql/marts/deal/fct_deal.sql", "decimal(19,2)", "decimal(25,2)");
    }
    let _ = salesmart(&project, &["run", "deals"]).ok();
    let numeric = "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'mart.fct_deal'::regclass and attname = 'doubled'";
    assert_eq!(database.admin(numeric), [["numeric(25,2)"]]);
    assert_eq!(database.admin("select 'mart.fct_deal'::regclass::oid"), oid);
    // A column that a view reads goes: the run says which view, and changes nothing.
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "select id, amount, closed, ",
        "select id, amount, ",
    );
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "  closed: {type: date, doc: When it was closed.}\n",
        "",
    );
    let refused = salesmart(&project, &["run", "deals"]);
    assert_eq!(refused.code, 8, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("own.days") && !refused.stderr.contains("own.big"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("release r000004 is current in the lake"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("still holds r000003, whole"), "{}", refused.stderr);
    assert_eq!(database.release(), "r000003");
    assert_eq!(database.admin("select count(*) from own.days"), [["3"]]);
    // Nothing changed since, and the target is brought along all the same.
    database.admin("drop view own.days");
    let said = salesmart(&project, &["run", "deals"]).ok();
    assert!(said.stdout.contains("nothing had changed, it stays current"), "{}", said.stdout);
    assert_eq!(database.release(), "r000004");
    assert_eq!(database.admin("select id from own.big"), [["a"]]);
    // Another type needs another table; a view on it stops that.
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "cast(amount * 2 as decimal(25,2)) as doubled",
        "cast(amount as varchar) as doubled",
    );
    project.replace("sql/marts/deal/fct_deal.sql", "decimal(25,2)", "string");
    let refused = salesmart(&project, &["run", "deals"]);
    assert_eq!(refused.code, 8);
    assert!(refused.stderr.contains("`doubled` from numeric(25,2) to text"), "{}", refused.stderr);
    database.admin("drop view own.big");
    let _ = salesmart(&project, &["publish", "deals"]).ok();
    assert_eq!(database.read("select doubled from mart.fct_deal where id = 'a'"), [["10.00"]]);
    // A table that is no longer in the release goes.
    project.replace("pipelines/deals.yml", "[\"+fct_deal\", \"+dim_total\"]", "[]");
    std::fs::remove_file(project.path().join("sql/marts/deal/dim_total.sql")).unwrap();
    project.replace(
        "pipelines/deals.yml",
        "      read_role",
        "      tables: [mart.fct_deal]\n      read_role",
    );
    let _ = salesmart(&project, &["run", "deals"]).ok();
    assert!(database.try_read("select n from mart.dim_total").unwrap_err().contains("42P01"));
}

#[test]
fn a_reader_that_holds_a_table_is_named_when_its_columns_change() {
    let server = shared();
    let database = server.database();
    let project = with_target(&database, "      lock_wait_seconds: 2\n");
    let _ = salesmart(&project, &["run", "deals"]).ok();
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "select id, amount, closed from",
        "select id, amount, closed, 1 as one from",
    );
    project.replace(
        "sql/marts/deal/fct_deal.sql",
        "  closed: {type: date, doc: When it was closed.}\n",
        "  closed: {type: date, doc: When it was closed.}\n  one: {type: int64, doc: One.}\n",
    );
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            database.read("begin; select count(*) from mart.fct_deal; select pg_sleep(8); commit");
        });
        while database
            .admin("select 1 from pg_locks where relation = 'mart.fct_deal'::regclass")
            .is_empty()
        {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let refused = salesmart(&project, &["run", "deals"]);
        assert_eq!(refused.code, 8, "{}", refused.stderr);
        let holder = format!("of `{}_read`", database.name);
        assert!(
            refused.stderr.contains(&holder) && refused.stderr.contains("mart.fct_deal"),
            "{}",
            refused.stderr
        );
        reader.join().unwrap();
    });
    assert_eq!(database.release(), "r000001");
    let _ = salesmart(&project, &["publish", "deals"]).ok();
    assert_eq!(database.read("select distinct one from mart.fct_deal"), [["1"]]);
}

#[test]
fn a_table_that_somebody_changed_or_dropped_is_made_right() {
    let server = shared();
    let database = server.database();
    let project = with_target(&database, "");
    let _ = salesmart(&project, &["run", "deals"]).ok();
    database.admin("delete from mart.fct_deal where id = 'a'; drop table mart.dim_total");
    deals(&project, "a,10.00,2026-01-31\nb,5.00,2026-02-01\nc,2.50,\n");
    let _ = salesmart(&project, &["run", "deals"]).ok();
    let rows = database.read("select id, amount from mart.fct_deal order by id");
    assert_eq!(rows, [["a", "10.00"], ["b", "5.00"], ["c", "2.50"]]);
    assert_eq!(database.read("select n from mart.dim_total"), [["3"]]);
}

#[test]
fn a_target_that_refuses_us_says_what_to_do_and_keeps_secrets() {
    let server = shared();
    let database = server.database();
    let project = with_target(&database, "");
    let wrong = |password: &str| {
        salesmart_tests::said(
            project.command(&["run", "deals", "-vv"]).env("WAREHOUSE_PASSWORD", password),
        )
    };
    let said = wrong("not-the-hush");
    assert_eq!(said.code, 8, "{}", said.stderr);
    assert!(said.stderr.contains("password authentication failed"), "{}", said.stderr);
    assert!(said.stderr.contains("check `user` and `password`"), "{}", said.stderr);
    assert!(!said.stderr.contains("not-the-hush") && !said.stdout.contains("not-the-hush"));
    assert!(!project.deals().is_empty(), "the release is in the lake");
    // No right to make schemas.
    database.admin(&format!("alter database {} owner to postgres", database.name));
    let said = salesmart(&project, &["check", "--connections"]);
    assert_eq!(said.code, 4, "{}", said.stderr);
    assert!(said.stderr.contains("grant create on database"), "{}", said.stderr);
    let said = salesmart(&project, &["publish", "deals"]);
    assert_eq!(said.code, 8, "{}", said.stderr);
    assert!(said.stderr.contains("grant create on database"), "{}", said.stderr);
    database.admin(&format!("alter database {0} owner to {0}_load", database.name));
    // TLS: the right authority, the wrong one, and none that is known.
    let tls = |mode: &str| {
        let pipeline = std::fs::read_to_string(project.path().join("pipelines/deals.yml")).unwrap();
        let (head, _) = pipeline.split_once("publish:").unwrap();
        let target = database.target("").replace("sslmode: disable", mode);
        project.write("pipelines/deals.yml", format!("{head}{target}"));
        salesmart(&project, &["publish", "deals"])
    };
    let authority = server.authority.display();
    let _ = tls(&format!("root_certificate: {authority}")).ok();
    let _ = tls(&format!("root_certificate: {authority}\n      sslmode: verify-ca")).ok();
    let _ = tls("sslmode: require").ok();
    let said = tls("sslmode: verify-full");
    assert_eq!(said.code, 8, "{}", said.stderr);
    assert!(said.stderr.contains("root_certificate"), "{}", said.stderr);
    let _ = salesmart(&project, &["check", "--connections"]);
    assert_eq!(database.loads(), 1);
    // A table of somebody else's.
    let other = server.database();
    other.admin("create schema mart; create table mart.fct_deal (id text)");
    let pipeline = std::fs::read_to_string(project.path().join("pipelines/deals.yml")).unwrap();
    let (head, _) = pipeline.split_once("publish:").unwrap();
    project.write("pipelines/deals.yml", format!("{head}{}", other.target("")));
    let said = salesmart(&project, &["publish", "deals"]);
    assert_eq!(said.code, 8, "{}", said.stderr);
    assert!(said.stderr.contains("Salesmart did not make it"), "{}", said.stderr);
    assert!(other.admin("select * from mart.fct_deal").is_empty());
}
