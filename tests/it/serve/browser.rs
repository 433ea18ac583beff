//! A headless Chromium, driven with the WebDriver protocol: one window, closed when this is dropped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::eventually;

/// A window of a browser.
pub(super) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

/// How a window is opened.
pub(super) struct Look {
    /// Width and height in CSS pixels.
    pub(super) size: (u32, u32),
    pub(super) language: &'static str,
    pub(super) scripts: bool,
    pub(super) dark: bool,
}

impl Browser {
    pub(super) fn open(look: &Look) -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .args([format!("--port={port}"), "--silent".to_owned()])
            .env("no_proxy", "127.0.0.1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("scripts/test installs chromium-driver");
        let mut browser = Self { driver, port, session: String::new() };
        let ready = || (browser.call("GET", "/status", None)?["ready"] == true).then_some(());
        eventually(ready).expect("the driver answers");
        let session = browser.call("POST", "/session", Some(&look.capabilities()));
        let session = session.expect("the browser starts");
        browser.session = session["sessionId"].as_str().expect("a session has a name").to_owned();
        let media = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": [
            {"name": "prefers-color-scheme", "value": if look.dark { "dark" } else { "light" }}
        ]}});
        browser.order("/goog/cdp/execute", &media);
        browser.resize(look.size);
        browser
    }

    /// Gives the window another width and height, in CSS pixels.
    pub(super) fn resize(&self, (width, height): (u32, u32)) {
        let metrics = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        }});
        self.order("/goog/cdp/execute", &metrics);
    }

    pub(super) fn visit(&self, url: &str) {
        self.order("/url", &json!({ "url": url }));
    }

    /// What a script returns.
    pub(super) fn evaluate(&self, script: &str) -> Value {
        self.order("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Clicks as a person does: what is not there or is covered fails.
    pub(super) fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.order(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types into a field; whatever was in it goes first.
    pub(super) fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.order(&format!("/element/{element}/clear"), &json!({}));
        self.order(&format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// The text of an element as it is seen.
    pub(super) fn text(&self, selector: &str) -> String {
        let path = format!("/session/{}/element/{}/text", self.session, self.element(selector));
        let text = self.call("GET", &path, None).expect("an element has a text");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Keeps what is seen beside the other output of the tests.
    pub(super) fn keep_screenshot(&self, name: &str) {
        let path = format!("/session/{}/screenshot", self.session);
        let picture = self.call("GET", &path, None).expect("there is something to see");
        let picture = BASE64_STANDARD.decode(picture.as_str().unwrap_or_default());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).expect("the target folder is writable");
        let picture = picture.expect("a screenshot is base64");
        std::fs::write(folder.join(name), picture).expect("the target folder is writable");
    }

    fn element(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.order("/element", &wanted);
        let name = found.as_object().and_then(|found| found.values().next()?.as_str());
        name.expect("an element has a name").to_owned()
    }

    #[track_caller]
    fn order(&self, command: &str, body: &Value) -> Value {
        let path = format!("/session/{}{command}", self.session);
        let answer = self.call("POST", &path, Some(body));
        answer.unwrap_or_else(|| panic!("the browser refuses {command} {body}"))
    }

    /// The value that the driver answers with; `None` for what it refuses.
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}", self.port).ok()?;
        let (head, body) = answer_on(stream)?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        head.starts_with("HTTP/1.1 200").then(|| answer["value"].clone())
    }
}

impl Look {
    fn capabilities(&self) -> Value {
        let scripts = if self.scripts { 1 } else { 2 };
        // As root, and in containers with a small /dev/shm, Chromium wants to be asked for these.
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-proxy-server",
            "--hide-scrollbars",
        ];
        json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {
            "args": arguments,
            "prefs": {
                "intl.accept_languages": self.language,
                "profile.managed_default_content_settings.javascript": scripts
            }
        }}}})
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        self.call("DELETE", &path, None);
        _ = self.driver.kill();
        _ = self.driver.wait();
    }
}

/// The head and body of an answer; the driver keeps the connection open after it.
fn answer_on(stream: TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}
