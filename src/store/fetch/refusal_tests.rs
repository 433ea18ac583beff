//! What is never put in place, and what is said of it.

use super::test_server::{Answer, Request, Server};
use super::tests::{check, check_item, content, good, item, options, render, run, sha256, url};

#[tokio::test]
async fn lasting_failures_are_not_retried() {
    check(
        |_| Answer::new(404, "<html><title>Not here</title>"),
        "`Ascend-cann-nnal_8.5.0_linux-aarch64.run` cannot be fetched: the server answered 404 Not Found
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  it says: Not here
  hint: correct `url`: there is no such file",
    )
    .await;
    check(
        |_| Answer::new(403, ""),
        "`Ascend-cann-nnal_8.5.0_linux-aarch64.run` cannot be fetched: the server answered 403 Forbidden
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  hint: the host may want a login or a `Referer`: set one for it, or download the file in a browser",
    )
    .await;
}

const PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
const PAGE_TEXT: &str =
    "`Ascend-cann-nnal_8.5.0_linux-aarch64.run` cannot be fetched: the server answered with an HTML page
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  it says: Sign in
  hint: if the host wants a login, download the file in a browser and put it into `INTO`";

#[tokio::test]
async fn a_page_is_called_what_it_is() {
    let typed =
        |_: &Request| Answer::new(200, PAGE).header("content-type", "text/html; charset=utf-8");
    check(typed, PAGE_TEXT).await;
    check_item(|item| item.size = None, typed, PAGE_TEXT).await;
    let untyped = |_: &Request| Answer::new(200, PAGE);
    check(untyped, PAGE_TEXT).await;
    check_item(|item| item.size = None, untyped, PAGE_TEXT).await;
    check_item(|item| (item.size, item.sha256) = (None, None), untyped, PAGE_TEXT).await;
}

#[tokio::test]
async fn wrong_content_is_never_put_in_place() {
    check(
        |_| Answer::new(200, &content()[1..]),
        "`Ascend-cann-nnal_8.5.0_linux-aarch64.run` has another size at its address
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  expected size: 400000 bytes
    actual size: 399999 bytes
  hint: correct `url`, or `size` and `sha256`",
    )
    .await;
    let endless = |_: &Request| Answer {
        lengthless: true,
        ..Answer::new(200, [content(), content()].concat())
    };
    let server = Server::start(endless).await;
    let folder = tempfile::tempdir().unwrap();
    let error = run(&item(&url(&server)), folder.path(), &options()).await.unwrap_err();
    assert!(error.problems[0].notes[2].contains("actual size: at least"), "{}", render(&error));
    let mut flipped = content().to_vec();
    flipped[200_000] ^= 1;
    let digests = [sha256(content()), sha256(&flipped)];
    let expected = format!(
        "what was fetched for `Ascend-cann-nnal_8.5.0_linux-aarch64.run` does not match its sha256
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  expected sha256: {}
    actual sha256: {}
  actual size: 400000 bytes
  hint: correct `url`; if the file was meant to change, update its sha256",
        digests[0], digests[1]
    );
    check(move |_| Answer::new(200, &*flipped), &expected).await;
}

#[tokio::test]
async fn redirects_are_followed_but_not_in_a_circle() {
    let once = |request: &Request| match request.path.starts_with("/files") {
        true => Answer::new(302, "").header("location", "/elsewhere?token=secret"),
        false => good(request),
    };
    check(once, "whole whole").await;
    check(
        |request| Answer::new(302, "").header("location", format!("{}?token=x", request.path)),
        "`Ascend-cann-nnal_8.5.0_linux-aarch64.run` cannot be fetched: its address redirects in a circle
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  last redirected to: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  hint: the host may want a login or a `Referer`; correct `url` otherwise",
    )
    .await;
    check(
        |_| Answer::new(302, "").header("location", "file:///etc/passwd"),
        "`Ascend-cann-nnal_8.5.0_linux-aarch64.run` cannot be fetched: redirected to `file:///etc/passwd`
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run",
    )
    .await;
}

#[tokio::test]
async fn what_cannot_work_is_said_before_anything_is_asked() {
    let asked = |_: &Request| -> Answer { panic!("nothing may be asked") };
    check_item(
        |item| item.file = "../escape".to_owned(),
        asked,
        "`../escape` is not a file name\n  hint: name the file without its folder",
    )
    .await;
    check_item(
        |item| item.url = "ftp://host/a".to_owned(),
        asked,
        "`ftp://host/a` is not an address to fetch `Ascend-cann-nnal_8.5.0_linux-aarch64.run` from
  expected: an address that begins with `http://` or `https://`",
    )
    .await;
    let server = Server::start(asked).await;
    let folder = tempfile::tempdir().unwrap();
    let mut huge = item(&url(&server));
    huge.size = Some(1 << 60);
    let text = render(&run(&huge, folder.path(), &options()).await.unwrap_err());
    assert!(text.starts_with("there is not enough space in"), "{text}");
    assert!(text.contains("needed: 1152921504606846976 bytes, free: "), "{text}");
}
