//! Deals: the properties that matter, and their histories from what happened to the deal.

use chrono::{Datelike as _, Months, NaiveDate};

use crate::hubspot::ids::{self, Kind};
use crate::hubspot::property::{Presence, Property};
use crate::hubspot::table::{Head, Object, Row, Version, fraction_of};
use crate::hubspot::value::{Millis, Style, Value, millis};
use crate::hubspot::view::View;
use crate::world::{DealEvent, ForecastCategory, Instant, Opportunity};
use crate::{Cents, Stage};

pub(super) struct Deals;

const KINDS: &[&str] = &["newbusiness", "renewal", "expansion"];
const CATEGORIES: &[&str] = &["OMIT", "PIPELINE", "BEST_CASE", "MOST_LIKELY", "COMMIT", "CLOSED"];
const TIERS: &[&str] = &["gold", "silver", "none"];

type P = Property<Opportunity>;

static PROPERTIES: &[P] = &[
    P::text("dealname", "Deal Name", |_, d, v| v.text(&d.it.name)),
    P::choice("dealstage", "Deal Stage", &[], |_, d, v| v.word(ids::stage(d.it.stage))),
    P::choice("pipeline", "Pipeline", &[], |_, _, v| v.word(ids::DEAL_PIPELINE)),
    P::number("amount", "Amount", |_, d, v| v.money(d.it.amount)),
    P::choice("deal_currency_code", "Currency", &[], |_, d, v| v.word(d.it.currency)),
    P::number("amount_in_home_currency", "Amount in company currency", |view, d, v| {
        v.money(at_home(view, &d.it));
    })
    .calculated(),
    P::number("hs_exchange_rate", "Exchange rate", |view, d, v| {
        // HubSpot multiplies where the world divides.
        let rate = i128::from(view.rate(d.it.currency, d.it.expected_close)).max(1);
        v.fraction(1_000_000 * 1_000_000_000_000 / rate, 12);
    })
    .calculated(),
    P::instant("closedate", "Close Date", |_, d, v| v.instant(Some(close(d)))),
    P::choice("hubspot_owner_id", "Deal owner", &[], |_, d, v| v.whole(ids::owner(d.it.owner))),
    P::choice("dealtype", "Deal Type", KINDS, |_, d, v| {
        v.word(match d.it.kind {
            "Renewal" => "renewal",
            "Expansion" => "expansion",
            _ => "newbusiness",
        });
    }),
    P::bool("hs_is_closed", "Is Deal Closed?", |_, d, v| v.bool(is_closed(d.it.stage)))
        .calculated(),
    P::bool("hs_is_closed_won", "Is Closed Won", |_, d, v| {
        v.bool(d.it.stage == Stage::ClosedWon);
    })
    .calculated(),
    P::bool("hs_is_closed_lost", "Is Closed Lost", |_, d, v| {
        v.bool(d.it.stage == Stage::ClosedLost);
    })
    .calculated(),
    P::number("hs_deal_stage_probability", "Deal probability", |_, d, v| {
        v.fraction(i128::from(d.it.probability), 6);
    }),
    P::choice("hs_manual_forecast_category", "Forecast category", CATEGORIES, |_, d, v| {
        v.word(ids::category(d.it.category));
    }),
    P::number("hs_forecast_probability", "Forecast probability", |_, d, v| {
        v.fraction(i128::from(d.it.probability), 6);
    }),
    P::number("hs_forecast_amount", "Forecast amount", |view, d, v| {
        v.money(at_home(view, &d.it));
    })
    .calculated(),
    P::number("hs_projected_amount", "Weighted amount", |_, d, v| v.money(weighted(&d.it)))
        .calculated(),
    P::text("hs_next_step", "Next step", |_, d, v| match d.it.next_step {
        Some(step) => v.text(step),
        // Taken away again leaves an empty text, never written leaves null.
        None if had_next_step(&d.it) => v.word(""),
        None => v.null(),
    }),
    P::text("closed_lost_reason", "Closed Lost Reason", |_, d, v| v.maybe(d.it.lost_reason)),
    P::instant("notes_last_contacted", "Last Contacted", |_, d, v| {
        v.instant(d.it.last_activity_at.map(millis));
    }),
    P::instant("notes_last_updated", "Last Activity Date", |_, d, v| {
        v.instant(d.it.last_activity_at.map(millis));
    }),
    P::number("num_associated_contacts", "Number of Associated Contacts", |_, d, v| {
        v.whole(u64::from(d.it.contact.is_some()));
    })
    .calculated(),
    P::number("hs_num_of_associated_line_items", "Number of line items", |_, d, v| {
        v.whole(d.it.lines.len() as u64);
    })
    .calculated(),
    P::number("days_to_close", "Days to close", |_, d, v| {
        v.maybe_whole(d.it.closed_at.and_then(|at| {
            let days = (at.date_naive() - d.it.created_at.date_naive()).num_days();
            u64::try_from(days).ok()
        }));
    })
    .calculated(),
    P::choice("hs_analytics_source", "Original Traffic Source", &[], |_, d, v| {
        v.word(super::analytics_source(d.it.source));
    }),
    P::number("hs_created_by_user_id", "Created by user ID", |_, d, v| {
        v.maybe_whole(d.it.history.first().map(|change| ids::user(change.by)));
    }),
    P::instant("hs_v2_date_entered_appointmentscheduled", "Entered Prospecting", |_, d, v| {
        v.instant(entered(d, Stage::Prospecting));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_qualifiedtobuy", "Entered Qualified", |_, d, v| {
        v.instant(entered(d, Stage::Qualified));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_presentationscheduled", "Entered Proposal", |_, d, v| {
        v.instant(entered(d, Stage::Proposal));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_contractsent", "Entered Negotiation", |_, d, v| {
        v.instant(entered(d, Stage::Negotiation));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_closedwon", "Entered Closed Won", |_, d, v| {
        v.instant(entered(d, Stage::ClosedWon));
    })
    .calculated(),
    P::instant("hs_v2_date_entered_closedlost", "Entered Closed Lost", |_, d, v| {
        v.instant(entered(d, Stage::ClosedLost));
    })
    .calculated(),
    P::choice("lead_source", "Lead source", super::SOURCES, |_, d, v| v.word(d.it.source)).custom(),
    P::text("main_product", "Main product", |view, d, v| {
        v.maybe(view.world.products().get(d.it.product).map(|product| product.name));
    })
    .custom(),
    P::several("product_families", "Product families", &[], |view, d, v| {
        let products = view.world.products();
        let mut families: Vec<&str> =
            d.it.lines
                .iter()
                .filter_map(|line| products.get(line.product).map(|product| product.family))
                .collect();
        families.sort_unstable();
        families.dedup();
        v.word(&families.join(";"));
    })
    .custom(),
    P::bool("is_strategic", "Strategic deal", |view, d, v| {
        // By the rate of the day it was entered: it does not change when rates do.
        let day = d.it.created_at.date_naive();
        let amount = d.it.amount.map(|amount| view.home(amount, d.it.currency, day));
        v.bool(amount.is_some_and(|amount| amount.0 >= 10_000_000));
    })
    .custom(),
    P::date("contract_start", "Contract start", |_, d, v| v.date(contract_start(&d.it))).custom(),
    P::text("competitor", "Competitor", |_, d, v| v.maybe(d.it.competitor))
        .there(Presence::UnlessHidden),
    P::number("discount_percent", "Discount (%)", |_, d, v| {
        v.fraction(i128::from(d.number % 7) * 25, 1);
    })
    .there(Presence::UntilRemoved),
    P::number("renewal_term", "Renewal term", |_, d, v| v.whole(12 * (1 + d.number % 3)))
        .there(Presence::UntilRetyped),
    P::text("renewal_term", "Renewal term", |_, d, v| {
        v.text(&format!("{} months", 12 * (1 + d.number % 3)));
    })
    .there(Presence::OnceRetyped),
    P::choice("partner_tier", "Partner tier", TIERS, |_, d, v| {
        v.word(super::pick(TIERS, d.number));
    })
    .there(Presence::OnceAdded),
];

impl Object for Deals {
    type Item = Opportunity;
    type Memo = ();

    fn kind(&self) -> Kind {
        Kind::Deals
    }

    fn properties(&self) -> &'static [P] {
        PROPERTIES
    }

    fn scan(&self, view: &View, each: &mut dyn FnMut(Head)) {
        for number in 0..view.world.deal_count() {
            let deal = view.world.deal(number);
            let mut head = head(view, &deal);
            // Being talked about changes `notes_last_contacted`, and with it the deal.
            if let Some(at) = deal.last_activity_at.filter(|at| millis(*at) <= view.now) {
                head.modified = at.max(head.modified);
            }
            each(head);
        }
    }

    fn item(&self, view: &View, number: u64, _: u64, (): &mut ()) -> Option<Opportunity> {
        (number < view.world.deal_count()).then(|| view.world.deal(number))
    }

    fn created(&self, deal: &Opportunity) -> Instant {
        deal.created_at
    }

    fn deleted(&self, deal: &Opportunity) -> Option<Instant> {
        deal.deleted_at
    }

    fn history(&self, _: &View, row: &Row<Opportunity>, name: &str) -> Option<Vec<Version>> {
        history(row, name)
    }

    fn links(&self, _: &View, deal: &Opportunity, to: Kind) -> Vec<u64> {
        match to {
            Kind::Companies => deal.account.into_iter().collect(),
            Kind::Contacts => deal.contact.into_iter().collect(),
            Kind::LineItems => deal.lines.iter().map(|line| line.index).collect(),
            _ => Vec::new(),
        }
    }
}

/// What the index needs of a deal.
pub(super) fn head(view: &View, deal: &Opportunity) -> Head {
    // Archiving does not count as a change, and neither does being merged away.
    let counts = |what: &DealEvent| match what {
        DealEvent::Deleted | DealEvent::Merged { .. } => false,
        DealEvent::Restored => view.settings.restoring_modifies,
        _ => true,
    };
    let last = deal.history.iter().rev().find(|change| counts(&change.what));
    Head {
        number: deal.index,
        home: 0,
        created: deal.created_at,
        modified: last.map_or(deal.created_at, |change| change.at),
        deleted: deal.deleted_at,
        merged_into: deal.merged_into,
    }
}

fn is_closed(stage: Stage) -> bool {
    matches!(stage, Stage::ClosedWon | Stage::ClosedLost)
}

fn at_home(view: &View, deal: &Opportunity) -> Option<Cents> {
    deal.amount.map(|amount| view.home(amount, deal.currency, deal.expected_close))
}

/// The amount by the chance of winning it.
fn weighted(deal: &Opportunity) -> Option<Cents> {
    deal.amount.map(|amount| {
        let weighted = i128::from(amount.0) * i128::from(deal.probability) / 1_000_000;
        Cents(i64::try_from(weighted).unwrap_or(i64::MAX))
    })
}

fn had_next_step(deal: &Opportunity) -> bool {
    deal.history.iter().any(|change| matches!(change.what, DealEvent::NextStep { .. }))
}

/// The first of the month after a deal was won.
fn contract_start(deal: &Opportunity) -> Option<NaiveDate> {
    let day = deal.closed_at.filter(|_| deal.stage == Stage::ClosedWon)?.date_naive();
    day.with_day(1)?.checked_add_months(Months::new(1))
}

/// The close date: when it closed, or the planned day at the time of day it was entered.
fn close(row: &Row<Opportunity>) -> Millis {
    match row.it.closed_at {
        Some(at) => millis(at),
        None => planned(&row.it, row.it.expected_close),
    }
}

fn planned(deal: &Opportunity, day: NaiveDate) -> Millis {
    millis(day.and_time(deal.created_at.time()).and_utc())
}

/// Whether it was won or lost in the save of this moment.
fn closes_at(deal: &Opportunity, at: Instant) -> bool {
    deal.history.iter().any(|change| {
        change.at == at && matches!(change.what, DealEvent::Stage { to, .. } if is_closed(to))
    })
}

/// When it last entered a stage.
fn entered(row: &Row<Opportunity>, stage: Stage) -> Option<Millis> {
    let fraction = fraction_of(Kind::Deals, row.number);
    let enters = |what: &DealEvent| match what {
        DealEvent::Created { stage: first, .. } => *first == stage,
        DealEvent::Stage { to, .. } => *to == stage,
        _ => false,
    };
    let change = row.it.history.iter().rev().find(|change| enters(&change.what));
    change.map(|change| millis(change.at) + fraction)
}

/// What a property was, from the deal's changes; none: HubSpot shows its present value only.
fn history(row: &Row<Opportunity>, name: &str) -> Option<Vec<Version>> {
    let deal = &row.it;
    let fraction = fraction_of(Kind::Deals, row.number);
    let mut versions: Vec<Version> = Vec::new();
    // Several changes of one save leave one value.
    let mut add = |at: Instant, by: usize, write: &dyn Fn(Value<'_>)| {
        let (mut value, at) = (Vec::new(), millis(at) + fraction);
        write(Value::new(&mut value, 500, Style::default(), false));
        match versions.last_mut() {
            Some(last) if last.at == at => last.value = value,
            Some(last) if last.value == value => {}
            _ => versions.push(Version { value, at, by: Some(by) }),
        }
    };
    match name {
        "dealstage" => {
            for change in &deal.history {
                if let DealEvent::Created { stage, .. } | DealEvent::Stage { to: stage, .. } =
                    change.what
                {
                    add(change.at, change.by, &|v| v.word(ids::stage(stage)));
                }
            }
        }
        "amount" => {
            for change in &deal.history {
                if let DealEvent::Created { amount, .. } | DealEvent::Amount { to: amount, .. } =
                    change.what
                {
                    add(change.at, change.by, &|v| v.money(amount));
                }
            }
        }
        "closedate" => {
            for change in &deal.history {
                match change.what {
                    DealEvent::Created { close, .. } | DealEvent::Close { to: close, .. } => {
                        // Closing moves the plan to that very moment.
                        let at = if closes_at(deal, change.at) {
                            millis(change.at)
                        } else {
                            planned(deal, close)
                        };
                        add(change.at, change.by, &|v| v.instant(Some(at)));
                    }
                    DealEvent::Stage { to, .. } if is_closed(to) => {
                        add(change.at, change.by, &|v| v.instant(Some(millis(change.at))));
                    }
                    _ => {}
                }
            }
        }
        "hubspot_owner_id" => {
            for change in &deal.history {
                if let DealEvent::Created { owner, .. } | DealEvent::Owner { to: owner, .. } =
                    change.what
                {
                    add(change.at, change.by, &|v| v.whole(ids::owner(owner)));
                }
            }
        }
        "hs_deal_stage_probability" | "hs_forecast_probability" => {
            let first = deal.history.iter().find_map(|change| match change.what {
                DealEvent::Probability { from, .. } => Some(from),
                _ => None,
            });
            let first = i128::from(first.unwrap_or(deal.probability));
            add(deal.created_at, deal.history.first()?.by, &|v| v.fraction(first, 6));
            for change in &deal.history {
                if let DealEvent::Probability { to, .. } = change.what {
                    add(change.at, change.by, &|v| v.fraction(i128::from(to), 6));
                }
            }
        }
        "hs_manual_forecast_category" => {
            let first = deal.history.iter().find_map(|change| match change.what {
                DealEvent::Category { from, .. } => Some(from),
                _ => None,
            });
            let first: ForecastCategory = first.unwrap_or(deal.category);
            add(deal.created_at, deal.history.first()?.by, &|v| v.word(ids::category(first)));
            for change in &deal.history {
                if let DealEvent::Category { to, .. } = change.what {
                    add(change.at, change.by, &|v| v.word(ids::category(to)));
                }
            }
        }
        "hs_next_step" => {
            let first = deal.history.iter().find_map(|change| match change.what {
                DealEvent::NextStep { from, .. } => Some(from),
                _ => None,
            });
            if let Some(step) = first.unwrap_or(deal.next_step) {
                add(deal.created_at, deal.history.first()?.by, &|v| v.word(step));
            }
            for change in &deal.history {
                if let DealEvent::NextStep { to, .. } = change.what {
                    add(change.at, change.by, &|v| v.word(to.unwrap_or("")));
                }
            }
        }
        "closed_lost_reason" => {
            let lost = deal.history.iter().rev().find(|change| {
                matches!(change.what, DealEvent::Stage { to: Stage::ClosedLost, .. })
            });
            if let (Some(change), Some(reason)) = (lost, deal.lost_reason) {
                add(change.at, change.by, &|v| v.text(reason));
            }
        }
        _ => return None,
    }
    Some(versions)
}
