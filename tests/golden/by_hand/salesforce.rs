//! What Salesforce would tell of the company on a night.

use super::story::{Instant, Story, Thing};
use super::streams::Delivery;

fn user(name: &str) -> String {
    format!("005{name}")
}

fn stamp(at: Instant) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Salesforce's percentages run to 100.
fn percent(fraction: &str) -> String {
    let (whole, part) = fraction.split_once('.').unwrap_or((fraction, ""));
    let digits = format!("{whole}{part:0<2}");
    let (head, tail) = digits.split_at(whole.len() + 2);
    let head = head.trim_start_matches('0');
    let head = if head.is_empty() { "0" } else { head };
    if tail.is_empty() { head.to_owned() } else { format!("{head}.{tail}") }
}

fn category(ours: &str) -> &str {
    match ours {
        "omitted" => "Omitted",
        "pipeline" => "Pipeline",
        "best_case" => "BestCase",
        "most_likely" => "MostLikely",
        "commit" => "Forecast",
        "closed" => "Closed",
        other => panic!("`{other}` is no forecast category"),
    }
}

pub(super) fn delivery(story: &Story, now: Instant) -> Delivery {
    let mut out = Delivery::default();
    for stream in [
        "organization",
        "opportunitystage",
        "userrole",
        "user",
        "currencytype",
        "datedconversionrate",
        "opportunity",
        "opportunityhistory",
        "opportunityfieldhistory",
        "opportunitysplit",
        "opportunitysplittype",
        "forecastingquota",
    ] {
        out.stream(stream, &["id"]);
    }
    out.row("organization", [("id", "00D1".into()), ("defaultcurrencyisocode", "USD".into())]);
    for (place, stage) in story.stages.iter().enumerate() {
        out.row(
            "opportunitystage",
            [
                ("id", format!("01J{place}")),
                ("apiname", stage.name.clone()),
                ("masterlabel", stage.name.clone()),
                ("sortorder", (place + 1).to_string()),
                ("isactive", "true".into()),
                ("isclosed", (stage.kind != "open").to_string()),
                ("iswon", (stage.kind == "won").to_string()),
                ("defaultprobability", percent(&stage.chance)),
                ("forecastcategory", category(&stage.category).into()),
            ],
        );
    }
    for (team, region) in &story.teams {
        let parent = format!("00E{region}");
        out.row(
            "userrole",
            [
                ("id", format!("00E{team}")),
                ("name", team.clone()),
                ("parentroleid", parent.clone()),
            ],
        );
        if story
            .teams
            .iter()
            .find(|(_, other)| other == region)
            .is_some_and(|(first, _)| first == team)
        {
            out.row(
                "userrole",
                [("id", parent), ("name", region.clone()), ("parentroleid", String::new())],
            );
        }
    }
    for rep in &story.reps {
        people(&mut out, story, rep, now);
    }
    let mut currencies: Vec<&str> = story.rates.iter().map(|(code, ..)| code.as_str()).collect();
    currencies.dedup();
    for code in std::iter::once("USD").chain(currencies) {
        let rate = story.rates.iter().rfind(|(other, ..)| other == code);
        out.row(
            "currencytype",
            [
                ("id", format!("01L{code}")),
                ("isocode", code.to_owned()),
                ("conversionrate", rate.map_or("1", |(_, _, rate)| rate).to_owned()),
                ("iscorporate", (code == "USD").to_string()),
                ("isactive", "true".into()),
            ],
        );
    }
    for (code, from, rate) in &story.rates {
        out.row(
            "datedconversionrate",
            [
                ("id", format!("04w{code}{from}")),
                ("isocode", code.clone()),
                ("startdate", from.to_string()),
                ("conversionrate", rate.clone()),
            ],
        );
    }
    for (who, month, amount, currency) in &story.quotas {
        out.row(
            "forecastingquota",
            [
                ("id", format!("0J9{who}{month}")),
                ("quotaownerid", user(who)),
                ("startdate", month.to_string()),
                ("quotaamount", amount.clone()),
                ("currencyisocode", currency.clone().unwrap_or_else(|| "USD".into())),
            ],
        );
    }
    for (id, name, is_revenue) in [("1", "Revenue", true), ("2", "Overlay", false)] {
        out.row(
            "opportunitysplittype",
            [
                ("id", format!("149{id}")),
                ("developername", name.into()),
                ("istotalvalidated", is_revenue.to_string()),
            ],
        );
    }
    for deal in story.deals.iter().filter(|deal| super::created(deal) <= now) {
        opportunity(&mut out, story, deal, now);
    }
    out
}

fn people(out: &mut Delivery, story: &Story, rep: &Thing, now: Instant) {
    let manages = |team: &str| rep.word("manages") == Some(team);
    let team = rep.at("team", now).unwrap_or_default();
    let manager = story
        .reps
        .iter()
        .find(|other| other.word("manages") == Some(team))
        .filter(|_| !manages(team))
        .map_or(String::new(), |manager| user(&manager.name));
    let hired = super::story::instant("2020-01-01");
    out.row(
        "user",
        [
            ("id", user(&rep.name)),
            ("name", rep.name.clone()),
            ("email", format!("{}@company.example", rep.name.to_lowercase())),
            ("userroleid", format!("00E{team}")),
            ("managerid", manager),
            ("isactive", "true".into()),
            ("usertype", "Standard".into()),
            ("hire_date__c", rep.word("from").unwrap_or_default().to_owned()),
            ("leaving_date__c", rep.at("to", now).unwrap_or_default().to_owned()),
            ("createddate", stamp(hired)),
            ("systemmodstamp", stamp(rep.modified(now).unwrap_or(hired))),
        ],
    );
}

fn opportunity(out: &mut Delivery, story: &Story, deal: &Thing, now: Instant) {
    let id = format!("006{}", deal.name);
    let states = super::states(story, deal, now);
    let mut owner: Option<&str> = None;
    for (number, state) in states.iter().enumerate() {
        let owned = state.field("owner");
        if let Some(before) = owner.filter(|before| *before != owned) {
            for (kind, old, new) in
                [("EntityId", user(before), user(owned)), ("Text", before.into(), owned.into())]
            {
                out.row(
                    "opportunityfieldhistory",
                    [
                        ("id", format!("017{}{number}{kind}", deal.name)),
                        ("opportunityid", id.clone()),
                        ("field", "Owner".into()),
                        ("datatype", kind.into()),
                        ("oldvalue", old),
                        ("newvalue", new),
                        ("createddate", stamp(state.at)),
                    ],
                );
            }
        }
        owner = Some(owned);
        let before = number.checked_sub(1).map(|before| &states[before]);
        let tracked = ["stage", "amount", "close", "prob", "category"];
        if before.is_none_or(|before| tracked.iter().any(|f| before.field(f) != state.field(f))) {
            out.row(
                "opportunityhistory",
                [
                    ("id", format!("008{}{number:03}", deal.name)),
                    ("opportunityid", id.clone()),
                    ("createddate", stamp(state.at)),
                    ("stagename", state.field("stage").into()),
                    ("amount", state.field("amount").into()),
                    ("closedate", state.field("close").into()),
                    ("probability", percent(state.field("prob"))),
                    ("forecastcategory", category(state.field("category")).into()),
                ],
            );
        }
    }
    let last = states.last().unwrap();
    out.row(
        "opportunity",
        [
            ("id", id.clone()),
            ("name", deal.name.clone()),
            ("ownerid", user(last.field("owner"))),
            ("stagename", last.field("stage").into()),
            ("amount", last.field("amount").into()),
            ("currencyisocode", deal.word("currency").unwrap_or("USD").into()),
            ("probability", percent(last.field("prob"))),
            ("forecastcategory", category(last.field("category")).into()),
            ("closedate", last.field("close").into()),
            ("nextstep", last.field("next").into()),
            ("loss_reason__c", last.field("reason").into()),
            ("competitor__c", last.field("competitor").into()),
            ("lastactivitydate", last.field("activity").into()),
            ("createddate", stamp(super::created(deal))),
            ("systemmodstamp", stamp(last.at)),
            ("isdeleted", last.is_gone().to_string()),
            (
                "merged_into__c",
                match last.field("merged") {
                    "" => String::new(),
                    survivor => format!("006{survivor}"),
                },
            ),
        ],
    );
    for (number, (kind, who, share)) in deal.shares.iter().enumerate() {
        out.row(
            "opportunitysplit",
            [
                ("id", format!("14A{}{number}", deal.name)),
                ("opportunityid", id.clone()),
                ("splitownerid", user(who)),
                ("splittypeid", if kind == "split" { "1491".into() } else { "1492".into() }),
                ("splitpercentage", percent(share)),
            ],
        );
    }
}

#[test]
fn fractions_become_percentages() {
    for (fraction, expected) in
        [("0.5", "50"), ("0.125", "12.5"), ("1", "100"), ("0", "0"), ("0.10", "10"), ("0.05", "5")]
    {
        assert_eq!(percent(fraction), expected);
    }
}
