//! The pages: what each shows, and writing all of them.

mod home;
mod metrics;
mod tables;

use std::collections::BTreeMap;

use salesmart_core::Result;
use salesmart_model::{ModelLineage, TableName};
use serde::Serialize;

use crate::facts::Facts;
use crate::templates::Templates;
use crate::{Request, Site, wording};

pub(crate) use metrics::MetricPage;
pub(crate) use tables::TablePage;

/// What every page has.
#[derive(Clone, Debug, Serialize)]
struct Around {
    company: String,
    currency: String,
    release: String,
    as_of: String,
    made_at: String,
    pipeline: String,
    /// From the page to the top of the site: nothing, or `../`.
    root: &'static str,
    /// Which entry of the menu it belongs to.
    here: &'static str,
    version: &'static str,
}

/// A link to a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct TableLink {
    pub(crate) name: String,
    pub(crate) href: String,
}

impl TableLink {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), href: wording::table_href(name) }
    }
}

/// Everything the site shows.
pub(crate) struct Book<'a> {
    around: Around,
    pub(crate) tables: Vec<TablePage>,
    pub(crate) metrics: Vec<MetricPage>,
    home: home::Home,
    runs: home::RunsPage,
    pub(crate) lineage: &'a BTreeMap<TableName, ModelLineage>,
}

#[derive(Serialize)]
struct Page<'a, T: Serialize> {
    site: &'a Around,
    title: String,
    page: &'a T,
}

impl<'a> Book<'a> {
    /// Brings together what is known.
    pub(crate) fn new(
        request: Request<'_>,
        lineage: &'a BTreeMap<TableName, ModelLineage>,
        facts: &Facts,
    ) -> Self {
        let release = request.release;
        let around = Around {
            company: request.business.company_name.clone(),
            currency: request.business.reporting_currency.clone(),
            release: release.id.to_string(),
            as_of: wording::instant(release.as_of),
            made_at: wording::instant(release.created_at),
            pipeline: release.pipeline.clone(),
            root: "",
            here: "home",
            version: env!("CARGO_PKG_VERSION"),
        };
        let tables = tables::pages(request, lineage, facts);
        let metrics = metrics::pages(request, facts);
        let home = home::Home::new(request, facts, &tables, &metrics);
        let runs = home::RunsPage::new(request, facts);
        Self { around, tables, metrics, home, runs, lineage }
    }

    /// Writes every page.
    ///
    /// # Errors
    /// A bug, when a template does not fit.
    pub(crate) fn write(&self, site: &mut Site) -> Result<()> {
        let templates = Templates::new()?;
        let home = ("home", "index.html", "home.html");
        self.page(site, &templates, home, self.around.company.clone(), &self.home)?;
        let metrics = metrics::List::new(&self.metrics);
        let place = ("metrics", "metrics.html", "metrics.html");
        self.page(site, &templates, place, "Metrics".to_owned(), &metrics)?;
        let tables = tables::List::new(&self.tables);
        let place = ("tables", "tables.html", "tables.html");
        self.page(site, &templates, place, "Tables".to_owned(), &tables)?;
        let place = ("lineage", "lineage.html", "lineage.html");
        self.page(site, &templates, place, "Lineage".to_owned(), &tables)?;
        let place = ("runs", "runs.html", "runs.html");
        self.page(site, &templates, place, "Runs and releases".to_owned(), &self.runs)?;
        for metric in &self.metrics {
            let place = ("metrics", metric.href.as_str(), "metric.html");
            self.page(site, &templates, place, metric.title.clone(), metric)?;
        }
        for table in &self.tables {
            let place = ("tables", table.href.as_str(), "table.html");
            self.page(site, &templates, place, table.name.clone(), table)?;
        }
        Ok(())
    }

    fn page<T: Serialize>(
        &self,
        site: &mut Site,
        templates: &Templates,
        (here, path, template): (&'static str, &str, &str),
        title: String,
        page: &T,
    ) -> Result<()> {
        let root = if path.contains('/') { "../" } else { "" };
        let around = Around { root, here, ..self.around.clone() };
        let html = templates.render(template, &Page { site: &around, title, page })?;
        site.add(path, html);
        Ok(())
    }
}
