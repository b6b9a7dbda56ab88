//! The company is the same each time, hangs together, and looks like one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

fn company(deals: u64) -> Company {
    Company::generate(7, Size { reps: 20, deals }, "2026-09-30".parse().unwrap())
}

/// The rows of an export file, by column name.
fn rows(dir: &Path, file: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(dir.join(file)).unwrap();
    let header = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        header.iter().zip(record.iter()).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn ids(rows: &[BTreeMap<String, String>], column: &str) -> BTreeSet<String> {
    let ids: BTreeSet<String> = rows.iter().map(|row| row[column].clone()).collect();
    assert_eq!(ids.len(), rows.len(), "`{column}` is unique");
    ids
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let write = |company: &Company| {
        let dir = tempfile::tempdir().unwrap();
        company.write_export(dir.path()).unwrap();
        let mut files: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        files.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    let first = write(&company(500));
    assert_eq!(first.len(), 6);
    assert_eq!(first, write(&company(500)));
    let other = Company::generate(8, Size { reps: 20, deals: 500 }, company(1).as_of());
    assert_ne!(first, write(&other));
}

#[test]
fn every_reference_leads_somewhere_and_every_value_is_well_formed() {
    let dir = tempfile::tempdir().unwrap();
    let exported = company(3_000).write_export(dir.path()).unwrap();
    let [deals, accounts, users, teams, products, stages] =
        ["opportunities", "accounts", "users", "teams", "products", "stages"]
            .map(|file| rows(dir.path(), &format!("{file}.csv")));
    assert_eq!(exported.opportunities, 3_000);
    assert_eq!(deals.len(), 3_000);
    assert_eq!(accounts.len() as u64, exported.accounts);
    let account_ids = ids(&accounts, "account_id");
    let user_ids = ids(&users, "user_id");
    let team_ids = ids(&teams, "team_id");
    let product_ids = ids(&products, "product_id");
    let stage_names = ids(&stages, "stage");
    ids(&deals, "opportunity_id");
    ids(&users, "name");
    ids(&accounts, "name");
    let or_empty = |ids: &BTreeSet<String>, id: &str| id.is_empty() || ids.contains(id);
    let two_digits = |text: &str| text.split_once('.').is_some_and(|(_, cents)| cents.len() == 2);

    for user in &users {
        assert!(or_empty(&team_ids, &user["team_id"]) && or_empty(&user_ids, &user["manager_id"]));
    }
    for team in &teams {
        assert!(user_ids.contains(&team["manager_id"]));
    }
    for account in &accounts {
        assert!(or_empty(&account_ids, &account["parent_account_id"]));
        assert_ne!(account["parent_account_id"], account["account_id"]);
        assert!(two_digits(&account["annual_revenue"]), "{account:?}");
    }
    let account_created: BTreeMap<_, _> =
        accounts.iter().map(|a| (a["account_id"].clone(), a["created_at"].clone())).collect();
    for deal in &deals {
        assert!(or_empty(&account_ids, &deal["account_id"]));
        assert!(user_ids.contains(&deal["owner_id"]) && product_ids.contains(&deal["product_id"]));
        assert!(stage_names.contains(&deal["stage"]));
        assert!(deal["amount"].is_empty() || two_digits(&deal["amount"]), "{deal:?}");
        let probability: f64 = deal["probability"].parse().unwrap();
        assert!((0.0..=1.0).contains(&probability));
        // ISO instants compare as text.
        let end = "2026-09-30T23:59:59Z";
        let created = deal["created_at"].as_str();
        assert!(created >= "2024-10-01T00:00:00Z" && deal["last_activity_at"].as_str() <= end);
        assert!(
            account_created.get(&deal["account_id"]).is_none_or(|at| at.as_str() < created),
            "{deal:?}"
        );
        let engaged = deal["engaged_at"].as_str();
        assert!(engaged.is_empty() || (created <= engaged && engaged <= end));
        let closed = deal["closed_at"].as_str();
        assert_eq!(closed.is_empty(), !deal["stage"].starts_with("Closed"), "{deal:?}");
        assert!(
            closed.is_empty() || (created < closed && engaged < closed && closed <= end),
            "{deal:?}"
        );
        assert!(
            deal["stage"] != "Closed Won" || !(engaged.is_empty() || deal["amount"].is_empty())
        );
        assert_eq!(deal["lost_reason"].is_empty(), deal["stage"] != "Closed Lost");
    }
}

#[test]
fn it_looks_like_a_company() {
    let company = company(3_000);
    let deals: Vec<Deal> = company.deals().collect();
    let share = |holds: &dyn Fn(&Deal) -> bool| {
        f64::from(u32::try_from(deals.iter().filter(|deal| holds(deal)).count()).unwrap()) / 3_000.0
    };
    let open = share(&|deal| deal.closed_at.is_none());
    assert!((0.05..0.25).contains(&open), "{open}");
    let won = share(&|deal| deal.stage == Stage::ClosedWon) / (1.0 - open);
    assert!((0.2..0.5).contains(&won), "{won}");
    let end = company.as_of_instant();
    let stale =
        share(&|d| d.closed_at.is_none() && end - d.last_activity_at > chrono::TimeDelta::days(14));
    assert!(stale > 0.01 && stale < open, "{stale}");
    assert!(share(&|d| d.amount.is_none() && d.closed_at.is_none()) > 0.0);
    assert!(share(&|d| d.account.is_none()) > 0.0);

    // Larger deals take longer.
    let mut won: Vec<&Deal> = deals.iter().filter(|deal| deal.stage == Stage::ClosedWon).collect();
    won.sort_by_key(|deal| deal.amount);
    let days = |deals: &[&Deal]| {
        deals.iter().filter_map(|deal| deal.cycle_days()).sum::<i64>()
            / i64::try_from(deals.len()).unwrap()
    };
    let (small, large) = won.split_at(won.len() / 2);
    assert!(days(large) > days(small) + 5, "{} {}", days(large), days(small));

    // Deals close at the ends of fiscal quarters: the last fortnight holds far more than its share.
    let closed: Vec<NaiveDate> =
        deals.iter().filter_map(|d| d.closed_at).map(|at| at.date_naive()).collect();
    let late = closed.iter().filter(|day| {
        let next =
            calendar::quarter_start(**day, calendar::FISCAL_YEAR_STARTS) + chrono::Months::new(3);
        (next - **day).num_days() <= 14
    });
    assert!(late.count() * 100 / closed.len() > 20);

    // Some people left, some came, and nobody closes a deal who is not there.
    assert!(company.users().iter().any(|user| user.end_date.is_some()));
    assert!(company.users().iter().any(|user| user.start_date > company.starts()));
    for deal in &deals {
        let until = deal.closed_at.map_or(company.as_of(), |at| at.date_naive());
        assert!(company.users()[deal.owner].works_on(until), "{deal:?}");
    }
}

#[test]
fn truth_rolls_up_and_counts_every_closed_deal() {
    let company = company(2_000);
    let closed = company.deals().filter(|deal| deal.closed_at.is_some()).count();
    let truth = company.truth(1);
    for scope in [Scope::Company, Scope::Region, Scope::Team, Scope::Rep] {
        let n: u64 = truth
            .iter()
            .filter(|t| t.metric == "win_rate_count" && t.scope == scope)
            .map(|t| t.n)
            .sum();
        assert_eq!(n, closed as u64, "{scope:?}");
    }
    let quarters =
        truth.iter().filter(|t| t.metric == "win_rate_count" && t.scope == Scope::Company);
    assert_eq!(quarters.count(), 8);
    for figure in &truth {
        if let (Some(above), Some(below)) = (figure.numerator, figure.denominator) {
            assert!(figure.value == above.ratio(below) || figure.value.is_none(), "{figure:?}");
            assert!(figure.value.is_some() || figure.metric == "win_rate_value", "{figure:?}");
        }
    }
}

#[test]
fn a_night_changes_exactly_the_share_asked_for() {
    let before = company(1_000);
    let after = before.perturbed(0.013);
    let changed = before.deals().zip(after.deals()).filter(|(a, b)| a != b).count();
    assert_eq!(changed, 13);
    assert_eq!(after.changed_deals(), 13);
    assert_eq!(
        before.perturbed(0.0).deals().collect::<Vec<_>>(),
        before.deals().collect::<Vec<_>>()
    );
    assert_eq!(before.perturbed(1.0).changed_deals(), 1_000);
}

#[test]
fn any_size_works() {
    for (reps, deals) in [(0, 0), (1, 1), (1, 30), (2, 5), (400, 200)] {
        let company = Company::generate(1, Size { reps, deals }, "2026-11-20".parse().unwrap());
        assert_eq!(company.deals().count() as u64, deals);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(company.write_export(dir.path()).unwrap().opportunities, deals);
        assert!(company.truth(2).len() < 100_000);
    }
}
