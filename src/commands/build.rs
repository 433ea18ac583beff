//! `build`: verify, serve, build each stage, check, tag.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use time::OffsetDateTime;

use super::selection::{Target, own_platform};
use super::session::{self, Session};
use super::supply::Choice;
use super::{outlook, plan};
use crate::error::{Result, Severity};
use crate::run::{Ending, Pace, Recorder, Reporter, RunFolder};
use crate::ui::{Printer, Progress, reporter};

/// Build the target's stages: verify the packages, serve them, build, check, tag
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build --target C_stage\n  ascend-build --target B_stage --chip 310p --platform linux/arm64\n  ascend-build --target C_stage --set CANN_VERSION=8.5.0 --tag 8.5.0 --tag registry.local/mindie:8.5.0\n  ascend-build --target C_stage --skip B_stage\n  ascend-build -f Dockerfile --target mindie --build-arg ARCH=aarch64\n  ascend-build --target C_stage --progress plain 2>build.log\n\nImages are tagged <project>/<stage in lower case>:<tag>. Logs and the report of each run are\nkept in .ascend-build/runs/."
)]
pub struct Args {
    #[command(flatten)]
    pub(super) target: Target,
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
    pub(super) no_cache: bool,
    /// Build up to N stages at the same time that do not depend on each other (default: one a processor, at most 4)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// After a failure, go on with the stages that do not depend on it
    #[arg(long)]
    pub(super) keep_going: bool,
    /// After a failure, open a shell in the state before the failed instruction, its packages at hand
    #[arg(long)]
    pub(super) shell_on_failure: bool,
    /// Try a stage again, up to N times, whose failure can pass: a network, an engine that restarts
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(super) retries: u32,
    /// Refuse files that nothing vouches for, and stages that never fetch a package they name
    #[arg(long)]
    pub(super) strict: bool,
    /// Build even where the engine's disk is expected to be too small
    #[arg(long)]
    pub(super) ignore_disk: bool,
    /// Fetch from the `ascend-build serve` on this port alone, or from an `own` server (default: from one that is found on the recipe's port or on 3000 and has the files, else an own one)
    #[arg(long, value_name = "own|PORT", value_parser = Choice::parse)]
    pub(super) server: Option<Choice>,
    /// Serve packages under an unguessable path, which other builds' containers cannot fetch from (`RUN --package` only)
    #[arg(long, conflicts_with = "server")]
    pub(super) private: bool,
    /// Hash packages again whose digests are remembered
    #[arg(long)]
    pub(super) rehash: bool,
    /// What `docker build` has besides.
    #[command(flatten)]
    pub docker: Docker,
}

/// Options of `docker build` that change nothing here, so that a script's line can stay.
#[derive(Debug, clap::Args)]
pub struct Docker {
    /// No container is left in any case
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub rm: Option<bool>,
    /// No container is left in any case
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub force_rm: Option<bool>,
    /// The image is in the engine in any case
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub load: Option<bool>,
}

/// The most stages that are built at the same time when nobody says.
const JOBS: usize = 4;

impl Args {
    /// How many stages are built at the same time.
    pub(super) fn jobs(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.map_or_else(|| processors().min(JOBS), usize::from)
    }
}

/// Builds.
///
/// # Errors
/// Every exit code of `docs/exit-codes.md`.
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let telling: Arc<OnceLock<Arc<dyn Reporter>>> = Arc::default();
    let interrupt = session::interrupt(Arc::clone(&telling))?;
    let (project, plan, mut warnings) = args.target.plan(folder, &own_platform()?)?;
    interrupt.look()?;
    // What is only worth knowing is told by `check` and `plan`, not by every build.
    if !args.dry_run {
        warnings.retain(|problem| problem.severity == Severity::Warning);
    }
    printer.problems(&warnings);
    if args.dry_run {
        printer.data(&plan::table(&plan, &outlook::declared_packages(&project, &plan)));
        return Ok(());
    }
    let started = OffsetDateTime::now_utc();
    let clock = Instant::now();
    let pace = Pace::new(reporter(args.progress, printer));
    let reporter: Arc<dyn Reporter> = Arc::clone(&pace) as Arc<dyn Reporter>;
    let reporter = telling.get_or_init(|| reporter);
    let recorder = Recorder::new(RunFolder::create(&project.folder, started)?, &**reporter);
    pace.follow(Arc::clone(recorder.ledger()));
    let mut session = Session::new(args, folder, project, plan, &recorder, reporter, &pace);
    let result = session.go(&interrupt).await;
    session.report(&Ending::of(&result), started, clock.elapsed());
    result
}
