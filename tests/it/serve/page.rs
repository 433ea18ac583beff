//! The page in a real browser: what a person sees, clicks, types and copies.
//!
//! Each look is kept as a picture in `screenshots` of the target folder's `tmp`.

use std::io::Read;

use super::browser::{Browser, Look};
use super::guest::Server;
use crate::support::{Fixture, eventually, sha256};

/// More than the buffers of both sockets hold.
const BIG: usize = 64 << 20;

const WIDE: Look = Look { size: (1280, 900), language: "en-US", scripts: true, dark: false };

/// Names of real packages, with contents of a few bytes.
const FILES: [(&str, &str); 8] = [
    ("cann-toolkit", "Ascend-cann-toolkit_8.5.0_linux-aarch64.run"),
    ("cann-toolkit", "Ascend-cann-toolkit_8.10.0_linux-x86_64.run"),
    ("cann-kernels", "Ascend-cann-kernels-910b_8.3.RC1_linux-aarch64.run"),
    ("cann-ops", "Ascend-cann-910b-ops_8.5.0_linux-aarch64.run"),
    ("mindie", "Ascend-mindie_2.3.0_linux-aarch64_abi1.run"),
    ("torch", "torch-2.7.1+cpu-cp311-cp311-manylinux_2_28_aarch64.whl"),
    // As `--root` names what nothing declares.
    (
        "psutil-7.2.2-cp36-abi3-manylinux2010_x86_64.manylinux_2_12_x86_64.manylinux_2_28_x86_64",
        "psutil-7.2.2-cp36-abi3-manylinux2010_x86_64.manylinux_2_12_x86_64.manylinux_2_28_x86_64.whl",
    ),
    ("torch_npu", "torch_npu-2.7.1.post2-cp311-cp311-manylinux_2_28_aarch64.whl"),
];

/// A server of these files and a large one, and a window that shows its page.
struct Visit {
    fixture: Fixture,
    server: Server,
    browser: Browser,
}

impl Visit {
    fn new(look: &Look) -> Self {
        let fixture = Fixture::new();
        for (index, (name, file)) in FILES.iter().enumerate() {
            fixture.package(name, file, 1000 + 37_000 * index * index);
        }
        fixture.package("cann-nnal", "Ascend-cann-nnal_8.5.0_linux-aarch64.run", BIG);
        let server = Server::start(&fixture, &[], &[]);
        let browser = Browser::open(look);
        browser.visit(&format!("http://{}/", server.authority));
        Self { fixture, server, browser }
    }

    /// The files that are seen, in their order.
    fn files(&self) -> Vec<String> {
        let script = "return [...document.querySelectorAll('#packages tbody tr')]\
            .filter((row) => row.offsetParent !== null).map((row) => row.querySelector('a').textContent)";
        serde_json::from_value(self.browser.evaluate(script)).expect("names are texts")
    }

    #[track_caller]
    fn check_files(&self, expected: &[&str]) {
        let files = self.files();
        let shown = files.iter().map(|file| expected.iter().find(|part| file.contains(**part)));
        let shown: Vec<_> = shown.map(|part| part.copied().unwrap_or("another")).collect();
        assert_eq!(shown, expected, "{files:?}");
    }

    /// Nothing is cut off at the right.
    fn check_fits(&self) {
        let script = "return Math.max(...[document.documentElement, ...document.querySelectorAll('.scroll')]\
                .map((one) => one.scrollWidth - one.clientWidth))";
        assert_eq!(self.browser.evaluate(script), 0);
    }
}

#[test]
#[ignore = "needs Chromium; scripts/test runs it"]
fn a_person_searches_sorts_and_copies() {
    let visit = Visit::new(&WIDE);
    assert_eq!(visit.files().len(), FILES.len() + 1);
    visit.check_fits();
    visit.browser.keep_screenshot("page-light.png");
    visit.browser.type_into("#search", "910B 8.5.0");
    visit.check_files(&["910b-ops"]);
    visit.browser.type_into("#search", "no such file");
    visit.check_files(&[]);
    assert_eq!(visit.browser.text("#nothing"), "No package matches.");
    visit.browser.type_into("#search", "toolkit");
    visit.check_files(&["8.10.0", "8.5.0"]);
    let version = "#packages thead th:nth-child(3) button";
    visit.browser.click(version);
    visit.check_files(&["8.5.0", "8.10.0"]);
    visit.browser.click(version);
    visit.check_files(&["8.10.0", "8.5.0"]);
    let wget = "#packages tbody tr:not([hidden]) .copies button:last-child";
    visit.browser.evaluate("document.addEventListener('copy', () => { window.copied = String(document.getSelection()) })");
    visit
        .browser
        .evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }");
    visit.browser.click(wget);
    let copied = eventually(|| {
        visit.browser.evaluate("return window.copied ?? null").as_str().map(str::to_owned)
    });
    let copied = copied.expect("something is copied");
    let content =
        std::fs::read(visit.fixture.path("packages").join(FILES[1].1)).expect("it is there");
    let expected = format!(
        "wget http://{}/sha256/{}/{}",
        visit.server.authority,
        sha256(&content),
        FILES[1].1
    );
    assert_eq!(copied, expected);
    assert_eq!(visit.browser.text(wget), "copied");
    visit.server.end();
}

#[test]
#[ignore = "needs Chromium; scripts/test runs it"]
fn a_transfer_is_seen_while_it_runs_and_afterwards() {
    let visit = Visit::new(&Look { dark: true, ..WIDE });
    for (_, file) in &FILES[..3] {
        visit.server.get(&format!("/for/20261121-130500-7/C_stage/{file}"));
    }
    let mut stream =
        visit.server.ask("/for/20261121-130500-7/B_stage/Ascend-cann-nnal_8.5.0_linux-aarch64.run");
    stream.read_exact(&mut vec![0; 5 << 20]).expect("the answer begins");
    let seen = |selector: &str, part: &str| {
        let shows = || visit.browser.text(selector).contains(part).then_some(());
        assert!(eventually(shows).is_some(), "{selector}: {}", visit.browser.text(selector));
    };
    seen("#running", "Ascend-cann-nnal_8.5.0_linux-aarch64.run");
    seen("#running", "B_stage · 127.0.0.1");
    seen("#running", "/ 67.1 MB");
    let sent = "return document.querySelector('#running progress').value >= 5 << 20 || null";
    assert!(
        eventually(|| visit.browser.evaluate(sent).as_bool()).is_some(),
        "its progress is seen"
    );
    seen("#ended", FILES[2].1);
    visit.browser.keep_screenshot("page-dark-transfer.png");
    std::io::copy(&mut stream, &mut std::io::sink()).expect("the rest comes");
    seen("#transfers", "Nothing is being fetched.");
    seen("#served", "67.1 MB");
    seen("#whole", "4");
    let latest = visit.browser.text("#ended .past");
    for part in ["B_stage · 127.0.0.1", "67.1 MB", "MB/s", "whole"] {
        assert!(latest.contains(part), "{part}: {latest}");
    }
    visit.browser.resize((1280, 1500));
    visit.browser.keep_screenshot("page-dark-served.png");
    visit.browser.resize((390, 2600));
    visit.check_fits();
    visit.browser.keep_screenshot("page-dark-narrow-served.png");
    visit.server.end();
}

#[test]
#[ignore = "needs Chromium; scripts/test runs it"]
fn what_ended_is_listed_and_more_on_demand() {
    let visit = Visit::new(&Look { language: "zh-CN,zh", ..WIDE });
    for index in 0..20 {
        let (_, file) = FILES[index % FILES.len()];
        visit.server.get(&format!("/{file}"));
    }
    let mut cut = visit.server.ask("/Ascend-cann-nnal_8.5.0_linux-aarch64.run");
    cut.read_exact(&mut vec![0; 5 << 20]).expect("the answer begins");
    drop(cut);
    let count =
        || visit.browser.evaluate("return document.querySelectorAll('#ended .past').length");
    let seen = |text: &str| visit.browser.text("#ended").contains(text).then_some(());
    assert!(eventually(|| seen("中断")).is_some(), "{}", visit.browser.text("#ended"));
    assert_eq!(count(), 8);
    visit.check_fits();
    visit.browser.resize((1280, 1900));
    visit.browser.keep_screenshot("page-light-chinese-ended.png");
    visit.browser.click("#more");
    assert_eq!(count(), 21);
    visit.browser.click("#more");
    assert_eq!(count(), 8);
    visit.server.end();
}

#[test]
#[ignore = "needs Chromium; scripts/test runs it"]
fn a_narrow_screen_and_chinese() {
    let visit = Visit::new(&Look { size: (390, 844), language: "zh-CN,zh", ..WIDE });
    visit.check_fits();
    assert!(visit.browser.text("header").contains("软件包"));
    assert!(!visit.browser.text("main").contains("Packages"));
    assert_eq!(visit.files().len(), FILES.len() + 1);
    visit.browser.type_into("#search", "mindie");
    visit.check_files(&["Ascend-mindie"]);
    visit.browser.click("#search");
    visit.browser.evaluate("const search = document.getElementById('search'); search.value = ''; search.dispatchEvent(new Event('input')); search.blur()");
    visit.browser.keep_screenshot("page-narrow-chinese.png");
    visit.server.end();
}

#[test]
#[ignore = "needs Chromium; scripts/test runs it"]
fn every_width_fits() {
    let visit = Visit::new(&Look { dark: true, language: "zh-CN,zh", ..WIDE });
    for width in [320, 600, 864, 865, 1024, 1184, 1185, 1920] {
        visit.browser.resize((width, 900));
        visit.check_fits();
        visit.browser.keep_screenshot(&format!("page-dark-chinese-{width}.png"));
    }
    visit.server.end();
}

#[test]
#[ignore = "needs Chromium; scripts/test runs it"]
fn the_table_needs_no_script() {
    let visit = Visit::new(&Look { scripts: false, ..WIDE });
    for (_, file) in FILES {
        assert!(visit.browser.text("#packages").contains(file), "{file}");
    }
    let content =
        std::fs::read(visit.fixture.path("packages").join(FILES[0].1)).expect("it is there");
    assert!(visit.browser.text("#packages").contains(&sha256(&content)));
    let offered = "return [...document.querySelectorAll('input, button')]\
        .filter((one) => one.offsetParent !== null).length";
    assert_eq!(visit.browser.evaluate(offered), 0, "nothing is offered that does nothing");
    visit.browser.keep_screenshot("page-without-scripts.png");
    visit.server.end();
}
