//! A build that is still running.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::Outcome;

/// How long something may take that comes sooner or later; only a hang takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A started program whose stdout is events.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut pipe = child.stderr.take().expect("stderr is a pipe");
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            _ = pipe.read_to_string(&mut text);
            text
        });
        Self { child, lines, seen: Vec::new(), stderr: Some(stderr) }
    }

    /// Waits for an event; fails where the program ends without it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("the event did not come; seen:\n{}", self.told())
            };
            let event = serde_json::from_str(&line).unwrap_or(Value::Null);
            self.seen.push(line);
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Waits for a line of stdout, and gives what follows `start` in it.
    #[track_caller]
    pub(crate) fn wait_for_line(&mut self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line `{start}…` came; seen:\n{}", self.told())
            };
            self.seen.push(line.clone());
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// All that it has printed, for a test that fails; the program ends here.
    fn told(&mut self) -> String {
        _ = self.child.kill();
        let stderr = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        format!("{}\nstderr:\n{stderr}", self.seen.join("\n"))
    }

    /// Waits for a line of a stage's output.
    #[track_caller]
    pub(crate) fn wait_for_output(&mut self, line: &str) {
        self.wait_for(|event| event["event"] == "stage-output" && event["line"] == line);
    }

    /// Waits for the package server's address, such as `172.17.0.1:40123`.
    #[track_caller]
    pub(crate) fn wait_for_server(&mut self) -> String {
        let ready = self.wait_for(|event| event["event"] == "engine-ready");
        ready["server"]
            .as_str()
            .expect("the address is a text")
            .trim_start_matches("http://")
            .to_owned()
    }

    /// Sends a signal to the program alone.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the program is still there");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Outcome {
        let ended = eventually(|| self.child.try_wait().expect("a child can be waited for"));
        let status = ended
            .unwrap_or_else(|| panic!("the program did not end; seen:\n{}", self.seen.join("\n")));
        self.seen.extend(self.lines.iter());
        let stderr = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        Outcome {
            code: status.code(),
            stdout: self.seen.iter().map(|line| format!("{line}\n")).collect(),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Asks again and again until there is an answer; `None` when patience ends.
pub(crate) fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() > deadline {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
