//! Readers while releases change.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use salesmart_core::ReleaseId;
use salesmart_lake::{Lake, PointerEntry};
use salesmart_tests::Project;

use super::{Server, code, one, project, publish, refusal, story};

/// Makes a release current, as publishing does.
async fn point_to(project: &Project, id: u64) {
    let lake = Lake::open(project.path().join("lake").to_str().unwrap()).await.unwrap();
    let entry = PointerEntry {
        release: ReleaseId(id),
        at: chrono::DateTime::UNIX_EPOCH,
        reason: "published".to_owned(),
        run_id: None,
    };
    lake.point_to(entry).await.unwrap();
}

#[test]
fn readers_in_a_loop_never_see_two_releases_at_once() {
    let project = project();
    for deals in 3..9 {
        publish(&project, deals);
    }
    let server = Server::start(&project);
    story(async {
        let done = AtomicBool::new(false);
        let statement = async {
            let client = server.client("ada").await;
            let (mut reads, mut seen) = (0, BTreeSet::new());
            while !done.load(Ordering::SeqCst) {
                let row = super::rows(
                    &client,
                    "select (select n from mart.dim_total), count(*) from mart.fct_deal",
                )
                .await
                .unwrap();
                assert_eq!(row[0][0], row[0][1], "a mixture of two releases");
                assert_ne!(row[0][1].as_deref(), Some("0"), "an empty table");
                seen.insert(row[0][0].clone());
                reads += 1;
            }
            (reads, seen)
        };
        let transaction = async {
            let client = server.client("ada").await;
            let (mut reads, mut seen) = (0, BTreeSet::new());
            while !done.load(Ordering::SeqCst) {
                client.simple_query("begin").await.unwrap();
                let total = one(&client, "select n from mart.dim_total").await;
                tokio::time::sleep(Duration::from_millis(5)).await;
                let deals = one(&client, "select count(*) from mart.fct_deal").await;
                client.simple_query("commit").await.unwrap();
                assert_eq!(total, deals, "a mixture of two releases");
                seen.insert(total);
                reads += 1;
            }
            (reads, seen)
        };
        let prepared = async {
            let client = server.client("ada").await;
            let sql = "select count(*) - (select n from mart.dim_total) from mart.fct_deal where id >= $1";
            let statement = client.prepare(sql).await.unwrap();
            let mut reads = 0;
            while !done.load(Ordering::SeqCst) {
                let row = client.query_one(&statement, &[&"d"]).await.unwrap();
                assert_eq!(row.get::<_, i64>(0), 0, "a mixture of two releases");
                reads += 1;
            }
            reads
        };
        let publishing = async {
            for at in 0..50 {
                point_to(&project, 1 + at * 5 % 6).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            done.store(true, Ordering::SeqCst);
        };
        let ((reads, seen), (more, seen_too), (again, ())) = {
            let (a, b, c, d) = tokio::join!(statement, transaction, prepared, publishing);
            (a, b, (c, d))
        };
        assert!(reads > 50 && more > 20 && again > 50, "{reads} {more} {again} reads");
        assert!(seen.len() > 2 && seen_too.len() > 2, "seen: {seen:?} {seen_too:?}");
    });
}

#[test]
fn a_new_release_is_seen_between_two_statements_of_a_connection() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        let count = "select count(*) from mart.fct_deal";
        assert_eq!(one(&client, count).await, "3");
        client.simple_query("begin").await.unwrap();
        assert_eq!(one(&client, count).await, "3");
        publish(&project, 7);
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert_eq!(one(&client, count).await, "3", "a transaction keeps its release");
        client.simple_query("commit").await.unwrap();
        assert_eq!(one(&client, count).await, "7");
    });
}

#[test]
fn the_past_can_be_asked() {
    let project = project();
    publish(&project, 3);
    publish(&project, 7);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        let count = "select count(*) from mart.fct_deal";
        assert_eq!(one(&client, "show salesmart.release").await, "current");
        assert_eq!(one(&client, count).await, "7");
        client.simple_query("set salesmart.release = 'r000001'").await.unwrap();
        assert_eq!(one(&client, count).await, "3");
        client.simple_query("reset salesmart.release").await.unwrap();
        assert_eq!(one(&client, count).await, "7");
        client.simple_query("begin; set local salesmart.release = 'r000001'").await.unwrap();
        assert_eq!(one(&client, count).await, "3");
        assert_eq!(refusal(&client, "set salesmart.release = 'r000002'").await, "25001");
        client.simple_query("rollback").await.unwrap();
        assert_eq!(one(&client, count).await, "7");
        client.simple_query("set salesmart.release = 'r000099'").await.unwrap();
        assert_eq!(refusal(&client, count).await, "3D000");

        // Each release is a database of its own.
        let mut config = server.config("ada");
        config.dbname("r000001");
        let past = super::open(&config).await.unwrap();
        assert_eq!(one(&past, count).await, "3");
        assert_eq!(one(&past, "select current_database()").await, "r000001");
        config.dbname("warehouse").options("-c salesmart.release=r000001");
        let past = super::open(&config).await.unwrap();
        assert_eq!(one(&past, count).await, "3");
    });
}

#[test]
fn before_the_first_release_clients_are_told_so() {
    let project = project();
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        let error = client.simple_query("select 1").await.unwrap_err();
        assert_eq!(code(&error), "57P03", "{error:?}");
        publish(&project, 3);
        assert_eq!(one(&client, "select count(*) from mart.fct_deal").await, "3");
    });
}
