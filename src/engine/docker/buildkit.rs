//! What BuildKit says: vertices with states and logs.
//!
//! A vertex of an instruction is called `[stage 2/5] RUN …` (or `[2/5] RUN …`);
//! the number counts `FROM`, `RUN`, `COPY`, `ADD` and `WORKDIR` of its stage, those
//! that triggers bring too.

use std::collections::HashMap;

use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexLog};
use bollard::models::{BuildInfo, BuildInfoAux};

use super::build::Reader;
use super::plain_text::plain;
use crate::engine::{BuildEvent, BuildSink, triggered};

/// How the error of a vertex ends that was stopped because another failed.
const CANCELLED: &str = "context canceled";

pub(super) struct BuildKitReader {
    target: String,
    /// The instructions of the target that BuildKit counts, as indexes into all instructions.
    counted: Vec<usize>,
    vertices: HashMap<String, State>,
    current: Option<usize>,
    /// Whether something failed: what else begins or ends then is not to blame.
    failed: bool,
}

struct State {
    index: usize,
    started: bool,
    cached: bool,
    pending: String,
}

impl BuildKitReader {
    pub(super) fn new(keywords: &[String], target: String) -> Self {
        let own = keywords.iter().rposition(|keyword| keyword == "FROM").unwrap_or(0);
        let counts = |index: &usize| {
            let keyword = &keywords[*index];
            let keyword = triggered(keyword).unwrap_or(keyword);
            matches!(keyword, "FROM" | "RUN" | "COPY" | "ADD" | "WORKDIR")
        };
        let counted = (own..keywords.len()).filter(counts).collect();
        Self { target, counted, vertices: HashMap::new(), current: None, failed: false }
    }

    fn status(&mut self, status: StatusResponse, sink: BuildSink<'_>) {
        for (digest, vertex) in status.vertexes.iter().map(|vertex| (&vertex.digest, vertex)) {
            // One message often holds both the start and the end: what is cached is told once.
            let cached =
                status.vertexes.iter().any(|other| other.digest == *digest && other.cached);
            self.vertex(&Vertex { cached, ..vertex.clone() }, sink);
        }
        for log in status.logs {
            self.log(&log, sink);
        }
    }

    fn vertex(&mut self, vertex: &Vertex, sink: BuildSink<'_>) {
        let index = self.index(&vertex.name);
        // What runs beside the failure is stopped, which is an error of its own.
        if !vertex.error.is_empty() && !vertex.error.ends_with(CANCELLED) && !self.failed {
            (self.failed, self.current) = (true, index);
        }
        let Some(index) = index else { return };
        let fresh = || State { index, started: false, cached: false, pending: String::new() };
        let state = self.vertices.entry(vertex.digest.clone()).or_insert_with(fresh);
        if !state.started && (vertex.started.is_some() || vertex.cached) {
            state.started = true;
            state.cached = vertex.cached;
            if !self.failed {
                self.current = Some(index);
            }
            sink(BuildEvent::Step { index, cached: vertex.cached });
        } else if vertex.cached && !state.cached {
            state.cached = true;
            sink(BuildEvent::Cached { index });
        }
        if vertex.completed.is_some() && !state.pending.is_empty() {
            output(index, &std::mem::take(&mut state.pending), sink);
        }
    }

    /// The instruction of a vertex of the target, from its name.
    fn index(&self, name: &str) -> Option<usize> {
        let (label, _) = name.strip_prefix('[')?.split_once(']')?;
        let (stage, numbers) = label.rsplit_once(' ').unwrap_or(("", label));
        let (number, _) = numbers.split_once('/')?;
        let ours = stage.trim().is_empty() || stage.trim() == self.target;
        let number: usize = number.parse().ok().filter(|_| ours)?;
        self.counted.get(number.checked_sub(1)?).copied()
    }

    fn log(&mut self, log: &VertexLog, sink: BuildSink<'_>) {
        let Some(state) = self.vertices.get_mut(&log.vertex) else { return };
        state.pending.push_str(&String::from_utf8_lossy(&log.msg));
        while let Some((line, rest)) = state.pending.split_once('\n') {
            output(state.index, line, sink);
            state.pending = rest.to_owned();
        }
    }
}

fn output(index: usize, line: &str, sink: BuildSink<'_>) {
    let line = plain(line);
    let clipped = is_clip_mark(&line);
    sink(BuildEvent::Output { index, line });
    if clipped {
        sink(BuildEvent::Clipped);
    }
}

/// Whether BuildKit says that it passes on no more, such as `[output clipped, log limit 2MiB reached]`.
fn is_clip_mark(line: &str) -> bool {
    let mark = line.split_once("[output clipped, log ");
    mark.is_some_and(|(_, limit)| limit.trim_end().ends_with(" reached]"))
}

impl Reader for BuildKitReader {
    fn read(&mut self, info: BuildInfo, sink: BuildSink<'_>) {
        if let Some(BuildInfoAux::BuildKit(status)) = info.aux {
            self.status(status, sink);
        }
    }

    fn current(&self) -> Option<usize> {
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<usize>) {
        let keywords = ["FROM", "FROM", "ARG", "RUN", "ENV", "COPY"].map(str::to_owned).to_vec();
        assert_eq!(
            BuildKitReader::new(&keywords, "b_stage".to_owned()).index(name),
            expected,
            "{name}"
        );
    }

    fn check_mark(line: &str, expected: bool) {
        assert_eq!(is_clip_mark(line), expected, "{line}");
    }

    #[test]
    fn clipped_output_is_noticed() {
        check_mark("[output clipped, log limit 2MiB reached]", true);
        check_mark("half a li[output clipped, log limit 200KiB/s reached]", true);
        check_mark("[output clipped, log speed 200KiB/s reached]", true);
        check_mark("output clipped", false);
    }

    #[test]
    fn vertex_names_lead_to_instructions() {
        check("[1/3] FROM docker.io/library/base", Some(1));
        check("[b_stage 2/3] RUN [\"/bin/sh\"", Some(3));
        check("[b_stage 3/3] COPY a b", Some(5));
        check("[a_stage 1/1] FROM x", None);
        check("[internal] load build definition", None);
        check("[b_stage 4/3] RUN", None);
        check("exporting to image", None);
    }
}
