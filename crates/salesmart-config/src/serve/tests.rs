use salesmart_core::yaml;

use super::*;

fn decode(text: &str) -> Result<Serve> {
    let node = yaml::parse("config/serve.yml", text, 1)?;
    let node = node.expand(&|name| (name == "ADA").then(|| "a-secret".to_owned()))?;
    let root = Path::new("/no/such/project");
    Serve::decode(&node, root, |path| read_secret(root, path))
}

#[test]
fn what_is_left_out_has_its_default() {
    let serve = decode("users: {ada: {password: \"${ADA}\"}}\n").unwrap();
    assert_eq!(serve.postgres.unwrap().to_string(), POSTGRES);
    assert!(serve.flight.is_none() && serve.web.is_none() && serve.tls.is_none());
    assert_eq!(serve.authentication, Authentication::Scram);
    assert_eq!(serve.roles[READER], Role::default());
    assert_eq!(serve.users["ada"].role, READER);
    assert_eq!(serve.users["ada"].password.as_ref().unwrap().value.expose(), "a-secret");
    assert!(!format!("{serve:?}").contains("a-secret"), "no secret is shown");
}

#[test]
fn every_limit_can_be_written() {
    let serve = decode(
        "postgres: {listen: '0.0.0.0:6000'}\n\
         flight: {listen: '[::1]:0'}\n\
         tls: {certificate: tls/server.crt, key: tls/server.key}\n\
         limits: {connections: 7, statements: 3, memory: 512 MB}\n\
         roles:\n  board: {schemas: [kpi], statement_timeout: 30s, memory: 64MiB, rows: 10_000, connections: 2, statements: 1}\n  slow: {statement_timeout: none}\n\
         users: {ada: {role: board, password: '${ADA}'}}\n",
    )
    .unwrap();
    assert_eq!(serve.postgres.unwrap().port(), 6000);
    assert!(serve.flight.unwrap().is_ipv6());
    let tls = serve.tls.unwrap();
    assert_eq!(tls.key, Path::new("/no/such/project/tls/server.key"));
    assert!(tls.required, "encryption that may be left out protects nobody");
    assert_eq!(serve.limits, Limits { connections: 7, statements: 3, memory: 512 << 20 });
    let board = &serve.roles["board"];
    assert_eq!(board.schemas, ["kpi"]);
    assert_eq!(board.statement_timeout, Some(Duration::from_secs(30)));
    assert_eq!((board.memory, board.rows), (64 << 20, Some(10_000)));
    assert_eq!(serve.roles["slow"].statement_timeout, None);
}

#[test]
fn nobody_comes_in_without_a_password_unless_the_file_says_so() {
    let error = decode("users: {ada: {}}\n").expect_err("no password");
    assert!(format!("{error:#}").contains("the user `ada` has no password"), "{error:#}");
    let open =
        decode("authentication: trust_everybody_who_reaches_the_port\nusers: {ada: {}}\n").unwrap();
    assert!(open.users["ada"].password.is_none());
}

#[test]
fn every_mistake_says_where_and_what_to_do() {
    let mut told = String::new();
    for text in [
        "postgres: {listen: localhost}\n",
        "postgres: {listn: '127.0.0.1:1'}\n",
        "authentication: trust\n",
        "users: {ada: {password: hunter2}}\n",
        "users: {ada: {password: 'file:secrets/ada'}}\n",
        "roles: {board: {schemas: [kpis]}}\n",
        "roles: {board: {schemas: []}}\n",
        "roles: {board: {memory: 512}}\n",
        "roles: {board: {statement_timeout: 30}}\n",
        "roles: {board: {rows: 0}}\n",
        "roles: {board: {}}\nusers: {ada: {role: bord, password: '${ADA}'}}\n",
        "tls: {certificate: a.crt}\n",
    ] {
        let error = decode(text).expect_err(text);
        told.push_str(&format!("{error:#}\n"));
    }
    insta::assert_snapshot!(told);
}
