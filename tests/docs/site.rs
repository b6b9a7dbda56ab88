//! What `salesmart docs` writes, and where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use salesmart_tests::{Project, Said};

/// A small company's lake and its site; made once for all stories, which only read it.
pub(super) struct Demo {
    project: Project,
    site: PathBuf,
}

impl Demo {
    /// The folder of the site.
    pub(super) fn site(&self) -> &Path {
        &self.site
    }

    /// Runs `salesmart` on the company.
    pub(super) fn salesmart(&self, arguments: &[&str]) -> Said {
        self.project.salesmart(&[&["--project", "demo"], arguments].concat())
    }

    /// The folder of the company.
    pub(super) fn folder(&self) -> PathBuf {
        self.project.path().join("demo")
    }
}

/// The company.
pub(super) fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let project = Project::new();
        let _ = project.salesmart(&["demo", "demo", "--deals", "400"]).ok();
        let site = project.path().join("site");
        let demo = Demo { project, site };
        let said = demo.salesmart(&["docs", "--output", "site"]).ok();
        assert!(said.stdout.contains("files of release r000001"), "{}", said.stdout);
        demo
    })
}

/// Every file of a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_same_release_gives_the_same_files() {
    let demo = demo();
    let again = demo.project.path().join("again");
    let _ = demo.salesmart(&["docs", "--output", "again"]).ok();
    let (first, second) = (files(demo.site()), files(&again));
    assert!(first.len() > 250, "{}", first.len());
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    let different: Vec<_> = first.iter().filter(|(name, text)| second[*name] != **text).collect();
    assert!(different.is_empty(), "{:?}", different.iter().map(|pair| pair.0).collect::<Vec<_>>());
    let size: usize = first.values().map(Vec::len).sum();
    assert!(size < 12_000_000, "{size} bytes");
}

#[test]
fn the_figures_shown_are_those_of_the_release() {
    let demo = demo();
    let rows = demo
        .salesmart(&[
            "query",
            "--format",
            "csv",
            "select numerator, denominator from kpi.win_rate where metric = 'win_rate_count' \
             and period_grain = 'quarter' and scope = 'company' order by period_start desc limit 1",
        ])
        .ok()
        .rows();
    let whole = |name: &str| rows[0][name].split('.').next().unwrap().to_owned();
    let page = std::fs::read_to_string(demo.site().join("metric/win_rate_count.html")).unwrap();
    for cell in [whole("numerator"), whole("denominator")] {
        assert!(page.contains(&format!("<td class=\"n\">{cell}</td>")), "{cell} in {page}");
    }
    let count =
        demo.salesmart(&["query", "--format", "csv", "select count(*) as n from mart.dim_rep"]);
    let page = std::fs::read_to_string(demo.site().join("table/mart.dim_rep.html")).unwrap();
    assert!(page.contains(&format!("{} rows", count.ok().rows()[0]["n"])), "{page}");
}

/// The commands that pages show are commands: each can be typed, and its contributions add up.
#[test]
fn what_a_page_says_to_type_can_be_typed() {
    let demo = demo();
    let mut typed = 0;
    for metric in [
        "win_rate_count",
        "sales_cycle_median",
        "deal_size_stage_average",
        "weighted_pipeline_deal",
    ] {
        let page = demo.site().join(format!("metric/{metric}.html"));
        let page = std::fs::read_to_string(page).unwrap();
        let command = page
            .split("<code>salesmart explain ")
            .nth(1)
            .unwrap_or_else(|| panic!("{metric}: {page}"));
        let command = command.split("</code>").next().unwrap().replace("&#39;", "'");
        let folder = demo.folder();
        let line = format!(
            "'{}' --project '{}' explain {command}",
            salesmart_tests::binary().display(),
            folder.display()
        );
        let _ = salesmart_tests::said(std::process::Command::new("sh").arg("-c").arg(&line)).ok();
        typed += 1;
    }
    assert_eq!(typed, 4);
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let demo = demo();
    let other = demo.project.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.txt"), "years of work").unwrap();
    let said = demo.salesmart(&["docs", "--output", "other"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    insta::assert_snapshot!(demo.project.steady(&said.stderr), @r"
    error: `other` holds other files than a site
      nothing was written

    hint: name a folder that is empty or not there: `salesmart docs --output DIR`
    ");
    assert_eq!(std::fs::read_to_string(other.join("thesis.txt")).unwrap(), "years of work");
}

#[test]
fn an_older_site_is_replaced_as_a_whole() {
    let demo = demo();
    let place = demo.project.path().join("replaced");
    let _ = demo.salesmart(&["docs", "--output", "replaced"]).ok();
    std::fs::write(place.join("table/mart.gone.html"), "a table that is gone").unwrap();
    let _ = demo.salesmart(&["docs", "--output", "replaced", "--release", "r000001"]).ok();
    assert!(!place.join("table/mart.gone.html").exists());
    assert!(place.join("index.html").exists());
    let beside: Vec<_> = std::fs::read_dir(demo.project.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("replaced."))
        .collect();
    assert!(beside.is_empty(), "{beside:?}");
}

#[test]
fn a_night_that_failed_is_told_beside_the_release() {
    let project = Project::of_deals();
    let _ = project.salesmart(&["run", "deals"]).ok();
    project.write("data/deals.csv", "id,amount,closed\na,not a number,2026-01-31\n");
    let failed = project.salesmart(&["run", "deals"]);
    assert_ne!(failed.code, 0, "{}", failed.stdout);
    let _ = project.salesmart(&["docs"]).ok();
    let status = std::fs::read_to_string(project.path().join("site/assets/status.js")).unwrap();
    assert!(status.contains("\"status\":\"failed\"") && status.contains("r000001"), "{status}");
}

#[test]
fn without_a_release_it_says_what_to_do() {
    let project = Project::of_deals();
    let said = project.salesmart(&["docs"]);
    assert_eq!(said.code, 3);
    assert!(said.stderr.contains("there is no release yet"), "{}", said.stderr);
    assert!(!project.path().join("site").exists());
}
