//! What HubSpot would tell of the company on a night.

use super::story::{Instant, Story, Thing};
use super::streams::Delivery;

/// The ids of a story are numbers, as HubSpot's are.
fn number(of: &[Thing], name: &str, from: usize) -> String {
    let place = of.iter().position(|thing| thing.name == name);
    (from + place.unwrap_or_else(|| panic!("there is no `{name}`"))).to_string()
}

fn stamp(at: Instant) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Closing days that somebody picked are midnights.
fn midnight(day: &str) -> String {
    if day.is_empty() { String::new() } else { format!("{day}T00:00:00Z") }
}

fn category(ours: &str) -> &str {
    match ours {
        "omitted" => "OMIT",
        "pipeline" => "PIPELINE",
        "best_case" => "BEST_CASE",
        "most_likely" => "MOST_LIKELY",
        "commit" => "COMMIT",
        "closed" => "CLOSED",
        other => panic!("`{other}` is no forecast category"),
    }
}

pub(super) fn delivery(story: &Story, now: Instant) -> Delivery {
    let mut out = Delivery::default();
    for stream in ["owners", "deals", "goal_targets"] {
        out.stream(stream, &["id"]);
    }
    out.stream("deal_stages", &["pipeline_id", "stage_id"]);
    out.stream("deals_history", &["object_id", "property", "timestamp"]);
    for (place, stage) in story.stages.iter().enumerate() {
        out.row(
            "deal_stages",
            [
                ("pipeline_id", "default".into()),
                ("stage_id", stage.name.to_lowercase()),
                ("pipeline_label", "Sales".into()),
                ("label", stage.name.clone()),
                ("display_order", place.to_string()),
                ("is_closed", (stage.kind != "open").to_string()),
                ("probability", stage.chance.clone()),
                ("archived", "false".into()),
            ],
        );
    }
    for rep in &story.reps {
        let id = number(&story.reps, &rep.name, 100);
        let team = rep.at("team", now).unwrap_or_default();
        let hired = super::story::instant("2020-01-01");
        out.row(
            "owners",
            [
                ("id", id.clone()),
                ("user_id_including_inactive", format!("9{id}")),
                ("email", format!("{}@company.example", rep.name.to_lowercase())),
                ("first_name", rep.name.clone()),
                ("archived", "false".into()),
                ("primary_team_id", team.into()),
                ("primary_team_name", team.into()),
                ("created_at", stamp(hired)),
                ("updated_at", stamp(rep.modified(now).unwrap_or(hired))),
            ],
        );
    }
    for (who, month, amount, _) in &story.quotas {
        let next = *month + chrono::Months::new(1);
        out.row(
            "goal_targets",
            [
                ("id", format!("{}{}", number(&story.reps, who, 100), month.format("%Y%m"))),
                ("hs_goal_name", format!("{who} {month}")),
                ("hs_assignee_user_id", format!("9{}", number(&story.reps, who, 100))),
                ("hs_target_amount", amount.clone()),
                ("hs_start_datetime", format!("{month}T00:00:00Z")),
                ("hs_end_datetime", format!("{}T23:59:59Z", next - chrono::Days::new(1))),
                ("archived", "false".into()),
            ],
        );
    }
    for deal in story.deals.iter().filter(|deal| super::created(deal) <= now) {
        one_deal(&mut out, story, deal, now);
    }
    out
}

/// HubSpot converts by itself; without a rate it has nothing to convert with.
fn home(story: &Story, close: &str, amount: &str, currency: &str) -> String {
    if amount.is_empty() || currency == "USD" {
        return amount.to_owned();
    }
    let close: chrono::NaiveDate = close.parse().unwrap();
    let rate = story.rates.iter().rfind(|(code, from, _)| code == currency && *from <= close);
    let Some((_, _, rate)) = rate else { return String::new() };
    let millionths = |text: &str| -> i128 {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{part:0<6}").parse().unwrap()
    };
    let (amount, rate) = (millionths(amount), millionths(rate));
    // Whole cents, half away from zero.
    let cents = (amount * 100 + rate / 2) / rate;
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn one_deal(out: &mut Delivery, story: &Story, deal: &Thing, now: Instant) {
    let id = number(&story.deals, &deal.name, 5000);
    let states = super::states(story, deal, now);
    let owner = |name: &str| number(&story.reps, name, 100);
    let mut known: std::collections::BTreeMap<&str, String> = std::collections::BTreeMap::new();
    for state in &states {
        if state.is_gone() {
            continue;
        }
        for (property, value) in [
            ("pipeline", "default".to_owned()),
            ("dealstage", state.field("stage").to_lowercase()),
            ("amount", state.field("amount").to_owned()),
            ("deal_currency_code", deal.word("currency").unwrap_or("USD").to_owned()),
            ("closedate", midnight(state.field("close"))),
            ("hubspot_owner_id", owner(state.field("owner"))),
            ("hs_manual_forecast_category", category(state.field("category")).to_owned()),
            ("hs_deal_stage_probability", state.field("prob").to_owned()),
        ] {
            if known.get(property) == Some(&value)
                || (value.is_empty() && !known.contains_key(property))
            {
                continue;
            }
            out.row(
                "deals_history",
                [
                    ("object_id", id.clone()),
                    ("property", property.to_owned()),
                    ("timestamp", stamp(state.at)),
                    ("value", value.clone()),
                    ("source_type", "CRM_UI".to_owned()),
                ],
            );
            known.insert(property, value);
        }
    }
    let last = states.last().unwrap();
    let currency = deal.word("currency").unwrap_or("USD");
    let is_home = currency == "USD";
    let amount = last.field("amount");
    let absorbed: Vec<String> = story
        .deals
        .iter()
        .filter(|other| other.at("merged", now) == Some(&deal.name))
        .map(|other| number(&story.deals, &other.name, 5000))
        .collect();
    out.row(
        "deals",
        [
            ("id", id),
            ("dealname", deal.name.clone()),
            ("pipeline", "default".into()),
            ("dealstage", last.field("stage").to_lowercase()),
            ("amount", amount.into()),
            ("deal_currency_code", currency.into()),
            ("amount_in_home_currency", home(story, last.field("close"), amount, currency)),
            ("hs_exchange_rate", if is_home { "1".into() } else { String::new() }),
            ("hs_deal_stage_probability", last.field("prob").into()),
            ("hs_manual_forecast_category", category(last.field("category")).into()),
            ("hubspot_owner_id", owner(last.field("owner"))),
            ("closedate", midnight(last.field("close"))),
            ("closed_lost_reason", last.field("reason").into()),
            ("hs_next_step", last.field("next").into()),
            ("notes_last_updated", midnight(last.field("activity"))),
            ("createdate", stamp(super::created(deal))),
            ("hs_record_created_at", stamp(super::created(deal))),
            ("hs_lastmodifieddate", stamp(last.at)),
            ("hs_record_updated_at", stamp(last.at)),
            ("archived", last.is_gone().to_string()),
            ("archived_at", if last.is_gone() { stamp(last.at) } else { String::new() }),
            ("hs_merged_object_ids", absorbed.join(";")),
        ],
    );
}
