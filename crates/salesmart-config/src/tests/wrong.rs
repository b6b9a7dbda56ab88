//! Wrong configurations, the words in which they fail, and that none of them panics.

use proptest::prelude::*;
use salesmart_core::yaml;

use super::{business, pipeline, refused};
use crate::business::Business;
use crate::pipeline::Pipeline;

#[test]
fn all_problems_of_all_files_are_reported_at_once() {
    insta::assert_snapshot!(refused(&[
        ("config/business.yml", "company: Nimbus\ntime_zone: Berlin\n"),
        ("config/lake.yml", "uri: ./lake\n"),
        ("config/busines.yml", "x: 1\n"),
        ("config/targets.yml", "x: 1\n"),
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
      expected: `business`, `lake`
      hint: rename it to `config/business.yml`
    `company` is not a known key
      at: config/business.yml:1:1
      expected: `company_name`, `reporting_currency`, `time_zone`, `fiscal_year`, `stale_after_days`
    `Berlin` is not a time zone
      at: config/business.yml:2:12
      expected: a name of the IANA time zone database, such as `Europe/Berlin`
      hint: did you mean `Europe/Berlin`?
    `uri` is not a known key
      at: config/lake.yml:1:1
      expected: `url`
      hint: did you mean `url`?
    nothing reads `config/targets.yml`
      at: config/targets.yml
      expected: `business`, `lake`
      hint: move it out of `config/`
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
      expected: `on_partial`
    `on_partial` cannot be `true`
      at: pipelines/crm.yml:2:23
      expected: `release`, `hold`
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
    ");
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
            [Pipeline::decode("x", &node).map(|_| ()), Business::decode(&node).map(|_| ())]
        });
        for error in outcomes.into_iter().flatten().filter_map(Result::err) {
            prop_assert!(error.iter().all(|error| error.location().is_some_and(|at| at.line > 0)), "{error:#}");
        }
    }
}
