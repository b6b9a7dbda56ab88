//! Redirects stay on the host they come from.

use reqwest::redirect::{Action, Attempt};
use salesmart_core::Error;
use url::Url;

use super::Call;

/// How many redirects on one host are followed.
const MOST_REDIRECTS: usize = 5;

/// Follows redirects on the same host only: elsewhere our credentials have no business.
pub(super) fn stay_on_host(attempt: Attempt<'_>) -> Action {
    let from = attempt.previous().last().map(Url::origin);
    if attempt.previous().len() <= MOST_REDIRECTS && from == Some(attempt.url().origin()) {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// The error for a redirect that was not followed.
pub(super) fn redirected(call: &Call, response: &reqwest::Response) -> Error {
    let to = response
        .headers()
        .get(reqwest::header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| response.url().join(text).ok());
    let error = Error::configuration(format!(
        "failed to call {}: the server answered {} and sends us elsewhere",
        call.label(),
        response.status().as_u16()
    ));
    match to {
        Some(url) => {
            let host = url.origin().ascii_serialization();
            error.with("to", &host).with_hint(format!(
                "our credentials are not sent there; if it is the right place, make `{host}` the URL"
            ))
        }
        None => error.with_hint("check the URL of the connection"),
    }
}
