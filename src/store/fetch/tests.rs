//! Fetching from a server on loopback that does everything wrong that servers do.

use std::sync::{LazyLock, OnceLock};

use sha2::Digest;

use super::test_server::{Answer, Request, Server};
use super::*;

const FILE: &str = "Ascend-cann-nnal_8.5.0_linux-aarch64.run";

/// 400 kB that differ at every position within reach.
pub(super) fn content() -> &'static [u8] {
    static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
        (0..100_000_u32).flat_map(|index| index.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
    });
    &CONTENT
}

pub(super) fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

pub(super) fn url(server: &Server) -> String {
    format!("http://{}/files/{FILE}", server.address)
}

pub(super) fn options() -> FetchOptions {
    FetchOptions {
        attempts: 3,
        pause: Duration::from_millis(1),
        silence: Duration::from_secs(20),
        ..FetchOptions::default()
    }
}

pub(super) fn item(url: &str) -> FetchItem {
    let (sha256, size) = (Some(sha256(content())), Some(content().len() as u64));
    FetchItem { file: FILE.to_owned(), url: url.to_owned(), sha256, size, place: None }
}

/// One client for all tests: making one reads the system's certificates.
fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| request::client(&options(), false).unwrap())
}

pub(super) async fn run(
    item: &FetchItem,
    into: &Path,
    options: &FetchOptions,
) -> Result<Vec<Fetched>, Error> {
    fetch_by(client(), std::slice::from_ref(item), into, options, &|_| ()).await
}

pub(super) fn render(error: &Error) -> String {
    let render = |problem: &Problem| {
        let notes = problem.notes.iter().map(|note| format!("\n  {note}"));
        let hints = problem.hints.iter().map(|hint| format!("\n  hint: {hint}"));
        format!("{}{}", problem.message, notes.chain(hints).collect::<String>())
    };
    error.problems.iter().map(render).collect::<Vec<_>>().join("\n")
}

/// Fetches one file from a server that answers with `handler`. Whatever happens,
/// the file's name stands for the right content or for nothing, and a file that
/// came leaves nothing else behind.
pub(super) async fn check_item(
    change: impl Fn(&mut FetchItem),
    handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    expected: &str,
) {
    let server = Server::start(handler).await;
    let folder = tempfile::tempdir().unwrap();
    let mut item = item(&url(&server));
    change(&mut item);
    let outcome = run(&item, folder.path(), &options()).await;
    let place = folder.path().join(FILE);
    assert_eq!(place.exists(), outcome.is_ok());
    let actual = match outcome {
        Ok(fetched) => {
            let wanted = item.sha256.unwrap_or_else(|| fetched[0].sha256.clone());
            assert_eq!(sha256(&std::fs::read(&place).unwrap()), wanted);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
            server.log().join(" ")
        }
        Err(error) => render(&error),
    };
    let actual = actual.replace(&server.address.to_string(), "HOST");
    assert_eq!(actual.replace(&folder.path().display().to_string(), "INTO"), expected);
}

pub(super) async fn check(
    handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    expected: &str,
) {
    check_item(|_| (), handler, expected).await;
}

const TAG: &str = "\"one\"";

pub(super) fn good(request: &Request) -> Answer {
    Answer::good(request, content(), TAG)
}

#[tokio::test]
async fn a_good_server_is_asked_once() {
    check(good, "whole").await;
    check_item(|item| item.size = None, good, "whole").await;
    check_item(|item| (item.size, item.sha256) = (None, None), good, "whole").await;
}

#[tokio::test]
async fn a_file_that_is_there_is_not_fetched_again() {
    let server = Server::start(good).await;
    let folder = tempfile::tempdir().unwrap();
    let item = item(&url(&server));
    std::fs::write(folder.path().join(FILE), "wrong").unwrap();
    for already in [false, true] {
        let fetched = run(&item, folder.path(), &options()).await.unwrap();
        assert_eq!(fetched[0].already, already);
    }
    assert_eq!(server.log(), ["whole"]);
    assert_eq!(std::fs::read(folder.path().join(FILE)).unwrap(), content());
}

/// 200 positions spread over the file, the same in every run.
fn positions() -> impl Iterator<Item = usize> {
    let len = content().len() as u64;
    (0..200_u64).map(move |index| {
        let mixed = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        usize::try_from(mixed % len).unwrap()
    })
}

#[tokio::test]
async fn a_transfer_that_is_cut_goes_on() {
    for position in positions() {
        let handler = move |request: &Request| match request.number {
            0 => good(request).cut(position),
            _ => good(request),
        };
        let again = if position == 0 { "whole".to_owned() } else { format!("bytes={position}-") };
        check(handler, &format!("whole {again}")).await;
    }
}

#[tokio::test]
async fn a_process_that_ends_at_any_byte_goes_on_the_next_time() {
    let content = content();
    for position in positions().step_by(10).chain([0, content.len() - 1]) {
        let server = Server::start(good).await;
        let folder = tempfile::tempdir().unwrap();
        let item = item(&url(&server));
        let options = options();
        stop_after(&item, folder.path(), &options, position as u64).await;
        assert!(!folder.path().join(FILE).exists());
        run(&item, folder.path(), &options).await.unwrap();
        assert!(std::fs::read(folder.path().join(FILE)).unwrap() == content);
    }
}

/// Fetches until more than `position` bytes have come, then drops everything, as
/// a signal would.
async fn stop_after(item: &FetchItem, into: &Path, options: &FetchOptions, position: u64) {
    let enough = tokio::sync::Notify::new();
    let total = std::sync::atomic::AtomicU64::new(0);
    let observer = |event| {
        if let FetchEvent::Read { bytes, .. } = event {
            let before = total.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
            if before + bytes > position {
                enough.notify_one();
            }
        }
    };
    let items = [item.clone()];
    tokio::select! {
        biased;
        () = enough.notified() => {}
        outcome = fetch_by(client(), &items, into, options, &observer) => drop(outcome),
    }
    // What was fetched whole before the signal came is not what this is about.
    drop(std::fs::remove_file(into.join(&item.file)));
}

#[tokio::test]
async fn a_partial_file_of_another_version_is_never_completed() {
    let other: Vec<u8> = content().iter().map(|byte| !byte).collect();
    let cut = |request: &Request, body: &[u8], tag| Answer::good(request, body, tag).cut(1000);
    // The server honours If-Range and sends the new version whole.
    let body = other.clone();
    let honest = move |request: &Request| match request.number {
        0 => cut(request, &body, "\"old\""),
        _ => good(request),
    };
    check(honest, "whole bytes=1000-").await;
    // The server ignores If-Range, but tells the new version's tag.
    let body = other.clone();
    let careless = move |request: &Request| match request.number {
        0 => cut(request, &body, "\"old\""),
        1 => Answer::new(206, &content()[1000..])
            .header("content-range", "bytes 1000-399999/400000")
            .header("etag", TAG),
        _ => good(request),
    };
    check(careless, "whole bytes=1000- whole").await;
    // The server tells nothing: only the digest shows it.
    let silent = move |request: &Request| match request.number {
        0 => Answer::new(200, &*other).cut(1000),
        1 => {
            Answer::new(206, &content()[1000..]).header("content-range", "bytes 1000-399999/400000")
        }
        _ => Answer::new(200, content()),
    };
    check(silent, "whole bytes=1000- whole").await;
}

#[tokio::test]
async fn odd_answers_to_a_range_begin_anew() {
    let then = |answer: fn(&Request) -> Answer| {
        move |request: &Request| match request.number {
            0 => good(request).cut(1000),
            1 => answer(request),
            _ => good(request),
        }
    };
    check(then(|_| Answer::new(416, "")), "whole bytes=1000- whole").await;
    check(then(|_| Answer::new(200, content())), "whole bytes=1000-").await;
    let elsewhere = |_: &Request| {
        Answer::new(206, &content()[5..]).header("content-range", "bytes 5-399999/400000")
    };
    check(then(elsewhere), "whole bytes=1000- whole").await;
}

#[tokio::test]
async fn passing_failures_are_retried() {
    for status in [500, 502, 503, 429, 408] {
        let handler = move |request: &Request| match request.number {
            0 => Answer::new(status, "wait").header("retry-after", "0"),
            _ => good(request),
        };
        check(handler, "whole whole").await;
    }
    check(
        |_| Answer::new(500, ""),
        "`Ascend-cann-nnal_8.5.0_linux-aarch64.run` could not be fetched in 3 attempts
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  the last attempt: the server answered 500 Internal Server Error
  hint: check the network and the proxy variables, then run again",
    )
    .await;
    // Nothing but the first bytes ever comes.
    let stuck = |request: &Request| match request.number {
        0 => good(request).cut(10),
        _ => good(request).cut(0),
    };
    check(
        stuck,
        "`Ascend-cann-nnal_8.5.0_linux-aarch64.run` could not be fetched in 3 attempts
  address: http://HOST/files/Ascend-cann-nnal_8.5.0_linux-aarch64.run
  the last attempt: cut at byte 10: end of file before message length reached
  hint: run again: it goes on from byte 10",
    )
    .await;
}

#[tokio::test]
async fn an_end_without_a_length_is_no_end() {
    let lengthless = |request: &Request| Answer {
        lengthless: true,
        cut: (request.number == 0).then_some(5000),
        ..good(request)
    };
    check(lengthless, "whole bytes=5000-").await;
}

#[tokio::test]
async fn a_host_gets_its_referer() {
    let picky = |request: &Request| match request.header("referer") {
        Some("https://www.hiascend.com/") => good(request),
        _ => Answer::new(403, ""),
    };
    let server = Server::start(picky).await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    let item = item(&url(&server));
    assert!(run(&item, folder.path(), &options).await.is_err());
    options.referers = vec![("127.0.0.1".to_owned(), "https://www.hiascend.com/".to_owned())];
    run(&item, folder.path(), &options).await.unwrap();
}

#[tokio::test]
async fn two_processes_that_fetch_the_same_file_both_end_right() {
    let server = Server::start(good).await;
    let folder = tempfile::tempdir().unwrap();
    let item = item(&url(&server));
    let options = options();
    let (one, two) =
        tokio::join!(run(&item, folder.path(), &options), run(&item, folder.path(), &options));
    assert_eq!(one.unwrap()[0].sha256, two.unwrap()[0].sha256);
    assert_eq!(server.log(), ["whole"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_cancelled_fetch_ends_as_interrupted() {
    let server = Server::start(|_| Answer::new(500, "")).await;
    let folder = tempfile::tempdir().unwrap();
    let options = FetchOptions { pause: Duration::from_secs(3600), ..options() };
    let cancel = async {
        while server.log().is_empty() {
            tokio::task::yield_now().await;
        }
        options.cancelled.cancel();
    };
    let item = item(&url(&server));
    let (outcome, ()) = tokio::join!(run(&item, folder.path(), &options), cancel);
    assert_eq!(outcome.unwrap_err().exit, Exit::Interrupted);
}
