//! Somebody at a terminal: a program with a terminal of its own (util-linux's `script` makes it),
//! what it shows, and what is typed.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::{Outcome, eventually};

/// A program at a terminal of 33 rows and 111 columns.
pub(crate) struct Session {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
}

impl Session {
    /// Starts a program with its arguments, environment and folder as they are in `command`.
    pub(crate) fn start(command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<_> =
            words.map(|word| format!("'{}'", word.to_str().expect("words are text"))).collect();
        let line = format!("stty rows 33 cols 111; exec {}", words.join(" "));
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env_clear();
        for (name, value) in command.get_envs() {
            script.env(name, value.unwrap_or_default());
        }
        script.current_dir(command.get_current_dir().expect("a fixture has a folder"));
        let pipes = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = pipes.spawn().expect("`script` runs");
        let keys = child.stdin.take().expect("stdin is a pipe");
        let mut screen = child.stdout.take().expect("stdout is a pipe");
        let shown = Arc::new(Mutex::new(String::new()));
        let showing = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..count]);
                showing.lock().expect("nobody panics with it").push_str(&text);
            }
        });
        Self { child, keys, shown }
    }

    /// What was shown until now.
    pub(crate) fn shown(&self) -> String {
        self.shown.lock().expect("nobody panics with it").clone()
    }

    /// Waits until the screen has shown `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> &Self {
        let seen = eventually(|| self.shown().contains(text).then_some(()));
        assert!(seen.is_some(), "`{text}` was not shown:\n{}", self.shown());
        self
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) -> &mut Self {
        self.keys.write_all(format!("{line}\n").as_bytes()).expect("somebody reads the keys");
        self
    }

    /// Takes the terminal away, as a connection that breaks.
    pub(crate) fn hang_up(self) {
        drop(self);
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Outcome {
        let status = eventually(|| self.child.try_wait().expect("a child can be waited for"));
        let Some(status) = status else { panic!("the program did not end:\n{}", self.shown()) };
        Outcome { code: status.code(), stdout: self.shown(), stderr: String::new() }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
