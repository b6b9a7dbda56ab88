//! Forecasts: how the portal forecasts, and what reps and managers submitted.

use serde_json::{Value, json};

use super::asked::{Answer, Asked, Reply};
use super::ids;
use super::problem::Problem;
use super::value::{Millis, fraction, millis, stamp_text};
use super::view::View;
use crate::world::ForecastCall;

/// The object type of a submission; HubSpot documents the shape of the events, not the ids.
const SUBMISSION: &str = "0-159";

/// The first id of a submission.
const FIRST: u64 = 951_000_000_000;

/// `GET /forecast-settings/v3/forecast-types`.
pub(super) fn types(view: &View) -> Answer {
    let made = stamp_text(millis(
        view.world.first_day().and_hms_opt(0, 0, 0).expect("a time of the day").and_utc(),
    ));
    Ok(Reply::ok(&json!({
        "results": [{
            "id": "1",
            "name": "Deal amount",
            "objectTypeId": "0-3",
            "amountProperty": "amount_in_home_currency",
            "dateProperty": "closedate",
            "ownerProperty": "hubspot_owner_id",
            "forecastCategoryProperty": "hs_manual_forecast_category",
            "pipelineIds": [ids::DEAL_PIPELINE],
            "weighted": false,
            "weightedAmountProperty": "hs_projected_amount",
            "period": "MONTHLY",
            "defaultType": true,
            "createdAt": made,
            "updatedAt": made,
            "archived": false,
        }],
    })))
}

/// `GET /forecast-submissions/{version}/events`, oldest first.
pub(super) fn submissions(view: &View, asked: &Asked) -> Answer {
    let limit = asked.limit(100, 100)?;
    let from = bound(asked, "occurredAfter")?.unwrap_or(Millis::MIN);
    let to = bound(asked, "occurredBefore")?.unwrap_or(Millis::MAX);
    let after = asked.after()?;
    let calls = view.calls();
    let first = after.map_or(0, |after| calls.partition_point(|call| FIRST + call.index <= after));
    let events = calls[first..].iter().map(event).filter(|(_, at, _)| *at > from && *at < to);
    let mut events: Vec<_> = events.take(limit + 1).collect();
    let has_more = events.len() > limit;
    events.truncate(limit);
    let after = events.last().filter(|_| has_more).map(|(number, _, _)| FIRST + number);
    let results: Value = events.into_iter().map(|(_, _, event)| event).collect();
    let paging = asked.paging(after);
    Ok(Reply::written(format!("{{\"results\":{results}{paging}}}").into_bytes()))
}

/// Every submission: its number, when it was made, and its event, by number.
pub(super) fn events(view: &View) -> Vec<(u64, Millis, Value)> {
    view.calls().iter().map(event).collect()
}

fn event(call: &ForecastCall) -> (u64, Millis, Value) {
    let at = millis(call.submitted_at);
    let event = json!({
        "objectType": SUBMISSION,
        "objectId": (FIRST + call.index).to_string(),
        "occurredAt": stamp_text(at),
        "archived": false,
        "properties": {
            "hs_forecast_type_id": "1",
            "hs_forecast_category": ids::category(call.category),
            "hs_submission_amount": fraction(i128::from(call.amount.0), 2),
            "hs_currency_code": "USD",
            "hs_period_start": call.month.to_string(),
            "hubspot_owner_id": ids::owner(call.person).to_string(),
            "hs_created_by_user_id": ids::user(call.person).to_string(),
        },
    });
    (call.index, at, event)
}

fn bound(asked: &Asked, name: &str) -> Result<Option<Millis>, Problem> {
    let Some(text) = asked.one(name) else { return Ok(None) };
    let at = super::filter::instant(text).and_then(|at| Millis::try_from(at).ok());
    at.map(Some).ok_or_else(|| Problem::invalid(format!("Invalid value for {name}: {text}")))
}
