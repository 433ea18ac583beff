//! What a command line gave, and the snapshots that hold it.

use std::collections::HashMap;
use std::process::Output;
use std::sync::OnceLock;

use insta::Settings;
use serde_json::Value;

/// What differs from run to run or from machine to machine, and what stands for it in snapshots.
const FILTERS: [(&str, &str); 12] = [
    (r"(/[\w.-]+)+/it-project-[A-Za-z0-9]+", "[folder]"),
    (r"\bit-[0-9a-f]{10}\b", "[project]"),
    (r"ascend-build-it-base:[0-9a-f]{10}", "[base]"),
    (r"\b\d{8}-\d{6}-\d+(-\d+)?\b", "[run]"),
    (r"\bsha256:[0-9a-f]{64}\b", "[image]"),
    (r"\b[0-9a-f]{64}\b", "[sha256]"),
    (r"\b\d+(\.\d+)? s\b", "[time]"),
    (r"the engine says: .*", "the engine says: […]"),
    (r"\b\d{7} bytes", "[size] bytes"),
    (r"http://\d+\.\d+\.\d+\.\d+:\d+", "http://[server]"),
    (r##""# ascend-build packages: [^"]*?\\nsay\(\) \{.*", \\"##, "[fetch.sh], \\"),
    (r"ascend-build \d+\.\d+\.\d+\S*", "ascend-build [version]"),
];

/// How a command line ended and what it printed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Outcome {
    /// Asserts the exit code; both outputs are shown where it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Holds exit code, stdout and stderr against the snapshot `name`.
    #[track_caller]
    pub(crate) fn matches(&self, name: &str) {
        let code = self.code.map_or("a signal".to_owned(), |code| code.to_string());
        let text =
            format!("exit code: {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr);
        let mut settings = Settings::new();
        settings.set_snapshot_path("../snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        FILTERS.iter().for_each(|(pattern, stand_in)| settings.add_filter(pattern, *stand_in));
        settings.bind(|| insta::assert_snapshot!(name, text));
    }

    /// The events of `--progress json`: every line of stdout must be one, as docs/events.md has it.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let event = |line: &str| {
            let event =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            check_documented(&event);
            event
        };
        self.stdout.lines().map(event).collect()
    }

    /// The events called `name`.
    #[track_caller]
    pub(crate) fn events_called(&self, name: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == name).collect()
    }

    /// `stage outcome` for each stage that ended, in order.
    #[track_caller]
    pub(crate) fn stages(&self) -> Vec<String> {
        let word = |event: &Value, key: &str| event[key].as_str().unwrap_or("?").to_owned();
        let finished = self.events_called("stage-finished");
        finished
            .iter()
            .map(|event| format!("{} {}", word(event, "stage"), word(event, "outcome")))
            .collect()
    }
}

/// The page's table: what is said of each event.
fn rows() -> &'static HashMap<&'static str, &'static str> {
    static ROWS: OnceLock<HashMap<&str, &str>> = OnceLock::new();
    let page = include_str!("../../../docs/events.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    ROWS.get_or_init(|| rows.collect())
}

#[track_caller]
fn check_documented(event: &Value) {
    let row = event["event"].as_str().and_then(|name| rows().get(name));
    let row = row.unwrap_or_else(|| panic!("docs/events.md has no row for {event}"));
    let fields = event.as_object().expect("an event is an object").keys();
    let named = |field: &str| field == "event" || row.contains(&format!("`{field}`"));
    let unnamed: Vec<_> = fields.filter(|field| !named(field)).collect();
    assert!(unnamed.is_empty(), "docs/events.md does not name {unnamed:?}: {event}");
}
