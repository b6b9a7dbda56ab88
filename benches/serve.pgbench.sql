-- One transaction: one question of a dashboard, chosen by chance.
\set question random(1, 5)
\if :question = 1
select period_start, value from kpi.win_rate where metric = 'win_rate_count' and period_grain = 'quarter' and scope = 'company' order by period_start;
\elif :question = 2
select scope_name, value, numerator, denominator from kpi.win_rate where metric = 'win_rate_value' and period_grain = 'quarter' and scope = 'team' order by period_start desc, scope_name limit 20;
\elif :question = 3
select scope, count(*) as figures, sum(n) as deals from kpi.win_rate where period_grain = 'month' group by scope order by scope;
\elif :question = 4
select metric, max(period_end) as latest, sum(n) as deals from kpi.metric_value where period_grain = 'quarter' and scope = 'region' group by metric order by metric;
\else
select period_start, scope_name, value from kpi.metric_value where metric = 'sales_cycle_mean' and scope = 'rep' and period_grain = 'quarter' order by period_start desc, scope_name limit 50;
\endif
