//! Signed statements about who we are.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use salesmart_core::{Error, Result, Secret};
use serde::Serialize;

/// A JSON Web Token with these claims, signed by RSA with SHA-256.
///
/// # Errors
/// When the key is not an RSA key in PEM, or the claims are no JSON object.
pub fn jwt_rs256(key_pem: &Secret, claims: &impl Serialize) -> Result<String> {
    // The library's error may quote what it could not read, which is the key.
    let key = EncodingKey::from_rsa_pem(key_pem.expose().as_bytes()).map_err(|_| {
        Error::configuration("the private key cannot be read")
            .with("expected", "an RSA key in PEM, which begins with `-----BEGIN PRIVATE KEY-----` or `-----BEGIN RSA PRIVATE KEY-----`")
            .with_hint("name its file: `file:keys/salesmart.pem`; a key that is protected by a passphrase is made usable by `openssl pkey -in KEY -out NEW`")
    })?;
    encode(&Header::new(Algorithm::RS256), claims, &key)
        .map_err(|_| Error::bug("failed to sign a token with the private key"))
}
