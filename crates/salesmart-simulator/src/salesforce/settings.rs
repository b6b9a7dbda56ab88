//! What differs from org to org, and what the contract leaves open.

/// How the server behaves where real ones differ.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The connected app's id.
    pub client_id: String,
    /// The connected app's secret.
    pub client_secret: String,
    /// The user that clients act as.
    pub username: String,
    /// The public key of the certificate for the JWT flow, as PEM; without one the flow is off.
    pub jwt_public_key: Option<String>,
    /// The audiences that assertions may be made out to.
    pub audiences: Vec<String>,
    /// Whether an administrator approved the app for the user.
    pub is_approved: bool,
    /// Whether it plays `login.salesforce.com`, where client credentials are refused. So it does
    /// anyway for requests whose `Host` begins with `login.` or `test.`.
    pub is_login_host: bool,
    /// The `instance_url` of tokens; none: where the request came in.
    pub instance_url: Option<String>,
    /// How many requests a token is good for; none: any number.
    pub token_requests: Option<u32>,
    /// `expires_in` of tokens in seconds, which orgs usually leave out.
    pub expires_in: Option<u64>,
    /// The oldest version of the API that is served.
    pub oldest_version: u32,
    /// The newest version of the API that is served.
    pub newest_version: u32,
    /// Rows of a page of a query, unless the client wishes for less.
    pub page_rows: usize,
    /// Rows with more fields than this come in smaller pages.
    pub wide_row_fields: usize,
    /// Rows of a page of wide rows.
    pub wide_page_rows: usize,
    /// Queries that find more rows than this take too long (`QUERY_TIMEOUT`); none: no query does.
    pub most_query_rows: Option<usize>,
    /// How many cursors a user may have open.
    pub open_cursors: usize,
    /// How many days a cursor lives.
    pub cursor_days: u32,
    /// Requests a day. The day is the world's.
    pub daily_requests: u64,
    /// The share of the connected app, shown beside that of the org: its name and requests.
    pub app_requests: Option<(String, u64)>,
    /// The most bytes of an address, and of an address with headers.
    pub address_bytes: usize,
    /// Rows of a page of Bulk results, unless the client wishes for less.
    pub bulk_page_rows: usize,
    /// With which look a job is seen as complete.
    pub bulk_polls: u32,
    /// Query jobs a day.
    pub bulk_daily_jobs: u64,
    /// Objects that Bulk does not serve, besides those that it never does.
    pub bulk_refused: Vec<String>,
    /// Whether queries of unknown fields or objects become jobs that fail, instead of being
    /// refused at once.
    pub bulk_fails_late: bool,
    /// Whether Bulk writes whole numbers as `0.0`.
    pub bulk_integers_with_point: bool,
    /// Whether results of no rows have a header row.
    pub bulk_empty_has_header: bool,
    /// Whether the last page leaves `Sforce-Locator` out, instead of saying `null`.
    pub bulk_last_locator_absent: bool,
    /// Whether numbers from ten million on are written as `1.0E7`.
    pub exponents: bool,
    /// Whether answers are compressed for clients that accept it.
    pub gzip: bool,
    /// How many days deleted records stay in the bin; 0: every deletion is a hard one.
    pub bin_days: u32,
    /// How many days the log of deletions reaches back.
    pub deletion_log_days: u32,
    /// How many days back `deleted` and `updated` can be asked for.
    pub replication_days: u32,
    /// The most ids of one answer of theirs.
    pub replication_ids: usize,
    /// How many months of field history the org keeps; none: all.
    pub history_months: Option<u32>,
    /// Whether forecasts have been worked out (`IsUpToDate`).
    pub forecasts_up_to_date: bool,
    /// Objects that the user may not see.
    pub hidden_objects: Vec<String>,
    /// Fields that the user may not see, as `Object.Field`.
    pub hidden_fields: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: "simulator-client".to_owned(),
            client_secret: "simulator-secret".to_owned(),
            username: "integration@fernhill.example".to_owned(),
            jwt_public_key: None,
            audiences: vec![
                "https://login.salesforce.com".to_owned(),
                "https://test.salesforce.com".to_owned(),
            ],
            is_approved: true,
            is_login_host: false,
            instance_url: None,
            token_requests: None,
            expires_in: None,
            oldest_version: 31,
            newest_version: 66,
            page_rows: 2_000,
            wide_row_fields: 40,
            wide_page_rows: 500,
            most_query_rows: None,
            open_cursors: 10,
            cursor_days: 2,
            daily_requests: 100_000,
            app_requests: None,
            address_bytes: 16_384,
            bulk_page_rows: 100_000,
            bulk_polls: 2,
            bulk_daily_jobs: 10_000,
            bulk_refused: Vec::new(),
            bulk_fails_late: true,
            bulk_integers_with_point: true,
            bulk_empty_has_header: true,
            bulk_last_locator_absent: false,
            exponents: true,
            gzip: true,
            bin_days: 15,
            deletion_log_days: 15,
            replication_days: 15,
            replication_ids: 600_000,
            history_months: Some(18),
            forecasts_up_to_date: true,
            hidden_objects: Vec::new(),
            hidden_fields: Vec::new(),
        }
    }
}
