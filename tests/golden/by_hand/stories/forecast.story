# What was forecast, night by night, and what came of it. Months are calendar months, the year
# starts in February: FY27Q1 is 2026-02-01 to 2026-04-30. Books close five days after it.
business
  company_name: Byhand
  fiscal_year: {starts: february}
  forecast: {open_periods: 2, books_close_days: 5, checkpoints: [30, 7, 1]}

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

# Won within the quarter for more than was thought.
deal A1 owner Ann stage Negotiation amount 100 close 2026-04-20 created 2026-02-02
  2026-04-18 stage Won amount 120
# Pushed out.
deal A2 owner Ann stage Proposal amount 200 close 2026-04-25 created 2026-02-03
  2026-04-17 close 2026-06-15
# Lost.
deal B1 owner Ben stage Proposal amount 300 close 2026-04-28 created 2026-02-04
  2026-04-19 stage Lost
# Pulled in.
deal B2 owner Ben stage Negotiation amount 400 close 2026-05-20 created 2026-02-05
  2026-04-18 close 2026-04-29
# Changes hands between teams, and grows.
deal B3 owner Ben stage Negotiation amount 500 close 2026-04-30 created 2026-02-06
  2026-04-18T09:00 owner Cid
  2026-04-18T10:00 amount 550
# Shrinks.
deal C1 owner Cid stage Discovery amount 600 close 2026-04-30 created 2026-02-07
  2026-04-19 amount 450
# Won before, reopened.
deal C2 owner Cid stage Negotiation amount 700 close 2026-04-10 created 2026-02-08
  2026-04-10 stage Won
  2026-04-18 stage Negotiation close 2026-04-30
# Deleted after it was sealed.
deal C3 owner Cid stage Proposal amount 800 close 2026-04-30 created 2026-02-09
  2026-04-18 gone yes
# New.
deal D1 owner Ann stage Proposal amount 900 close 2026-04-30 created 2026-04-18
# Omitted: due, and in no series.
deal D2 owner Ann stage Proposal amount 1000 close 2026-04-30 created 2026-02-10 category omitted

night 2026-04-16

ask the first seal
  | select snapshot_no, snapshot_date, period_name, deal_rows from forecast.snapshot order by snapshot_no
  # due in FY27Q1: A1 A2 B1 B3 C1 C2 C3 D2; in FY27Q2: B2
  1 | 2026-04-16 | FY27Q1 | 8
  2 | 2026-04-16 | FY27Q2 | 1

ask the figures of FY27Q1 as they were sealed
  | select series, amount, n from forecast.figure
  | where snapshot_date = date '2026-04-16' and period_start = date '2026-02-01' and scope = 'company'
  | and series in ('closed', 'commit', 'best_case', 'pipeline', 'commit_cumulative',
  | 'best_case_cumulative', 'pipeline_cumulative', 'weighted_deal') order by series
  # A2 200, B1 300, C3 800
  best_case | 1300 | 3
  # closed + commit + best case = 700 + 600 + 1300
  best_case_cumulative | 2600 | 6
  # C2 was won on the 10th
  closed | 700 | 1
  # A1 100, B3 500
  commit | 600 | 2
  # 700 + 600
  commit_cumulative | 1300 | 3
  # C1
  pipeline | 600 | 1
  # 700 + 600 + 1300 + 600
  pipeline_cumulative | 3200 | 7
  # 700 + (100 + 500) × 0.8 + 1300 × 0.5 + 600 × 0.1 = 700 + 480 + 650 + 60
  weighted_deal | 1890 | 7

# The same night again: nothing is sealed twice.
night 2026-04-16T23:59:59.5Z

ask one seal a night and period
  | select snapshot_no, snapshot_date, period_name from forecast.snapshot order by snapshot_no
  1 | 2026-04-16 | FY27Q1
  2 | 2026-04-16 | FY27Q2

# The nights of 17, 18 and 19 April are missed.
night 2026-04-20

ask the chain goes on
  | select b.snapshot_no, b.previous_hash = a.hash as is_linked from forecast.snapshot a
  | join forecast.snapshot b on b.snapshot_no = a.snapshot_no + 1 order by 1
  2 | true
  3 | true
  4 | true

ask the missed nights are shown, and what is known of them now is reconstructed
  | select snapshot_date, status from forecast.snapshot_day
  | where period_start = date '2026-02-01' and snapshot_date between date '2026-04-15' and date '2026-04-20'
  | order by 1
  2026-04-15 | reconstructed
  2026-04-16 | sealed
  2026-04-17 | missing
  2026-04-18 | missing
  2026-04-19 | missing
  2026-04-20 | sealed

ask what moved what is won or open and due in FY27Q1
  | select component, amount, n from forecast.bridge
  | where period_start = date '2026-02-01' and from_date = date '2026-04-16' and to_date = date '2026-04-20'
  | and scope = 'company' and series = 'pipeline_cumulative' order by component
  # C1
  decreased | -150 | 1
  # C3
  deleted_or_merged | -800 | 1
  # 3200 - 150 - 800 + 70 - 300 + 900 + 400 - 200: A1 120 won; B2 400, B3 550, C1 450, C2 700, D1 900
  ending | 3120 | 6
  # A1 by 20 as it was won, B3 by 50
  increased | 70 | 2
  # B1
  lost | -300 | 1
  # D1
  new | 900 | 1
  # B2
  pulled_in | 400 | 1
  # A2
  pushed_out | -200 | 1
  # C2 700 won; A1 A2 B1 B3 C1 C3 100 + 200 + 300 + 500 + 600 + 800
  starting | 3200 | 7

ask what moved what is won or in commit, of team Red
  | select component, amount, n from forecast.bridge
  | where period_start = date '2026-02-01' and from_date = date '2026-04-16' and to_date = date '2026-04-20'
  | and scope_name = 'Red' and series = 'commit_cumulative' order by component
  # C2 reopened in Negotiation is commit, B3
  ending | 1250 | 2
  # B3 grew by 50 …
  increased | 50 | 1
  # … and came from Ben with the 500 that team Blue lost, so that teams sum up to the company
  moved_in | 500 | 1
  # C2
  starting | 700 | 1

ask frozen actuals are not there yet
  | select count(*) as n from forecast.actual where period_start = date '2026-02-01' and scope = 'company' and frozen_at is not null
  0
