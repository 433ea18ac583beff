//! What podman's builder says behind the classic door: one message an instruction, lines and pieces of output.
//!
//! `[2/2] STEP 3/7: RUN …` begins an instruction (the first numbers count stages, and are left out where
//! there is one), `--> Using cache <id>` says that it was not run, and `--> <id>` ends it.

use bollard::models::BuildInfo;

use super::build::Reader;
use super::plain_text::plain;
use crate::engine::{BuildEvent, BuildSink};

pub(super) struct PodmanReader {
    /// The number of instructions.
    count: usize,
    /// The index of each stage's `FROM`.
    stages: Vec<usize>,
    current: Option<usize>,
    /// The instruction that was begun last; podman appends one for each label that the request names.
    begun: Option<usize>,
    /// The instruction of which it is not known yet whether it runs.
    open: Option<usize>,
    pending: String,
}

impl PodmanReader {
    pub(super) fn new(keywords: &[String]) -> Self {
        let from = |(index, keyword): (usize, &String)| {
            keyword.eq_ignore_ascii_case("FROM").then_some(index)
        };
        let stages = keywords.iter().enumerate().filter_map(from).collect();
        let count = keywords.len();
        Self { count, stages, current: None, begun: None, open: None, pending: String::new() }
    }

    /// The index that a message begins; only a later one counts, because a command may print such a message too.
    fn step(&self, message: &str) -> Option<usize> {
        let (stage, rest) = match message.strip_prefix('[') {
            Some(rest) => {
                let (numbers, rest) = rest.split_once("] ")?;
                (numbers.split_once('/')?.0.parse::<usize>().ok()?, rest)
            }
            None => (1, message),
        };
        let (number, rest) = rest.strip_prefix("STEP ")?.split_once('/')?;
        rest.split_once(": ")?.0.parse::<usize>().ok()?;
        let number = number.parse::<usize>().ok()?;
        let index = self.stages.get(stage.checked_sub(1)?)? + number.checked_sub(1)?;
        self.begun.is_none_or(|begun| index > begun).then_some(index)
    }

    /// Tells of the instruction that was begun last, with what the message after it says.
    fn settle(&mut self, cached: bool, sink: BuildSink<'_>) {
        if let Some(index) = self.open.take() {
            sink(BuildEvent::Step { index, cached });
        }
    }

    fn output(&mut self, piece: &str, sink: BuildSink<'_>) {
        self.pending.push_str(piece);
        while let Some((line, rest)) = self.pending.split_once('\n') {
            let (line, rest) = (plain(line), rest.to_owned());
            self.line(line, sink);
            self.pending = rest;
        }
    }

    fn line(&self, line: String, sink: BuildSink<'_>) {
        if let Some(index) = self.current.filter(|_| !line.is_empty()) {
            sink(BuildEvent::Output { index, line });
        }
    }

    /// Nobody ends the last line of a command that does not end it itself.
    fn flush(&mut self, sink: BuildSink<'_>) {
        let line = plain(&std::mem::take(&mut self.pending));
        self.line(line, sink);
    }
}

impl Reader for PodmanReader {
    fn read(&mut self, info: BuildInfo, sink: BuildSink<'_>) {
        let Some(message) = info.stream.as_deref() else { return };
        if let Some(index) = self.step(message) {
            self.flush(sink);
            self.settle(false, sink);
            self.begun = Some(index);
            self.open = Some(index).filter(|index| *index < self.count);
            self.current = self.open.or(self.current);
        } else if message.starts_with("--> ") {
            self.flush(sink);
            self.settle(message.starts_with("--> Using cache "), sink);
        } else if !is_own(message) {
            self.settle(false, sink);
            self.output(message, sink);
        }
    }

    fn current(&self) -> Option<usize> {
        self.current
    }
}

/// Whether the builder speaks of the image that it made: its id, alone or named.
fn is_own(message: &str) -> bool {
    let message = message
        .split_once("] ")
        .filter(|_| message.starts_with('['))
        .map_or(message, |(_, rest)| rest);
    let id = message.trim_end();
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id
        || ["COMMIT", "Successfully built ", "Successfully tagged "]
            .iter()
            .any(|mark| message.starts_with(mark))
}

/// What follows the instruction that podman repeats in `building at STEP "RUN …": while running runtime: …`.
pub(super) fn without_instruction(message: &str) -> &str {
    let rest =
        message.strip_prefix("building at STEP \"").and_then(|rest| rest.rsplit_once("\": "));
    rest.map_or(message, |(_, rest)| rest).trim_end()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn check(pieces: &[&str], expected: &[&str]) {
        let events = Mutex::new(Vec::new());
        let keywords = ["FROM", "RUN", "FROM", "ENV", "RUN"].map(str::to_owned);
        let mut reader = PodmanReader::new(&keywords);
        let sink = |event: BuildEvent| {
            events.lock().unwrap().push(match event {
                BuildEvent::Step { index, cached } => format!("step {index} {cached}"),
                BuildEvent::Output { index, line } => format!("{index}: {line}"),
                other => format!("{other:?}"),
            });
        };
        for piece in pieces {
            let info = BuildInfo { stream: Some((*piece).to_owned()), ..BuildInfo::default() };
            reader.read(info, &sink);
        }
        assert_eq!(*events.lock().unwrap(), expected);
    }

    #[test]
    fn instructions_and_their_output_are_told_apart() {
        check(
            &[
                "[1/2] STEP 1/2: FROM x\n",
                "[1/2] STEP 2/2: RUN a\nsay b\n",
                "--> Using cache 01\n",
                "--> 01\n",
                "[2/2] STEP 1/3: FROM x\n",
                "[2/2] STEP 2/3: ENV a=b\n",
                "--> 02\n",
                "[2/2] STEP 3/3: RUN c\n",
                "hel",
                "lo\nend",
                "[2/2] COMMIT\n",
                "--> 03\n",
                "Successfully built 03\n",
            ],
            &[
                "step 0 false",
                "step 1 true",
                "step 2 false",
                "step 3 false",
                "step 4 false",
                "4: hello",
                "4: end",
            ],
        );
    }

    #[test]
    fn one_stage_has_no_number() {
        check(
            &["STEP 1/2: FROM x\n", "STEP 2/2: RUN a\n", "b\n"],
            &["step 0 false", "step 1 false", "1: b"],
        );
    }

    #[test]
    fn what_podman_appends_is_no_output() {
        let labels =
            ["[2/2] STEP 3/4: RUN a\n", "b\n", "[2/2] STEP 4/4: LABEL \"a\"=\"b\"\n", "--> 04\n"];
        check(&labels, &["step 4 false", "4: b"]);
    }

    #[test]
    fn a_command_cannot_go_back() {
        check(
            &["STEP 1/2: FROM x\n", "STEP 2/2: RUN a\n", "STEP 1/2: RUN fake\n"],
            &["step 0 false", "step 1 false", "1: STEP 1/2: RUN fake"],
        );
    }

    #[test]
    fn an_instruction_is_not_repeated() {
        let message =
            "building at STEP \"RUN echo \"a\": b\": while running runtime: exit status 7\n";
        assert_eq!(without_instruction(message), "while running runtime: exit status 7");
        assert_eq!(without_instruction("no space left"), "no space left");
    }
}
