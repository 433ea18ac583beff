//! Which files a stage fetches from the package server.
//!
//! The steps: every request of every RUN and ADD; then, of those whose addresses mean the
//! package server (`addresses`), what is asked for.

use std::ops::Range;

use super::addresses::Addresses;
use super::evaluate::{Text, UNKNOWN};
use super::given::Given;
use super::inputs::Inputs;
use super::requests::{self, Pip, Request, RequestKind};
use super::scope::Value;
use super::script::{Program, program};
use super::stages::{Stages, Step};
use super::url::Address;
use super::{Dockerfile, Instruction, Logical};

/// A file, or an address, that a stage asks from the package server.
#[derive(Debug, Clone)]
pub struct Fetch<'f> {
    /// The bytes of the address in the source, variables included.
    pub url_span: Range<usize>,
    /// The bytes of `host:port`, where they stand literally in the source.
    pub authority_span: Option<Range<usize>>,
    /// The host, where it is known.
    pub host: Option<String>,
    /// The port, where it is known; 80 where none is written.
    pub port: Option<u16>,
    /// What is asked for.
    pub path: FetchPath,
    /// The path of the address, percent-encoded as it is written, `\u{fffc}` for what only the run knows.
    pub full_path: String,
    /// What the command must be given where the server is at another address.
    pub given: Vec<Given>,
    /// The command that asks: `wget`, `pip`, `ADD`.
    pub tool: String,
    /// Why it may not happen, where that is so: inside `if`, after `||`.
    pub doubt: Option<&'static str>,
    /// The instruction that it stands in.
    pub instruction: &'f Instruction,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchPath {
    /// The file at this path, percent-encoded as it is written, starting with `/`.
    Known(String),
    /// Files that pip or wget choose from a list at this path.
    Index(String),
    /// Only the run can tell.
    Unknown {
        /// Why, as a lowercase fragment.
        reason: String,
    },
}

impl FetchPath {
    /// The name of the file, without its folder.
    pub fn file_name(&self) -> Option<String> {
        self.file().and_then(|file| file.rsplit('/').next().map(str::to_owned))
    }

    /// The file's path below the server's root, percent-decoded, without a leading slash, where
    /// a file is asked for. As clients and servers of files have it, an empty part and `.` mean
    /// nothing, and `..` takes the part before it away: the path never leaves the root.
    pub fn file(&self) -> Option<String> {
        let Self::Known(path) = self else { return None };
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
        let mut parts = Vec::new();
        for part in decoded.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                _ => parts.push(part),
            }
        }
        Some(parts.join("/"))
    }
}

/// What `stage` asks from the package server, in order.
pub fn fetches<'f>(
    stages: &Stages<'f>,
    stage: usize,
    inputs: &Inputs,
    addresses: &Addresses,
) -> Vec<Fetch<'f>> {
    fetches_in(stages.file(), &stages.steps(stage), inputs, addresses)
}

/// What the `ONBUILD`s of `stage` ask from it, in each stage that is built from this one.
pub fn trigger_fetches<'f>(
    stages: &Stages<'f>,
    stage: usize,
    inputs: &Inputs,
    addresses: &Addresses,
) -> Vec<Fetch<'f>> {
    fetches_in(stages.file(), &stages.trigger_steps(stage), inputs, addresses)
}

/// What these steps of `file` ask from it, in order.
pub(super) fn fetches_in<'f>(
    file: &Dockerfile,
    steps: &[Step<'f>],
    inputs: &Inputs,
    addresses: &Addresses,
) -> Vec<Fetch<'f>> {
    let all = found(steps, inputs).into_iter();
    all.filter_map(|(request, instruction)| fetch(file, request, instruction, addresses)).collect()
}

/// Every request of these steps, its address traced to the source.
pub(super) fn found<'f>(steps: &[Step<'f>], inputs: &Inputs) -> Vec<(Request, &'f Instruction)> {
    let of = |step: &Step<'f>| {
        let instruction = step.instruction;
        requests_of(step, inputs).into_iter().map(move |one| (one, instruction))
    };
    steps.iter().flat_map(of).collect()
}

fn requests_of(step: &Step<'_>, inputs: &Inputs) -> Vec<Request> {
    let instruction = step.instruction;
    match instruction.keyword.as_str() {
        "ADD" => added(step),
        "RUN" => match program(instruction, &step.scope) {
            Program::Shell(script) => {
                traced(requests::of_script(&script.text, &step.scope, inputs), &script)
            }
            Program::Words(words) => {
                let requests = requests::of_words(&words, &step.scope, inputs);
                requests.into_iter().map(|one| in_json(one, instruction)).collect()
            }
            Program::Other(text) => {
                traced(requests::of_program(&Text::literal(&text.text, 0), "RUN"), &text)
            }
        },
        _ => Vec::new(),
    }
}

/// A request of the JSON form: where JSON's escapes hide the address, the whole line stands for it.
fn in_json(request: Request, instruction: &Instruction) -> Request {
    let line = &instruction.arguments;
    let text = request.address.text();
    let place = line.text.find(text).map(|start| start..start + text.len());
    let literal = place.is_some();
    let span = line.source_span(place.unwrap_or(0..line.text.len()));
    let logical = Text::literal(text, span.start).logical;
    let address = Text { logical, span, literal, ..request.address.clone() };
    Request { address, pip: None, ..request }
}

/// The addresses among the sources of an ADD.
fn added(step: &Step<'_>) -> Vec<Request> {
    let words = super::sources::context_words(step.instruction, step.scope.escape()).into_iter();
    let remote = words.filter(|(text, _)| text.contains("://") || text.starts_with('$'));
    remote.map(|(text, span)| added_word(step, &text, span)).collect()
}

fn added_word(step: &Step<'_>, text: &str, span: Range<usize>) -> Request {
    let span = step.instruction.arguments.source_span(span);
    let (shown, unknown) = match step.scope.expand(text) {
        Value::Known(known) => (known, None),
        Value::Unknown { reason } => {
            let known = text.split('$').next().unwrap_or_default();
            (known.chars().chain([UNKNOWN]).collect(), Some(reason))
        }
    };
    let literal = shown == text;
    let address =
        Text { literal, span: span.clone(), unknown, ..Text::literal(&shown, span.start) };
    Request { address, kind: RequestKind::File, tool: "ADD".to_owned(), doubt: None, pip: None }
}

/// Requests whose addresses lead to the source instead of to the script.
fn traced(requests: Vec<Request>, script: &Logical) -> Vec<Request> {
    let pip = |pip: Pip| Pip { start: script.source_span(pip.start..pip.start).start, ..pip };
    let all = requests.into_iter();
    all.map(|one| Request { address: one.address.through(script), pip: one.pip.map(pip), ..one })
        .collect()
}

fn fetch<'f>(
    file: &Dockerfile,
    request: Request,
    instruction: &'f Instruction,
    addresses: &Addresses,
) -> Option<Fetch<'f>> {
    let text = request.address.text();
    let address = Address::read(text)?;
    let nowhere = address.host.is_none() && address.port.is_none();
    if !nowhere && !addresses.mean(&address) {
        return None;
    }
    let source = &file.source().text;
    let url_span = request.address.span.clone();
    let authority_span =
        address.authority.clone().map(|span| request.address.logical.source_span(span));
    let written = |span: &Range<usize>| source.get(span.clone()) == address.authority_text(text);
    let authority_span = authority_span.filter(written);
    let path = path(&request, &address);
    let full_path = address.path.clone();
    let written = address.authority_text(text);
    let given = request.pip.iter().zip(written).flat_map(|(pip, written)| pip.given(written));
    let given = given.collect();
    let Request { tool, doubt, .. } = request;
    Some(Fetch {
        url_span,
        authority_span,
        host: address.host,
        port: address.port,
        path,
        full_path,
        given,
        tool,
        doubt,
        instruction,
    })
}

pub(super) fn path(request: &Request, address: &Address) -> FetchPath {
    let path = address.path.clone();
    // What is not known is the host alone: the port behind it tells where the host ends.
    let text = request.address.text();
    let host_only =
        address.host_is_open() && !path.contains([UNKNOWN, '{']) && text.contains(UNKNOWN);
    if host_only && request.kind == RequestKind::File && !path.ends_with('/') {
        return FetchPath::Known(path);
    }
    match (&request.kind, &request.address.unknown) {
        (RequestKind::Unclear(reason), _) => FetchPath::Unknown { reason: reason.clone() },
        (_, Some(reason)) => FetchPath::Unknown { reason: reason.clone() },
        (RequestKind::Index, None) => FetchPath::Index(path),
        (RequestKind::File, None) if path.ends_with('/') => FetchPath::Index(path),
        (RequestKind::File, None) => FetchPath::Known(path),
    }
}
