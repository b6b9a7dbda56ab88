//! Who comes in.

use std::process::Command;

use salesmart_tests::said;

use super::{PASSWORD, Server, code, one, open, project, publish, story};

#[test]
fn an_analyst_is_connected_by_the_line_that_is_printed() {
    let project = project();
    std::fs::remove_file(project.path().join("config/serve.yml")).unwrap();
    publish(&project, 3);
    let server = Server::start(&project);
    let line = server.greeting.lines().find(|line| line.starts_with("connect")).unwrap();
    let url = line.split('\'').nth(1).unwrap();
    let answer = said(
        Command::new("psql")
            .args([url, "-X", "-A", "-t", "-c"])
            .arg("select count(*) from mart.fct_deal"),
    )
    .ok();
    assert_eq!(answer.stdout.trim(), "3");
}

#[test]
fn only_who_knows_the_password_comes_in() {
    let project = project();
    publish(&project, 3);
    let server = Server::start(&project);
    story(async {
        let client = server.client("ada").await;
        assert_eq!(one(&client, "select current_user").await, "ada");
        for (user, password, database, expected) in [
            ("ada", "wrong", "warehouse", "28P01"),
            ("ada", "", "warehouse", "28P01"),
            ("nobody", PASSWORD, "warehouse", "28P01"),
            ("nobody", "", "warehouse", "28P01"),
            ("ADA", PASSWORD, "warehouse", "28P01"),
            ("ada", PASSWORD, "postgres", "3D000"),
            ("ada", PASSWORD, "r000099", "3D000"),
        ] {
            let mut config = server.config(user);
            config.password(password).dbname(database);
            let error = match open(&config).await {
                Ok(_) => panic!("{user} came in with `{password}` to {database}"),
                Err(error) => error,
            };
            assert_eq!(code(&error), expected, "{user} {password} {database}: {error:?}");
        }
        // A client that has no password at all is asked for one, and goes.
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(server.port).user("ada").dbname("warehouse");
        assert!(open(&config).await.is_err());
        assert!(server.is_up().await);
    });
}

#[test]
fn what_lies_in_a_file_checks_a_password_and_is_none() {
    let project = project();
    publish(&project, 3);
    let hashed = {
        let mut command = project.command(&["serve", "hash-password"]);
        project.write("password.txt", format!("{PASSWORD}\n"));
        command.stdin(std::fs::File::open(project.path().join("password.txt")).unwrap());
        said(&mut command).ok().stdout
    };
    assert!(hashed.starts_with("SCRAM-SHA-256$4096:"), "{hashed}");
    project.write("secrets/ada", &hashed);
    project.write("config/serve.yml", "users: {ada: {password: 'file:secrets/ada'}}\n");
    let server = Server::start(&project);
    story(async {
        assert!(server.is_up().await, "the password fits what was made of it");
        let mut config = server.config("ada");
        config.password(hashed.trim());
        let error = open(&config).await.expect_err("what is in the file is no password");
        assert_eq!(code(&error), "28P01");
    });
}

#[test]
fn nobody_is_let_in_without_a_password_unless_the_file_says_so_in_as_many_words() {
    let project = project();
    publish(&project, 3);
    project.write("config/serve.yml", "users: {ada: {}}\n");
    let refused = project.salesmart(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("the user `ada` has no password"), "{}", refused.stderr);
    project.write("config/serve.yml", "authentication: none\n");
    assert_eq!(project.salesmart(&["serve"]).code, 3);
    // Without users, a server of all networks would be one that nobody, or everybody, uses.
    std::fs::remove_file(project.path().join("config/serve.yml")).unwrap();
    let refused = project.salesmart(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(refused.stderr.contains("there are no users"), "{}", refused.stderr);

    project.write("config/serve.yml", "authentication: trust_everybody_who_reaches_the_port\n");
    let mut server = Server::start(&project);
    story(async {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(server.port).user("whoever").dbname("warehouse");
        let client = open(&config).await.unwrap();
        assert_eq!(one(&client, "select count(*) from mart.fct_deal").await, "3");
    });
    let mut errors = server.child.stderr.take().unwrap();
    server.terminate();
    let mut warning = String::new();
    std::io::Read::read_to_string(&mut errors, &mut warning).unwrap();
    assert!(warning.contains("EVERYBODY"), "a loud warning: {warning}");
}
