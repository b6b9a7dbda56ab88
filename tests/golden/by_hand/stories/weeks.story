# The retail calendar of 4-5-4 weeks whose year ends on the Saturday nearest to 31 January. That was
# 2023-01-28 and 2024-02-03, so FY24 has 53 weeks, and its last quarter 14: 2023-10-29 to 2024-02-03.
business
  company_name: Byhand
  fiscal_year: {starts: february, pattern: 4-5-4, ends_on: saturday, rule: nearest}

stage Proposal open 0.50 best_case
stage Won won 1 closed
stage Lost lost 0 omitted

team Blue region North
rep Ann team Blue

# The last day of the 53rd week, the first day of the new year, the first day of the quarter.
deal W1 owner Ann stage Proposal amount 100 close 2024-02-03 created 2023-12-01
  2024-02-03T23:30 stage Won
deal W2 owner Ann stage Proposal amount 100 close 2024-02-04 created 2023-12-01
  2024-02-04T00:30 stage Won
deal L1 owner Ann stage Proposal amount 100 close 2023-10-29 created 2023-10-01
  2023-10-29T00:30 stage Lost

night 2024-02-10

ask the quarters and years around the 53rd week
  | select period_grain, period_start, period_end, numerator, denominator, value from kpi.win_rate
  | where metric = 'win_rate_count' and period_grain in ('month', 'quarter', 'year') and scope = 'company'
  | order by period_grain, period_start
  # the last month of a 4-5-4 quarter has four weeks, this one five: 2023-12-31 to 2024-02-03
  month | 2023-10-29 | 2023-11-25 | 0 | 1 | 0
  month | 2023-12-31 | 2024-02-03 | 1 | 1 | 1
  month | 2024-02-04 | 2024-03-02 | 1 | 1 | 1
  # L1 and W1
  quarter | 2023-10-29 | 2024-02-03 | 1 | 2 | 0.5
  # thirteen weeks again
  quarter | 2024-02-04 | 2024-05-04 | 1 | 1 | 1
  # 53 weeks: 2023-01-29 + 371 days − 1
  year | 2023-01-29 | 2024-02-03 | 1 | 2 | 0.5
  year | 2024-02-04 | 2025-02-01 | 1 | 1 | 1

ask names of the quarters
  | select period_name, period_end from mart.dim_period
  | where period_grain = 'quarter' and period_start in (date '2023-10-29', date '2024-02-04') order by 2
  FY24Q4 | 2024-02-03
  FY25Q1 | 2024-05-04
