//! The funnel and the CRM's hygiene.

use salesmart_simulator::Sheet;
use salesmart_simulator::wire::FaultPlan;
use salesmart_tests::simulated::{Simulated, System, world};

use super::{Differences, compare_sheet};

/// What was published of what a sheet is about.
fn question(sheet: &Sheet) -> &'static str {
    match sheet.name {
        "stage_visit" => {
            "select scope.scope, \
                 case when scope.scope = 'company' then '' else scope.scope_name end as scope_name, \
                 cast(date_trunc('month', visit.entered_date) as date) as month, \
                 visit.stage_name, coalesce(visit.direction, '') as direction, \
                 count(*) as visits, coalesce(sum(visit.days), 0) as days, \
                 coalesce(sum(visit.amount_reporting), 0) as amount, \
                 sum(case when visit.amount_reporting is null then 1 else 0 end) as without_amount \
             from funnel.stage_visit as visit \
             inner join mart.bridge_rep_scope as rep on visit.rep_key = rep.rep_key \
             inner join mart.dim_scope as scope on rep.scope_key = scope.scope_key \
             group by 1, 2, 3, 4, 5"
        }
        "stage_conversion" => {
            "select pair, mode, from_step, to_step, scope, \
                 case when scope = 'company' then '' else scope_name end as scope_name, \
                 period_grain, period_start, n_entered, n_converted, n_lost, n_open, \
                 median_days, p90_days \
             from funnel.stage_conversion"
        }
        "loss" => {
            "select scope, case when scope = 'company' then '' else scope_name end as scope_name, \
                 period_grain, period_start, stage_name, lost_reason, sum(n_lost) as n_lost, \
                 sum(value_lost) as value_lost, sum(n_excluded) as n_excluded \
             from funnel.loss \
             where period_grain in ('month', 'quarter', 'year') \
             group by 1, 2, 3, 4, 5, 6"
        }
        "lead_conversion" => {
            "select scope, case when scope = 'company' then '' else scope_name end as scope_name, \
                 period_grain, period_start, source, step, n_leads, n_previous, n_reached, n_lost \
             from funnel.lead_conversion"
        }
        "crm_hygiene" => {
            "select issue, scope, \
                 case when scope = 'company' then '' else scope_name end as scope_name, \
                 n_affected, n_checked, n_total \
             from ops.crm_hygiene"
        }
        other => panic!("nobody asks for {other}"),
    }
}

fn agrees(system: System, seed: u64, reps: usize, deals: u64) {
    let simulated = Simulated::start(system, world(seed, reps, deals), FaultPlan::none());
    let first_read = simulated.world.read().today();
    for days in [0, 10] {
        simulated.world.advance(days);
        simulated.night();
        let sheets = simulated.world.read().truth_funnel(2, simulated.known(first_read));
        let mut differences = Differences::default();
        for sheet in &sheets {
            assert!(!sheet.rows.is_empty(), "{} has no rows", sheet.name);
            compare_sheet(&mut differences, &simulated, sheet, question(sheet), |_, _| false);
        }
        differences.assert_none(&format!("{system:?}, seed {seed}, after {days} days"));
    }
}

#[test]
fn the_funnel_of_an_org_is_the_true_one() {
    agrees(System::Salesforce, 31, 9, 700);
}

#[test]
fn the_funnel_of_a_portal_is_the_true_one() {
    agrees(System::HubSpot, 32, 9, 700);
}
