//! The rules that the lake's commits stand on.

use super::*;

fn key(name: &str) -> (String, String) {
    ("lake".to_owned(), name.to_owned())
}

#[test]
fn an_object_is_created_once() {
    let mut objects = Objects::default();
    assert!(objects.put(key("a"), b"1".to_vec(), Some(0)).is_ok());
    let again = objects.put(key("a"), b"2".to_vec(), Some(0));
    assert_eq!(again.err(), Some(Refusal::PreconditionFailed));
    assert_eq!(objects.get(&key("a")).unwrap().body, b"1");
}

#[test]
fn a_write_tied_to_a_generation_loses_against_a_newer_one() {
    let mut objects = Objects::default();
    let first = objects.put(key("a"), b"1".to_vec(), None).unwrap().generation;
    assert!(objects.put(key("a"), b"2".to_vec(), Some(first)).is_ok());
    assert!(objects.put(key("a"), b"3".to_vec(), Some(first)).is_err());
}

#[test]
fn pages_of_a_listing_tell_everything_once() {
    let mut objects = Objects::default();
    for name in ["x/1", "x/2", "x/y/1", "x/y/2", "x/z", "w"] {
        objects.put(key(name), Vec::new(), None).unwrap();
    }
    let mut told = Vec::new();
    let mut after = String::new();
    loop {
        let page = objects.list("lake", "x/", "/", &after, 1);
        told.extend(page.objects.iter().map(|(name, _)| (*name).to_owned()));
        told.extend(page.prefixes);
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(told, ["x/1", "x/2", "x/y/", "x/z"]);
}

#[test]
fn ranges_are_cut_as_the_header_says() {
    assert_eq!(request::range("bytes=1-2", 5), Some((1, 3)));
    assert_eq!(request::range("bytes=3-", 5), Some((3, 5)));
    assert_eq!(request::range("bytes=-2", 5), Some((3, 5)));
    assert_eq!(request::range("bytes=1-99", 5), Some((1, 5)));
    assert_eq!(request::range("bytes=5-", 5), None);
}

#[test]
fn names_are_decoded() {
    let request = Request { path: "/lake/a%2Fb%20%C3%A4".to_owned(), ..Request::default() };
    assert_eq!(request.bucket_and_object(), Some(("lake".to_owned(), "a/b ä".to_owned())));
}

#[test]
fn parts_become_one_object_in_the_order_named() {
    let mut objects = Objects::default();
    let upload = objects.begin_upload();
    objects.put_part(&upload, "2", b"b").unwrap();
    objects.put_part(&upload, "1", b"a").unwrap();
    let xml = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part>\
               <Part><PartNumber>2</PartNumber></Part></CompleteMultipartUpload>";
    objects.complete_upload(&upload, &part_numbers(xml), key("a")).unwrap();
    assert_eq!(objects.get(&key("a")).unwrap().body, b"ab");
    assert_eq!(objects.abort_upload(&upload), Err(Refusal::NoSuchUpload));
}
