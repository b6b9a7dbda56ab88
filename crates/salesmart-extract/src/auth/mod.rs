//! The ways to become somebody: a token that a person made, or one that a token endpoint gives.

mod jwt;
mod oauth;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use salesmart_core::{Result, Secret};

use crate::http::{Authorization, Authorize};

pub use jwt::jwt_rs256;
pub use oauth::{Grant, OAuth, TokenRefusal};

/// A token that a person made and put into the configuration.
#[derive(Clone, Debug)]
pub struct Bearer(pub Secret);

#[async_trait]
impl Authorize for Bearer {
    async fn header(&self) -> Result<Authorization> {
        Ok(Authorization::bearer(&self.0, 0))
    }

    /// There is no other token, but gateways refuse good ones at times: once more with the same.
    async fn renew(&self, _: u64) -> Result<()> {
        Ok(())
    }
}
