//! Real clients fetch a file, and go on from a part of it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::{Served, pattern};
use crate::server::Transfer;

/// Runs a line of shell in a folder of its own, once with nothing and once with the
/// first part of the file as `part`; the line leaves the whole file as `part`. `$U` is its address, `$R` the server's.
async fn check(line: &str) {
    let content = pattern(3_000_000);
    let served = Served::new(&[("a+b ü.run", &content)]).await;
    let folder = tempfile::tempdir().unwrap();
    let root = format!("http://{}", served.address());
    for start in [0, 1_234_567] {
        let _none = std::fs::remove_file(folder.path().join("part"));
        let (part, folder) = (folder.path().join("part"), folder.path().to_owned());
        if start > 0 {
            std::fs::write(&part, &content[..start]).unwrap();
        }
        let mut command = shell(line, &folder, &root);
        let work = move || command.output().unwrap();
        let output = tokio::task::spawn_blocking(work).await.unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(std::fs::read(&part).unwrap() == content, "{line} from {start}: another content");
    }
    let heard = served.heard.lock().unwrap();
    let near = 1_000_000..=1_234_567; // some clients count in blocks
    let resumed = |event: &Transfer| matches!(event, Transfer::Started { offset, .. } if near.contains(offset));
    assert!(heard.iter().any(resumed), "{line} did not go on from the part: {heard:?}");
}

pub(super) fn shell(line: &str, folder: &Path, root: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-euc", line]).current_dir(folder);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.env("R", root).env("U", format!("{root}/a%2Bb%20%C3%BC.run"));
    command
}

#[tokio::test]
#[ignore = "needs curl, wget, wget2, busybox, python3 and aria2; scripts/test runs it"]
async fn clients_fetch_and_resume() {
    check("curl -fsS -C - -o part \"$U\"").await;
    check("wget -q -c -O part \"$U\"").await;
    check("test ! -e part || mv part 'a+b ü.run'; wget2 -q -c \"$U\"; mv 'a+b ü.run' part").await;
    check("busybox wget -q -c -O part \"$U\"").await;
    check("aria2c -q -c -x8 -s8 -k1M --allow-overwrite=false -d . -o part \"$U\"").await;
    check(
        "python3 - <<'E'
import os, urllib.request
start = os.path.exists('part') and os.path.getsize('part')
request = urllib.request.Request(os.environ['U'], headers={'Range': f'bytes={start:d}-'})
with urllib.request.urlopen(request) as answer, open('part', 'ab') as part:
    assert answer.status == 206
    part.write(answer.read())
E",
    )
    .await;
    check(&format!("python3 -B -I -S -c '{}' \"$U\" part", fetcher())).await;
}

/// The Python program of `RUN --package`.
fn fetcher() -> &'static str {
    let (_, program) = include_str!("../../plan/fetch.sh").split_once("\n_ab_python='").unwrap();
    program.split_once("'\n").unwrap().0
}

/// What the program of `RUN --package` says of an answer, and what the file is then, which was "earlier".
fn check_fetcher(answer: &str, said: &str, left: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sha256/0/a.run", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("part");
    std::fs::write(&part, "earlier").unwrap();
    let sent = answer.to_owned();
    let answering = std::thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        let mut asked = [0; 4096];
        let length = client.read(&mut asked).unwrap();
        assert!(asked[..length].ends_with(b"\r\nRange: bytes=7-\r\n\r\n"));
        client.write_all(sent.as_bytes()).unwrap();
    });
    let mut python = Command::new("python3");
    python.args(["-B", "-I", "-S", "-c", fetcher(), &url, "part"]).current_dir(folder.path());
    let output = python.output().unwrap();
    answering.join().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim_end(), said);
    assert_eq!(output.status.success(), said.is_empty());
    assert_eq!(std::fs::read_to_string(part).unwrap(), left, "{answer}");
}

#[test]
#[ignore = "needs python3; scripts/test runs it"]
fn the_fetcher_of_an_instruction_says_what_went_wrong() {
    check_fetcher("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "", "abc");
    // Names of fields in any case; nothing behind the body is read.
    check_fetcher("HTTP/1.1 206 OK\r\ncontent-length: 3\r\nX: y\r\n\r\nabcdef", "", "earlierabc");
    for status in ["404", "416", "500"] {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        check_fetcher(&answer, &format!("error: {status}"), "earlier");
    }
    let early = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc";
    check_fetcher(early, "connection closed 2 bytes early", "abc");
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        check_fetcher(answer, "connection closed before the answer", "earlier");
    }
    check_fetcher("HTTP/1.1 200 OK\r\n\r\nabc", "error: no Content-Length", "earlier");
}

#[tokio::test]
#[ignore = "needs aria2; scripts/test runs it"]
async fn aria2_fetches_over_eight_connections() {
    let content = pattern(16 << 20);
    let served = Served::new(&[("a+b ü.run", &content)]).await;
    let folder = tempfile::tempdir().unwrap();
    let line = "aria2c -q -x8 -s8 -k1M -d . -o whole \"$U\"";
    let mut command = shell(line, folder.path(), &format!("http://{}", served.address()));
    let status = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
    assert!(status.success());
    assert!(std::fs::read(folder.path().join("whole")).unwrap() == content);
    assert!(served.ended().len() >= 8, "{:?}", served.ended());
}
