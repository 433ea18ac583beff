//! A build under way: verify, connect, serve, execute, clear away, report.

mod turn;
mod words;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio::sync::watch;

use super::annotations::annotations;
use super::build::Args;
use super::interrupt::Interrupt;
use super::later::{self, Parts};
use super::mark::Mark;
use super::materials::{self, Disk};
use super::packages::Packages;
use super::revision::revision;
use super::selection::Wanted;
use super::supply::{Demand, Shared, Supply};
use super::telling::{VerifyProgress, told};
use super::{builder, forecasting, means, outlook, proxies, remembering, shell, verification};
use crate::engine::{Builder, DockerEngine, Engine, HostAccess};
use crate::error::{Exit, Result};
use crate::plan::{Plan, PlannedPackage, VerifiedPackage};
use crate::project::Project;
use crate::project::dockerfile::Dialect;
use crate::run::{
    self, Ending, Event, Forecast, Job, Pace, Recorder, Report, Reporter, Revision, Scratch, Stock,
    Turn, clear_leftovers,
};
use crate::store::{VerifyOptions, look_for, verify};

/// How long downloads may go on when a run ends before its time.
const GRACE: Duration = Duration::from_secs(1);

/// How long clearing away may take.
const CLEARING: Duration = Duration::from_secs(20);

/// Listens for what asks a build to stop from now on, and tells whoever is told by then.
///
/// # Errors
/// Signals cannot be listened for.
pub(super) fn interrupt(telling: Arc<OnceLock<Arc<dyn Reporter>>>) -> Result<Interrupt> {
    let tell = move || telling.get().into_iter().for_each(|one| one.report(&stopping()));
    Interrupt::listen_and(tell)
}

fn stopping() -> Event {
    let message = "stopping: what was begun is cleared away (once more to stop at once)";
    Event::Warning { message: message.to_owned() }
}

/// A build under way.
pub(super) struct Session<'a> {
    args: &'a Args,
    folder: &'a Path,
    project: Project,
    plan: Plan,
    recorder: &'a Recorder<'a>,
    reporter: &'a Arc<dyn Reporter>,
    pace: &'a Pace,
    forecast: Option<Forecast>,
    packages: Vec<VerifiedPackage>,
    /// What is verified while earlier stages build.
    later: Vec<Vec<PlannedPackage>>,
    engine: Option<(Arc<DockerEngine>, Builder)>,
    /// What the files were when the plan was made: they may change while it is built.
    revision: Option<Revision>,
    /// Nobody else builds the same image until this has its report.
    turn: Option<Turn>,
}

/// What a job borrows besides the session.
struct Given<'b> {
    builder: Builder,
    disk: &'b Disk,
    stock: &'b Stock,
    scratch: &'b Scratch,
}

impl<'a> Session<'a> {
    /// A build that has a plan and nothing else yet.
    pub(super) fn new(
        args: &'a Args,
        folder: &'a Path,
        project: Project,
        plan: Plan,
        recorder: &'a Recorder<'a>,
        reporter: &'a Arc<dyn Reporter>,
        pace: &'a Pace,
    ) -> Self {
        Self {
            revision: revision(&project.folder),
            args,
            folder,
            project,
            plan,
            recorder,
            reporter,
            pace,
            forecast: None,
            packages: Vec::new(),
            later: Vec::new(),
            engine: None,
            turn: None,
        }
    }

    /// Goes from the plan to the tags.
    pub(super) async fn go(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.announce();
        if self.args.shell_on_failure {
            shell::warn_without_terminal(self.recorder);
        }
        remembering::begin(self.recorder.folder(), &self.plan, self.revision.as_ref());
        self.take_turn(interrupt).await?;
        self.verify(interrupt).await?;
        materials::refuse_missing_sources(&self.project, &self.plan)?;
        let engine = Arc::new(interrupt.unless(DockerEngine::connect()).await?);
        let builder = builder::choose(self.args.target.source.builder, engine.facts())?;
        self.follow(&engine, builder, interrupt).await?;
        builder::refuse_heredocs(&self.project, &self.plan, engine.facts(), builder)?;
        self.engine = Some((Arc::clone(&engine), builder));
        // What a killed run left is cleared away before this one begins.
        let state = run::state_folder(&self.project.folder);
        let clearing = async {
            clear_leftovers(&*engine, &state).await;
            Ok(())
        };
        interrupt.unless(clearing).await?;
        let access = interrupt.unless(engine.access()).await?;
        let expected = self.expected();
        let server = interrupt.unless(self.serve(&access, &expected)).await?;
        self.build(&access, server, expected, interrupt).await
    }

    /// Builds with what has been made ready, and clears away behind it.
    async fn build(
        &mut self,
        access: &HostAccess,
        server: Supply,
        expected: Packages,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let (engine, builder) = self.engine.clone().expect("an engine was chosen before");
        let address = format!("{}:{}", access.name, server.port());
        self.ready(&engine, builder, &address, server.shared().is_some());
        let scratch = Scratch::new(&self.recorder.folder().id);
        let (sender, verified) = watch::channel(Packages::new(self.packages.clone()));
        let disk = self.disk(expected, verified, server.shared());
        let stock = interrupt.unless(Stock::of(&*engine)).await?;
        let given = Given { builder, disk: &disk, stock: &stock, scratch: &scratch };
        let mut job = self.job(&engine, &given, access, address);
        job.packages += &server.path();
        let shared = server.shared().cloned();
        let mark = Mark::take_for(shared.as_ref(), self.recorder.folder())?;
        job.mark = mark.as_ref().map(|mark| mark.text().to_owned());
        let forecast = interrupt.unless(forecasting::foretell(&job, disk.expected.all())).await;
        let fits = forecast.as_ref().map_or(Ok(()), |forecast| forecasting::fits(&job, forecast));
        let permitted = if self.args.ignore_disk { Ok(()) } else { fits };
        let (later, options) = (self.later.clone(), self.options());
        let result = match &forecast {
            Ok(forecast) if permitted.is_ok() => {
                let building = forecasting::execute(&job, self.pace, forecast);
                let verifying = later::verify_on(later, &options, &sender, &server, self.reporter);
                interrupt.unless(server.during(later::beside(verifying, building))).await
            }
            _ => Ok(()),
        };
        self.recorder.interrupt();
        if self.args.shell_on_failure {
            // The package server still answers.
            shell::offer(&job, &result, interrupt).await;
        }
        server.stop(GRACE).await;
        let untold = self.recorder.ledger().untold();
        untold.into_iter().for_each(|message| self.recorder.record(&Event::Warning { message }));
        let cleared = self.clear(&engine, &scratch, &result).await;
        if let Some(mark) = mark.filter(|_| cleared) {
            mark.give_back_after(shared.as_ref()).await;
        }
        self.packages = sender.borrow().all().to_vec();
        // A run that is refused tells in its report what it was expected to need.
        self.forecast = Some(forecast?);
        permitted.and(result)
    }

    /// Takes away what must not outlive the run; an engine that hangs is not waited for. Whether
    /// nothing of the run goes on in it.
    async fn clear(&self, engine: &DockerEngine, scratch: &Scratch, result: &Result<()>) -> bool {
        let clearing = async {
            // An image that a container still uses keeps its reference.
            let settled = engine.settle().await;
            scratch.clear(engine).await && settled
        };
        let cleared = tokio::time::timeout(CLEARING, clearing).await;
        let failed = result.as_ref().is_err_and(|error| error.exit != Exit::Interrupted);
        if cleared.is_err() {
            let message = "the engine does not answer: containers and tags of this run may be left in it (`docker ps -a --filter label=ascend-build.check`)";
            self.recorder.record(&Event::Warning { message: message.to_owned() });
        } else if cleared == Ok(true) && !failed {
            // What failed may have failed because the engine died with containers in it.
            self.recorder.folder().note_cleared();
        }
        cleared.is_ok()
    }

    fn job<'b>(
        &'b self,
        engine: &'b DockerEngine,
        given: &Given<'b>,
        access: &HostAccess,
        server: String,
    ) -> Job<'b, DockerEngine, Disk> {
        let jobs = self.args.jobs();
        Job {
            plan: &self.plan,
            engine,
            builder: given.builder,
            materials: given.disk,
            recorder: self.recorder,
            stock: given.stock,
            proxies: proxies::of_user(&self.plan, &access.name),
            packages: server.clone(),
            mark: None,
            server,
            annotations: annotations(
                &self.plan.tag,
                self.revision.as_ref(),
                OffsetDateTime::now_utc(),
            ),
            no_cache: self.args.no_cache,
            strict: self.args.strict,
            memory: means::free_memory(engine) / 2 / jobs as u64,
            jobs,
            keep_going: self.args.keep_going,
            retries: self.args.retries,
            cache: self.options().memory,
            scratch: given.scratch,
            scene: run::Scene::default(),
        }
    }

    /// An engine of another platform than this machine's decides, unless the user did; so does
    /// one that has no BuildKit, because the classic builder reads arguments differently.
    async fn follow(
        &mut self,
        engine: &DockerEngine,
        builder: Builder,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let source = &self.args.target.source;
        let asked = source.platform.is_some();
        let own =
            engine.facts().platform.clone().filter(|own| !asked && *own != self.plan.platform);
        let classic = builder == Builder::Classic && source.builder != Wanted::Classic;
        if own.is_some() || classic {
            let platform = own.unwrap_or_else(|| self.plan.platform.clone());
            let dialect = match builder {
                Builder::Classic => Dialect::Classic,
                Builder::BuildKit => Dialect::BuildKit,
            };
            let planned = files(&self.plan);
            (self.project, self.plan, _) =
                self.args.target.plan_as(dialect, self.folder, &platform)?;
            if files(&self.plan) != planned {
                self.verify(interrupt).await?;
            }
        }
        Ok(())
    }

    async fn verify(&mut self, interrupt: &Interrupt) -> Result<()> {
        let parts = self.parts();
        self.later = parts.later;
        let (planned, options) = (parts.first, self.options());
        let clock = Instant::now();
        let progress = Arc::new(VerifyProgress::new(Arc::clone(self.reporter)));
        let listening = Arc::clone(&progress);
        let observer = move |event| listening.take(&event);
        let work = move |cancelled: &_| verify(&planned, &options, &observer, cancelled);
        self.packages = interrupt.blocking(work).await?;
        self.recorder.record(&progress.finished(&self.packages, clock.elapsed()));
        verification::tell_undeclared(&self.packages, self.args.strict, self.recorder)
    }

    /// What is verified at once, and what while earlier stages build. Where something is missing,
    /// everything that is wrong is told at once.
    fn parts(&self) -> Parts {
        let declared = outlook::declared_packages(&self.project, &self.plan);
        let sizes: HashMap<_, _> = declared.iter().map(|file| (&file.file, file.size)).collect();
        let parts = later::divide(&self.project, &self.plan, |file| sizes[&file.file]);
        if !parts.later.is_empty() && !look_for(&self.plan.packages, &self.project.roots).is_empty()
        {
            return Parts { first: self.plan.packages.clone(), later: Vec::new() };
        }
        parts
    }

    fn options(&self) -> VerifyOptions {
        verification::options(self.project.roots.clone(), self.args.rehash)
    }

    /// All files, by what is declared of those that are still to be verified.
    fn expected(&self) -> Packages {
        let mut expected = Packages::new(self.packages.clone());
        let later: HashSet<_> = self.later.iter().flatten().map(|package| &package.file).collect();
        let declared = outlook::declared_packages(&self.project, &self.plan);
        expected.add(declared.into_iter().filter(|file| later.contains(&file.file)).collect());
        expected
    }

    fn disk(
        &self,
        expected: Packages,
        verified: watch::Receiver<Packages>,
        shared: Option<&Arc<Shared>>,
    ) -> Disk {
        let context = self.project.context.clone();
        let dockerfile = self.project.dockerfile.clone();
        let (options, shared) = (self.options(), shared.cloned());
        Disk { context, dockerfile, options, expected, verified, shared }
    }

    async fn serve(&self, access: &HostAccess, expected: &Packages) -> Result<Supply> {
        let reporter = Arc::clone(self.reporter);
        let ledger = Arc::clone(self.recorder.ledger());
        let run = self.recorder.folder().id.clone();
        let observer = Arc::new(move |transfer| {
            let transfer = told(transfer, &run);
            if ledger.take(&transfer, OffsetDateTime::now_utc()) {
                reporter.report(&Event::Transfer(transfer));
            }
        });
        let demand = Demand {
            plan: &self.plan,
            packages: expected.all(),
            verified: &self.packages,
            access,
            run: &self.recorder.folder().id,
            choice: self.args.server,
            private: self.args.private,
        };
        Supply::choose(demand, observer).await
    }

    /// Writes the report and tells the end.
    pub(super) fn report(&self, ending: &Ending, started: OffsetDateTime, taken: Duration) {
        if self.engine.is_none() {
            self.recorder.folder().note_cleared();
        }
        let report = Report::new(self.recorder, &self.plan, started, taken.as_secs_f64(), ending);
        let report = report.packages(&self.packages).revision(self.revision.clone());
        let report = report.pace(self.pace, self.forecast.as_ref());
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
        remembering::end(self.recorder.folder());
    }
}

fn files(plan: &Plan) -> Vec<String> {
    plan.packages.iter().map(|package| package.file.clone()).collect()
}
