//! `image layers`: what each layer weighs, and what of it is wasted.
//!
//! 1. Find out which image is meant, where its base ends and which packages it should not hold.
//! 2. Have the engine save it, and weigh its layers as they stream by.
//! 3. Print them; end with an error where more is wasted than is allowed.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval_at};

use super::base;
use super::report::Report;
use super::size;
use super::subject::Subject;
use crate::commands::interrupt::Interrupt;
use crate::commands::output::Output;
use crate::commands::selection::Source;
use crate::engine::{DockerEngine, Engine};
use crate::error::{Exit, Problem, Result};
use crate::image::{Attribution, Waste, attribute, read};
use crate::ui::{Printer, Saving, bytes};

/// A small image is read before anything need be said.
const FIRST: Duration = Duration::from_secs(2);

/// How often it is said how far it is, where there is no live line.
const AGAIN: Duration = Duration::from_secs(15);

/// Findings that the error of the gate lists at most.
const MOST_NOTES: usize = 12;

/// Show what each layer of an image weighs, and what of it is wasted
///
/// Wasted are files that a later layer removes or overwrites, package files, caches, logs,
/// temporary files and compiled Python modules. The engine saves the image for it, as for
/// `docker save`, and needs as much of its own disk meanwhile as the image is large.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build image layers\n  ascend-build image layers C_stage --max-waste 50MB --ignore bytecode\n  ascend-build image layers mindie/c_stage:8.5.0 --format json | jq '.waste[0]'\n\nExit codes: 0 done, 1 more is wasted than `--max-waste`, 2 there is no such image, 5 the engine failed"
)]
pub(super) struct Args {
    /// A stage, or an image of the engine [default: the image of the default target]
    #[arg(value_name = "STAGE|IMAGE")]
    image: Option<String>,
    /// End with exit code 1 where the layers above the base waste more, such as 50MB
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    max_waste: Option<u64>,
    /// Leave kinds of waste out, such as `bytecode,log` (can be repeated; docs/image-layers.md)
    #[arg(long, value_name = "KIND", value_parser = parse_kind, value_delimiter = ',')]
    ignore: Vec<Waste>,
    /// List every finding, not the largest alone
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    source: Source,
}

fn parse_kind(text: &str) -> std::result::Result<Waste, String> {
    text.parse().map_err(|error: crate::image::UnknownWaste| error.to_string())
}

/// Prints the weight of the layers and what is wasted.
///
/// # Errors
/// [`Exit::Failed`] where more is wasted than allowed, [`Exit::Usage`] where there is no such
/// image, [`Exit::Engine`].
pub(super) async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let subject = Subject::find(args.image.as_deref(), &args.source, folder, printer)?;
    let engine = interrupt.unless(DockerEngine::connect()).await?;
    let (weighed, base) = interrupt.unless(weigh(&engine, &subject, printer)).await?;
    let report = Report::new(&subject.reference, weighed, base, &args.ignore);
    args.output.print(printer, || report.text(args.all), || &report)?;
    gate(args.max_waste, &report)
}

/// Weighs the image. Returns how many of its lowest layers are its base's.
async fn weigh(
    engine: &DockerEngine,
    subject: &Subject,
    printer: Printer,
) -> Result<(Attribution, usize)> {
    let Some(image) = engine.image(&subject.reference).await? else {
        return Err(subject.missing());
    };
    let own = engine.make(&image.id).await?.unwrap_or_default();
    let known = base::layers(engine, &own, subject.base.as_deref()).await?;
    if known.is_none() {
        printer.problems(&[base::unknown(subject)]);
    }
    let base = known.unwrap_or(0);
    let saving = Arc::new(Saving::begin(&subject.reference, image.size, printer));
    let counting = Arc::clone(&saving);
    let packages = subject.packages.clone();
    let weighed = engine.export(&image.id, move |saved| {
        let saved = read(Counted { inner: saved, saving: &counting }, packages)?;
        Ok(attribute(&saved))
    });
    Ok((telling(&saving, weighed).await?, base))
}

/// Does `work`, and says now and then how far it is.
async fn telling<T>(saving: &Saving, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut ticks = interval_at(Instant::now() + FIRST, AGAIN);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => saving.tell(),
        }
    }
}

/// A reader that moves a bar.
struct Counted<'a> {
    inner: &'a mut dyn Read,
    saving: &'a Saving,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.saving.add(count as u64);
        Ok(count)
    }
}

/// Refuses an image that wastes more than `allowed`, in bytes.
fn gate(allowed: Option<u64>, report: &Report) -> Result<()> {
    let Some(allowed) = allowed.filter(|allowed| report.wasted > *allowed) else { return Ok(()) };
    let (image, wasted) = (&report.image, bytes(report.wasted));
    let message = format!("`{image}` wastes more than `--max-waste` allows");
    let mut problem = Problem::error(message)
        .note(format!("expected at most: {}", bytes(allowed)))
        .note(format!("          actual: {wasted}"));
    let own: Vec<_> = report.waste.iter().filter(|line| !line.base).collect();
    for line in own.iter().take(MOST_NOTES) {
        problem = problem.note(format!(
            "{} {} {}: {}",
            bytes(line.bytes),
            line.kind,
            line.place(),
            report.instruction(line)
        ));
    }
    if own.len() > MOST_NOTES {
        problem = problem.note(format!("and {} more", own.len() - MOST_NOTES));
    }
    let kinds: BTreeSet<_> = own.iter().take(MOST_NOTES).map(|line| line.kind).collect();
    let hints = kinds.into_iter().map(|kind| format!("{kind}: {}", kind.mend()));
    problem.hints.extend(hints);
    problem = problem.hint("`--ignore KIND` leaves out a kind that is meant to be there");
    Err(problem.exit(Exit::Failed))
}
