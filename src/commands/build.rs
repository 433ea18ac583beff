//! `build`: verify, serve, build each stage, check, tag.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use time::OffsetDateTime;

use super::interrupt::Interrupt;
use super::judgement::insist;
use super::materials::Disk;
use super::selection::{Target, load, own_platform};
use super::{plan, proxies, verification};
use crate::engine::{Builder, DockerEngine, Engine};
use crate::error::{Exit, Problem, Result};
use crate::plan::{Plan, VerifiedPackage};
use crate::project::Project;
use crate::run::{
    Ending, Event, Job, Recorder, Report, Reporter, RunFolder, Scratch, Transfer, execute,
};
use crate::server::{self, PackageServer};
use crate::store::{VerifyEvent, VerifyOptions, verify};
use crate::ui::{Printer, Progress, reporter};

/// How long downloads may go on when a run ends before its time.
const GRACE: Duration = Duration::from_secs(1);

/// Build the target's stages: verify the packages, serve them, build, check, tag
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build --target C_stage\n  ascend-build --target B_stage --chip 310p --platform linux/arm64\n  ascend-build --target C_stage --set CANN_VERSION=8.5.0 --tag 8.5.0 --tag registry.local/mindie:8.5.0\n  ascend-build --target C_stage --progress plain 2>build.log\n\nImages are tagged <project>/<stage in lower case>:<tag>. Logs and the report of each run are\nkept in .ascend-build/runs/."
)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Which of the engine's builders to use
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "auto|classic|buildkit"
    )]
    builder: Wanted,
    /// How to show what happens
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "auto|tty|plain|json|quiet"
    )]
    progress: Progress,
    /// Show the plan and stop: no package is read, no engine touched
    #[arg(long)]
    dry_run: bool,
    /// Build everything anew, whatever the engine has
    #[arg(long)]
    no_cache: bool,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Wanted {
    /// BuildKit where the engine has it
    #[default]
    Auto,
    /// The first builder, which every engine has
    Classic,
    /// BuildKit inside the engine
    Buildkit,
}

/// Builds.
///
/// # Errors
/// Every exit code of `docs/exit-codes.md`.
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let (project, warnings) = load(folder)?;
    printer.problems(&warnings);
    let first = args.target.plan(&project, &own_platform()?)?;
    printer.problems(&insist(&project, &first)?);
    if args.dry_run {
        printer.data(&plan::table(&first));
        return Ok(());
    }
    let started = OffsetDateTime::now_utc();
    let reporter: Arc<dyn Reporter> = reporter(args.progress, printer).into();
    let recorder = Recorder::new(RunFolder::create(&project.folder, started)?, &*reporter);
    let clock = Instant::now();
    let mut run = Run {
        args,
        project: &project,
        recorder: &recorder,
        reporter: &reporter,
        plan: first,
        packages: Vec::new(),
        engine: None,
    };
    let result = run.go().await;
    let ending = Ending::of(&result);
    run.report(&ending, started, clock.elapsed());
    result
}

/// A build under way.
struct Run<'a> {
    args: &'a Args,
    project: &'a Project,
    recorder: &'a Recorder<'a>,
    reporter: &'a Arc<dyn Reporter>,
    plan: Plan,
    packages: Vec<VerifiedPackage>,
    engine: Option<(Arc<DockerEngine>, Builder)>,
}

impl Run<'_> {
    async fn go(&mut self) -> Result<()> {
        let interrupt = Interrupt::listen()?;
        self.announce();
        self.verify(&interrupt).await?;
        let engine = interrupt.unless(DockerEngine::connect()).await?;
        self.follow_platform(&engine, &interrupt).await?;
        let builder = choose(self.args.builder, &engine)?;
        let engine = Arc::new(engine);
        self.engine = Some((Arc::clone(&engine), builder));
        let engine = &*engine;
        let server = interrupt.unless(self.serve(engine)).await?;
        let access = interrupt.unless(engine.access()).await?;
        let address = format!("http://{}:{}", access.name, server.local_address().port());
        self.recorder.record(&Event::EngineReady {
            version: engine.facts().version.clone(),
            builder,
            server: address.clone(),
        });
        let scratch = Scratch::new(&self.recorder.folder().id);
        let disk = Disk { stages_folder: self.project.stages_folder(), options: self.options() };
        let job = Job {
            plan: &self.plan,
            engine,
            builder,
            materials: &disk,
            recorder: self.recorder,
            proxies: user_proxies(&access.name),
            server: address,
            no_cache: self.args.no_cache,
            scratch: &scratch,
        };
        let result = interrupt.unless(execute(&job)).await;
        server.stop(GRACE).await;
        scratch.clear(engine).await;
        engine.settle().await;
        result
    }

    fn announce(&self) {
        self.recorder.record(&Event::RunStarted {
            schema: crate::run::SCHEMA,
            run: self.recorder.folder().id.clone(),
            project: self.plan.project.clone(),
            target: self.plan.target.clone(),
            platform: self.plan.platform.clone(),
            stages: self.plan.stages.iter().map(|stage| stage.name.clone()).collect(),
        });
    }

    /// An engine of another platform than this machine's decides, unless the user did.
    async fn follow_platform(
        &mut self,
        engine: &DockerEngine,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let own = engine
            .facts()
            .platform
            .clone()
            .filter(|own| self.args.target.platform.is_none() && *own != self.plan.platform);
        if let Some(platform) = own {
            self.plan = self.args.target.plan(self.project, &platform)?;
            insist(self.project, &self.plan)?;
            self.verify(interrupt).await?;
        }
        Ok(())
    }

    async fn verify(&mut self, interrupt: &Interrupt) -> Result<()> {
        let (planned, options) = (self.plan.packages.clone(), self.options());
        let clock = Instant::now();
        let observer = VerifyProgress::new(Arc::clone(self.reporter));
        let work = interrupt.blocking(move |cancelled| {
            verify(&planned, &options, &|event| observer.take(&event), cancelled)
        });
        self.packages = work.await?;
        let bytes = self.packages.iter().map(|package| package.size).sum();
        self.recorder.record(&Event::VerifyFinished {
            files: self.packages.len(),
            bytes,
            seconds: clock.elapsed().as_secs_f64(),
        });
        Ok(())
    }

    fn options(&self) -> VerifyOptions {
        verification::options(self.project.roots.clone(), false)
    }

    async fn serve(&self, engine: &DockerEngine) -> Result<PackageServer> {
        let access = engine.access().await?;
        let listener = server::bind(SocketAddr::new(access.listen, 0)).await?;
        let reporter = Arc::clone(self.reporter);
        let observer = Arc::new(move |transfer| reporter.report(&Event::Transfer(told(transfer))));
        Ok(PackageServer::start(listener, self.packages.clone(), observer))
    }

    fn report(&self, ending: &Ending, started: OffsetDateTime, taken: Duration) {
        let report = Report::new(self.recorder, &self.plan, started, taken.as_secs_f64(), ending)
            .packages(&self.packages);
        let report = match &self.engine {
            Some((engine, builder)) => report.engine(engine.facts(), *builder),
            None => report,
        };
        let json = serde_json::to_vec_pretty(&report).map_err(io::Error::other);
        let path = json.and_then(|json| self.recorder.folder().write_report(&json));
        let shown = match &path {
            Ok(path) => {
                path.strip_prefix(&self.project.folder).unwrap_or(path).display().to_string()
            }
            Err(error) => format!("not written: {error}"),
        };
        self.recorder.record(&Event::RunFinished {
            run: self.recorder.folder().id.clone(),
            exit_code: ending.exit_code,
            problems: ending.problems.clone(),
            seconds: taken.as_secs_f64(),
            report: shown,
        });
    }
}

fn choose(wanted: Wanted, engine: &DockerEngine) -> Result<Builder> {
    let facts = engine.facts();
    let builder = match wanted {
        Wanted::Auto => return Ok(facts.builders.first().copied().unwrap_or(Builder::Classic)),
        Wanted::Classic => Builder::Classic,
        Wanted::Buildkit => Builder::BuildKit,
    };
    if facts.builders.contains(&builder) {
        return Ok(builder);
    }
    Err(Problem::error("the engine has no BuildKit")
        .note(format!(
            "engine {}, API {}; BuildKit needs API 1.40 (Docker Engine 19.03)",
            facts.version, facts.api_version
        ))
        .hint("leave `--builder` out, or use `--builder classic`")
        .exit(Exit::Engine))
}

fn user_proxies(gateway: &str) -> IndexMap<String, String> {
    let folder = std::env::var_os("DOCKER_CONFIG")
        .map(Into::into)
        .or_else(|| Some(std::env::home_dir()?.join(".docker")));
    let config = folder.and_then(|folder: std::path::PathBuf| {
        std::fs::read_to_string(folder.join("config.json")).ok()
    });
    proxies::arguments(|name| std::env::var(name).ok(), config.as_deref(), gateway)
}

/// Adds up what the store's threads have read.
struct VerifyProgress {
    reporter: Arc<dyn Reporter>,
    read: AtomicU64,
    total: AtomicU64,
}

impl VerifyProgress {
    fn new(reporter: Arc<dyn Reporter>) -> Self {
        Self { reporter, read: AtomicU64::new(0), total: AtomicU64::new(0) }
    }

    fn take(&self, event: &VerifyEvent) {
        match event {
            VerifyEvent::Started { files, bytes } => {
                self.total.store(*bytes, Ordering::Relaxed);
                self.reporter.report(&Event::VerifyStarted { files: *files, bytes: *bytes });
            }
            VerifyEvent::Read { bytes } => {
                let read = self.read.fetch_add(*bytes, Ordering::Relaxed) + bytes;
                self.reporter.report(&Event::VerifyProgress {
                    bytes: read,
                    total: self.total.load(Ordering::Relaxed),
                });
            }
            VerifyEvent::Finished { .. } => {}
        }
    }
}

/// The server's events as the run tells them.
fn told(transfer: server::Transfer) -> Transfer {
    match transfer {
        server::Transfer::Started { id, client, file, length, .. } => {
            Transfer::Started { id, client: client.to_string(), file, length }
        }
        server::Transfer::Progress { id, sent } => Transfer::Progress { id, sent },
        server::Transfer::Ended { id, sent, outcome } => {
            Transfer::Ended { id, sent, outcome: outcome_word(&outcome) }
        }
        server::Transfer::Refused { client, path, status, .. } => {
            Transfer::Refused { client: client.to_string(), path, status }
        }
    }
}

fn outcome_word(outcome: &server::Outcome) -> &'static str {
    match outcome {
        server::Outcome::Whole => "whole",
        server::Outcome::Changed => "changed",
        _ => "cut",
    }
}
