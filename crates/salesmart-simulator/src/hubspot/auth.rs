//! Who asks: the private app's token, and the access tokens of the OAuth app.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::problem::Problem;
use super::settings::Settings;

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    PrivateApp,
    OAuthApp,
}

/// The access tokens that were given out.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: BTreeMap<String, Token>,
    count: u64,
}

#[derive(Debug)]
struct Token {
    until: Instant,
    requests_left: Option<u32>,
}

impl Tokens {
    /// A new access token.
    pub(super) fn mint(&mut self, settings: &Settings) -> String {
        self.count += 1;
        let token = format!("CSimulator{:06}", self.count);
        let until = Instant::now() + Duration::from_secs(settings.token_seconds);
        self.given.insert(token.clone(), Token { until, requests_left: settings.token_requests });
        token
    }

    /// Forgets a token.
    pub(super) fn revoke(&mut self, token: &str) {
        self.given.remove(token);
    }

    /// Whether a token holds, without using it.
    pub(super) fn holds(&self, token: &str) -> bool {
        self.given.get(token).is_some_and(|token| token.until > Instant::now())
    }

    /// Who sends this `Authorization` header; counts the request.
    pub(super) fn caller(
        &mut self,
        settings: &Settings,
        header: Option<&str>,
    ) -> Result<Caller, Problem> {
        let (scheme, token) = header
            .and_then(|header| header.split_once(' '))
            .ok_or_else(Problem::unauthenticated)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::unauthenticated());
        }
        let token = token.trim();
        if token == settings.token {
            return Ok(Caller::PrivateApp);
        }
        let given = self.given.get_mut(token).ok_or_else(Problem::unauthenticated)?;
        let is_used_up = given.requests_left == Some(0);
        if is_used_up || given.until <= Instant::now() {
            return Err(Problem::expired());
        }
        given.requests_left = given.requests_left.map(|left| left - 1);
        Ok(Caller::OAuthApp)
    }
}
