//! What a HubSpot portal leaves open: tokens, limits, lags, and how values are written.

use std::collections::BTreeSet;

use crate::world::Instant;

/// A portal, and how it behaves. Everything that the contract leaves open is here.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The private app's token.
    pub token: String,
    /// The OAuth app's id.
    pub client_id: String,
    /// The OAuth app's secret.
    pub client_secret: String,
    /// The refresh token of the OAuth app's installation; it does not rotate.
    pub refresh_token: String,
    /// How long an access token holds, in seconds of the machine's clock.
    pub token_seconds: u64,
    /// After how many requests an access token expires before its time; none: never.
    pub token_requests: Option<u32>,
    /// What was granted to both apps; none: everything.
    pub scopes: Option<BTreeSet<String>>,
    /// The portal's id.
    pub portal: u64,
    /// How many requests are let through.
    pub limits: Limits,
    /// The longest path and query that is understood, in bytes; longer ones are answered with
    /// 414 and a page of HTML. Portals were seen to draw the line between 8 and 16 kB.
    pub longest_url: usize,
    /// How many minutes search lags behind: what changed later than so long ago is not found.
    pub search_lag_minutes: i64,
    /// How many hits of one search can be paged through.
    pub search_cap: usize,
    /// How many values of a property's history are given.
    pub history_length: usize,
    /// How many values of a contact's property's history are given.
    pub contact_history_length: usize,
    /// How many associations a page has, inline and in v4.
    pub association_page: usize,
    /// Whether `toObjectId` is a number, as it once was, rather than a string.
    pub numeric_to_object_id: bool,
    /// How many of a thousand instants in properties are written as epoch milliseconds.
    pub epoch_permille: u64,
    /// How many of a thousand instants in properties are written without milliseconds.
    pub seconds_permille: u64,
    /// Whether taking a record back out of the archive counts as a change of it.
    pub restoring_modifies: bool,
    /// Whether merging another record into it counts as a change of the survivor.
    pub merging_modifies: bool,
    /// Whether archived owners are listed with the team they had; the contract does not say.
    pub archived_owners_keep_teams: bool,
    /// A job that changed many deals at one instant.
    pub batch_touch: Option<BatchTouch>,
}

/// How many requests are let through, by the machine's clock; none: as many as come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A day; a day ends when the world moves on. None: 500,000 are promised and never enforced.
    pub daily: Option<u64>,
    /// In ten seconds, search left out.
    pub ten_secondly: Option<u32>,
    /// Searches in a second.
    pub search_per_second: Option<u32>,
}

impl Limits {
    /// What HubSpot documents.
    #[must_use]
    pub fn documented() -> Self {
        Self { daily: Some(500_000), ten_secondly: Some(190), search_per_second: Some(5) }
    }

    /// As many as come, for measuring and for tests that are about something else.
    #[must_use]
    pub fn none() -> Self {
        Self { daily: None, ten_secondly: None, search_per_second: None }
    }
}

/// A job that changes many deals and stamps them all with one instant, as HubSpot's own monthly
/// jobs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchTouch {
    /// The stamp. In the future of the world, nothing happens until it is reached.
    pub at: Instant,
    /// The number of the first deal.
    pub first: u64,
    /// How many deals.
    pub count: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: "pat-simulator".to_owned(),
            client_id: "simulator-client".to_owned(),
            client_secret: "simulator-secret".to_owned(),
            refresh_token: "simulator-refresh".to_owned(),
            token_seconds: 1_800,
            token_requests: None,
            scopes: None,
            portal: 4_711_001,
            limits: Limits::documented(),
            longest_url: 8_192,
            search_lag_minutes: 1,
            search_cap: 10_000,
            history_length: 20,
            contact_history_length: 45,
            association_page: 500,
            numeric_to_object_id: false,
            epoch_permille: 20,
            seconds_permille: 20,
            restoring_modifies: true,
            merging_modifies: true,
            archived_owners_keep_teams: true,
            batch_touch: None,
        }
    }
}
