//! Queries: pages, cursors, limits, and what the language means.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{BASE, Settings, Sim, encoded, texts};
use crate::wire::FaultPlan;

#[tokio::test]
async fn versions_need_no_token_and_unknown_ones_are_not_found() {
    let mut sim = Sim::new().await;
    assert_eq!(sim.get("/services/data/v20.0/limits").await.code(), "NOT_FOUND");
    assert_eq!(sim.get(&format!("{BASE}/nothing")).await.code(), "NOT_FOUND");
    sim.token = "none".to_owned();
    let versions = sim.get("/services/data").await;
    assert_eq!(versions.status, 200);
    let last = versions.json().as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["url"], "/services/data/v66.0");
    assert_eq!(last["version"], "66.0");
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let sim = Sim::new().await;
    let counts = sim.counts().await;
    let soql = "SELECT Id FROM OpportunityHistory";
    let path = format!("{BASE}/query?{}", encoded("q", soql));
    let first = sim.get(&path).await;
    assert!(first.header("sforce-limit-info").unwrap().starts_with("api-usage="));
    let page = first.json();
    let total = page["totalSize"].as_u64().unwrap();
    assert_eq!(total, counts["OpportunityHistory"]["live"]);
    assert!(total > 2_000, "{total} rows make no second page");
    assert_eq!(page["records"].as_array().unwrap().len(), 2_000);
    let next = page["nextRecordsUrl"].as_str().unwrap();
    assert!(next.starts_with(&format!("{BASE}/query/01g")) && next.ends_with("-2000"), "{next}");
    let ids = texts(&sim.all("query", soql).await, "Id");
    assert!(ids.is_sorted());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len() as u64, total);

    // The wish for a page is a hint, and kept within its bounds.
    for (wish, rows) in [("batchSize=300", 300), ("batchSize=1", 200), ("batchSize=99999", 2_000)] {
        let page = sim.call(Method::GET, &path, &[("Sforce-Query-Options", wish)], None).await;
        assert_eq!(page.json()["records"].as_array().unwrap().len(), rows, "{wish}");
    }
    // Wide rows come in smaller pages.
    let fields: Vec<String> = sim.fields("Opportunity").await.into_keys().collect();
    assert!(fields.len() > 40, "{}", fields.len());
    let wide = sim.query(&format!("SELECT {} FROM Opportunity", fields.join(","))).await;
    assert_eq!(wide.json()["records"].as_array().unwrap().len(), 500, "{}", wide.text);
}

#[tokio::test]
async fn the_eleventh_cursor_takes_the_first_ones_place() {
    let sim = Sim::new().await;
    let path = format!("{BASE}/query?{}", encoded("q", "SELECT Id FROM Opportunity"));
    let mut cursors = Vec::new();
    for _ in 0..11 {
        let reply =
            sim.call(Method::GET, &path, &[("Sforce-Query-Options", "batchSize=200")], None).await;
        cursors.push(reply.json()["nextRecordsUrl"].as_str().unwrap().to_owned());
    }
    let gone = sim.get(&cursors[0]).await;
    assert_eq!((gone.status, gone.code().as_str()), (400, "INVALID_QUERY_LOCATOR"));
    for cursor in &cursors[1..] {
        assert_eq!(sim.get(cursor).await.status, 200);
    }
    // The same page can be read again, and two days are the end of it.
    assert_eq!(sim.get(&cursors[1]).await.text, sim.get(&cursors[1]).await.text);
    sim.world.advance(2);
    assert_eq!(sim.get(&cursors[1]).await.code(), "INVALID_QUERY_LOCATOR");
}

#[tokio::test]
async fn long_addresses_are_answered_in_html() {
    let sim = Sim::new().await;
    let long = "a".repeat(16_500);
    let reply = sim.query(&format!("SELECT Id FROM Account WHERE Name = '{long}'")).await;
    assert_eq!(reply.status, 414);
    assert!(reply.text.starts_with("<html>"), "{}", reply.text);
    let path = format!("{BASE}/limits");
    let reply = sim.call(Method::GET, &path, &[("x-padding", &long)], None).await;
    assert_eq!(reply.status, 431);
    assert!(reply.text.starts_with("<html>"));
}

#[tokio::test]
async fn refusals_name_the_place() {
    let sim = Sim::new().await;
    for (soql, code, words) in [
        (
            "SELECT Id FRM Account",
            "MALFORMED_QUERY",
            "ERROR at Row:1:Column:11\nunexpected token: 'FRM'",
        ),
        ("SELECT Id FROM Acount", "INVALID_TYPE", "sObject type 'Acount' is not supported."),
        (
            "SELECT Nme FROM Account",
            "INVALID_FIELD",
            "ERROR at Row:1:Column:8\nNo such column 'Nme' on entity 'Account'.",
        ),
        ("SELECT Ownr.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Ownr'"),
        (
            "SELECT Id FROM OpportunityFieldHistory WHERE NewValue = 'x'",
            "INVALID_FIELD",
            "field 'NewValue' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Opportunity ORDER BY Description",
            "INVALID_FIELD",
            "field 'Description' can not be sorted in a query call",
        ),
        (
            "SELECT Id FROM Opportunity WHERE Amount = '5'",
            "INVALID_FIELD",
            "value of filter criterion for field 'Amount' must be of type currency and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Opportunity WHERE Name = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Opportunity WHERE CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            "must be of type dateTime",
        ),
        (
            "SELECT Id FROM Opportunity WHERE OwnerId = 'x'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: x",
        ),
        (
            "SELECT FIELDS(ALL) FROM Opportunity",
            "MALFORMED_QUERY",
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        ("SELECT Id, Id FROM Opportunity", "INVALID_FIELD", "duplicate field selected: Id"),
        (
            "SELECT Id FROM Opportunity OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        (
            "SELECT StageName, COUNT(Id) FROM Opportunity",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: StageName",
        ),
        (
            "SELECT Id, ForecastingType.MasterLabel FROM ForecastingItem",
            "INVALID_FIELD",
            "Didn't understand relationship",
        ),
    ] {
        let reply = sim.query(soql).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, code), "{soql}: {}", reply.text);
        let message = reply.json()[0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{soql}: {message}");
        assert!(reply.header("sforce-limit-info").is_some());
    }
    assert_eq!(sim.get(&format!("{BASE}/query")).await.code(), "MALFORMED_QUERY");
    let posted = sim.call(Method::POST, &format!("{BASE}/sobjects"), &[], None).await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn keyset_windows_give_every_row_once() {
    let sim = Sim::new().await;
    let mut all = texts(&sim.all("queryAll", "SELECT Id FROM Opportunity").await, "Id");
    let high = "2026-09-30T23:49:59.000Z";
    let mut found: Vec<String> = Vec::new();
    let mut after = String::new();
    loop {
        let soql = format!(
            "SELECT Id, SystemModstamp FROM Opportunity WHERE {after}SystemModstamp <= {high} \
             ORDER BY SystemModstamp, Id LIMIT 70"
        );
        let page = sim.all("queryAll", &soql).await;
        let Some(last) = page.last() else { break };
        let stamp = last["SystemModstamp"].as_str().unwrap().replace("+0000", "Z");
        let id = last["Id"].as_str().unwrap();
        after = format!(
            "(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}')) AND "
        );
        found.extend(texts(&page, "Id"));
    }
    let unique: BTreeSet<_> = found.iter().cloned().collect();
    assert_eq!(unique.len(), found.len());
    all.sort();
    assert_eq!(unique.into_iter().collect::<Vec<_>>(), all);
    // Any window counts as many as it gives.
    let window =
        "SystemModstamp > 2026-01-01T00:00:00Z AND SystemModstamp <= 2026-06-30T02:00:00+02:00";
    let rows = sim.all("query", &format!("SELECT Id FROM Opportunity WHERE {window}")).await.len();
    assert_eq!(
        sim.count(&format!("SELECT COUNT() FROM Opportunity WHERE {window}")).await,
        rows as u64
    );
    assert!(rows > 0);
}

#[tokio::test]
async fn conditions_mean_what_they_say() {
    let sim = Sim::new().await;
    let soql = "SELECT Id, Name, StageName, Amount, CloseDate, IsClosed, AccountId, NextStep FROM Opportunity";
    let all = sim.all("query", soql).await;
    let amount = |row: &Json| row["Amount"].as_f64();
    let stage = |row: &Json| row["StageName"].as_str().unwrap().to_owned();
    type Holds<'a> = Box<dyn Fn(&Json) -> bool + 'a>;
    let cases: Vec<(&str, Holds<'_>)> = vec![
        ("Amount > 20000", Box::new(|row| amount(row).is_some_and(|a| a > 20_000.0))),
        (
            "Amount <= 20000.50 AND IsClosed = true",
            Box::new(|row| amount(row).is_some_and(|a| a <= 20_000.5) && row["IsClosed"] == true),
        ),
        ("Amount = null", Box::new(|row| row["Amount"].is_null())),
        ("Amount != 0", Box::new(|row| amount(row) != Some(0.0))),
        (
            "StageName IN ('closed won', 'Closed Lost')",
            Box::new(|row| stage(row).starts_with("Closed")),
        ),
        ("StageName NOT IN ('Closed Won')", Box::new(|row| stage(row) != "Closed Won")),
        (
            "(NOT StageName LIKE 'Closed%') OR NextStep != null",
            Box::new(|row| !stage(row).starts_with("Closed") || !row["NextStep"].is_null()),
        ),
        (
            "CloseDate < 2026-01-01 AND AccountId != ''",
            Box::new(|row| {
                row["CloseDate"].as_str().unwrap() < "2026-01-01" && !row["AccountId"].is_null()
            }),
        ),
        (
            "CloseDate = THIS_FISCAL_QUARTER",
            Box::new(|row| {
                ("2026-08-01".."2026-11-01").contains(&row["CloseDate"].as_str().unwrap())
            }),
        ),
    ];
    for (condition, holds) in cases {
        let expected: Vec<String> = all
            .iter()
            .filter(|row| holds(row))
            .map(|row| row["Id"].as_str().unwrap().to_owned())
            .collect();
        let soql = format!("SELECT Id FROM Opportunity WHERE {condition}");
        let found = texts(&sim.all("query", &soql).await, "Id");
        assert_eq!(found, expected, "{condition}");
        assert!(!expected.is_empty() && expected.len() < all.len(), "{condition} tells nothing");
    }
    // Fifteen characters name the same record, in any case of text and not of ids.
    let id = all[7]["Id"].as_str().unwrap();
    assert_eq!(
        sim.count(&format!("SELECT COUNT() FROM Opportunity WHERE Id = '{}'", &id[..15])).await,
        1
    );
    let name =
        all[7]["Name"].as_str().unwrap().replace('\\', "\\\\").replace('\'', "\\'").to_uppercase();
    assert!(
        sim.count(&format!("SELECT COUNT() FROM Opportunity WHERE Name = '{name}'")).await >= 1
    );
}

#[tokio::test]
async fn order_limit_and_offset_cut_what_they_should() {
    let sim = Sim::new().await;
    let rows = sim
        .all("query", "SELECT Id, Amount FROM Opportunity ORDER BY Amount DESC NULLS LAST, Id")
        .await;
    let amounts: Vec<Option<f64>> = rows.iter().map(|row| row["Amount"].as_f64()).collect();
    let known: Vec<f64> = amounts.iter().flatten().copied().collect();
    assert!(known.is_sorted_by(|a, b| a >= b));
    assert!(amounts[known.len()..].iter().all(Option::is_none) && known.len() < amounts.len());
    let some = sim
        .all("query", "SELECT Id, Amount FROM Opportunity ORDER BY Amount DESC NULLS LAST, Id LIMIT 7 OFFSET 5")
        .await;
    assert_eq!(texts(&some, "Id"), texts(&rows[5..12], "Id"));
    let first =
        sim.all("query", "SELECT Id, Amount FROM Opportunity ORDER BY Amount LIMIT 1").await;
    assert!(first[0]["Amount"].is_null(), "nulls come first");
}

#[tokio::test]
async fn parents_are_nested_and_may_be_missing() {
    let sim = Sim::new().await;
    let soql = "SELECT Id, Owner.Name, Account.Name, Account.Owner.UserRole.Name, AccountId FROM Opportunity";
    let rows = sim.all("query", soql).await;
    let with = rows.iter().find(|row| !row["AccountId"].is_null()).unwrap();
    let id = with["Id"].as_str().unwrap();
    assert_eq!(
        with["attributes"],
        json!({"type": "Opportunity", "url": format!("{BASE}/sobjects/Opportunity/{id}")})
    );
    assert_eq!(with["Account"]["attributes"]["type"], "Account");
    let account = format!("{BASE}/sobjects/Account/{}", with["AccountId"].as_str().unwrap());
    assert_eq!(with["Account"]["attributes"]["url"], account);
    assert_eq!(sim.get(&account).await.json()["Name"], with["Account"]["Name"]);
    assert!(with["Account"]["Owner"]["UserRole"]["Name"].is_string(), "{with}");
    assert!(rows.iter().all(|row| row["Owner"]["Name"].is_string()));
    let without = rows.iter().find(|row| row["AccountId"].is_null()).unwrap();
    assert!(without["Account"].is_null());
}

#[tokio::test]
async fn groups_add_up() {
    let sim = Sim::new().await;
    let rows = sim.all("query", "SELECT StageName, Amount FROM Opportunity").await;
    let groups = sim
        .all(
            "query",
            "SELECT StageName, COUNT(Id) n, SUM(Amount), MIN(Amount) low, MAX(CloseDate) \
              FROM Opportunity GROUP BY StageName ORDER BY StageName",
        )
        .await;
    assert!(groups.len() >= 4);
    let mut seen = 0;
    for group in &groups {
        assert_eq!(group["attributes"], json!({"type": "AggregateResult"}));
        let mine: Vec<&Json> =
            rows.iter().filter(|row| row["StageName"] == group["StageName"]).collect();
        assert_eq!(group["n"], mine.len());
        let sum: f64 = mine.iter().filter_map(|row| row["Amount"].as_f64()).sum();
        assert!((group["expr0"].as_f64().unwrap_or(0.0) - sum).abs() < 0.01, "{group}");
        assert!(group["expr1"].is_string() && !group["low"].is_null());
        seen += mine.len();
    }
    assert_eq!(seen, rows.len());
    let all = sim.all("query", "SELECT COUNT(Id), MAX(SystemModstamp) FROM Opportunity").await;
    assert_eq!(all[0]["expr0"], rows.len());
    let none =
        sim.all("query", "SELECT COUNT(Id), MAX(Amount) FROM Opportunity WHERE Name = 'x'").await;
    assert_eq!((&none[0]["expr0"], &none[0]["expr1"]), (&json!(0), &Json::Null));
}

#[tokio::test]
async fn the_days_requests_are_counted() {
    let settings = Settings {
        daily_requests: 3,
        app_requests: Some(("Salesmart".to_owned(), 250)),
        ..Settings::default()
    };
    let sim = Sim::with(settings, FaultPlan::none()).await;
    let path = format!("{BASE}/limits");
    for used in 1..=3 {
        let reply = sim.get(&path).await;
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("sforce-limit-info"),
            Some(
                format!("api-usage={used}/3; per-app-api-usage={used}/250(appName=Salesmart)")
                    .as_str()
            )
        );
        assert_eq!(reply.json()["DailyApiRequests"], json!({"Max": 3, "Remaining": 3 - used}));
    }
    let over = sim.get(&path).await;
    assert_eq!((over.status, over.code().as_str()), (403, "REQUEST_LIMIT_EXCEEDED"));
    sim.world.advance(1);
    assert_eq!(sim.get(&path).await.status, 200);
}

#[tokio::test]
async fn large_queries_may_take_too_long() {
    let settings = Settings { most_query_rows: Some(100), ..Settings::default() };
    let sim = Sim::with(settings, FaultPlan::none()).await;
    let reply = sim.query("SELECT Id FROM Opportunity").await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "QUERY_TIMEOUT"));
    assert_eq!(sim.query("SELECT Id FROM Opportunity LIMIT 100").await.status, 200);
}
