//! A root file system of a few megabytes: this machine's busybox, every applet
//! of it, and two users.

use std::path::Path;
use std::process::Command;

use tar::{Builder, EntryType, Header};

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nbuilder:x:1000:1000::/home/builder:/bin/sh\n";
const GROUP: &str = "root:x:0:\nbuilder:x:1000:\n";

/// The root file system as a tar; `token` makes its content one that no other test has.
pub(crate) fn tar(token: &str) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (folder, mode) in [
        ("bin", 0o755),
        ("etc", 0o755),
        ("root", 0o700),
        ("tmp", 0o1777),
        ("var", 0o755),
        ("var/tmp", 0o1777),
    ] {
        add(&mut tar, folder, EntryType::Directory, mode, &[]);
    }
    add(&mut tar, "etc/passwd", EntryType::Regular, 0o644, PASSWD.as_bytes());
    add(&mut tar, "etc/group", EntryType::Regular, 0o644, GROUP.as_bytes());
    add(&mut tar, "etc/ascend-build-it", EntryType::Regular, 0o644, token.as_bytes());
    let busybox = which("busybox");
    add(
        &mut tar,
        "bin/busybox",
        EntryType::Regular,
        0o755,
        &std::fs::read(&busybox).expect("busybox is readable"),
    );
    for library in libraries(&busybox) {
        let content = std::fs::read(&library).expect("a library that ldd names is readable");
        add(&mut tar, library.trim_start_matches('/'), EntryType::Regular, 0o755, &content);
    }
    for applet in output("busybox", &["--list"]).lines().filter(|applet| *applet != "busybox") {
        link(&mut tar, &format!("bin/{applet}"));
    }
    tar.into_inner().expect("a vector takes every byte")
}

fn add(tar: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, mode: u32, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content).expect("a vector takes every byte");
}

fn link(tar: &mut Builder<Vec<u8>>, path: &str) {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, path, "busybox").expect("a vector takes every byte");
}

/// What a busybox that is not static needs besides.
fn libraries(busybox: &str) -> Vec<String> {
    let Ok(answer) = Command::new("ldd").arg(busybox).output() else { return Vec::new() };
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    text.split_whitespace()
        .filter(|word| word.starts_with('/') && Path::new(word).is_file())
        .map(str::to_owned)
        .collect()
}

fn which(program: &str) -> String {
    output("sh", &["-c", &format!("command -v {program}")]).trim().to_owned()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let answer = Command::new(program).args(arguments).output();
    let answer = answer.unwrap_or_else(|error| {
        panic!("{program} is missing, and scripts/test installs it: {error}")
    });
    String::from_utf8(answer.stdout).expect("names are UTF-8")
}
