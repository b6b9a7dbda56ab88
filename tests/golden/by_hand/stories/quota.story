# Quotas: who joined, moved or left in the quarter, shared credit, overlays, another currency. The
# quarter FY27Q1 is 2026-02-01 to 2026-04-30; its months have 20, 22 and 22 working days.
systems salesforce
business
  company_name: Byhand
  fiscal_year: {starts: february}

stage Proposal open 0.50 best_case
stage Won won 1 closed
stage Lost lost 0 omitted

team Blue region North
team Red region South
rate EUR 2020-01-01 0.80

rep Ann team Blue
# Joined on Monday 16 March: 12 of the month's 22 working days.
rep Ben team Blue from 2026-03-16
# Ten working days of March in Blue, twelve in Red. The first night saw him in Blue.
rep Cid team Blue
  2026-03-16 team Red
# Left on 15 April: 11 of 22 working days.
rep Dot team Red to 2026-04-15
rep Eve team Red
# Has no quota.
rep Fay team Red
# Helps with the deals of others.
rep Olaf team Red
# Leads Blue, whose quota is entered as hers.
rep Mia team Blue manages Blue

quota Ann 2026-02 1000
quota Ann 2026-03 1000
quota Ann 2026-04 1000
quota Ben 2026-03 1100
quota Ben 2026-04 1100
quota Cid 2026-02 1100
quota Cid 2026-03 1100
quota Cid 2026-04 1100
quota Dot 2026-02 1100
quota Dot 2026-03 1100
quota Dot 2026-04 1100
quota Eve 2026-02 880 EUR
quota Eve 2026-03 880 EUR
quota Eve 2026-04 880 EUR
quota Olaf 2026-02 500
quota Olaf 2026-03 500
quota Olaf 2026-04 500
quota Mia 2026-02 5000
quota Mia 2026-03 5000
quota Mia 2026-04 5000

# 60 % Ann's, 40 % Ben's.
deal A1 owner Ann stage Proposal amount 2000 close 2026-03-20 created 2026-02-02
  split Ann 0.6 Ben 0.4
  2026-03-20 stage Won
# Olaf gets half of it on top.
deal A2 owner Ann stage Proposal amount 1800 close 2026-04-20 created 2026-02-02
  overlay Olaf 0.5
  2026-04-20 stage Won
# In January: a cent that cannot be halved.
deal A3 owner Ann stage Proposal amount 100.01 close 2026-01-20 created 2026-01-02
  split Ann 0.5 Ben 0.5
  2026-01-20 stage Won
deal B1 owner Ben stage Proposal amount 680 close 2026-04-20 created 2026-03-16
  2026-04-20 stage Won
deal C1 owner Cid stage Proposal amount 1000 close 2026-03-05 created 2026-02-02
  2026-03-05 stage Won
deal C2 owner Cid stage Proposal amount 900 close 2026-04-10 created 2026-02-02
  2026-04-10 stage Won
deal D1 owner Dot stage Proposal amount 2750 close 2026-02-20 created 2026-02-02
  2026-02-20 stage Won
deal F1 owner Fay stage Proposal amount 300 close 2026-02-20 created 2026-02-02
  2026-02-20 stage Won
deal E1 owner Eve stage Proposal amount 300 close 2026-02-20 created 2026-02-02
  2026-02-20 stage Lost

night 2026-03-01
night 2026-04-30

ask attainment of reps, prorated
  | select scope_name, numerator, denominator, value from kpi.quota_achievement
  | where metric = 'quota_attainment' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope = 'rep' and scope_name <> 'Mia' order by scope_name
  # 60 % of 2000 + 1800
  Ann | 3000 | 3000 | 1
  # 40 % of 2000 + 680 = 1480; 1100 × 12 / 22 + 1100 = 1700
  Ben | 1480 | 1700 | 0.870588
  # 1000 + 900; three months whole, whichever the team
  Cid | 1900 | 3300 | 0.575758
  # 1100 + 1100 + 1100 × 11 / 22
  Dot | 2750 | 2750 | 1
  # 880 / 0.80 = 1100 a month, and nothing won: a measured zero
  Eve | 0 | 3300 | 0
  # bookings and no quota
  Fay | 300 | ∅ | ∅
  # half of 1800
  Olaf | 900 | 1500 | 0.6

ask attainment of reps by the quota as it was entered
  | select scope_name, numerator, denominator, value from kpi.quota_achievement
  | where metric = 'quota_attainment_unprorated' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope = 'rep' and scope_name in ('Ann', 'Ben', 'Dot') order by scope_name
  Ann | 3000 | 3000 | 1
  Ben | 1480 | 2200 | 0.672727
  Dot | 2750 | 3300 | 0.833333

ask of the reps with a quota, who met it
  | select scope_name, numerator, denominator, value from kpi.quota_achievement
  | where metric = 'quota_achievement_rate' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope = 'company'
  # Ann and Dot, of Ann Ben Cid Dot Eve Olaf; Mia's is her team's, Fay has none
  Byhand | 2 | 6 | 0.333333

ask the team with a quota of its own
  | select scope_name, numerator, denominator, value from kpi.quota_achievement
  | where metric = 'quota_attainment' and period_grain = 'quarter' and period_start = date '2026-02-01'
  | and scope = 'team' and scope_name = 'Blue'
  # Ann 3000, Ben 1480, Cid's 1000 of the time when he was in Blue; Mia's 3 × 5000
  Blue | 5480 | 15000 | 0.365333

ask shares add up to the amount
  | select rep_name, amount_reporting from mart.fct_booking
  | inner join mart.dim_rep_tenure on fct_booking.rep_key = dim_rep_tenure.rep_key
  | where closed_date = date '2026-01-20' order by rep_name
  # 50.005 is rounded up, and the last one gets what is left
  Ann | 50.01
  Ben | 50

ask where Cid's quota of March counts
  | select team_name, working_days_held, working_days, prorated_amount from mart.fct_quota
  | inner join mart.dim_rep_tenure on fct_quota.rep_key = dim_rep_tenure.rep_key
  | where rep_name = 'Cid' and month_start = date '2026-03-01' order by team_name
  # 1100 × 10 / 22
  Blue | 10 | 22 | 500
  Red | 12 | 22 | 600
