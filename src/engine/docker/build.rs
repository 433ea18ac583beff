//! One build: the request, and what both builders' answers have in common.

use std::sync::atomic::{AtomicU64, Ordering};

use bollard::body_try_stream;
use bollard::errors::Error as DockerError;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptions, BuilderVersion};
use futures_util::StreamExt;
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use tokio_util::io::ReaderStream;

use super::buildkit::BuildKitReader;
use super::classic::ClassicReader;
use super::container::Container;
use super::podman::{PodmanReader, without_instruction};
use super::sweep::mark;
use super::{DockerEngine, failure};
use crate::engine::{BuildFailure, BuildRequest, BuildSink, Builder, ImageId, Product};
use crate::error::Problem;

/// How much of the context is sent at once, in bytes.
const CHUNK: usize = 1 << 18;

/// Follows what one builder says; each builder has its own.
pub(super) trait Reader {
    /// Takes one message.
    fn read(&mut self, info: BuildInfo, sink: BuildSink<'_>);
    /// The instruction that is running, or that failed.
    fn current(&self) -> Option<usize>;
    /// The container that runs it, where it is known.
    fn container(&self) -> Option<&str> {
        None
    }
}

pub(super) async fn build(
    engine: &DockerEngine,
    request: BuildRequest,
    sink: BuildSink<'_>,
) -> Result<ImageId, BuildFailure> {
    let built = build_to_end(engine, request, sink).await;
    if matches!(built, Err(BuildFailure::Engine(_))) {
        // An engine that died may have died with containers in it.
        engine.cleaning.doubt();
    }
    built
}

async fn build_to_end(
    engine: &DockerEngine,
    request: BuildRequest,
    sink: BuildSink<'_>,
) -> Result<ImageId, BuildFailure> {
    let options = options(&request, engine.facts.product);
    let run = request.run.clone();
    let context = tokio::fs::File::from_std(request.context);
    let body = body_try_stream(ReaderStream::with_capacity(context, CHUNK));
    let mut reader: Box<dyn Reader + Send> = match request.builder {
        Builder::Classic if engine.facts.product == Product::Podman => {
            Box::new(PodmanReader::new(&request.keywords))
        }
        Builder::Classic => Box::new(ClassicReader::new(request.keywords)),
        Builder::BuildKit => Box::new(BuildKitReader::new(&request.keywords, request.target)),
    };
    // Declared before the stream: what is still running is removed after the engine was told to stop.
    let mut told_of = Vec::new();
    let answer = engine.patient.build_image(options, None, Some(body));
    let mut stream = std::pin::pin!(failure::to_end(answer));
    let mut told = Told::default();
    while let Some(answer) = stream.next().await {
        let info = match answer {
            Ok(info) => info,
            Err(error) => return Err(failed(engine, reader.current(), error).await),
        };
        let is_last = told.read(info, reader.as_mut(), sink);
        follow(&mut told_of, reader.container(), run.as_deref(), engine);
        if is_last {
            break;
        }
    }
    told.image.ok_or_else(|| BuildFailure::Engine(stopped(engine)))
}

/// What an answer has told of the image. The first builder tells one at the end of each `FROM`'s instructions,
/// and there is one `FROM` for each stage that the last one copies from: where another instruction begins, none is told yet.
#[derive(Default)]
struct Told {
    image: Option<ImageId>,
}

impl Told {
    /// Passes a message on to the reader; whether it is the last that matters.
    fn read(&mut self, info: BuildInfo, reader: &mut dyn Reader, sink: BuildSink<'_>) -> bool {
        let image = match &info.aux {
            Some(BuildInfoAux::Default(id)) => id.id.clone(),
            _ => None,
        };
        let is_last = info.id.as_deref() == Some("moby.image.id");
        let before = reader.current();
        reader.read(info, sink);
        let begun = reader.current() != before;
        self.image = image.or_else(|| self.image.take().filter(|_| !begun));
        is_last
    }
}

/// Notes a container that runs, which is removed when the build has ended and not before, because only
/// the builder's words tell of it. An engine stops the command of an interrupted build by itself,
/// but not at once; where its containers have no mark, nobody else can tell them from others'.
fn follow(
    told_of: &mut Vec<Container>,
    now: Option<&str>,
    run: Option<&str>,
    engine: &DockerEngine,
) {
    let Some((now, run)) = now.zip(run) else { return };
    if told_of.last().is_none_or(|last| last.id != now) {
        told_of.push(Container::told(now.to_owned(), run, &engine.docker, &engine.cleaning));
    }
}

fn stopped(engine: &DockerEngine) -> Problem {
    Problem::error("the engine ended the build without an image")
        .note(format!("engine: `{}`", engine.endpoint))
        .hint("it was stopped or restarted: start it again and run the same command; finished stages are reused")
}

fn options(request: &BuildRequest, product: Product) -> BuildImageOptions {
    BuildImageOptions {
        dockerfile: request.dockerfile.clone(),
        target: request.target.clone(),
        platform: request.platform.as_ref().map(ToString::to_string).unwrap_or_default(),
        buildargs: Some(arguments(request).into_iter().collect()),
        nocache: request.no_cache,
        shmsize: request.large_shm.then_some(i32::MAX),
        // Where podman's builds reach this host (see `connect::access`).
        networkmode: (product == Product::Podman).then(|| "host".to_owned()),
        rm: true,
        forcerm: true,
        version: match request.builder {
            Builder::Classic => BuilderVersion::BuilderV1,
            Builder::BuildKit => BuilderVersion::BuilderBuildKit,
        },
        session: (request.builder == Builder::BuildKit).then(session),
        ..BuildImageOptions::default()
    }
}

/// The build arguments. The first builder's containers get the run's mark besides, so that they
/// can be told from others' when the run was killed.
fn arguments(request: &BuildRequest) -> IndexMap<String, String> {
    let mut arguments = request.arguments.clone();
    if let (Builder::Classic, Some(run)) = (request.builder, &request.run) {
        let no_proxy = arguments.entry("no_proxy".to_owned()).or_default();
        if !no_proxy.is_empty() {
            no_proxy.push(',');
        }
        no_proxy.push_str(&mark(run));
    }
    arguments
}

/// A name that no other session of the engine has.
fn session() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let seed = format!("{} {count} {:?}", std::process::id(), std::time::SystemTime::now());
    hex::encode(&Sha256::digest(seed.as_bytes())[..12])
}

/// Tells a failed instruction from a failed engine: an engine that stops also kills the command that runs.
async fn failed(engine: &DockerEngine, current: Option<usize>, error: DockerError) -> BuildFailure {
    let message = match &error {
        DockerError::DockerStreamError { error } => without_instruction(error).to_owned(),
        DockerError::DockerResponseServerError { message, status_code: 400..=500 } => {
            message.clone()
        }
        _ => return BuildFailure::Engine(failure::problem("building", &engine.endpoint, &error)),
    };
    if engine.docker.ping().await.is_err() {
        return BuildFailure::Engine(stopped(engine));
    }
    BuildFailure::Instruction { index: current, exit_code: exit_code(&message), message }
}

/// What BuildKit says in the place of an exit code where the kernel killed the command because memory ran out.
const NO_MEMORY: &str = "did not complete successfully: cannot allocate memory";

/// Classic says "returned a non-zero code: 7", BuildKit "exit code: 7", podman "exit status 7".
fn exit_code(message: &str) -> Option<i64> {
    if message.trim_end().ends_with(NO_MEMORY) {
        return Some(137);
    }
    let (_, code) =
        message.rsplit_once("code: ").or_else(|| message.rsplit_once("exit status "))?;
    code.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: Option<i64>) {
        assert_eq!(exit_code(message), expected, "{message}");
    }

    #[test]
    fn every_builder_tells_the_exit_code_in_its_own_words() {
        check("The command '/bin/sh -c false' returned a non-zero code: 1", Some(1));
        check("process \"/bin/sh -c x\" did not complete successfully: exit code: 137", Some(137));
        check("executor failed running [/bin/sh -c x]: exit code: 7", Some(7));
        check("error building at STEP \"RUN x\": while running runtime: exit status 9", Some(9));
        check("process \"x\" did not complete successfully: cannot allocate memory", Some(137));
        check("failed to register layer: no space left on device", None);
    }

    fn check_told(messages: &[(&str, &str)], expected: Option<&str>) {
        let keywords = ["FROM", "FROM", "RUN"].map(str::to_owned).to_vec();
        let mut reader = ClassicReader::new(keywords);
        let mut told = Told::default();
        for (text, id) in messages {
            let id =
                (!id.is_empty()).then(|| bollard::models::ImageId { id: Some((*id).to_owned()) });
            let info = BuildInfo {
                stream: Some((*text).to_owned()),
                aux: id.map(BuildInfoAux::Default),
                ..BuildInfo::default()
            };
            assert!(!told.read(info, &mut reader, &|_| {}));
        }
        assert_eq!(told.image.as_deref(), expected, "{messages:?}");
    }

    #[test]
    fn the_image_of_a_copied_stage_is_not_the_builds() {
        let copied = [("Step 1/3 : FROM a\n", ""), ("", "sha256:1")];
        let begun =
            [&copied[..], &[("Step 2/3 : FROM b\n", ""), ("Step 3/3 : RUN true\n", "")]].concat();
        let ended = [&begun[..], &[("", "sha256:2"), ("Successfully built 2\n", "")]].concat();
        check_told(&begun, None);
        check_told(&ended, Some("sha256:2"));
    }
}
