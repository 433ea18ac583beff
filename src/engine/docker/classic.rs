//! What the classic builder says: lines of text in pieces.
//!
//! `Step 3/7 : RUN …` begins an instruction, ` ---> Using cache` says that it
//! was not run; ` ---> <id>` and what it removes are not passed on. Triggers of the
//! parent run inside the `FROM` step, each told only by the container that it runs
//! in, or by the cache.
//!
//! A command's output comes in the same way, and may look like all of this. So
//! from ` ---> Running in <id>` until the builder says that it has removed this
//! very container, or that it could not remove one of the build's, every line is output.

use bollard::models::BuildInfo;

use super::build::Reader;
use super::plain_text::plain;
use crate::engine::{BuildEvent, BuildSink, triggered};

pub(super) struct ClassicReader {
    keywords: Vec<String>,
    /// How many steps have begun.
    steps: usize,
    current: Option<usize>,
    /// The instruction of which it is not known yet whether it runs.
    open: Option<usize>,
    pending: String,
    /// The containers that have run, the last one last.
    containers: Vec<String>,
    /// Whether that one runs.
    running: bool,
}

impl ClassicReader {
    pub(super) fn new(keywords: Vec<String>) -> Self {
        Self {
            keywords,
            steps: 0,
            current: None,
            open: None,
            pending: String::new(),
            containers: Vec::new(),
            running: false,
        }
    }

    /// Takes a line as it came: what a terminal would make of a command's last words may hide the
    /// builder's own behind them.
    fn line(&mut self, line: &str, sink: BuildSink<'_>) {
        if !self.running {
            return self.of_builder(&plain(line), sink);
        }
        let ended = before_end(line.trim_end_matches('\r'), &self.containers);
        self.output(&plain(ended.unwrap_or(line)), sink);
        self.running = ended.is_none();
    }

    /// Takes a line that no command can have printed, because none runs.
    fn of_builder(&mut self, line: &str, sink: BuildSink<'_>) {
        if let Some(index) = self.step(line) {
            self.settle(false, sink);
            self.steps += 1;
            self.current = Some(index);
            self.open = self.known(index);
            return;
        }
        self.settle(line == " ---> Using cache", sink);
        if let Some(id) = line.strip_prefix(" ---> Running in ").filter(|id| is_id(id)) {
            self.containers.push(id.to_owned());
            self.running = true;
            self.trigger(true, sink);
        } else if line == " ---> Using cache" {
            self.trigger(false, sink);
        }
        if !is_own(line) {
            self.output(line, sink);
        }
    }

    fn output(&self, line: &str, sink: BuildSink<'_>) {
        if let Some(index) = self.current().filter(|_| !line.is_empty()) {
            sink(BuildEvent::Output { index, line: line.to_owned() });
        }
    }

    /// Tells of the instruction that was begun last, with what the line after it says.
    fn settle(&mut self, cached: bool, sink: BuildSink<'_>) {
        if let Some(index) = self.open.take() {
            sink(BuildEvent::Step { index, cached });
        }
    }

    /// Goes on to the next trigger, where one comes; only the cache tells of those that copy.
    fn trigger(&mut self, in_container: bool, sink: BuildSink<'_>) {
        let Some(current) = self.current else { return };
        let copies = |keyword: &str| in_container && matches!(keyword, "COPY" | "ADD");
        let triggers = self.keywords.iter().enumerate().skip(current + 1);
        let mut triggers =
            triggers.map_while(|(index, keyword)| Some((index, triggered(keyword)?)));
        if let Some((index, _)) = triggers.find(|(_, keyword)| !copies(keyword)) {
            self.current = Some(index);
            sink(BuildEvent::Step { index, cached: !in_container });
        }
    }

    fn known(&self, index: usize) -> Option<usize> {
        Some(index).filter(|index| *index < self.keywords.len())
    }

    /// The index in `Step 3/7 : …`; only the next one counts, because a command may print such a line too.
    fn step(&self, line: &str) -> Option<usize> {
        let (number, rest) = line.strip_prefix("Step ")?.split_once('/')?;
        let (total, _) = rest.split_once(" : ")?;
        let (number, _) = (number.parse::<usize>().ok()?, total.parse::<usize>().ok()?);
        let steps =
            self.keywords.iter().enumerate().filter(|(_, keyword)| triggered(keyword).is_none());
        let known = steps.map(|(index, _)| index).nth(self.steps);
        (number == self.steps + 1).then_some(known.unwrap_or(self.keywords.len()))
    }
}

/// What a line holds before the builder's word that the last of `containers` has ended: the end of
/// output whose last line the command has not ended. The first wording is that of engines from 25 on.
/// One that could not be removed has ended, too; the builder then tries it again after each instruction,
/// first of all, and tells of it alone.
fn before_end<'a>(line: &'a str, containers: &[String]) -> Option<&'a str> {
    let last = containers.last()?;
    let removed = [" ---> Removed", "Removing"]
        .map(|word| line.strip_suffix(&format!("{word} intermediate container {last}")));
    let kept =
        |id: &String| line.split_once(&format!("Error removing intermediate container {id}: "));
    let kept = || containers.iter().find_map(kept).map(|(before, _)| before);
    removed.into_iter().flatten().next().or_else(kept)
}

/// Whether this is a container's id, as engines write it: 12 to 64 digits.
fn is_id(id: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (12..=64).contains(&id.len()) && id.bytes().all(is_digit)
}

/// Whether the builder speaks of itself.
fn is_own(line: &str) -> bool {
    let marks = [
        " ---> ",
        "Removing intermediate container ",
        "Successfully built ",
        "[Warning] One or more build-args ",
    ];
    marks.iter().any(|mark| line.starts_with(mark)) || line.is_empty()
}

impl Reader for ClassicReader {
    fn read(&mut self, info: BuildInfo, sink: BuildSink<'_>) {
        self.pending.push_str(info.stream.as_deref().unwrap_or_default());
        while let Some((line, rest)) = self.pending.split_once('\n') {
            let (line, rest) = (line.to_owned(), rest.to_owned());
            self.line(&line, sink);
            self.pending = rest;
        }
    }

    fn container(&self) -> Option<&str> {
        self.containers.last().filter(|_| self.running).map(String::as_str)
    }

    fn current(&self) -> Option<usize> {
        self.current.and_then(|index| self.known(index))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn check(pieces: &[&str], expected: &[&str]) {
        check_with(&["FROM", "RUN", "RUN"], pieces, expected);
    }

    fn check_with(keywords: &[&str], pieces: &[&str], expected: &[&str]) {
        let events = Mutex::new(Vec::new());
        let keywords = keywords.iter().map(|keyword| (*keyword).to_owned()).collect();
        let mut reader = ClassicReader::new(keywords);
        let sink = |event: BuildEvent| {
            let text = match event {
                BuildEvent::Step { index, cached } => format!("step {index} {cached}"),
                BuildEvent::Cached { index } => format!("cached {index}"),
                BuildEvent::Output { index, line } => format!("{index}: {line}"),
                BuildEvent::Clipped => "clipped".to_owned(),
            };
            events.lock().unwrap().push(text);
        };
        for piece in pieces {
            reader.read(
                BuildInfo { stream: Some((*piece).to_owned()), ..BuildInfo::default() },
                &sink,
            );
        }
        assert_eq!(*events.lock().unwrap(), expected);
    }

    #[test]
    fn instructions_and_their_output_are_told_apart() {
        check(
            &[
                "Step 1/3 : FROM x\n",
                " ---> 0123\nStep 2/3 : RUN a",
                "\n ---> Using cache\n",
                "Step 3/3 : RUN b\n ---> Running in 000000000009\nhel",
                "lo\n",
            ],
            &["step 0 false", "step 1 true", "step 2 false", "2: hello"],
        );
    }

    #[test]
    fn triggers_run_inside_the_first_step() {
        let keywords = ["FROM", "ONBUILD RUN", "ONBUILD COPY", "ONBUILD RUN", "RUN"];
        let from = "Step 1/2 : FROM x\n# Executing 3 build triggers\n";
        let one =
            " ---> Running in 000000000008\none\nRemoving intermediate container 000000000008\n";
        let two = " ---> Running in 000000000009\ntwo\n ---> Removed intermediate container 000000000009\n\
                   \x20---> 0123\nStep 2/2 : RUN a\nlast\n";
        let told = ["step 0 false", "0: # Executing 3 build triggers"];
        let ran = [
            &told[..],
            &["step 1 false", "1: one", "step 3 false", "3: two", "step 4 false", "4: last"],
        ]
        .concat();
        check_with(&keywords, &[from, one, two], &ran);
        let cached = " ---> Using cache\n ---> Using cache\n";
        let reused = [
            &told[..],
            &["step 1 true", "step 2 true", "step 3 false", "3: two", "step 4 false", "4: last"],
        ]
        .concat();
        check_with(&keywords, &[from, cached, two], &reused);
    }

    #[test]
    fn a_command_cannot_pretend_to_be_the_builder() {
        check(
            &["Step 1/3 : FROM x\nStep 9/9 : RUN fake\n"],
            &["step 0 false", "0: Step 9/9 : RUN fake"],
        );
    }

    /// What the reader takes for the running container, after a `RUN` that has begun in `0123456789ab`
    /// and has printed `printed`; every one of `output` is passed on.
    fn check_running(printed: &str, output: &[&str], expected: Option<&str>) {
        let begun = "Step 1/3 : FROM x\nStep 2/3 : RUN a\n ---> Running in 0123456789ab\n";
        let mut reader = ClassicReader::new(["FROM", "RUN", "RUN"].map(str::to_owned).to_vec());
        let told = Mutex::new(Vec::new());
        let sink = |event| {
            if let BuildEvent::Output { index, line } = event {
                told.lock().unwrap().push(format!("{index}: {line}"));
            }
        };
        for text in [begun, printed] {
            let stream = Some(text.to_owned());
            reader.read(BuildInfo { stream, ..BuildInfo::default() }, &sink);
        }
        assert_eq!(reader.container(), expected, "{printed:?}");
        assert_eq!(*told.lock().unwrap(), output, "{printed:?}");
    }

    #[test]
    fn output_names_no_container() {
        let own = Some("0123456789ab");
        for line in [
            " ---> Running in mydb",
            " ---> Running in ba9876543210",
            " ---> Running in ../images/x",
            "Step 3/3 : RUN b",
            "Step 4/5 : Installing",
            "Removing intermediate container ba9876543210",
            "Removing intermediate container 0123456789ab now",
            " ---> Removed intermediate container mydb",
            " ---> Using cache",
            "Successfully built 0123456789ab",
        ] {
            check_running(&format!("{line}\n"), &[&format!("1: {line}")], own);
        }
    }

    #[test]
    fn the_builder_tells_the_end_of_its_container() {
        for words in [
            "Removing intermediate container 0123456789ab",
            " ---> Removed intermediate container 0123456789ab",
            "Error removing intermediate container 0123456789ab: busy",
        ] {
            check_running(&format!("{words}\n"), &[], None);
            // Nobody ends the last line of a command that does not end it itself.
            check_running(&format!("last{words}\n"), &["1: last"], None);
            let next = format!("{words}\n ---> 0123\nStep 3/3 : RUN b\nnext\n");
            check_running(&next, &["2: next"], None);
        }
        // What a terminal would not show does not hide it.
        let hidden = "\u{1b}]0;title Removing intermediate container 0123456789ab\r\n";
        check_running(hidden, &[], None);
    }

    /// Engines try what they could not remove again after each instruction, before anything else.
    #[test]
    fn a_container_that_cannot_be_removed_hides_no_end() {
        let busy = "Error removing intermediate container 0123456789ab: busy\n";
        let next = "Step 3/3 : RUN b\n ---> Running in ba9876543210\nnext\n";
        check_running(&format!("{busy}{next}"), &["2: next"], Some("ba9876543210"));
        check_running(&format!("{busy}{next}{busy}"), &["2: next"], None);
    }

    #[test]
    fn only_an_id_is_a_container() {
        let own = "Removing intermediate container 0123456789ab\n";
        let after = |line: &str| format!("{own}{line}\n");
        check_running(&after(" ---> Running in ba9876543210"), &[], Some("ba9876543210"));
        check_running(&after(" ---> Running in mydb"), &[], None);
        check_running(&after(" ---> Running in BA9876543210"), &[], None);
        check_running(&after(" ---> Running in 0123"), &[], None);
        check_running(&after(" ---> Running in ../../images/prune"), &[], None);
    }

    #[test]
    fn colour_and_carriage_returns_do_not_reach_the_log() {
        check(
            &[
                "Step 1/3 : FROM x\n10%\r100%\r\n\u{1b}[91merror\n",
                "\u{1b}[0m\u{1b}[91mmore\u{1b}[0m\n",
            ],
            &["step 0 false", "0: 100%", "0: error", "0: more"],
        );
    }
}
