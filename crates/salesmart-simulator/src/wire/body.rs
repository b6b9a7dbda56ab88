//! Bodies that come slowly, and bodies that break off.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;

/// Sends the first half, waits, and sends the rest.
pub(super) async fn slow(response: Response, millis: u64) -> Response {
    let (response, bytes) = taken(response).await;
    let half = bytes.len() / 2;
    let (first, rest) = (bytes.slice(..half), bytes.slice(half..));
    let parts = stream::iter([Ok::<_, io::Error>(first)]).chain(stream::once(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(rest)
    }));
    response.map(|_| Body::from_stream(parts))
}

/// Sends a share of the body and breaks the connection. The length that was promised is that of
/// the whole body, so that nobody can take the part for it.
pub(super) async fn cut(response: Response, permille: u16) -> Response {
    let (response, bytes) = taken(response).await;
    let keep = (bytes.len() * usize::from(permille.min(999)) / 1000).min(bytes.len().max(1) - 1);
    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut by the fault plan");
    // The pause lets the first part leave before the connection is torn down.
    let parts = stream::iter([Ok(bytes.slice(..keep))]).chain(stream::once(async move {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Err::<Bytes, _>(broken)
    }));
    response.map(|_| Body::from_stream(parts))
}

/// The response without its body, and the body, whose length is now in the header.
async fn taken(response: Response) -> (Response, Bytes) {
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    (Response::from_parts(parts, Body::empty()), bytes)
}
