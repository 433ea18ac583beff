//! What is wrong with an address or with what came from it, in the user's words.

use std::io;
use std::path::Path;

use reqwest::{StatusCode, Url};

use super::FetchItem;
use super::partial::Partial;
use crate::error::Problem;
use crate::project::Sha256;
use crate::store::disguise::Disguise;

fn placed(problem: Problem, item: &FetchItem) -> Problem {
    match &item.place {
        Some(place) => problem.at(place.clone(), "declared here"),
        None => problem,
    }
}

/// The address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither can fail for an address with a host, and others are refused before.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

fn address(item: &FetchItem) -> String {
    Url::parse(&item.url).map_or_else(|_| item.url.clone(), |url| shown(&url))
}

/// What is wrong with an item before anything is asked.
pub(super) fn wrong_item(item: &FetchItem) -> Option<Problem> {
    let plain = !item.file.contains(['/', '\0']) && !matches!(&*item.file, "" | "." | "..");
    if !plain {
        let problem = Problem::error(format!("`{}` is not a file name", item.file))
            .hint("name the file without its folder");
        return Some(placed(problem, item));
    }
    match Url::parse(&item.url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => None,
        _ => Some(not_an_address(item)),
    }
}

pub(super) fn not_an_address(item: &FetchItem) -> Problem {
    let message = format!("`{}` is not an address to fetch `{}` from", item.url, item.file);
    placed(Problem::error(message), item)
        .note("expected: an address that begins with `http://` or `https://`")
}

pub(super) fn folder(into: &Path, error: io::Error) -> Problem {
    Problem::error(format!("the folder `{}` cannot be made", into.display())).cause(error)
}

/// Sizes in bytes.
pub(super) fn no_space(into: &Path, needed: u64, free: u64) -> Problem {
    Problem::error(format!("there is not enough space in `{}`", into.display()))
        .note(format!("needed: {needed} bytes, free: {free} bytes"))
        .hint("make space, or fetch into another folder")
}

pub(super) fn not_written(item: &FetchItem, path: &Path, error: io::Error) -> Problem {
    let message = format!("`{}` cannot be written to `{}`", item.file, path.display());
    placed(Problem::error(message), item).cause(error)
}

pub(super) fn status(item: &FetchItem, status: StatusCode) -> Problem {
    let message = format!("`{}` cannot be fetched: the server answered {status}", item.file);
    let hint = match status.as_u16() {
        401 | 403 => {
            "the host may want a login or a `Referer`: set one for it, or download the file in a browser"
        }
        404 | 410 => "correct `url`: there is no such file",
        407 => "the proxy wants a login: put it into the proxy variables",
        _ => "open the address in a browser to see what the host wants",
    };
    placed(Problem::error(message), item).note(format!("address: {}", address(item))).hint(hint)
}

pub(super) fn page(item: &FetchItem, into: &Path, url: &Url, page: &Disguise) -> Problem {
    let kind = page.kind;
    let message = format!("`{}` cannot be fetched: the server answered with {kind}", item.file);
    let mut problem = Problem::error(message).note(format!("address: {}", shown(url)));
    if let Some(text) = &page.says {
        problem = problem.note(format!("it says: {text}"));
    }
    placed(problem, item).hint(format!(
        "if the host wants a login, download the file in a browser and put it into `{}`",
        into.display()
    ))
}

/// Sizes in bytes.
pub(super) fn wrong_length(item: &FetchItem, url: &Url, expected: u64, actual: u64) -> Problem {
    let problem = Problem::error(format!("`{}` has another size at its address", item.file))
        .note(format!("address: {}", shown(url)))
        .note(format!("expected size: {expected} bytes"))
        .note(format!("  actual size: {actual} bytes"));
    placed(problem, item).hint("correct `url`, or `size` and `sha256`")
}

/// More bytes came than declared; `actual` is where receiving stopped.
pub(super) fn too_long(item: &FetchItem, actual: u64) -> Problem {
    let expected = item.size.unwrap_or_default();
    let problem = Problem::error(format!("`{}` has another size at its address", item.file))
        .note(format!("address: {}", address(item)))
        .note(format!("expected size: {expected} bytes"))
        .note(format!("  actual size: at least {actual} bytes"));
    placed(problem, item).hint("correct `url`, or `size` and `sha256`")
}

pub(super) fn mismatch(item: &FetchItem, expected: &Sha256, actual: &Sha256, size: u64) -> Problem {
    let message = format!("what was fetched for `{}` does not match its sha256", item.file);
    let problem = Problem::error(message)
        .note(format!("address: {}", address(item)))
        .note(format!("expected sha256: {expected}"))
        .note(format!("  actual sha256: {actual}"))
        .note(format!("actual size: {size} bytes"));
    placed(problem, item).hint("correct `url`; if the file was meant to change, update its sha256")
}

/// A part of the file that does not go on where the partial file ends.
pub(super) fn wrong_part(item: &FetchItem, expected: u64, actual: Option<u64>) -> Problem {
    let actual = actual.map_or("none".to_owned(), |start| start.to_string());
    let message = format!("`{}` keeps changing at its address", item.file);
    placed(Problem::error(message), item)
        .note(format!("address: {}", address(item)))
        .note(format!("expected the part from byte {expected}, actual: {actual}"))
}

pub(super) fn redirect_loop(item: &FetchItem, last: &Url) -> Problem {
    let message = format!("`{}` cannot be fetched: its address redirects in a circle", item.file);
    placed(Problem::error(message), item)
        .note(format!("address: {}", address(item)))
        .note(format!("last redirected to: {}", shown(last)))
        .hint("the host may want a login or a `Referer`; correct `url` otherwise")
}

pub(super) fn bad_redirect(item: &FetchItem, target: &str) -> Problem {
    let message = format!("`{}` cannot be fetched: redirected to `{target}`", item.file);
    placed(Problem::error(message), item).note(format!("address: {}", address(item)))
}

pub(super) fn given_up(item: &FetchItem, attempts: u32, reason: &str, here: &Partial) -> Problem {
    let message = format!("`{}` could not be fetched in {attempts} attempts", item.file);
    let problem = Problem::error(message)
        .note(format!("address: {}", address(item)))
        .note(format!("the last attempt: {reason}"));
    let hint = match here.len() {
        0 => "check the network and the proxy variables, then run again".to_owned(),
        len => format!("run again: it goes on from byte {len}"),
    };
    placed(problem, item).hint(hint)
}
