//! Tests of whole project folders.

use std::ffi::OsString;
use std::path::Path;

use chrono::Weekday;
use salesmart_core::stream::OnRetyped;
use salesmart_core::yaml::Value;
use salesmart_core::{Error, Threshold};

use crate::business::{Pattern, YearEnd};
use crate::forecast::Forecast;
use crate::pipeline::OnPartial;
use crate::{Business, Project, Variables, schema};

mod wrong;

/// A project folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
    Variables::new(&[], environment).unwrap()
}

fn load(files: &[(&str, &str)]) -> Result<Project, Error> {
    Project::load(folder(files).path(), &Variables::default())
}

/// The error and those beside it, with all they know.
fn told(error: &Error) -> String {
    format!("{error:#}").replace('\u{1e}', "")
}

fn refused(files: &[(&str, &str)]) -> String {
    match load(files) {
        Ok(_) => panic!("accepted: {files:?}"),
        Err(error) => told(&error),
    }
}

fn pipeline(text: &str) -> String {
    refused(&[("pipelines/crm.yml", text)])
}

fn business(text: &str) -> Result<Business, String> {
    load(&[("config/business.yml", text)])
        .map(|project| project.business().clone())
        .map_err(|error| told(&error))
}

const CRM: &str = "\
description: What the CRM exports.
extract:
  crm_export:
    connector: files
    with:
      location: ${CRM_EXPORT_DIR:-data/crm-export}
      streams:
        accounts: {path: accounts.csv, key: [account]}
  sfdc:
    connector: salesforce
  second:
    connector: salesforce
    system: sandbox
land:
  max_rejected: 0.1%
  on_retyped: widen
model:
  as_of: 2017-12-31T23:59:59+01:00
  select: [\"tag:crm\", +kpi.win_rate]
publish:
  on_partial: hold
";

#[test]
fn a_project_is_read_with_its_places() {
    let project = load(&[("pipelines/crm.yml", CRM), ("pipelines/.crm.yml.swp.yml", "{")]).unwrap();
    assert_eq!(project.pipeline_names().collect::<Vec<_>>(), ["crm"]);
    let crm = project.pipeline("crm").unwrap();
    assert_eq!(crm.description, "What the CRM exports.");
    let connections: Vec<String> = crm
        .extract
        .iter()
        .map(|c| {
            format!("{} {} {} {}", c.name.value, c.connector.value, c.system.value, c.name.location)
        })
        .collect();
    assert_eq!(
        connections,
        [
            "crm_export files crm_export pipelines/crm.yml:3:3",
            "sfdc salesforce salesforce pipelines/crm.yml:9:3",
            "second salesforce sandbox pipelines/crm.yml:11:3",
        ],
        "in the order of the file"
    );
    let with = &crm.extract[0].with;
    assert_eq!(with.get("location").unwrap().as_text(), Some("data/crm-export"));
    assert_eq!(with.location.to_string(), "pipelines/crm.yml:6:7");
    assert_eq!(crm.extract[1].with.value, Value::Null);
    assert_eq!(crm.land.max_rejected(), Threshold::Share(0.001));
    assert_eq!(crm.land.on_retyped, OnRetyped::Widen);
    assert_eq!(crm.publish.on_partial, OnPartial::Hold);
    assert_eq!(crm.model.as_of.unwrap().value.to_rfc3339(), "2017-12-31T22:59:59+00:00");
    assert_eq!(crm.model.select[1].value, "+kpi.win_rate");
    assert_eq!(crm.model.select[1].location.to_string(), "pipelines/crm.yml:19:23");
}

#[test]
fn what_is_missing_has_its_default() {
    let root = folder(&[("pipelines/crm.yml", "extract: {crm: {connector: files}}")]);
    let project = Project::load(root.path(), &Variables::default()).unwrap();
    assert_eq!(project.business(), &Business::default());
    assert_eq!(project.business().stale_after_days, 14);
    assert_eq!(Path::new(&project.lake_url(None).unwrap()), root.path().join("lake"));
    assert_eq!(project.lake_url(Some("s3://bucket/lake")).unwrap(), "s3://bucket/lake");
    let crm = project.pipeline("crm").unwrap();
    assert_eq!(crm.land.max_rejected(), Threshold::Rows(0));
    assert_eq!(crm.land.on_retyped, OnRetyped::Stop);
    assert_eq!(crm.publish.on_partial, OnPartial::Release);
    assert_eq!((crm.model.as_of, crm.model.select.len()), (None, 0));
}

#[test]
fn the_lake_is_where_its_file_says() {
    let root = folder(&[("config/lake.yml", "url: ${LAKE}")]);
    let lake = |value: &str| {
        Project::load(root.path(), &variables(&[("LAKE", value)])).unwrap().lake_url(None).unwrap()
    };
    assert_eq!(Path::new(&lake("./store/lake")), root.path().join("store/lake"));
    for url in ["/var/lake", "s3://bucket/lake", "memory:"] {
        assert_eq!(lake(url), url);
    }
    let project = Project::load(root.path(), &Variables::default()).unwrap();
    assert_eq!(project.lake_url(Some("elsewhere")).unwrap(), "elsewhere");
    insta::assert_snapshot!(told(&project.lake_url(None).unwrap_err()), @"
    the variable `LAKE` is not set
      at: config/lake.yml:1:6
      hint: set `LAKE` in the environment, pass `--set LAKE=…`, or write a default: `${LAKE:-…}`
    ");
}

#[test]
fn a_missing_variable_is_a_problem_of_its_pipeline_only() {
    let project = load(&[
        ("pipelines/one.yml", "extract: {crm: {connector: files, with: {location: data}}}"),
        (
            "pipelines/two.yml",
            "extract:\n  crm:\n    connector: files\n    with: {location: '${EXPORT_DIR}'}\n",
        ),
    ])
    .unwrap();
    assert!(project.pipeline("one").is_ok());
    insta::assert_snapshot!(told(&project.pipeline("two").unwrap_err()), @"
    the variable `EXPORT_DIR` is not set
      at: pipelines/two.yml:4:22
      hint: set `EXPORT_DIR` in the environment, pass `--set EXPORT_DIR=…`, or write a default: `${EXPORT_DIR:-…}`
    ");
    insta::assert_snapshot!(told(&project.pipelines().unwrap_err()), @"
    the variable `EXPORT_DIR` is not set
      at: pipelines/two.yml:4:22
      hint: set `EXPORT_DIR` in the environment, pass `--set EXPORT_DIR=…`, or write a default: `${EXPORT_DIR:-…}`
    ");
}

#[test]
fn an_unknown_pipeline_is_answered_with_the_known_ones() {
    let one = "extract: {crm: {connector: files}}";
    let project = load(&[("pipelines/crm-sales.yml", one), ("pipelines/calls.yaml", one)]).unwrap();
    insta::assert_snapshot!(told(&project.pipeline("crm_sale").unwrap_err()), @"
    there is no pipeline `crm_sale`
      expected: `calls`, `crm-sales`
      hint: did you mean `crm-sales`?
    ");
    insta::assert_snapshot!(told(&project.pipeline("pipelines/calls.yml").unwrap_err()), @"
    there is no pipeline `pipelines/calls.yml`
      expected: `calls`, `crm-sales`
      hint: did you mean `calls`?
    ");
    insta::assert_snapshot!(told(&load(&[]).unwrap().pipeline("crm").unwrap_err()), @"
    there is no pipeline `crm`
      hint: a pipeline is a file `pipelines/<name>.yml`; `salesmart init` writes a first one
    ");
}

#[test]
fn a_business_is_read() {
    let read = business(
        "company_name: Nimbus GmbH\nreporting_currency: EUR\ntime_zone: Europe/Berlin\nstale_after_days: 30\n\
         fiscal_year: {starts: february, pattern: 4-4-5, ends_on: saturday, rule: nearest}\n",
    )
    .unwrap();
    assert_eq!(read.company_name, "Nimbus GmbH");
    assert_eq!(read.reporting_currency, "EUR");
    assert_eq!(read.time_zone, chrono_tz::Europe::Berlin);
    assert_eq!(read.stale_after_days, 30);
    let year = read.fiscal_year;
    assert_eq!(
        (year.starts, year.pattern, year.rule),
        (2, Pattern::FourFourFive, YearEnd::Nearest)
    );
    assert_eq!(
        (year.ends_on, year.week_starts),
        (Weekday::Sat, Weekday::Sun),
        "weeks follow the year's end"
    );

    let year = business("fiscal_year: {starts: 7, week_starts: sun}").unwrap().fiscal_year;
    assert_eq!((year.starts, year.pattern, year.week_starts), (7, Pattern::Calendar, Weekday::Sun));
    let year = business("fiscal_year: {pattern: 5-4-4}").unwrap().fiscal_year;
    assert_eq!(
        (year.ends_on, year.week_starts, year.rule),
        (Weekday::Sun, Weekday::Mon, YearEnd::Last)
    );
    assert_eq!(business("# all defaults\n"), Ok(Business::default()));
}

#[test]
fn holidays_and_the_forecast_are_read() {
    let read = business(
        "holidays:\n  - {date: 2026-12-25, name: Christmas}\n  - 2026-01-01\n\
         forecast: {open_periods: 3, books_close_days: 0, checkpoints: [7, 60, 0]}\n",
    )
    .unwrap();
    let days: Vec<String> =
        read.holidays.iter().map(|day| format!("{} {}", day.date, day.name)).collect();
    assert_eq!(days, ["2026-01-01 holiday", "2026-12-25 Christmas"], "in order");
    assert_eq!((read.forecast.open_periods, read.forecast.books_close_days), (3, 0));
    assert_eq!(read.forecast.checkpoints, [60, 7, 0], "the furthest from the end first");
    let some = business("forecast: {open_periods: 1}").unwrap().forecast;
    assert_eq!(some, Forecast { open_periods: 1, ..Forecast::default() });
}

#[test]
fn targets_are_read_exactly() {
    let project = load(&[(
        "config/targets.yml",
        "- {metric: win_rate_count, scope: team, id: 'crm:Europe Enterprise', period: FY26Q3, value: 0.35, note: as agreed}\n\
         - {metric: quota_attainment, period: {quarter: 2026-08-01}, value: -1.000001}\n\
         - metric: deal_size_won_average\n  scope: company\n  values: {FY26Q1: 100000, 2026-05: 99999999999999999999999999999999.999999}\n",
    )])
    .unwrap();
    let told: Vec<String> = project
        .targets()
        .iter()
        .map(|target| {
            format!(
                "{} {} {} {:?} {} {:?} {}",
                target.metric.value,
                target.scope.as_str(),
                target.scope_id,
                target.period.value,
                target.value.0,
                target.note,
                target.period.location
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    win_rate_count team crm:Europe Enterprise Named("FY26Q3") 350000 Some("as agreed") config/targets.yml:1:78
    quota_attainment company company Begins(Quarter, 2026-08-01) -1000001 None config/targets.yml:2:48
    deal_size_won_average company company Named("FY26Q1") 100000000000 None config/targets.yml:5:12
    deal_size_won_average company company Named("2026-05") 99999999999999999999999999999999999999 None config/targets.yml:5:28
    "#);
    for nothing in ["", "# none yet\n", "[]"] {
        assert!(load(&[("config/targets.yml", nothing)]).unwrap().targets().is_empty());
    }
}

#[test]
fn variables_come_from_set_then_the_environment_then_files() {
    let root = folder(&[("secret", "  hunter-2\n"), ("empty", "\n")]);
    let file = |name: &str| format!("file:{}", root.path().join(name).display());
    let environment = [
        ("A".to_owned(), OsString::from("environment")),
        ("B".to_owned(), OsString::from("environment")),
        ("SECRET".to_owned(), OsString::from(file("secret"))),
        ("GONE".to_owned(), OsString::from(file("gone"))),
        ("VOID".to_owned(), OsString::from(file("empty"))),
        ("URL".to_owned(), OsString::from("file:///data")),
    ];
    let variables = Variables::new(&["A=set=twice".to_owned()], environment).unwrap();
    assert_eq!(variables.get("A").unwrap().as_deref(), Some("set=twice"));
    assert_eq!(variables.get("B").unwrap().as_deref(), Some("environment"));
    assert_eq!(variables.get("SECRET").unwrap().as_deref(), Some("hunter-2"));
    assert_eq!(variables.get("URL").unwrap().as_deref(), Some("file:///data"));
    assert_eq!(variables.get("C").unwrap(), None);
    for name in ["GONE", "VOID"] {
        let error =
            told(&variables.get(name).unwrap_err()).replace(&*root.path().to_string_lossy(), "…");
        assert!(error.contains(&format!("failed to read the variable `{name}`")), "{error}");
    }
    assert!(!format!("{variables:?}").contains("environment\""), "values are not shown");

    for wrong in [vec!["A"], vec!["=x"], vec!["A=1", "A=2"]] {
        let assignments: Vec<String> = wrong.iter().map(|text| (*text).to_owned()).collect();
        assert!(Variables::new(&assignments, []).is_err(), "{wrong:?}");
    }
}

#[test]
fn secrets_reach_the_connector_and_no_message() {
    let secret = "swordfish-9000";
    let root = folder(&[("token", secret)]);
    let file = root.path().join("token");
    let text = format!(
        "extract:\n  crm:\n    connector: files\n    with: {{token: 'file:{}', password: 'x${{PASSWORD}}'}}\nland:\n  max_rejected: ${{PASSWORD}}\n",
        file.display()
    );
    let wrong = folder(&[("pipelines/crm.yml", &text)]);
    let right = folder(&[("pipelines/crm.yml", text.split("land:").next().unwrap())]);
    let variables = variables(&[("PASSWORD", secret)]);

    let crm = Project::load(right.path(), &variables).unwrap().pipeline("crm").unwrap();
    assert_eq!(crm.extract[0].with.get("token").unwrap().as_text(), Some(secret));
    assert_eq!(crm.extract[0].with.get("password").unwrap().as_text(), Some("xswordfish-9000"));

    assert!(!format!("{crm:?}").contains(secret), "not even for debugging");

    let error = Project::load(wrong.path(), &variables).unwrap_err();
    assert!(!format!("{error:#}{error:?}").contains(secret), "{error:?}");
    insta::assert_snapshot!(told(&error), @"
    `${PASSWORD}` is neither a share nor a number of rows
      at: pipelines/crm.yml:6:17
      expected: a share such as `0.1%` (at most `100%`), or a number of rows such as `12`
      hint: `${PASSWORD}` is replaced by a value that does not fit: set another
    ");
}

#[test]
fn a_file_that_is_not_text_says_so() {
    let root = folder(&[]);
    std::fs::create_dir(root.path().join("pipelines")).unwrap();
    std::fs::write(root.path().join("pipelines/a.yml"), b"extract:\n  x: \xff\n").unwrap();
    let error = Project::load(root.path(), &Variables::default()).unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    `pipelines/a.yml` is not UTF-8 text
      at: pipelines/a.yml:2
      hint: save the file as UTF-8
    ");
    assert!(Project::load(&root.path().join("nowhere"), &Variables::default()).is_err());
}

#[test]
fn the_schema_names_what_the_decoder_takes() {
    let files = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"streams": {"additionalProperties": {"$ref": "#/$defs/Stream"}}},
        "$defs": {"Stream": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Stream"}}}},
    });
    let open = schema::pipeline(&[], &[]);
    assert_eq!(open["additionalProperties"], false);
    let keys: Vec<&String> = open["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["description", "extract", "land", "model", "publish"]);
    assert_eq!(open["required"], serde_json::json!(["extract"]));
    assert!(open["$defs"]["Connection"].get("allOf").is_none());
    let on_retyped = &open["$defs"]["Land"]["properties"]["on_retyped"];
    assert_eq!(on_retyped["enum"], serde_json::json!(["stop", "widen", "quarantine"]));
    assert_eq!(on_retyped["default"], "stop");
    assert!(open["$defs"]["OnPartial"].to_string().contains("\"hold\""), "{open}");

    let full = schema::pipeline(&[("files", files.clone())], &[("files", files)]);
    let connection = &full["$defs"]["Connection"];
    assert_eq!(connection["properties"]["connector"]["enum"], serde_json::json!(["files"]));
    let with = &connection["allOf"][0]["then"]["properties"]["with"];
    let reference = with["properties"]["streams"]["additionalProperties"]["$ref"].as_str().unwrap();
    assert_eq!(reference, "#/$defs/files.Stream");
    assert_eq!(full["$defs"]["files.Stream"]["properties"]["next"]["$ref"], reference);
    assert!(with.get("$defs").is_none() && with.get("$schema").is_none());
    let target = &full["$defs"]["Target"];
    assert_eq!(target["properties"]["target"]["enum"], serde_json::json!(["files"]));
    assert!(full["$defs"].get("target.files.Stream").is_some(), "beside the connector's own");
    assert_eq!(full["properties"]["publish"]["additionalProperties"]["$ref"], "#/$defs/Target");

    for (text, known) in [
        (schema::business().to_string(), "reporting_currency"),
        (schema::lake().to_string(), "url"),
        (schema::targets().to_string(), "metric"),
        (schema::business().to_string(), "books_close_days"),
    ] {
        assert!(text.contains(known), "{text}");
        assert!(text.contains("\"additionalProperties\":false"), "{text}");
    }
}
