//! Real clients fetch a file, and go on from a part of it.

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
