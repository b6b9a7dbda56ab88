//! Encryption of the ports: a certificate and its key.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use salesmart_config::serve::Tls;
use salesmart_core::{Error, ErrorKind, Result};

/// The name of PostgreSQL's protocol in a handshake that begins with encryption.
const POSTGRESQL: &[u8] = b"postgresql";

fn unreadable(what: &str, path: &Path, error: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!("failed to read the {what} `{}`: {error}", path.display()),
    )
    .with("expected", "a PEM file")
    .with_hint("`tls:` in `config/serve.yml` names it, seen from the project folder")
}

/// What the PostgreSQL port encrypts with.
///
/// # Errors
/// When a file cannot be read, or the key is not the certificate's.
pub(crate) fn acceptor(tls: &Tls) -> Result<tokio_rustls::TlsAcceptor> {
    let failed = |error| unreadable("certificate", &tls.certificate, error);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.certificate)
        .map_err(failed)?
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| unreadable("key", &tls.key, error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::bug("no version of TLS is there").with_source(error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| {
            Error::configuration("the certificate and the key cannot be used")
                .with_source(error)
                .with("certificate", tls.certificate.display())
                .with("key", tls.key.display())
        })?;
    config.alpn_protocols = vec![POSTGRESQL.to_vec()];
    Ok(tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}
