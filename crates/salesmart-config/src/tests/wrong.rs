//! Wrong configurations, the words in which they fail, and that none of them panics.

use proptest::prelude::*;
use salesmart_core::yaml;

use super::{business, pipeline, refused};
use crate::business::Business;
use crate::pipeline::Pipeline;
use crate::targets;

#[test]
fn all_problems_of_all_files_are_reported_at_once() {
    insta::assert_snapshot!(refused(&[
        ("config/business.yml", "company: Nimbus\ntime_zone: Berlin\n"),
        ("config/lake.yml", "uri: ./lake\n"),
        ("config/busines.yml", "x: 1\n"),
        ("config/quotas.yml", "x: 1\n"),
        ("config/targets.yml", "metric: win_rate_count\n"),
        ("pipelines/a.yml", "extract: [\n"),
        ("pipelines/b.yml", "extrct: {}\nland: {max_rejected: 5}\n"),
        ("pipelines/Bad Name.yml", "extract: {}\n"),
        ("pipelines/same.yml", "extract: {crm: {connector: files}}"),
        ("pipelines/same.yaml", "extract: {crm: {connector: files}}"),
    ]), @"
    `Bad Name` is not a usable pipeline name
      at: pipelines/Bad Name.yml
      expected: lower-case letters, digits, `-` and `_`, a letter first
      hint: rename the file: its name is the pipeline's name
    failed to read YAML: unclosed bracket '['
      at: pipelines/a.yml:1:10
      hint: close every `{` and `[`; inside them, put a text that holds `{`, `}`, `[`, `]` or `,` in quotes
    `extrct` is not a known key
      at: pipelines/b.yml:1:1
      expected: `description`, `extract`, `land`, `model`, `publish`
      hint: did you mean `extract`?
    `pipelines/same.yaml` and `pipelines/same.yml` are the same by name
      at: pipelines/same.yml
      hint: keep one of the two
    nothing reads `config/busines.yml`
      at: config/busines.yml
      expected: `business`, `lake`, `serve`, `targets`
      hint: rename it to `config/business.yml`
    `company` is not a known key
      at: config/business.yml:1:1
      expected: `company_name`, `reporting_currency`, `time_zone`, `fiscal_year`, `stale_after_days`, `holidays`, `forecast`
    `Berlin` is not a time zone
      at: config/business.yml:2:12
      expected: a name of the IANA time zone database, such as `Europe/Berlin`
      hint: did you mean `Europe/Berlin`?
    `uri` is not a known key
      at: config/lake.yml:1:1
      expected: `url`
      hint: did you mean `url`?
    nothing reads `config/quotas.yml`
      at: config/quotas.yml
      expected: `business`, `lake`, `serve`, `targets`
      hint: move it out of `config/`
    targets are a list
      at: config/targets.yml:1:1
      expected: entries such as `- {metric: win_rate_count, period: FY26Q3, value: 0.35}`
      hint: begin each target with `- `
    ");
}

#[test]
fn a_wrong_pipeline_says_where_and_what_to_do() {
    let mut all = String::new();
    for text in [
        // Unknown key.
        "extract:\n  crm:\n    conector: files\n    with: {}\n",
        // Wrong type.
        "extract:\n  crm: files\n",
        "extract:\n  - crm\n",
        "extract: {crm: {connector: files}}\nmodel: {select: kpi.win_rate}\n",
        // Missing key.
        "description: nothing to do\n",
        "extract: {crm: {with: {}}}\n",
        "extract: {}\n",
        // Duplicate key.
        "extract:\n  crm: {connector: files}\n  crm: {connector: files}\n",
        // Bad indentation.
        "extract:\n  crm:\n    connector: files\n   with: {}\n",
        // Bad values.
        "extract: {CRM Export: {connector: files}}\n",
        "extract: {crm: {connector: My-CRM}}\n",
        "extract: {crm: {connector: files, system: 2nd}}\n",
        "extract: {crm: {connector: files}}\nland: {max_rejected: a tenth}\n",
        "extract: {crm: {connector: files}}\nland: {max_rejected: 0.01}\n",
        "extract: {crm: {connector: files}}\nland: {max_rejected: 101%}\n",
        "extract: {crm: {connector: files}}\nmodel: {as_of: 2017-12-31}\n",
        "extract: {crm: {connector: files}}\nmodel: {as_of: today}\n",
        "extract: {crm: {connector: files}}\nland: {on_retyped: widened}\n",
        "extract: {crm: {connector: files}}\nland: {on_retypd: widen}\n",
        "extract: {crm: {connector: files}}\npublish: {target: s3}\n",
        "extract: {crm: {connector: files}}\npublish: {on_partial: true}\n",
        "extract: {crm: {connector: files}}\npublish: {on_partiel: hold, DWH: {targt: s3}}\n",
        "extract: {crm: {connector: files}}\npublish: [postgres]\n",
        // Two documents.
        "extract: {crm: {connector: files}}\n---\nextract: {crm: {connector: files}}\n",
    ] {
        all.push_str(&pipeline(text));
        all.push('\n');
    }
    insta::assert_snapshot!(all, @"
    `conector` is not a known key
      at: pipelines/crm.yml:3:5
      expected: `connector`, `system`, `with`
      hint: did you mean `connector`?
    `crm` cannot be `files`
      at: pipelines/crm.yml:2:8
      expected: a mapping with the keys `connector`, `system`, `with`
    `extract` cannot be a list
      at: pipelines/crm.yml:2:3
      expected: a mapping
    `select` cannot be `kpi.win_rate`
      at: pipelines/crm.yml:2:17
      expected: a list
      hint: write `[kpi.win_rate]`
    the key `extract` is missing
      at: pipelines/crm.yml:1:1
      hint: add `extract: …`
    `crm` lacks the key `connector`
      at: pipelines/crm.yml:1:16
      hint: add `connector: …`
    `extract` names no connection
      at: pipelines/crm.yml:1:10
      hint: add one, such as `crm_export: {connector: files, with: {…}}`
    the key `crm` is written twice
      at: pipelines/crm.yml:3:3
      first: line 2
      hint: keep one of the two
    failed to read YAML: while parsing a block mapping, did not find expected key
      at: pipelines/crm.yml:4:4
      hint: look at the indentation here and just above: the keys of one mapping begin in one column, and each has a `:` with a space behind it
    `CRM Export` is not a usable connection name
      at: pipelines/crm.yml:1:11
      expected: lower-case letters, digits and `_`, a letter first, at most 63 characters
      hint: `crm_export` would do
    `My-CRM` is not a usable system name
      at: pipelines/crm.yml:1:28
      expected: lower-case letters, digits and `_`, a letter first, at most 63 characters
      hint: name the system: `system: …`
    `2nd` is not a usable system name
      at: pipelines/crm.yml:1:43
      expected: lower-case letters, digits and `_`, a letter first, at most 63 characters
      hint: `nd` would do
    `a tenth` is neither a share nor a number of rows
      at: pipelines/crm.yml:2:22
      expected: a share such as `0.1%` (at most `100%`), or a number of rows such as `12`
    `0.01` is neither a share nor a number of rows
      at: pipelines/crm.yml:2:22
      expected: a share such as `0.1%` (at most `100%`), or a number of rows such as `12`
      hint: `0.01%` would be a share
    `101%` is neither a share nor a number of rows
      at: pipelines/crm.yml:2:22
      expected: a share such as `0.1%` (at most `100%`), or a number of rows such as `12`
    `2017-12-31` is not an instant
      at: pipelines/crm.yml:2:16
      expected: date, time and zone, such as `2017-12-31T23:59:59Z`
      hint: the end of that day in UTC is `2017-12-31T23:59:59Z`
    `today` is not an instant
      at: pipelines/crm.yml:2:16
      expected: date, time and zone, such as `2017-12-31T23:59:59Z`
    `on_retyped` cannot be `widened`
      at: pipelines/crm.yml:2:20
      expected: `stop`, `widen`, `quarantine`
      hint: did you mean `widen`?
    `on_retypd` is not a known key
      at: pipelines/crm.yml:2:8
      expected: `max_rejected`, `on_retyped`
      hint: did you mean `on_retyped`?
    `target` is not a known key
      at: pipelines/crm.yml:2:11
      expected: `on_partial`, or targets such as `warehouse: {target: postgres, with: {…}}`
    `on_partial` cannot be `true`
      at: pipelines/crm.yml:2:23
      expected: `release`, `hold`
    `on_partiel` is not a known key
      at: pipelines/crm.yml:2:11
      expected: `on_partial`, or targets such as `warehouse: {target: postgres, with: {…}}`
      hint: did you mean `on_partial`?
    `DWH` is not a usable target name
      at: pipelines/crm.yml:2:29
      expected: lower-case letters, digits and `_`, a letter first, at most 63 characters
      hint: `dwh` would do
    `targt` is not a known key
      at: pipelines/crm.yml:2:35
      expected: `target`, `with`
      hint: did you mean `target`?
    `publish` is not a mapping
      at: pipelines/crm.yml:2:10
      expected: `on_partial`, or targets such as `warehouse: {target: postgres, with: {…}}`
    a second YAML document begins here
      at: pipelines/crm.yml:2:1
      expected: one document a file
      hint: remove the line `---`, or move what follows into a file of its own
    ");
}

#[test]
fn a_wrong_business_says_where_and_what_to_do() {
    let mut all = String::new();
    for text in [
        "time_zone: Europe/Berln",
        "time_zone: berlin",
        "time_zone: Mars/Olympus",
        "time_zone: ''",
        "reporting_currency: eur",
        "reporting_currency: Euro",
        "stale_after_days: 0",
        "stale_after_days: two weeks",
        "fiscal_year: {starts: febuary}",
        "fiscal_year: {starts: 13}",
        "fiscal_year: {pattern: 4-4-4}",
        "fiscal_year: {week_starts: mondy}",
        "fiscal_year: {ends_on: saturday}",
        "fiscal_year: {pattern: calendar, rule: last}",
        "fiscal_year: {pattern: 4-4-5, ends_on: saturday, week_starts: monday}",
        "fiscal_year: february",
        "time_zone: ${ZONE}",
        "holidays: 2026-12-25",
        "holidays: [2026-12-25, christmas, 2026-02-30, 2026-1-5]",
        "holidays: [2026-12-25, {date: 2026-12-25, name: Christmas}]",
        "holidays: [{day: 2026-12-25}]",
        "forecast: {open_periods: 0}",
        "forecast: {open_periods: 9, books_close_days: 400}",
        "forecast: {books_close_days: -1}",
        "forecast: {checkpoints: []}",
        "forecast: {checkpoints: [30, 7, 30]}",
        "forecast: {checkpoints: [2000]}",
        "forecast: {check_points: [30]}",
        "forecast: 2",
    ] {
        all.push_str(&business(text).unwrap_err());
        all.push('\n');
    }
    insta::assert_snapshot!(all, @"
    `Europe/Berln` is not a time zone
      at: config/business.yml:1:12
      expected: a name of the IANA time zone database, such as `Europe/Berlin`
      hint: did you mean `Europe/Berlin`?
    `berlin` is not a time zone
      at: config/business.yml:1:12
      expected: a name of the IANA time zone database, such as `Europe/Berlin`
      hint: did you mean `Europe/Berlin`?
    `Mars/Olympus` is not a time zone
      at: config/business.yml:1:12
      expected: a name of the IANA time zone database, such as `Europe/Berlin`
    `` is not a time zone
      at: config/business.yml:1:12
      expected: a name of the IANA time zone database, such as `Europe/Berlin`
    `eur` is not a currency
      at: config/business.yml:1:21
      expected: an ISO 4217 code of three capitals, such as `EUR`
      hint: write `EUR`
    `Euro` is not a currency
      at: config/business.yml:1:21
      expected: an ISO 4217 code of three capitals, such as `EUR`
    `stale_after_days` cannot be `0`
      at: config/business.yml:1:19
      expected: at least 1 day
    `stale_after_days` cannot be `two weeks`
      at: config/business.yml:1:19
      expected: a whole number from 0 to 4294967295
    `febuary` is not a month
      at: config/business.yml:1:23
      expected: a name such as `february`, or a number from 1 to 12
      hint: did you mean `february`?
    `13` is not a month
      at: config/business.yml:1:23
      expected: a name such as `february`, or a number from 1 to 12
    `pattern` cannot be `4-4-4`
      at: config/business.yml:1:24
      expected: `calendar`, `4-4-5`, `4-5-4`, `5-4-4`
      hint: did you mean `4-4-5`?
    `mondy` is not a weekday
      at: config/business.yml:1:28
      expected: a name such as `monday`
      hint: did you mean `monday`?
    `ends_on` has no meaning in a year of calendar months
      at: config/business.yml:1:24
      hint: remove it, or set `pattern` to `4-4-5`, `4-5-4` or `5-4-4`
    `rule` has no meaning in a year of calendar months
      at: config/business.yml:1:40
      hint: remove it, or set `pattern` to `4-4-5`, `4-5-4` or `5-4-4`
    `ends_on` and `week_starts` contradict each other
      at: config/business.yml:1:40
      expected: a year of whole weeks, which ends on the day before a week starts
      hint: give one of the two; the other follows
    `fiscal_year` cannot be `february`
      at: config/business.yml:1:14
      expected: a mapping with the keys `starts`, `pattern`, `ends_on`, `rule`, `week_starts`
    the variable `ZONE` is not set
      at: config/business.yml:1:12
      hint: set `ZONE` in the environment, pass `--set ZONE=…`, or write a default: `${ZONE:-…}`
    `holidays` cannot be `2026-12-25`
      at: config/business.yml:1:11
      expected: a list
      hint: write `[2026-12-25]`
    `christmas` is not a date
      at: config/business.yml:1:24
      expected: year, month and day, such as `2026-12-25`
    `2026-02-30` is not a date
      at: config/business.yml:1:35
      expected: year, month and day, such as `2026-12-25`
    `2026-1-5` is not a date
      at: config/business.yml:1:47
      expected: year, month and day, such as `2026-12-25`
    the holiday 2026-12-25 is written twice
      at: config/business.yml:1:31
      first: config/business.yml:1:12
      hint: keep one of the two
    the key `date` is missing
      at: config/business.yml:1:12
      hint: add `date: …`
    `day` is not a known key
      at: config/business.yml:1:13
      expected: `date`, `name`
    `open_periods` cannot be `0`
      at: config/business.yml:1:26
      expected: 1 to 8
    `open_periods` cannot be `9`
      at: config/business.yml:1:26
      expected: 1 to 8
    `books_close_days` cannot be `400`
      at: config/business.yml:1:47
      expected: 0 to 366
    `books_close_days` cannot be `-1`
      at: config/business.yml:1:30
      expected: a whole number from 0 to 4294967295
    `checkpoints` is empty
      at: config/business.yml:1:25
      expected: at least one number of days, such as `[30, 7]`
      hint: leave the key out for the default
    the checkpoint 30 is written twice
      at: config/business.yml:1:33
    `checkpoints` cannot be `2000`
      at: config/business.yml:1:26
      expected: 0 to 1000
    `check_points` is not a known key
      at: config/business.yml:1:12
      expected: `open_periods`, `books_close_days`, `checkpoints`
      hint: did you mean `checkpoints`?
    `forecast` cannot be `2`
      at: config/business.yml:1:11
      expected: a mapping with the keys `open_periods`, `books_close_days`, `checkpoints`
    ");
}

#[test]
fn a_wrong_target_says_where_and_what_to_do() {
    let mut all = String::new();
    for text in [
        "{metric: win_rate_count, period: FY26Q3, value: 0.35}",
        "- win_rate_count",
        "- {metrc: win_rate_count, period: FY26Q3, value: 0.35}",
        "- {period: FY26Q3, value: 0.35}",
        "- {metric: win_rate_count, value: 0.35}",
        "- {metric: win_rate_count}",
        "- {metric: win_rate_count, period: FY26Q3}",
        "- {metric: win_rate_count, period: FY26Q3, values: {FY26Q3: 1}}",
        "- {metric: win_rate_count, values: {}}",
        "- {metric: win_rate_count, period: FY26, value: 35%}",
        "- {metric: win_rate_count, period: FY26, value: 33.333333%}",
        "- {metric: win_rate_count, period: FY26, value: '1,200,000'}",
        "- {metric: win_rate_count, period: FY26, value: 0.1234567}",
        "- {metric: win_rate_count, period: FY26, value: much}",
        "- {metric: win_rate_count, period: FY26, value: 1e6}",
        "- {metric: win_rate_count, scope: teams, id: a, period: FY26, value: 1}",
        "- {metric: win_rate_count, scope: team, period: FY26, value: 1}",
        "- {metric: win_rate_count, id: a, period: FY26, value: 1}",
        "- {metric: win_rate_count, scope: company, id: a, period: FY26, value: 1}",
        "- {metric: win_rate_count, period: {quarter: 2026-08}, value: 1}",
        "- {metric: win_rate_count, period: {week: 2026-08-03}, value: 1}",
        "- {metric: win_rate_count, period: {month: 2026-08-01, year: 2026-08-01}, value: 1}",
        "- {metric: a, period: FY26, value: x}\n- {metric: b, period: FY26}",
    ] {
        all.push_str(&refused(&[("config/targets.yml", text)]));
        all.push('\n');
    }
    insta::assert_snapshot!(all, @r#"
    targets are a list
      at: config/targets.yml:1:1
      expected: entries such as `- {metric: win_rate_count, period: FY26Q3, value: 0.35}`
      hint: begin each target with `- `
    `win_rate_count` does not fit here
      at: config/targets.yml:1:3
      expected: a mapping with the keys `metric`, `scope`, `id`, `period`, `value`, `values`, `note`
    `metrc` is not a known key
      at: config/targets.yml:1:4
      expected: `metric`, `scope`, `id`, `period`, `value`, `values`, `note`
      hint: did you mean `metric`?
    the key `metric` is missing
      at: config/targets.yml:1:3
      hint: add `metric: …`
    the target has no period
      at: config/targets.yml:1:3
      hint: add `period: FY26Q3`, or `values: {FY26Q3: …}`
    the target has no period
      at: config/targets.yml:1:3
      hint: add `period: FY26Q3`, or `values: {FY26Q3: …}`
    the target has no value
      at: config/targets.yml:1:36
      hint: add `value: …`
    `values` stands beside `period` or `value`
      at: config/targets.yml:1:52
      expected: either `period` and `value`, or `values`
    `values` names no period
      at: config/targets.yml:1:36
      expected: periods and values, such as `{FY26Q1: 100000, FY26Q2: 120000}`
    `35%` is not a number
      at: config/targets.yml:1:49
      expected: digits with at most six behind a point, such as `0.35` or `1200000`
      hint: shares are fractions: write `0.35`
    `33.333333%` is not a number
      at: config/targets.yml:1:49
      expected: digits with at most six behind a point, such as `0.35` or `1200000`
      hint: shares are fractions: 35 % is `0.35`
    `1,200,000` is not a number
      at: config/targets.yml:1:49
      expected: digits with at most six behind a point, such as `0.35` or `1200000`
      hint: write `1200000`
    `0.1234567` is not a number
      at: config/targets.yml:1:49
      expected: digits with at most six behind a point, such as `0.35` or `1200000`
    `much` is not a number
      at: config/targets.yml:1:49
      expected: digits with at most six behind a point, such as `0.35` or `1200000`
    `1e6` is not a number
      at: config/targets.yml:1:49
      expected: digits with at most six behind a point, such as `0.35` or `1200000`
    `scope` cannot be `teams`
      at: config/targets.yml:1:35
      expected: `company`, `region`, `team`, `rep`
      hint: did you mean `team`?
    the target names no team
      at: config/targets.yml:1:35
      hint: add `id: …`; `salesmart query "select scope_id, scope_name from mart.dim_scope where scope = 'team'"` lists them
    the target has an id and no scope
      at: config/targets.yml:1:32
      hint: add `scope: region`, `scope: team` or `scope: rep`
    the company has no id
      at: config/targets.yml:1:48
      hint: remove `id`, or set `scope` to `region`, `team` or `rep`
    `2026-08` is not a date
      at: config/targets.yml:1:46
      expected: year, month and day, such as `2026-12-25`
    `week` is not a known key
      at: config/targets.yml:1:37
      expected: `month`, `quarter`, `year`
    a period has one beginning
      at: config/targets.yml:1:36
      expected: one of `{month: …}`, `{quarter: …}`, `{year: …}`, with its first day
    `x` is not a number
      at: config/targets.yml:1:36
      expected: digits with at most six behind a point, such as `0.35` or `1200000`
    the target has no value
      at: config/targets.yml:2:23
      hint: add `value: …`
    "#);
}

/// Files made of the words and marks of real ones.
fn files() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "extract",
        "crm",
        "connector",
        "files",
        "system",
        "with",
        "land",
        "max_rejected",
        "0.1%",
        "model",
        "as_of",
        "2017-12-31T23:59:59Z",
        "select",
        "publish",
        "company_name",
        "time_zone",
        "Europe/Berlin",
        "fiscal_year",
        "starts",
        "february",
        "pattern",
        "4-4-5",
        "ends_on",
        "rule",
        "last",
        "week_starts",
        "monday",
        "reporting_currency",
        "EUR",
        "stale_after_days",
        "14",
        "holidays",
        "2026-12-25",
        "forecast",
        "checkpoints",
        "metric",
        "win_rate_count",
        "scope",
        "team",
        "id",
        "period",
        "FY26Q3",
        "quarter",
        "value",
        "values",
        "0.35",
        "99999999999999999999",
        "-1",
        "~",
        "é",
        "''",
    ]);
    let mark = prop::sample::select(vec![
        ": ", ":\n  ", ":\n    ", "\n", ", ", ": {", "}", ": [", "]", "\n- ",
    ]);
    prop::collection::vec((word, mark), 0..12)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, mark)| [word, mark]).collect())
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused_with_a_place(text in files()) {
        let outcomes = yaml::parse("x.yml", &text, 1).map(|node| {
            [
                Pipeline::decode("x", &node).map(|_| ()),
                Business::decode(&node).map(|_| ()),
                targets::decode(&node).map(|_| ()),
            ]
        });
        for error in outcomes.into_iter().flatten().filter_map(Result::err) {
            prop_assert!(error.iter().all(|error| error.location().is_some_and(|at| at.line > 0)), "{error:#}");
        }
    }
}
