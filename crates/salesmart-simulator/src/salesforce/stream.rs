//! Bodies of answers: compressed where the client accepts it, and streamed where they are long.

use std::io::Write;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use tokio::sync::mpsc;

/// Less than this is not worth compressing.
const LEAST_TO_COMPRESS: usize = 1_024;

/// How much is sent at a time.
const CHUNK: usize = 256 * 1_024;

/// How many chunks wait for a slow reader.
const WAITING: usize = 2;

/// Whether the client accepts gzip.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let is_gzip = matches!(parts.next(), Some("gzip" | "x-gzip" | "*"));
            is_gzip && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
        })
}

/// A JSON answer.
pub(crate) fn json(text: Vec<u8>, is_compressed: bool) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    if is_compressed && text.len() >= LEAST_TO_COMPRESS {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let done = encoder.write_all(&text).and_then(|()| encoder.finish());
        if let Ok(compressed) = done {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(compressed);
            return response;
        }
    }
    *response.body_mut() = Body::from(text);
    response
}

/// Something long: `write` is called with a buffer again and again, on a thread of its own, until
/// it says that there is no more. So no more than some chunks are in memory at a time.
pub(crate) fn long(
    content_type: &'static str,
    is_compressed: bool,
    mut write: impl FnMut(&mut Vec<u8>) -> bool + Send + 'static,
) -> Response {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut plain = Vec::with_capacity(CHUNK * 2);
        let mut encoder = is_compressed.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        loop {
            let is_more = write(&mut plain);
            if is_more && plain.len() < CHUNK {
                continue;
            }
            let chunk = match &mut encoder {
                None => Ok(std::mem::take(&mut plain)),
                Some(encoder) => compress(encoder, &mut plain, !is_more),
            };
            // Nobody listens any more when the client went away.
            let is_heard = match chunk {
                Ok(chunk) if chunk.is_empty() => true,
                other => sender.blocking_send(other.map(Bytes::from)).is_ok(),
            };
            if !is_more || !is_heard {
                break;
            }
        }
    });
    let chunks = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn compress(
    encoder: &mut GzEncoder<Vec<u8>>,
    plain: &mut Vec<u8>,
    is_last: bool,
) -> std::io::Result<Vec<u8>> {
    encoder.write_all(plain)?;
    plain.clear();
    if is_last {
        encoder.try_finish()?;
    }
    Ok(std::mem::take(encoder.get_mut()))
}
