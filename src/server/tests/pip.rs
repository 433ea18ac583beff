//! Real pip: it installs from the index, shows a token, and goes on where a download broke off.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::clients::shell;
use super::{Served, pattern};
use crate::server::{Options, Outcome, Transfer};

/// Makes two wheels, the first of which needs the second, which holds the file `padding` where there is one.
const WHEELS: &str = "python3 - <<'E'
import os, zipfile
for name, needs in (('demo_npu', 'Requires-Dist: demo.dep\\n'), ('demo_dep', '')):
    info = f'{name}-1.0+x.dist-info'
    with zipfile.ZipFile(f'{name}-1.0+x-py3-none-any.whl', 'w') as wheel:
        wheel.writestr(f'{name}.py', '')
        wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0+x\\n{needs}')
        wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(f'{info}/RECORD', '')
        if not needs and os.path.exists('padding'):
            wheel.write('padding')
E";

/// Two wheels, the first of which needs the second.
fn wheels() -> [(String, Vec<u8>); 2] {
    let folder = tempfile::tempdir().unwrap();
    assert!(shell(WHEELS, folder.path(), "").status().unwrap().success());
    ["demo_npu", "demo_dep"].map(|name| {
        let file = format!("{name}-1.0+x-py3-none-any.whl");
        let content = std::fs::read(folder.path().join(&file)).unwrap();
        (file, content)
    })
}

/// Installs the first wheel from an index; `user` stands before the server's address. Whether both came.
async fn check_pip(options: Options, user: &str, expected: bool) {
    let wheels = wheels();
    let files = wheels.each_ref().map(|(file, content)| (file.as_str(), &content[..]));
    let served = Served::with(options, &files).await;
    let folder = tempfile::tempdir().unwrap();
    let line = "python3 -m pip --isolated install -q --no-input --no-cache-dir --disable-pip-version-check \
        --target installed --index-url $R/simple demo-npu && ls installed/demo_npu.py installed/demo_dep.py";
    let mut command = shell(line, folder.path(), &format!("http://{user}{}", served.address()));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), expected, "{said}");
    assert_eq!(served.ended().len(), if expected { 2 } else { 0 }, "{said}");
}

#[tokio::test]
#[ignore = "needs pip; scripts/test runs it"]
async fn pip_resolves_from_the_declared_wheels_alone() {
    check_pip(Options::default(), "", true).await;
}

#[tokio::test]
#[ignore = "needs pip; scripts/test runs it"]
async fn pip_shows_the_token_of_its_index() {
    let wanting = || Options { token: Some("t&k:n".to_owned()), ..Options::default() };
    check_pip(wanting(), "token:t%26k%3An@", true).await;
    check_pip(wanting(), "token:other@", false).await;
    check_pip(wanting(), "", false).await;
}

/// How much of an answer a [`breaking`] way lets through, in bytes.
const LET_THROUGH: u64 = 1_000_000;

/// A way to `server` that breaks off the first answer that is longer than [`LET_THROUGH`].
fn breaking(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, broken) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let serve = move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || io::copy(&mut from, &mut to));
            let broken = Arc::clone(&broken);
            std::thread::spawn(move || pass(&server, &client, &broken));
        }
    };
    std::thread::spawn(serve);
    address
}

fn pass(mut server: &TcpStream, mut client: &TcpStream, broken: &AtomicBool) {
    let passed = io::copy(&mut server.take(LET_THROUGH), &mut client);
    if passed.is_ok_and(|passed| passed == LET_THROUGH) && broken.swap(true, Ordering::Relaxed) {
        let _gone = io::copy(&mut server, &mut client);
    }
    let _flushed = client.flush();
    let _closed = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs pip 25.1 or later in target/pip; scripts/test installs it"]
async fn pip_goes_on_where_a_download_broke_off() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("padding"), pattern(6_000_000)).unwrap();
    assert!(shell(WHEELS, folder.path(), "").status().unwrap().success());
    let file = "demo_dep-1.0+x-py3-none-any.whl";
    let wheel = std::fs::read(folder.path().join(file)).unwrap();
    let served = Served::new(&[(file, &wheel)]).await;
    let line = "python3 -m pip --isolated install -q --no-cache-dir --disable-pip-version-check \
        --resume-retries 3 --target installed --index-url $R/simple demo-dep && cmp padding installed/padding";
    let mut command = shell(line, folder.path(), &format!("http://{}", breaking(served.address())));
    command.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/target/pip"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let heard = served.heard.lock().unwrap();
    let offsets: Vec<u64> = heard
        .iter()
        .filter_map(|event| match event {
            Transfer::Started { offset, .. } => Some(*offset),
            _ => None,
        })
        .collect();
    let resumed = matches!(offsets[..], [0, 900_000..=1_000_000]);
    let whole =
        Transfer::Ended { id: 2, sent: wheel.len() as u64 - offsets[1], outcome: Outcome::Whole };
    assert!(resumed && heard.contains(&whole), "{heard:?}");
}
