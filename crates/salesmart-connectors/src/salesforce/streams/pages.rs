//! The records of one query, page by page: by REST or by a Bulk job, both resumable.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use salesmart_core::{Error, ErrorKind, Result};
use tokio::task::JoinHandle;

use crate::salesforce::client::{Api, Code, ResultsPage, code_of};
use crate::salesforce::config::{BulkConfig, BulkMode};
use crate::salesforce::decode::{Decoded, Records, Seen, Shape, csv_page, json_page};
use crate::salesforce::position::Progress;
use crate::salesforce::soql::{self, Place};

/// How long the address of a query may be: servers take 16,384 bytes with headers.
const LONGEST_QUERY: usize = 12_000;
/// How often a page of Bulk results is asked for whose rows are not all there.
const SHORT_PAGES: usize = 3;
/// How often in a row a link may be lost without a page between.
const LOST_LINKS: usize = 5;

/// What is read: which records of which object, in which shape.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) object: String,
    pub(super) shape: Arc<Shape>,
    pub(super) conditions: Vec<String>,
}

/// A page of records, and how far the reading is with it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) decoded: Decoded,
    pub(super) progress: Progress,
}

/// The pages of a query, pulled one at a time; the next one is fetched meanwhile.
pub(super) struct Pages {
    api: Api,
    query: Query,
    seen: Seen,
    way: Way,
}

enum Way {
    Rest(Rest),
    Bulk(Bulk),
}

struct Rest {
    /// The field lists of the queries that together have all fields.
    parts: Vec<Vec<usize>>,
    /// The last record that came.
    at: Option<Place>,
    next: Next,
    lost_links: usize,
}

/// The next page of a REST query.
enum Next {
    /// Of a new query behind the last record.
    Query,
    /// Being fetched by its link.
    Coming(Fetch<Bytes>),
    /// There is none.
    None,
}

struct Bulk {
    job: String,
    rows: u32,
    deadline: Duration,
    /// How often results may still be lost. A job that an earlier run began cannot be begun anew
    /// here: what came of it then is not known now.
    begun_anew: Option<usize>,
    /// The page to come, fetched from this locator on; none behind the last one.
    next: Option<(Option<String>, Option<Fetch<ResultsPage>>)>,
}

/// A page on its way; nobody fetches it any more once nobody waits for it.
struct Fetch<T>(JoinHandle<Result<T>>);

impl<T> Drop for Fetch<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: Send + 'static> Fetch<T> {
    fn new(work: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    async fn done(mut self) -> Result<T> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) if error.is_cancelled() => {
                Err(Error::new(ErrorKind::Interrupted, "the reading was stopped"))
            }
            Err(error) => Err(Error::bug("the fetching of a page broke off").with_source(error)),
        }
    }
}

/// Whether so many rows are read by Bulk.
pub(super) fn is_for_bulk(bulk: &BulkConfig, rows: u64) -> bool {
    match bulk.mode {
        BulkMode::Auto => rows > bulk.above,
        BulkMode::Always => true,
        BulkMode::Never => false,
    }
}

impl Pages {
    /// The pages of a query from a point on. `rows` says about how many records there are, and so
    /// which way is taken; what has begun goes on as it began.
    pub(super) async fn open(
        api: &Api,
        bulk: &BulkConfig,
        query: Query,
        rows: u64,
        from: &Progress,
    ) -> Result<Self> {
        let way = match from {
            Progress::Job { id, locator } => Way::Bulk(Bulk::at(id.clone(), locator.clone(), bulk)),
            Progress::Start if is_for_bulk(bulk, rows) => match begin(api, &query).await {
                Ok(job) => Way::Bulk(Bulk::at(job, None, bulk)),
                Err(error) if code_of(&error) == Some(Code::NotByBulk) => {
                    tracing::debug!(object = query.object, "not supported by the Bulk API");
                    Way::Rest(Rest::new(api, &query, None)?)
                }
                Err(error) => return Err(error),
            },
            Progress::Start => Way::Rest(Rest::new(api, &query, None)?),
            Progress::Record(place) => Way::Rest(Rest::new(api, &query, Some(place.clone()))?),
            Progress::End => Way::Rest(Rest { next: Next::None, ..Rest::new(api, &query, None)? }),
        };
        Ok(Self { api: api.clone(), query, seen: Seen::default(), way })
    }

    /// How far it is before the first page: a job that was started and is to be waited for.
    pub(super) fn job(&self) -> Option<Progress> {
        match &self.way {
            Way::Bulk(Bulk { job, next: Some((locator, _)), .. }) => {
                Some(Progress::Job { id: job.clone(), locator: locator.clone() })
            }
            _ => None,
        }
    }

    /// Waits until there is something to read. To be called before the first page.
    pub(super) async fn ready(&self, bulk: &BulkConfig) -> Result<()> {
        match &self.way {
            Way::Bulk(way) => self.api.await_job(&way.job, bulk.deadline.as_std()).await,
            Way::Rest(_) => Ok(()),
        }
    }

    /// The next page; none behind the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Page>> {
        let Self { api, query, seen, way } = self;
        match way {
            Way::Rest(rest) => rest.page(api, query, seen).await,
            Way::Bulk(bulk) => bulk.page(api, query, seen).await,
        }
    }

    /// Tidies up after the last page.
    pub(super) async fn close(self) {
        if let Way::Bulk(bulk) = &self.way {
            self.api.delete_job(&bulk.job).await;
        }
    }
}

/// Starts a job. Without an order, so that Salesforce may read the object in chunks.
async fn begin(api: &Api, query: &Query) -> Result<String> {
    let fields = query.shape.names();
    let text = soql::select(&fields, &query.object, &query.conditions, None);
    api.create_job(&text).await.map(|job| job.id)
}

impl Rest {
    fn new(api: &Api, query: &Query, at: Option<Place>) -> Result<Self> {
        Ok(Self { parts: parts(api, query)?, at, next: Next::Query, lost_links: 0 })
    }

    async fn page(&mut self, api: &Api, query: &Query, seen: &mut Seen) -> Result<Option<Page>> {
        let body = loop {
            let body = match std::mem::replace(&mut self.next, Next::None) {
                Next::None => return Ok(None),
                Next::Query => api.query(&self.first_query(query)).await,
                Next::Coming(fetch) => fetch.done().await,
            };
            match body {
                // Links live for two days and ten at a time. The query goes on behind the last
                // record that came, so that nothing comes again.
                Err(error) if code_of(&error) == Some(Code::LocatorGone) => {
                    self.lost_links += 1;
                    if self.lost_links > LOST_LINKS {
                        return Err(error);
                    }
                    tracing::debug!(object = query.object, "a link was lost: querying anew");
                    self.next = Next::Query;
                }
                Err(error) => return Err(error),
                Ok(body) => break body,
            }
        };
        self.lost_links = 0;
        let shape = &*query.shape;
        let mut records = json_page(shape, &body)?;
        self.next = match records.next.take() {
            None => Next::None,
            Some(link) => {
                let api = api.clone();
                Next::Coming(Fetch::new(async move { api.next_page(&link).await }))
            }
        };
        let before = self.at.clone();
        if let Some(last) = records.last(shape) {
            self.at = Some(last);
        }
        let mut parts = Vec::new();
        if let (Some(last), true) = (&self.at, records.len() > 0) {
            for part in self.parts.iter().skip(1) {
                parts.push(part_pages(api, query, part, before.as_ref(), last).await?);
            }
        }
        for bodies in &parts {
            let pages: Result<Vec<Records<'_>>> =
                bodies.iter().map(|body| json_page(shape, body)).collect();
            records.join(shape, &pages?);
        }
        seen.turn();
        let decoded = records.decode(shape, seen);
        let progress = self.at.clone().map_or(Progress::Start, Progress::Record);
        Ok(Some(Page { decoded, progress }))
    }

    fn first_query(&self, query: &Query) -> String {
        let order = query.shape.order();
        let mut conditions = query.conditions.clone();
        conditions.extend(self.at.as_ref().map(|place| order.behind(place)));
        let fields = self.parts.first().map(|part| names(query, part)).unwrap_or_default();
        soql::select(&fields, &query.object, &conditions, Some(&order))
    }
}

fn names<'q>(query: &'q Query, part: &[usize]) -> Vec<&'q str> {
    let all = query.shape.names();
    part.iter().filter_map(|place| all.get(*place).copied()).collect()
}

/// Splits the fields so that no query is too long. Each part begins with what identifies a record.
fn parts(api: &Api, query: &Query) -> Result<Vec<Vec<usize>>> {
    let leading: Vec<usize> = (0..query.shape.leading()).collect();
    let order = query.shape.order();
    // The longest conditions that a part can get: behind one record and up to another.
    let place = Place { stamp: "2000-01-01T00:00:00.000Z".to_owned(), id: "0".repeat(18) };
    let mut conditions = query.conditions.clone();
    conditions.extend([order.behind(&place), order.up_to(&place)]);
    let length = |part: &[usize]| {
        let text = soql::select(&names(query, part), &query.object, &conditions, Some(&order));
        api.query_length(&text)
    };
    let mut parts = Vec::new();
    let mut part = leading.clone();
    if length(&part) > LONGEST_QUERY {
        return Err(Error::bug("a query is too long even without fields"));
    }
    for place in query.shape.leading()..query.shape.fields.len() {
        part.push(place);
        if length(&part) > LONGEST_QUERY {
            part.pop();
            parts.push(std::mem::replace(&mut part, leading.clone()));
            part.push(place);
        }
    }
    parts.push(part);
    Ok(parts)
}

/// All pages of a further part of a split query, for the records of one page of its first part.
async fn part_pages(
    api: &Api,
    query: &Query,
    part: &[usize],
    behind: Option<&Place>,
    up_to: &Place,
) -> Result<Vec<Bytes>> {
    let order = query.shape.order();
    let mut conditions = query.conditions.clone();
    conditions.extend(behind.map(|place| order.behind(place)));
    conditions.push(order.up_to(up_to));
    let text = soql::select(&names(query, part), &query.object, &conditions, Some(&order));
    'anew: for _ in 0..=LOST_LINKS {
        let mut bodies = vec![api.query(&text).await?];
        while let Some(body) = bodies.last() {
            let Some(link) = json_page(&query.shape, body)?.next else { return Ok(bodies) };
            match api.next_page(&link).await {
                Ok(body) => bodies.push(body),
                Err(error) if code_of(&error) == Some(Code::LocatorGone) => continue 'anew,
                Err(error) => return Err(error),
            }
        }
    }
    Err(Error::new(ErrorKind::SourceUnavailable, "the links of a split query are lost each time")
        .with_retryable(true)
        .with_hint("read fewer objects at once (`streams_at_once`): a user has ten open cursors"))
}

impl Bulk {
    fn at(job: String, locator: Option<String>, bulk: &BulkConfig) -> Self {
        let (rows, deadline) = (bulk.page_rows, bulk.deadline.as_std());
        Self { job, rows, deadline, begun_anew: Some(0), next: Some((locator, None)) }
    }

    /// The next page as it comes.
    async fn fetched(
        &mut self,
        api: &Api,
        query: &Query,
    ) -> Result<Option<(Option<String>, ResultsPage)>> {
        while let Some((locator, fetch)) = self.next.take() {
            let page = match fetch {
                Some(fetch) => fetch.done().await,
                None => api.results(&self.job, locator.as_deref(), self.rows).await,
            };
            match (page, &mut self.begun_anew) {
                (Ok(page), _) => return Ok(Some((locator, page))),
                // The results are gone: the same again, and what came already is left out.
                (Err(error), Some(times))
                    if code_of(&error) == Some(Code::NotFound) && *times < LOST_LINKS =>
                {
                    *times += 1;
                    tracing::debug!(object = query.object, "results were lost: a new job");
                    self.job = begin(api, query).await?;
                    api.await_job(&self.job, self.deadline).await?;
                    self.next = Some((None, None));
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn page(&mut self, api: &Api, query: &Query, seen: &mut Seen) -> Result<Option<Page>> {
        let Some((locator, mut page)) = self.fetched(api, query).await? else { return Ok(None) };
        for attempt in 1.. {
            // Decoding takes a while: fetch the page behind it meanwhile.
            let next = page.next.clone().map(|locator| {
                let (api, job, rows) = (api.clone(), self.job.clone(), self.rows);
                let from = locator.clone();
                let fetch = Fetch::new(async move { api.results(&job, Some(&from), rows).await });
                (Some(locator), Some(fetch))
            });
            let (shape, body) = (Arc::clone(&query.shape), page.body.clone());
            let mut known = std::mem::take(seen);
            let decoding = tokio::task::spawn_blocking(move || {
                let decoded = csv_page(&shape, &body, &mut known);
                (decoded, known)
            });
            let (decoded, known) = match decoding.await {
                Ok(outcome) => outcome,
                Err(error) => {
                    return Err(Error::bug("the decoding of a page broke off").with_source(error));
                }
            };
            *seen = known;
            let decoded = decoded?;
            if page.rows.is_some_and(|rows| rows != decoded.came) {
                // A body that was cut between two records looks whole.
                if attempt >= SHORT_PAGES {
                    return Err(short(&page, decoded.came));
                }
                seen.undo();
                page = api.results(&self.job, locator.as_deref(), self.rows).await?;
                continue;
            }
            seen.keep();
            let progress = match &next {
                Some((locator, _)) => {
                    Progress::Job { id: self.job.clone(), locator: locator.clone() }
                }
                None => Progress::End,
            };
            self.next = next;
            return Ok(Some(Page { decoded, progress }));
        }
        Ok(None)
    }
}

fn short(page: &ResultsPage, came: u64) -> Error {
    Error::new(ErrorKind::SourceUnavailable, "a page of bulk results does not have all its rows")
        .with("expected", page.rows.unwrap_or_default())
        .with("found", came)
        .with_retryable(true)
        .with_hint("run again")
}
