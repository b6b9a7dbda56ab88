//! OAuth 2.0: a token endpoint gives a token that lives for a while.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use salesmart_core::{ConnectionName, Error, ErrorKind, Result, Secret};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use crate::Usage;
use crate::http::{
    Anonymous, Authorization, Authorize, Call, Client, Dialect, Reply, Settings, Verdict, usual,
};

/// A token that is about to expire is renewed so much earlier, but never before half its life.
const MARGIN: Duration = Duration::from_secs(60);
/// Keys of a token reply that are nobody's business.
const SECRET_KEYS: [&str; 4] = ["access_token", "refresh_token", "id_token", "signature"];

/// What we show to the token endpoint.
#[derive(Clone)]
pub enum Grant {
    /// The application itself.
    ClientCredentials {
        /// Its id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
    },
    /// What a person once allowed the application.
    RefreshToken {
        /// The application's id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
        /// The permission.
        refresh_token: Secret,
    },
    /// A statement signed by us, made for each renewal; it is told what time it is.
    JwtBearer(Arc<dyn Fn(DateTime<Utc>) -> Result<String> + Send + Sync>),
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Grant::ClientCredentials { .. } => "ClientCredentials",
            Grant::RefreshToken { .. } => "RefreshToken",
            Grant::JwtBearer(_) => "JwtBearer",
        })
    }
}

/// A token endpoint's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRefusal {
    /// The status code.
    pub status: u16,
    /// The code: `error` of the body, such as `invalid_grant`. Empty where there is none.
    pub error: String,
    /// `error_description` of the body, or `message`. Empty where there is none.
    pub description: String,
}

/// Turns a no into an error that says what to do.
type Explain = dyn Fn(&TokenRefusal) -> Error + Send + Sync;
/// What a token reply may say about where its calls go.
type BaseUrl = Arc<dyn Fn(&Map<String, Value>) -> Option<Url> + Send + Sync>;

/// Credentials from a token endpoint. The token is fetched with the first call, kept, renewed
/// shortly before it expires (`expires_in`) or when it is refused, and by one caller at a time: the
/// others wait for it.
pub struct OAuth {
    client: Client,
    path: String,
    grant: Grant,
    base_url: Option<BaseUrl>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    generation: u64,
    /// The newest refresh token, where the endpoint gives new ones.
    refresh_token: Option<Secret>,
}

struct Token {
    value: Secret,
    /// When to renew it; `None` when the endpoint does not say how long it lives.
    renew_at: Option<Instant>,
    base_url: Option<Url>,
    facts: Map<String, Value>,
}

impl OAuth {
    /// Credentials from the endpoint at `token_url`; `explain` turns its refusals into errors.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(
        connection: &ConnectionName,
        token_url: &Url,
        grant: Grant,
        explain: impl Fn(&TokenRefusal) -> Error + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::with_settings(connection, Settings::new(token_url.clone()), grant, explain)
    }

    /// As [`OAuth::new`], with patience of one's own; `base_url` is the token endpoint.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_settings(
        connection: &ConnectionName,
        settings: Settings,
        grant: Grant,
        explain: impl Fn(&TokenRefusal) -> Error + Send + Sync + 'static,
    ) -> Result<Self> {
        let path = settings.base_url.as_str().to_owned();
        let dialect = Arc::new(TokenDialect { explain: Box::new(explain) });
        let client = Client::new(connection, settings, Arc::new(Anonymous), dialect)?;
        Ok(Self { client, path, grant, base_url: None, state: Mutex::default() })
    }

    /// Sends calls to where the token reply says, such as the `instance_url` of Salesforce. `None`
    /// leaves them at the client's own base URL.
    #[must_use]
    pub fn base_url_from(
        mut self,
        read: impl Fn(&Map<String, Value>) -> Option<Url> + Send + Sync + 'static,
    ) -> Self {
        self.base_url = Some(Arc::new(read));
        self
    }

    /// What the token endpoint said beside the token: scopes, ids, lifetimes. Fetches a token if
    /// there is none yet.
    ///
    /// # Errors
    /// As [`Authorize::header`].
    pub async fn facts(&self) -> Result<Map<String, Value>> {
        let mut state = self.state.lock().await;
        Ok(self.current(&mut state).await?.facts.clone())
    }

    /// What asking for tokens cost since the last time this was taken.
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        self.client.take_usage()
    }

    /// The token to use now. The state stays locked while one is fetched: that is the single
    /// flight.
    async fn current<'a>(&self, state: &'a mut State) -> Result<&'a Token> {
        let usable = state
            .token
            .as_ref()
            .is_some_and(|token| token.renew_at.is_none_or(|at| Instant::now() < at));
        if !usable {
            self.fetch(state).await?;
        }
        state.token.as_ref().ok_or_else(|| Error::bug("a token was fetched and is not there"))
    }

    async fn fetch(&self, state: &mut State) -> Result<()> {
        let asked = Instant::now();
        let reply = self.client.send(self.call(state)?).await?;
        let mut facts: Map<String, Value> =
            reply.json().map_err(|error| unreadable(error, &reply))?;
        let text = |key: &str| facts.get(key).and_then(Value::as_str).map(Secret::new);
        let Some(value) = text("access_token").filter(|value| !value.expose().is_empty()) else {
            return Err(unreadable(Error::bug("there is no `access_token` in it"), &reply));
        };
        if let Some(next) = text("refresh_token") {
            state.refresh_token = Some(next);
        }
        for key in SECRET_KEYS {
            facts.remove(key);
        }
        let renew_at = lifetime(&facts)
            .and_then(|life| asked.checked_add(life.saturating_sub(MARGIN).max(life / 2)));
        state.generation += 1;
        tracing::debug!(generation = state.generation, "got a token");
        state.token = Some(Token {
            value,
            renew_at,
            base_url: self.base_url.as_ref().and_then(|read| read(&facts)),
            facts,
        });
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "a statement is valid for minutes from now")]
    fn call(&self, state: &State) -> Result<Call> {
        let form: Vec<(&str, String)> = match &self.grant {
            Grant::ClientCredentials { client_id, client_secret } => vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", client_id.clone()),
                ("client_secret", client_secret.expose().to_owned()),
            ],
            Grant::RefreshToken { client_id, client_secret, refresh_token } => vec![
                ("grant_type", "refresh_token".to_owned()),
                ("client_id", client_id.clone()),
                ("client_secret", client_secret.expose().to_owned()),
                (
                    "refresh_token",
                    state.refresh_token.as_ref().unwrap_or(refresh_token).expose().to_owned(),
                ),
            ],
            Grant::JwtBearer(assertion) => vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
                ("assertion", assertion(Utc::now())?),
            ],
        };
        let fields = form.iter().map(|(name, value)| (*name, value.as_str()));
        Ok(Call::post_form(&self.path, fields).name("the token endpoint").unauthorised())
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("grant", &self.grant)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Authorize for OAuth {
    async fn header(&self) -> Result<Authorization> {
        let mut state = self.state.lock().await;
        let token = self.current(&mut state).await?;
        let (value, base_url) = (token.value.clone(), token.base_url.clone());
        Ok(Authorization { base_url, ..Authorization::bearer(&value, state.generation) })
    }

    async fn renew(&self, generation: u64) -> Result<()> {
        let mut state = self.state.lock().await;
        if state.generation == generation {
            state.token = None;
            self.fetch(&mut state).await?;
        }
        Ok(())
    }
}

/// How long the token lives; some endpoints write the number as text.
fn lifetime(facts: &Map<String, Value>) -> Option<Duration> {
    let seconds = match facts.get("expires_in")? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

fn unreadable(error: Error, reply: &Reply) -> Error {
    Error::new(
        ErrorKind::SourceUnavailable,
        format!("the token endpoint's answer is not a token: {}", error.message()),
    )
    .with("status", reply.status)
    .with_hint(
        "check that the URL is the one of the source's API, and that no login page is in between",
    )
}

/// How token endpoints answer: like all servers, but a 4xx is their no, which `explain` reads.
struct TokenDialect {
    explain: Box<Explain>,
}

impl Dialect for TokenDialect {
    fn judge(&self, call: &Call, reply: &Reply) -> Verdict {
        match reply.status {
            408 | 425 | 429 => usual(call, reply),
            400..=499 => Verdict::Fail((self.explain)(&refusal(reply))),
            _ => usual(call, reply),
        }
    }
}

fn refusal(reply: &Reply) -> TokenRefusal {
    let body: Map<String, Value> = reply.json().unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let description = match text("error_description") {
        empty if empty.is_empty() => text("message"),
        description => description,
    };
    TokenRefusal { status: reply.status, error: text("error"), description }
}
