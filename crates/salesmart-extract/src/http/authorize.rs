//! Who we are, as a header.

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderName};
use salesmart_core::{Result, Secret};
use url::Url;

/// What makes a call ours.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// The header.
    pub name: HeaderName,
    /// Its whole value; empty sends no header.
    pub value: Secret,
    /// Which token this is, counted up with every renewal.
    pub generation: u64,
    /// Where calls with it go, if the source said so when it gave the token. Replaces
    /// [`Settings::base_url`](super::Settings::base_url).
    pub base_url: Option<Url>,
}

impl Authorization {
    /// `Authorization: Bearer …`, for the client's own base URL.
    #[must_use]
    pub fn bearer(token: &Secret, generation: u64) -> Self {
        Self {
            name: AUTHORIZATION,
            value: Secret::new(format!("Bearer {}", token.expose())),
            generation,
            base_url: None,
        }
    }
}

/// Gives calls their credentials. Shared by all calls of a connection.
#[async_trait]
pub trait Authorize: Send + Sync {
    /// The credentials to send now. Fetches them where there are none yet, or where they are about
    /// to expire.
    ///
    /// # Errors
    /// When the source does not give any: the error says what to set or grant.
    async fn header(&self) -> Result<Authorization>;

    /// The source refused the credentials of that generation. Fetches new ones, unless somebody
    /// did since: many calls that are refused at the same time make one renewal.
    ///
    /// # Errors
    /// As [`Authorize::header`].
    async fn renew(&self, generation: u64) -> Result<()>;
}

/// No credentials.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

#[async_trait]
impl Authorize for Anonymous {
    async fn header(&self) -> Result<Authorization> {
        Ok(Authorization {
            name: AUTHORIZATION,
            value: Secret::new(String::new()),
            generation: 0,
            base_url: None,
        })
    }

    async fn renew(&self, _: u64) -> Result<()> {
        Ok(())
    }
}
