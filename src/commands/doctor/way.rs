//! Trying the way from a container to this machine: a listener that answers one
//! word, and a throwaway container that asks for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::doctor::Reach;
use crate::engine::{CheckOutcome, CheckRequest, DockerEngine, HostAccess, ListedImage};
use crate::project::Project;

/// How long a container may take to start its client and fetch the word, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many seconds the client itself waits: a dropped packet is never answered.
const CLIENT: u32 = 4;

/// The exit code of a client that the shell has ended.
const ENDED: i64 = 143;

/// How many images are tried until one has a shell and a client.
const IMAGES: usize = 4;

/// How many of them are the project's own, or its bases, while there are others.
const OWN: usize = 2;

/// What the container prints when its shell runs.
const SHELL: &str = "ascend-build-doctor-shell";

/// What the container is labelled with in place of a run.
const RUN: &str = "doctor";

/// The exit code where the image has nothing to fetch with.
const NO_CLIENT: i64 = 125;

/// The images to try: a base of the project and the smallest of its own images first, then those that most
/// likely have a client. Own images without a shell must not take all places.
pub(super) fn candidates(images: &[ListedImage], project: Option<&Project>) -> Vec<String> {
    let name = project.map(|project| project.name.as_str());
    let bases: Vec<_> = project
        .into_iter()
        .flat_map(|project| project.bases.values())
        .map(|base| &base.image)
        .collect();
    let mut images: Vec<_> = images.iter().collect();
    let rank = |image: &ListedImage| {
        let is_base = image.references.iter().any(|reference| bases.contains(&reference));
        let is_own = name.is_some() && image.project.as_deref() == name;
        (!is_base, !is_own, image.project.is_none(), image.references.is_empty(), image.size)
    };
    images.sort_by_key(|image| rank(image));
    // Two of the project's own are enough to know whether they have a shell.
    let own = |image: &ListedImage| rank(image).0 && !rank(image).1;
    let (owns, others): (Vec<_>, Vec<_>) = images.into_iter().partition(|image| own(image));
    let (tried, rest) = owns.split_at(owns.len().min(OWN));
    let bases = others.iter().filter(|image| !rank(image).0);
    let strangers = others.iter().filter(|image| rank(image).0);
    let images = bases.take(OWN).chain(tried).chain(strangers).chain(rest);
    images.take(IMAGES).map(|image| image.id.clone()).collect()
}

/// Whether a container of one of these images reaches this machine.
pub(super) async fn reach(engine: &DockerEngine, access: &HostAccess, images: &[String]) -> Reach {
    let word = word();
    let Ok(listener) = TcpListener::bind((access.listen, 0)).await else {
        return Reach::Untried("nothing can listen on the gateway".to_owned());
    };
    let Ok(address) = listener.local_addr() else {
        return Reach::Untried("nothing can listen on the gateway".to_owned());
    };
    let url = format!("http://{}:{}/{word}", access.name, address.port());
    let heard = Arc::new(AtomicBool::new(false));
    let answering = answer(listener, word, Arc::clone(&heard));
    let _answering = AbortOnDropHandle::new(tokio::spawn(answering));
    for image in images {
        let request = CheckRequest {
            image: image.clone(),
            command: command(&url),
            timeout: PATIENCE,
            run: RUN.to_owned(),
        };
        let outcome = engine.run_as_build(&request).await;
        if heard.load(Ordering::Relaxed) {
            return Reach::Reached;
        }
        if let Some(reach) = outcome.ok().and_then(|outcome| judged(&outcome, &url)) {
            return reach;
        }
    }
    Reach::Untried(match images.len() {
        0 => "the engine has no image to try with".to_owned(),
        count => format!("none of {count} images in the engine has `/bin/sh` and a client"),
    })
}

/// What the end of a container says that nobody heard of; `None` where the image could not try.
fn judged(outcome: &CheckOutcome, url: &str) -> Option<Reach> {
    let mut lines = outcome.output.iter().map(String::as_str);
    if lines.next() != Some(SHELL) || outcome.exit_code == Some(NO_CLIENT) {
        return None;
    }
    Some(Reach::Blocked(match (outcome.exit_code, lines.next_back()) {
        (None, _) => format!("no answer from `{url}` within {} s", PATIENCE.as_secs()),
        (Some(ENDED), _) => format!("no answer from `{url}` within {CLIENT} s"),
        (Some(code), None) => format!("its client ended with exit code {code}"),
        (Some(_), Some(line)) => format!("its client says: {line}"),
    }))
}

/// Fetches without a proxy, so that only the way itself is tried. The shell ends a client that waits: GNU wget
/// would try twenty times, and BusyBox 1.35 crashes when its wget is given a time.
fn command(url: &str) -> String {
    format!(
        "echo {SHELL}; unset http_proxy HTTP_PROXY all_proxy ALL_PROXY; \
         if command -v curl >/dev/null 2>&1; then exec curl -q -fsS --noproxy '*' -m {CLIENT} {url}; fi; \
         if command -v wget >/dev/null 2>&1; then wget -q -O - {url} & client=$!; \
         {{ sleep {CLIENT} && kill $client; }} & wait $client; exit; fi; \
         if command -v python3 >/dev/null 2>&1; then exec python3 -c \
         'import urllib.request as r; print(r.urlopen(\"{url}\",timeout={CLIENT}).read().decode())'; fi; \
         exit {NO_CLIENT}"
    )
}

/// A word that nobody else on this machine answers.
fn word() -> String {
    let seed = format!("{} {:?}", std::process::id(), std::time::Instant::now());
    hex::encode(&Sha256::digest(seed.as_bytes())[..12])
}

/// Notes that the word was asked for: packets went both ways then, whatever becomes of the container's output.
async fn answer(listener: TcpListener, word: String, heard: Arc<AtomicBool>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let (word, heard) = (word.clone(), Arc::clone(&heard));
        tokio::spawn(async move {
            // The first line of a request fits.
            let mut head = [0; 1024];
            let read = stream.read(&mut head).await.unwrap_or(0);
            if !String::from_utf8_lossy(&head[..read]).contains(&word) {
                return;
            }
            heard.store(true, Ordering::Relaxed);
            let length = word.len();
            let answer = format!(
                "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{word}"
            );
            _ = stream.write_all(answer.as_bytes()).await;
            _ = stream.shutdown().await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(exit_code: Option<i64>, output: &[&str], expected: Option<&Reach>) {
        let output = output.iter().map(|line| (*line).to_owned()).collect();
        let actual = judged(&CheckOutcome { exit_code, output }, "http://g/");
        assert_eq!(actual.as_ref(), expected);
    }

    #[test]
    fn only_a_shell_with_a_client_can_tell() {
        let blocked = |said: &str| Reach::Blocked(said.to_owned());
        check(Some(255), &["exec /bin/sh: exec format error"], None);
        check(Some(125), &[SHELL], None);
        check(None, &[SHELL], Some(&blocked("no answer from `http://g/` within 20 s")));
        check(
            Some(143),
            &[SHELL, "Terminated"],
            Some(&blocked("no answer from `http://g/` within 4 s")),
        );
        check(Some(7), &[SHELL, "refused"], Some(&blocked("its client says: refused")));
        check(Some(4), &[SHELL], Some(&blocked("its client ended with exit code 4")));
    }
}
