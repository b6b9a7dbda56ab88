//! Google Cloud Storage's XML API, as far as an object store client needs it, in memory.
//!
//! Written here because no package has it: gcp-storage-emulator 2026.7 answers neither HEAD nor
//! DELETE nor a listing of the XML API and sends no ETag, and fake-gcs-server refuses its PUT.
//! It follows <https://cloud.google.com/storage/docs/xml-api>: it shows that what Salesmart sends is
//! what the documentation asks for. It cannot show that Google agrees.
//!
//! - [`request`] reads a request and writes a response: HTTP.
//! - [`objects`] is the store: generations, conditional writes, multipart uploads, listings.
//! - this file joins them: which request means what, and the XML of the answers.

mod objects;
mod request;
mod time;

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::{Doing, Failure};
use objects::{Listing, Object, Objects, Refusal};
use request::{Request, Response};

/// Starts it on a free port, for as long as this process lives.
pub(crate) fn start() -> Result<u16, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).doing("start the GCS server")?;
    let port = listener.local_addr().doing("start the GCS server")?.port();
    let objects = Arc::new(Mutex::new(Objects::default()));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let objects = Arc::clone(&objects);
            std::thread::spawn(move || serve(stream, &objects));
        }
    });
    Ok(port)
}

/// Answers one connection until the client closes it.
fn serve(stream: TcpStream, objects: &Mutex<Objects>) {
    // Answers are small and wait for nobody.
    let _ = stream.set_nodelay(true);
    let mut connection = request::Connection::new(stream);
    while let Some(request) = connection.read() {
        let response =
            answer(&request, &mut objects.lock().unwrap_or_else(PoisonError::into_inner));
        if connection.write(&request, &response).is_err() {
            return;
        }
    }
}

fn answer(request: &Request, objects: &mut Objects) -> Response {
    let Some((bucket, object)) = request.bucket_and_object() else {
        return Response::new(400);
    };
    let query = |name: &str| request.query.get(name).map(String::as_str);
    if object.is_empty() {
        return match request.method.as_str() {
            "GET" => list(&bucket, objects, &request.query),
            _ => Response::new(405),
        };
    }
    let key = (bucket, object);
    let result = match (request.method.as_str(), query("uploadId"), query("partNumber")) {
        ("PUT", Some(upload), Some(number)) => objects
            .put_part(upload, number, &request.body)
            .map(|e_tag| Response::new(200).header("ETag", &e_tag)),
        ("POST", None, None) if query("uploads").is_some() => Ok(Response::xml(&format!(
            "<InitiateMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key>\
             <UploadId>{}</UploadId></InitiateMultipartUploadResult>",
            escaped(&key.0),
            escaped(&key.1),
            objects.begin_upload()
        ))),
        ("POST", Some(upload), None) => {
            let parts = part_numbers(&String::from_utf8_lossy(&request.body));
            objects.complete_upload(upload, &parts, key).map(|object| {
                Response::xml(&format!(
                    "<CompleteMultipartUploadResult><ETag>{}</ETag>\
                     </CompleteMultipartUploadResult>",
                    escaped(&object.e_tag)
                ))
                .header("x-goog-generation", &object.generation.to_string())
            })
        }
        ("DELETE", Some(upload), None) => objects.abort_upload(upload).map(|()| Response::new(204)),
        ("PUT", None, None) => put(request, objects, key),
        ("GET" | "HEAD", None, None) => get(request, objects, &key),
        ("DELETE", None, None) => objects.delete(&key).map(|()| Response::new(204)),
        _ => return Response::new(405),
    };
    result.unwrap_or_else(|refusal| {
        let (status, code) = match refusal {
            Refusal::NoSuchKey => (404, "NoSuchKey"),
            Refusal::NoSuchUpload => (404, "NoSuchUpload"),
            Refusal::PreconditionFailed => (412, "PreconditionFailed"),
            Refusal::InvalidPart => (400, "InvalidPart"),
            Refusal::InvalidRange => (416, "InvalidRange"),
            Refusal::InvalidArgument => (400, "InvalidArgument"),
        };
        let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
        Response { status, ..Response::xml(&body) }
    })
}

/// A new object, or a copy of one on the server.
fn put(
    request: &Request,
    objects: &mut Objects,
    key: (String, String),
) -> Result<Response, Refusal> {
    let only_if = match request.headers.get("x-goog-if-generation-match") {
        Some(text) => Some(text.parse::<u64>().map_err(|_| Refusal::InvalidArgument)?),
        None => None,
    };
    if let Some(source) = request.headers.get("x-goog-copy-source") {
        let source = request::decoded(source.trim_start_matches('/'));
        let (bucket, name) = source.split_once('/').ok_or(Refusal::InvalidArgument)?;
        let body = objects.get(&(bucket.to_owned(), name.to_owned()))?.body.clone();
        let copy = objects.put(key, body, only_if)?;
        return Ok(Response::xml(&format!(
            "<CopyObjectResult><LastModified>{}</LastModified><ETag>{}</ETag></CopyObjectResult>",
            time::iso(copy.modified),
            escaped(&copy.e_tag)
        )));
    }
    let object = objects.put(key, request.body.clone(), only_if)?;
    Ok(described(Response::new(200), object))
}

fn get(request: &Request, objects: &Objects, key: &(String, String)) -> Result<Response, Refusal> {
    let object = objects.get(key)?;
    if let Some(generation) = request.query.get("generation")
        && *generation != object.generation.to_string()
    {
        return Err(Refusal::NoSuchKey);
    }
    let named = |header: &str| request.headers.get(header).map(|tag| tag == &object.e_tag);
    if named("if-match") == Some(false) {
        return Err(Refusal::PreconditionFailed);
    }
    if named("if-none-match") == Some(true) {
        return Ok(described(Response::new(304), object));
    }
    let whole = object.body.len();
    let response = match request.headers.get("range") {
        None => Response { body: object.body.clone(), ..Response::new(200) },
        Some(range) => {
            let (from, to) = request::range(range, whole).ok_or(Refusal::InvalidRange)?;
            Response { body: object.body[from..to].to_vec(), ..Response::new(206) }
                .header("Content-Range", &format!("bytes {from}-{}/{whole}", to - 1))
        }
    };
    Ok(described(response, object).header("Content-Type", "application/octet-stream"))
}

fn described(response: Response, object: &Object) -> Response {
    response
        .header("ETag", &object.e_tag)
        .header("Last-Modified", &time::rfc1123(object.modified))
        .header("x-goog-generation", &object.generation.to_string())
}

fn list(bucket: &str, objects: &Objects, query: &BTreeMap<String, String>) -> Response {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    // A page's token is its last entry, which is also what `start-after` means.
    let after = text("continuation-token").max(text("start-after"));
    let most = query.get("max-keys").and_then(|n| n.parse().ok()).unwrap_or(1000);
    let Listing { objects, prefixes, next } =
        objects.list(bucket, text("prefix"), text("delimiter"), after, most);
    let mut body = String::from("<ListBucketResult>");
    body.push_str(&format!("<IsTruncated>{}</IsTruncated>", next.is_some()));
    if let Some(next) = next {
        body.push_str(&format!(
            "<NextContinuationToken>{}</NextContinuationToken>",
            escaped(&next)
        ));
    }
    for (name, object) in objects {
        body.push_str(&format!(
            "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag>\
             <Size>{}</Size></Contents>",
            escaped(name),
            time::iso(object.modified),
            escaped(&object.e_tag),
            object.body.len()
        ));
    }
    for prefix in prefixes {
        body.push_str(&format!(
            "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>",
            escaped(&prefix)
        ));
    }
    body.push_str("</ListBucketResult>");
    Response::xml(&body)
}

/// The part numbers of a `CompleteMultipartUpload`, in its order.
fn part_numbers(xml: &str) -> Vec<String> {
    xml.split("<PartNumber>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</PartNumber>"))
        .map(|(number, _)| number.to_owned())
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
