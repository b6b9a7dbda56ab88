//! How statements are answered: both protocols, parameters, cursors, transactions.

use super::{Server, code, one, project, publish, refusal, rows, story};

#[test]
fn psql_reads_figures() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    let said =
        server.psql("ada", &["select id, amount, closed from mart.fct_deal order by id"]).ok();
    assert_eq!(said.stdout, "d0|1.00|\nd1|1.00|\nd2|1.00|\n");
    let said = server.psql("ada", &["select 1; select 2; select 'three'"]).ok();
    assert_eq!(said.stdout, "1\n2\nthree\n", "each statement of a text is answered");
    let said = server.psql("ada", &["select 1; selec 2; select 3"]);
    assert_eq!(said.stdout, "", "a text that cannot be read is not begun");
    let said = server.psql("ada", &["select 1; select 1/0; select 3"]);
    assert_eq!(said.stdout, "1\n", "what was answered before a failure was answered");
    assert!(said.stderr.contains("ERROR"), "{}", said.stderr);
}

#[test]
fn parameters_go_in_binary_and_come_back_in_binary() {
    let project = project();
    publish(&project, 20);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        let statement = client
            .prepare("select id, amount from mart.fct_deal where id = $1 and amount > $2::float8")
            .await
            .unwrap();
        let types: Vec<&str> =
            statement.params().iter().map(tokio_postgres::types::Type::name).collect();
        assert_eq!(types, ["text", "float8"]);
        let columns: Vec<&str> = statement.columns().iter().map(|c| c.type_().name()).collect();
        assert_eq!(columns, ["text", "numeric"]);
        for id in ["d3", "d4", "d5"] {
            let found = client.query(&statement, &[&id, &0.5_f64]).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].get::<_, &str>(0), id);
        }
        assert!(client.query(&statement, &[&"none", &0.5_f64]).await.unwrap().is_empty());
        let row = client
            .query_one(
                "select $1::int4 + 1, $2::int8, $3::text, $4::bool, $5::date, $6::float8, null::text",
                &[
                    &41_i32,
                    &(1_i64 << 40),
                    &"ä'; drop table x; --",
                    &true,
                    &chrono::NaiveDate::from_ymd_opt(2026, 2, 28).unwrap(),
                    &0.1_f64,
                ],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, i64>(0), 42);
        assert_eq!(row.get::<_, i64>(1), 1 << 40);
        assert_eq!(row.get::<_, &str>(2), "ä'; drop table x; --", "a value is never SQL");
        assert!(row.get::<_, bool>(3));
        assert_eq!(row.get::<_, chrono::NaiveDate>(4).to_string(), "2026-02-28");
        assert_eq!(row.get::<_, f64>(5), 0.1);
        assert_eq!(row.get::<_, Option<&str>>(6), None);
        let wrong = client.query("select $1::int4", &[]).await;
        assert!(wrong.is_err(), "a parameter is missing");
        assert_eq!(one(&client, "select 1").await, "1", "and the connection goes on");
    });
}

#[test]
fn a_portal_gives_so_many_rows_at_a_time() {
    let project = project();
    publish(&project, 20);
    let server = Server::start(&project);
    story(async {
        let mut client = server.client("ada").await;
        let transaction = client.transaction().await.unwrap();
        let portal =
            transaction.bind("select id from mart.fct_deal order by id", &[]).await.unwrap();
        let mut sizes = Vec::new();
        loop {
            let rows = transaction.query_portal(&portal, 7).await.unwrap();
            if rows.is_empty() {
                break;
            }
            sizes.push(rows.len());
        }
        assert_eq!(sizes, [7, 7, 6]);
        transaction.commit().await.unwrap();
    });
}

#[test]
fn cursors_and_prepared_statements_of_sql_work() {
    let project = project();
    publish(&project, 5);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        client.simple_query("begin").await.unwrap();
        let declare = "declare c cursor for select id from mart.fct_deal order by id";
        client.simple_query(declare).await.unwrap();
        assert_eq!(rows(&client, "fetch 2 from c").await.unwrap().len(), 2);
        assert_eq!(one(&client, "fetch next from c").await, "d2");
        assert_eq!(rows(&client, "fetch all from c").await.unwrap().len(), 2);
        assert_eq!(rows(&client, "fetch all from c").await.unwrap().len(), 0);
        assert_eq!(refusal(&client, declare).await, "42P03");
        client.simple_query("rollback").await.unwrap();
        assert_eq!(
            refusal(&client, "fetch 1 from c").await,
            "34000",
            "it ended with its transaction"
        );
        assert_eq!(refusal(&client, declare).await, "25P01");

        client
            .simple_query("prepare p as select count(*) from mart.fct_deal where id < $1")
            .await
            .unwrap();
        assert_eq!(one(&client, "execute p('d3')").await, "3");
        client.simple_query("deallocate p").await.unwrap();
        assert_eq!(refusal(&client, "execute p('d3')").await, "26000");
    });
}

#[test]
fn a_transaction_that_failed_waits_for_its_end() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        client.simple_query("begin").await.unwrap();
        assert_eq!(refusal(&client, "select nope").await, "42703");
        assert_eq!(refusal(&client, "select 1").await, "25P02");
        let prepared = client.prepare("select 1").await.unwrap_err();
        assert_eq!(code(&prepared), "25P02");
        client.simple_query("rollback").await.unwrap();
        assert_eq!(one(&client, "select 1").await, "1");
        client
            .simple_query("start transaction isolation level serializable read only")
            .await
            .unwrap();
        assert_eq!(refusal(&client, "select 1/0").await, "22012");
        client.simple_query("commit").await.unwrap();
        assert_eq!(one(&client, "select 1").await, "1");
    });
}

#[test]
fn settings_are_of_the_session() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        assert_eq!(one(&client, "show search_path").await, "kpi");
        client.simple_query("set search_path = mart, kpi").await.unwrap();
        assert_eq!(one(&client, "select count(*) from fct_deal").await, "3");
        client.simple_query("reset all").await.unwrap();
        assert_eq!(one(&client, "show search_path").await, "kpi");
        assert_eq!(one(&client, "show session authorization").await, "ada");
        assert_eq!(one(&client, "show transaction_read_only").await, "on");
        client.simple_query("begin; set local statement_timeout = '9s'").await.unwrap();
        assert_eq!(one(&client, "show statement_timeout").await, "9s");
        client.simple_query("commit").await.unwrap();
        assert_eq!(one(&client, "show statement_timeout").await, "0");
        for sql in ["", ";", " ; ; ", "-- nothing"] {
            assert!(rows(&client, sql).await.unwrap().is_empty(), "an empty text is answered");
        }
        assert!(client.query("", &[]).await.unwrap().is_empty());
        // What pools send between two users.
        for sql in ["discard all", "unlisten *", "close all", "deallocate all", "reset all"] {
            client.simple_query(sql).await.unwrap();
        }
    });
}

#[test]
fn copy_goes_to_those_who_prepare_it() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let ada = server.client("ada").await;
        let copied = async |sql: &str| {
            let blocks = ada.copy_out(sql).await.unwrap();
            let blocks: Vec<_> = futures::TryStreamExt::try_collect(blocks).await.unwrap();
            blocks.concat()
        };
        let text =
            copied("copy (select id, amount from mart.fct_deal order by id) to stdout").await;
        assert_eq!(text, b"d0\t1.00\nd1\t1.00\nd2\t1.00\n");
        let csv = copied("copy mart.dim_total to stdout (format csv, header)").await;
        assert_eq!(csv, b"n\n3\n");
        let binary = copied("copy mart.dim_total to stdout (format binary)").await;
        assert!(binary.starts_with(b"PGCOPY\n\xff\r\n\0"), "{binary:?}");
        assert!(binary.ends_with(b"\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x03\xff\xff"), "{binary:?}");
        // A second time, and after a refusal, as any other statement.
        let refused = ada.copy_out("copy (select nothing from mart.dim_total) to stdout").await;
        assert_eq!(code(&refused.err().unwrap()), "42703");
        assert_eq!(copied("copy mart.dim_total to stdout").await, b"3\n");
        assert_eq!(one(&ada, "select 1").await, "1");
    });
}
