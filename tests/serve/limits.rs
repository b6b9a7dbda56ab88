//! Limits: time, memory, rows, connections, turns; cancelling; the end.

use std::time::Duration;

use tokio_postgres::NoTls;

use super::{Server, code, one, open, project, publish, refusal, story};

/// Takes far longer than any story.
const SLOW: &str = "select count(*) from generate_series(1, 1000000000000) as g(n) where n % 7 = 3";

#[test]
fn a_statement_ends_at_its_limits_and_the_connection_goes_on() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let eve = server.client("eve").await;
        assert_eq!(refusal(&eve, SLOW).await, "57014", "the role's time is up");
        let sort = "select n from generate_series(1, 20000000) as g(n) order by n % 1000, n desc";
        assert_eq!(refusal(&eve, sort).await, "53200", "the role's memory");
        let many = "select n from generate_series(1, 1001) as g(n)";
        assert_eq!(refusal(&eve, many).await, "54000", "the role's rows");
        assert_eq!(one(&eve, "select count(*) from generate_series(1, 1000)").await, "1000");
        let some = "select n from generate_series(1, 1000) as g(n)";
        assert_eq!(super::rows(&eve, some).await.unwrap().len(), 1000);

        let ada = server.client("ada").await;
        ada.simple_query("set statement_timeout = 100").await.unwrap();
        assert_eq!(refusal(&ada, SLOW).await, "57014", "the session's own time is up");
        eve.simple_query("set statement_timeout = '1h'").await.unwrap();
        assert_eq!(
            refusal(&eve, SLOW).await,
            "57014",
            "nobody gives himself more than the role has"
        );
        assert_eq!(one(&ada, "select 1").await, "1");
    });
}

#[test]
fn a_user_has_so_many_connections() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let mut open_ones = Vec::new();
        for _ in 0..3 {
            open_ones.push(server.client("eve").await);
        }
        let error = open(&server.config("eve")).await.expect_err("the fourth is refused");
        assert_eq!(code(&error), "53300");
        let _ = server.client("ada").await;
        open_ones.pop();
        // The server hears of the end of a connection in its own time.
        let mut again = open(&server.config("eve")).await;
        for _ in 0..100 {
            if again.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            again = open(&server.config("eve")).await;
        }
        assert!(again.is_ok(), "a place that was left is free");
    });
}

#[test]
fn cancelling_stops_a_statement_and_nothing_else() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        let token = client.cancel_token();
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            token.cancel_query(NoTls).await.unwrap();
        };
        let (refused, ()) = tokio::join!(refusal(&client, SLOW), cancel);
        assert_eq!(refused, "57014");
        assert_eq!(one(&client, "select 1").await, "1");
        // A request that comes when nothing runs does not hit what comes next.
        token.cancel_query(NoTls).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(one(&client, "select 2").await, "2");
        // While rows are on their way, too.
        let long = "select n from generate_series(1, 1000000000) as g(n)";
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            token.cancel_query(NoTls).await.unwrap();
        };
        let stream = async {
            let stream = client.simple_query_raw(long).await.unwrap();
            futures::pin_mut!(stream);
            while let Some(message) = futures::StreamExt::next(&mut stream).await {
                if let Err(error) = message {
                    return code(&error);
                }
            }
            "answered".to_owned()
        };
        let (refused, ()) = tokio::join!(stream, cancel);
        assert_eq!(refused, "57014");
        assert_eq!(one(&client, "select 3").await, "3");
    });
}

#[test]
fn slow_statements_starve_nobody() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        // More slow statements of one user than that user has turns, and than there are cores.
        let mut slow = Vec::new();
        let mut tokens = Vec::new();
        for _ in 0..12 {
            let client = server.client("ada").await;
            tokens.push(client.cancel_token());
            slow.push(tokio::spawn(async move { refusal(&client, SLOW).await }));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let bob = server.client("bob").await;
        for n in 0..20 {
            assert_eq!(one(&bob, &format!("select {n} + 0")).await, n.to_string());
        }
        assert!(slow.iter().all(|slow| !slow.is_finished()), "all of them still run or wait");
        for token in tokens {
            token.cancel_query(NoTls).await.unwrap();
        }
        for slow in slow {
            assert_eq!(slow.await.unwrap(), "57014");
        }
    });
}

#[test]
fn a_server_that_is_asked_to_stop_lets_statements_finish() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let idle = server.client("ada").await;
        let busy = server.client("ada").await;
        // Long enough to be running when the server is asked to stop, short enough to finish.
        let work = "select count(*) from generate_series(1, 300000000) as g(n) where n % 7 = 3";
        let working = tokio::spawn(async move { one(&busy, work).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.terminate();
        assert_eq!(working.await.unwrap(), "42857143");
        let error = idle.simple_query("select 1").await.unwrap_err();
        assert!(
            error.is_closed() || code(&error) == "57P01",
            "who was idle is told to go: {error:?}"
        );
        assert!(open(&server.config("ada")).await.is_err(), "nobody comes in any more");
    });
    let (code, _) = server.end();
    assert_eq!(code, 0);
}

/// Looks for a needle that almost fits everywhere: one call of one function that computes for hours.
const HELD: &str = "select strpos(repeat('a', 16000000), repeat('a', 8000000) || 'b')";

#[test]
fn what_would_make_too_long_a_value_is_refused() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let ada = server.client("ada").await;
        for sql in [
            "select repeat('x', 2000000000)",
            "select repeat(id, 2000000000) from mart.fct_deal",
            "select lpad('x', 2000000000)",
            "select array_repeat('x', 2000000000)",
            "select range(1, 20000000000)",
            "with recursive t(n, v) as (select 1, 'x' union all select n + 1, v || v from t \
             where n < 60) select length(v) from t",
            "explain analyze select repeat('x', 2000000000)",
        ] {
            assert_eq!(refusal(&ada, sql).await, "54000", "{sql}");
        }
        assert_eq!(one(&ada, "select length(repeat('ab', 1000000))").await, "2000000");
        let statement = ada.prepare("select length(repeat('x', $1::int))").await.unwrap();
        let rows = ada.query(&statement, &[&1_000_000_i32]).await.unwrap();
        assert_eq!(rows[0].get::<_, i32>(0), 1_000_000);
        let error = ada.query(&statement, &[&2_000_000_000_i32]).await.unwrap_err();
        assert_eq!(code(&error), "54000");
        // As much as a role has.
        let eve = server.client("eve").await;
        assert_eq!(refusal(&eve, "select repeat('x', 1000000)").await, "54000");
        assert_eq!(one(&eve, "select length(repeat('x', 100000))").await, "100000");
    });
}

#[test]
fn a_statement_that_cannot_be_interrupted_ends_for_its_client_and_with_the_server() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        client.simple_query("set statement_timeout = 500").await.unwrap();
        assert_eq!(refusal(&client, HELD).await, "57014", "its time is up");
        assert_eq!(one(&client, "select 1").await, "1", "the connection goes on");
        client.simple_query("set statement_timeout = 0").await.unwrap();
        let token = client.cancel_token();
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            token.cancel_query(NoTls).await.unwrap();
        };
        let (refused, ()) = tokio::join!(refusal(&client, HELD), cancel);
        assert_eq!(refused, "57014", "it is cancelled");
        // Both still compute, on threads of which there are more.
        let bob = server.client("bob").await;
        assert_eq!(one(&bob, "select 2").await, "2");
        server.terminate();
    });
    let (code, _) = server.end();
    assert_eq!(code, 0, "it ended by itself");
}
