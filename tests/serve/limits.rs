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
