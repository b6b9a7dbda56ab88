# Wins, losses, nothing, zeros, pushes, a reopened deal, other owners, other currencies, deletes
# and merges. The fiscal year starts in February: the first quarter of FY27 is 2026-02-01 to
# 2026-04-30.
business
  company_name: Byhand
  fiscal_year: {starts: february}

stage Discovery open 0.10 pipeline
stage Proposal open 0.50 best_case
stage Negotiation open 0.80 commit
stage Won won 1 closed
stage Lost lost 0 omitted

team Blue region North
team Red region South
rep Ann team Blue
rep Ben team Blue
rep Cid team Red
# Dot has nothing at all.
rep Dot team Red
# Eve only loses.
rep Eve team Red

# 0.80 EUR for a dollar; nobody knows what a CHF is worth.
rate EUR 2020-01-01 0.80

# Ann wins and never loses.
deal A1 owner Ann stage Discovery amount 100 close 2026-03-31 created 2026-02-02
  2026-03-04 stage Won
deal A2 owner Ann stage Discovery amount 300 close 2026-03-31 created 2026-02-10
  2026-03-02 stage Won
deal A3 owner Ann stage Negotiation amount 1000 close 2026-05-15 created 2026-02-12 prob 0.90
deal A4 owner Ann stage Discovery close 2026-06-30 created 2026-02-14
deal A5 owner Ann stage Proposal amount 700 close 2026-06-30 created 2026-02-16 category omitted

deal E1 owner Eve stage Discovery amount 200 close 2026-03-31 created 2026-02-02
  2026-03-10 stage Lost reason Price
deal E2 owner Eve stage Proposal amount 300 close 2026-03-31 created 2026-02-02
  2026-03-20 stage Lost reason Price

# A win and a loss of nothing.
deal B1 owner Ben stage Proposal amount 0 close 2026-03-31 created 2026-02-10
  2026-03-10 stage Won
deal B2 owner Ben stage Proposal amount 0 close 2026-03-31 created 2026-02-10
  2026-03-12 stage Lost reason Timing
# Won, reopened, won again with the close date of that day: its outcome is the second one.
deal B3 owner Ben stage Proposal amount 500 close 2026-02-20 created 2026-02-05
  2026-02-20 stage Won
  2026-03-01 stage Negotiation
  2026-04-10 stage Won close 2026-04-10
# Pushed three times, and won before the last date.
deal B4 owner Ben stage Proposal amount 50 close 2026-02-20 created 2026-02-01
  2026-02-18 close 2026-03-20
  2026-03-18 close 2026-04-10
  2026-04-09 close 2026-05-05
  2026-04-20 stage Won

# Ben began it, Cid won it.
deal C1 owner Ben stage Discovery amount 400 close 2026-04-15 created 2026-02-03
  2026-03-15 owner Cid
  2026-04-01 stage Won
# Pushed three times and still open; C7 was merged into it.
deal C2 owner Cid stage Proposal amount 600 close 2026-02-28 created 2026-02-01
  2026-02-25 close 2026-03-31
  2026-03-30 close 2026-04-30
  2026-04-29 close 2026-05-31
# Pulled in.
deal C3 owner Cid stage Discovery amount 250 close 2026-05-31 created 2026-02-01
  2026-03-10 close 2026-04-15
  2026-04-15 stage Won
deal C4 owner Cid stage Proposal amount 1000 currency CHF close 2026-04-02 created 2026-02-01
  2026-04-02 stage Won
# 80 EUR / 0.80 = 100 USD.
deal C5 owner Cid stage Proposal amount 80 currency EUR close 2026-03-15 created 2026-02-13
  2026-03-15 stage Won
deal C6 owner Cid stage Proposal amount 900 close 2026-03-15 created 2026-02-06
  2026-03-01 gone yes
deal C7 owner Cid stage Proposal amount 450 close 2026-03-15 created 2026-02-06
  2026-03-20 merged C2

# From the quarter before.
deal S1 owner Cid stage Proposal amount 800 close 2026-03-31 created 2026-01-10
  2026-03-20 close 2026-06-30
deal S2 owner Ann stage Proposal amount 200 close 2026-02-28 created 2026-01-15
  2026-02-27 stage Won
deal S3 owner Ben stage Proposal amount 300 close 2026-04-15 created 2026-01-20
  2026-04-20 stage Lost reason Price

night 2026-04-30

ask win rate by count
  | select scope_name, numerator, denominator, value, n, n_excluded from kpi.win_rate
  | where metric = 'win_rate_count' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope in ('company', 'rep') order by scope, scope_name
  # won A1 A2 B1 B3 B4 C1 C3 C4 C5 S2 = 10, lost E1 E2 B2 S3 = 4: 10 / 14
  Byhand | 10 | 14 | 0.714286 | 14 | 0
  # A1 A2 S2 and no loss
  Ann | 3 | 3 | 1 | 3 | 0
  # B1 B3 B4 of B1 B3 B4 B2 S3
  Ben | 3 | 5 | 0.6 | 5 | 0
  # C1 (his when it was won) C3 C4 C5
  Cid | 4 | 4 | 1 | 4 | 0
  # a measured zero; Dot has no row
  Eve | 0 | 2 | 0 | 2 | 0

ask win rate by value
  | select scope_name, numerator, denominator, value, n, n_excluded, completeness from kpi.win_rate
  | where metric = 'win_rate_value' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope in ('company', 'rep') order by scope, scope_name
  # won 100 + 300 + 500 + 50 + 400 + 250 + 100 (C5) + 200 = 1900, lost 200 + 300 + 300 = 800;
  # left out: B1 and B2 (nothing) and C4 (no rate). 1900 / 2700
  Byhand | 1900 | 2700 | 0.703704 | 11 | 3 | degraded
  # 100 + 300 + 200
  Ann | 600 | 600 | 1 | 3 | 0 | complete
  # 500 + 50 = 550 of 550 + 300
  Ben | 550 | 850 | 0.647059 | 3 | 2 | degraded
  # 400 + 250 + 100, without C4
  Cid | 750 | 750 | 1 | 3 | 1 | degraded
  Eve | 0 | 500 | 0 | 2 | 0 | complete

ask win rate of the deals created in the quarter, for whom they were created
  | select scope_name, numerator, denominator, value from kpi.win_rate
  | where metric = 'win_rate_cohort_count' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope in ('company', 'rep') order by scope, scope_name
  # created and decided: A1 A2 E1 E2 B1 B2 B3 B4 C1 C3 C4 C5 = 12, of which lost E1 E2 B2
  Byhand | 9 | 12 | 0.75
  Ann | 2 | 2 | 1
  # B1 B3 B4 and C1, which he began, of these and B2
  Ben | 4 | 5 | 0.8
  # C3 C4 C5
  Cid | 3 | 3 | 1
  Eve | 0 | 2 | 0

ask sales cycle
  | select metric, numerator, denominator, value, n, n_excluded from kpi.sales_cycle
  | where metric in ('sales_cycle_mean', 'sales_cycle_median', 'sales_cycle_p90')
  | and period_grain = 'quarter' and period_start = date '2026-02-01' and scope = 'company' order by metric
  # days: A1 30, A2 20, B1 28, B3 64 (to the second win), B4 78, C1 57, C3 73, C4 60, C5 30, S2 43
  # = 483 / 10
  sales_cycle_mean | 483 | 10 | 48.3 | 10 | 0
  # 20 28 30 30 43 | 57 60 64 73 78: (43 + 57) / 2
  sales_cycle_median | ∅ | ∅ | 50 | 10 | 0
  # place 0.9 × 9 = 8.1, counted from 0: 73 + 0.1 × (78 − 73)
  sales_cycle_p90 | ∅ | ∅ | 73.5 | 10 | 0

ask deal size of won deals
  | select metric, numerator, denominator, value, n, n_excluded from kpi.deal_size
  | where metric in ('deal_size_won_average', 'deal_size_won_median')
  | and period_grain = 'quarter' and period_start = date '2026-02-01' and scope = 'company' order by metric
  # 1900 of nine deals (B1's 0 is an amount), C4 left out
  deal_size_won_average | 1900 | 9 | 211.111111 | 9 | 1
  # 0 50 100 100 200 250 300 400 500
  deal_size_won_median | ∅ | ∅ | 200 | 9 | 1

ask deal size now, by stage
  | select stage_name, numerator, denominator, value, n, n_excluded from kpi.deal_size
  | where metric = 'deal_size_stage_average' and period_grain = 'quarter'
  | and period_start = date '2026-02-01' and scope = 'company' order by stage_name
  # A4 has no amount
  Discovery | ∅ | ∅ | ∅ | 0 | 1
  # A3
  Negotiation | 1000 | 1 | 1000 | 1 | 0
  # A5 700, C2 600, S1 800
  Proposal | 2100 | 3 | 700 | 3 | 0

ask deal size at the entry into a stage
  | select stage_name, numerator, denominator, value, n, n_excluded from kpi.deal_size
  | where metric = 'deal_size_stage_entry_average' and period_grain = 'quarter'
  | and period_start = date '2026-02-01' and scope = 'company' order by stage_name
  # A1 100, A2 300, E1 200, C1 400, C3 250 = 1250; A4 has none
  Discovery | 1250 | 5 | 250 | 5 | 1
  # E1 200, E2 300, B2 0, S3 300
  Lost | 800 | 4 | 200 | 4 | 0
  # A3 1000, B3 500 (reopened)
  Negotiation | 1500 | 2 | 750 | 2 | 0
  # A5 700, E2 300, B1 0, B2 0, B3 500, B4 50, C2 600, C5 100 = 2250; C4 without a rate; S1 to S3 in January
  Proposal | 2250 | 8 | 281.25 | 8 | 1
  # A1 100, A2 300, B1 0, B3 500 twice, B4 50, C1 400, C3 250, C5 100, S2 200 = 2400; C4 without a rate
  Won | 2400 | 10 | 240 | 10 | 1

ask pushes per decided deal
  | select scope_name, numerator, denominator, value, n, n_excluded from kpi.pipeline_efficiency
  | where metric = 'pipeline_pushes_per_deal' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope in ('company', 'rep') order by scope, scope_name
  # B4 three, B3 one (from February to April when it was won again)
  Byhand | 4 | 14 | 0.285714 | 14 | 0
  Ann | 0 | 3 | 0 | 3 | 0
  Ben | 4 | 5 | 0.8 | 5 | 0
  Cid | 0 | 4 | 0 | 4 | 0
  Eve | 0 | 2 | 0 | 2 | 0

ask slippage of what was due at the quarter's start
  | select scope_name, numerator, denominator, value, n, n_excluded from kpi.pipeline_efficiency
  | where metric = 'pipeline_slippage' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope in ('company', 'rep') order by scope, scope_name
  # open on 31 January and due in the quarter: S1 800, S2 200, S3 300; S1 went to June
  Byhand | 800 | 1300 | 0.615385 | 3 | 0
  Ann | 0 | 200 | 0 | 1 | 0
  Ben | 0 | 300 | 0 | 1 | 0
  Cid | 800 | 800 | 1 | 1 | 0

ask slippage of the months: C2 was due in March and went to April, in April and went to May
  | select period_start, numerator, denominator, value from kpi.pipeline_efficiency
  | where metric = 'pipeline_slippage' and period_grain = 'month' and scope_name = 'Cid'
  | and period_start >= date '2026-03-01' order by period_start
  # due in March on 28 February: C2 600 (moved on 30 March), S1 800 (moved), C5 100 (won); gone
  # ones (C6, C7) are in no figure
  2026-03-01 | 1400 | 1500 | 0.933333
  # due in April on 31 March: C1 400 (won), C2 600 (moved on the 29th), C3 250 (won); C4 has no rate
  2026-04-01 | 600 | 1250 | 0.48

ask yield
  | select numerator, denominator, value from kpi.pipeline_efficiency
  | where metric = 'pipeline_yield' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope = 'company'
  # open on 31 January 800 + 200 + 300 = 1300; created A1 100, A2 300, A3 1000, A5 700, B1 0, B2 0,
  # B3 500, B4 50, C1 400, C2 600, C3 250, C5 100, E1 200, E2 300 = 4500; won 1900.
  # Without amount: A4, C4; gone: C6, C7
  1900 | 5800 | 0.327586

ask weighted pipeline at the end of the quarter
  | select metric, value, n, n_excluded from kpi.weighted_pipeline
  | where period_grain = 'quarter' and period_start = date '2026-02-01' and scope = 'company'
  | and stage_id is null and forecast_category is null and close_period_start is null
  | and metric in ('weighted_pipeline_deal', 'weighted_pipeline_stage') order by metric
  # A3 1000 × 0.90, C2 600 × 0.50, S1 800 × 0.50 = 900 + 300 + 400; A5 is omitted, A4 has no amount
  weighted_pipeline_deal | 1600 | 3 | 1
  # A3 by its stage: 1000 × 0.80
  weighted_pipeline_stage | 1500 | 3 | 1

ask weighted pipeline by category
  | select forecast_category, value, n, n_excluded from kpi.weighted_pipeline
  | where metric = 'weighted_pipeline_deal' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope = 'company' and forecast_category is not null order by forecast_category
  best_case | 700 | 2 | 0
  commit | 900 | 1 | 0
  # A4; a sum of nothing known is unknown
  pipeline | ∅ | 0 | 1

ask what was lost, from which stage and why
  | select stage_name, lost_reason, sum(n_lost) as n_lost, sum(value_lost) as value_lost from funnel.loss
  | where period_grain = 'quarter' and period_start = date '2026-02-01' and scope = 'company'
  | group by stage_name, lost_reason order by stage_name, lost_reason
  Discovery | Price | 1 | 200
  # E2 300, S3 300
  Proposal | Price | 2 | 600
  # B2: an amount of 0 is an amount
  Proposal | Timing | 1 | 0
