//! The site of the built-in models over a release without tables, and of a project that means
//! harm: every link leads somewhere, every text is only text.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};
use salesmart_core::{ReleaseId, RunId};

use super::*;

async fn made(lake: &Lake, release: &Release, catalog: &Catalog, company: &str) -> Site {
    let business = BusinessSettings { company_name: company.to_owned(), ..Default::default() };
    let request = Request { lake, release, catalog, business: &business };
    site(request).await.unwrap_or_else(|error| panic!("{error:#?}"))
}

fn release() -> Release {
    Release {
        id: ReleaseId(1),
        created_at: DateTime::<Utc>::UNIX_EPOCH,
        pipeline: "nightly".to_owned(),
        run_id: RunId::from_text("run1"),
        as_of: DateTime::<Utc>::UNIX_EPOCH,
        forecast_head: None,
        tables: BTreeMap::new(),
    }
}

fn built_in() -> Catalog {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    Catalog::load(&[], Some(&root)).unwrap_or_else(|error| panic!("{error:#?}"))
}

async fn lake(folder: &tempfile::TempDir) -> Lake {
    let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
    lake.create_release(release()).await.unwrap();
    lake
}

fn text<'a>(site: &'a Site, path: &str) -> &'a str {
    let file = site.file(path).unwrap_or_else(|| panic!("there is no `{path}`"));
    std::str::from_utf8(file).unwrap()
}

/// The values of an attribute in a page.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!(" {name}=\"");
    html.match_indices(&mark)
        .map(|(at, _)| html[at + mark.len()..].split('"').next().unwrap())
        .collect()
}

/// Every link of every page that leads nowhere.
fn dead_links(site: &Site) -> Vec<String> {
    let mut dead = Vec::new();
    for (path, content) in site.files().filter(|(path, _)| path.ends_with(".html")) {
        let html = std::str::from_utf8(content).unwrap();
        for link in attributes(html, "href").into_iter().chain(attributes(html, "src")) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = match file.strip_prefix("../") {
                Some(up) => up.to_owned(),
                None if file.is_empty() => path.to_owned(),
                None => match path.rsplit_once('/') {
                    Some((folder, _)) => format!("{folder}/{file}"),
                    None => file.to_owned(),
                },
            };
            let known = target == STATUS || site.file(&target).is_some();
            // The graph reads its fragment itself.
            let anchored = fragment.is_empty()
                || target == "lineage.html"
                || known && attributes(text(site, &target), "id").contains(&fragment);
            if !known || !anchored {
                dead.push(format!("{path}: {link}"));
            }
        }
    }
    dead
}

#[tokio::test]
async fn every_link_leads_somewhere_and_every_id_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let site = made(&lake(&folder).await, &release(), &built_in(), "Acme").await;
    assert!(site.files().count() > 250, "{}", site.files().count());
    let dead = dead_links(&site);
    assert!(dead.is_empty(), "{} dead links:\n{}", dead.len(), dead.join("\n"));
    for (path, content) in site.files().filter(|(path, _)| path.ends_with(".html")) {
        let ids = attributes(std::str::from_utf8(content).unwrap(), "id");
        let different: BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(ids.len(), different.len(), "{path}: {ids:?}");
    }
}

#[tokio::test]
async fn nothing_comes_from_another_host_and_no_script_stands_in_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let site = made(&lake(&folder).await, &release(), &built_in(), "Acme").await;
    for (path, content) in site.files() {
        let text = std::str::from_utf8(content).unwrap();
        for foreign in ["https://", "http://", "//cdn", "@import", "fetch(", "XMLHttpRequest"] {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(
                path.ends_with(".html") || path.contains("search") || !text.contains(foreign),
                "{path}: {foreign}"
            );
        }
        if path.ends_with(".html") {
            assert!(!text.contains(" style=\"") && !text.contains(" onclick"), "{path}");
            assert!(text.matches("<script").count() == text.matches("<script src=").count());
            let links = attributes(text, "href").into_iter().chain(attributes(text, "src"));
            for link in links {
                assert!(!link.contains("//") && !link.contains(':'), "{path}: {link}");
            }
        }
    }
}

#[tokio::test]
async fn the_same_release_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder).await;
    let first = made(&lake, &release(), &built_in(), "Acme").await;
    let second = made(&lake, &release(), &built_in(), "Acme").await;
    assert!(first == second);
}

const HARMFUL: &str = "/* @model
description: \"</p><script>alert('d')</script>\"
grain: [deal_id]
owner: \"<img src=x onerror=alert(1)>\"
tags: [\"<b>\"]
columns:
  deal_id: {type: string, doc: \"\\\"><script>alert('c')</script>\", checks: [{check: \"accepted_values: ['<script>']\", severity: warn}]}
*/
select '<script>alert(''s'')</script>' as deal_id -- </pre></code><script>alert('q')</script>
";

const HARMFUL_FIGURE: &str = "/* @model
description: \"<script>alert('f')</script>\"
grain: [metric]
columns:
  metric: {type: string, doc: x}
metrics:
  - {id: \"<script>x\", title: \"</title><script>alert('t')</script>\", definition: \"<script>alert('m')</script>\", formula: \"a < b && c > d\", unit: ratio, grain: g, time_anchor: t, additive: false}
*/
select distinct deal_id as metric from mart.dim_deal
";

#[tokio::test]
async fn what_people_write_is_only_text() {
    let folder = tempfile::tempdir().unwrap();
    let models = [
        ("marts/deal/dim_deal.sql".to_owned(), HARMFUL.to_owned()),
        ("kpis/deal/kpi_deal.sql".to_owned(), HARMFUL_FIGURE.to_owned()),
    ];
    let catalog = Catalog::load(&models, None).unwrap_or_else(|error| panic!("{error:#?}"));
    let company = "</h1><script>alert('h')</script>";
    let site = made(&lake(&folder).await, &release(), &catalog, company).await;
    for (path, content) in site.files() {
        let text = std::str::from_utf8(content).unwrap();
        if path.ends_with(".html") {
            assert_eq!(
                text.matches("<script").count(),
                text.matches("<script src=").count(),
                "{path}"
            );
            assert!(!text.contains("<img src=x"), "{path}");
        } else {
            assert!(!text.contains("<script>alert"), "{path}");
        }
    }
    let page = text(&site, "table/mart.dim_deal.html");
    assert!(page.contains("&lt;/p&gt;&lt;script&gt;alert(&#39;d&#39;)"), "{page}");
    assert!(site.file("metric/~3cscript~3ex.html").is_some());
}

#[tokio::test]
async fn a_column_says_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let site = made(&lake(&folder).await, &release(), &built_in(), "Acme").await;
    let page = text(&site, "table/kpi.win_rate.html");
    assert!(page.contains("fct_win_rate_contribution.html#column-"), "the figure's parts");
    assert!(page.contains("id=\"column-numerator\""));
    let raw = text(&site, "table/raw.salesforce.opportunity.html");
    assert!(raw.contains("staging.stg_salesforce__opportunities"), "who reads it");
}
