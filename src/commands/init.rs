//! `init`: a small project to begin with, or the project that a Dockerfile is.
//!
//! Nothing that exists is overwritten: all files are looked for before the first is written.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::given::BuildArgument;
use super::{init_base, init_recipe};
use crate::error::{Exit, Problem, Result};
use crate::project::{Platform, project_name};
use crate::ui::Printer;

const STAGES: &str = include_str!("init/stages.toml");
const PACKAGES: &str = include_str!("init/packages.toml");
const HELLO: &str = include_str!("init/hello-1.0.sh");

/// Write a small project that builds, or make a project of a Dockerfile
///
/// Without `--from`: packages.toml, stages/ with two stages, and a package to install.
/// With `--from`: the stages of the Dockerfile, what it fetches declared in packages.toml
/// with its sha256, and `RUN --package` where it fetched by address. Never overwrites.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build init\n  ascend-build init --from Dockerfile --build-arg ARCH=x86_64\n  ascend-build init --from Dockerfile --into ../project"
)]
pub struct Args {
    /// Make a project of this Dockerfile
    #[arg(long, value_name = "DOCKERFILE")]
    pub(super) from: Option<PathBuf>,
    /// Write into DIR [default: this folder, or the Dockerfile's]
    #[arg(long, value_name = "DIR")]
    pub(super) into: Option<PathBuf>,
    /// Start the new project from this image [default: an Ubuntu or Debian that the engine has, else ubuntu:22.04]
    #[arg(long, value_name = "IMAGE", conflicts_with = "from")]
    base: Option<String>,
    /// Copy from DIR [default: the Dockerfile's folder]
    #[arg(long, value_name = "DIR", requires = "from", help_heading = "Dockerfile options")]
    pub(super) context: Option<PathBuf>,
    /// Look for packages in DIR (can be repeated) [default: `roots` of packages.toml, else the context]
    #[arg(
        long = "root",
        value_name = "DIR",
        requires = "from",
        help_heading = "Dockerfile options"
    )]
    pub(super) roots: Vec<PathBuf>,
    /// Set a build argument of the Dockerfile (can be repeated)
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]", value_parser = super::given::parse_build_arg, requires = "from", help_heading = "Dockerfile options")]
    pub(super) build_args: Vec<BuildArgument>,
    /// Take the packages of this platform [default: this machine's]
    #[arg(long, value_name = "linux/arm64|linux/amd64", value_parser = super::selection::parse_platform, requires = "from")]
    pub(super) platform: Option<Platform>,
}

/// Writes the project; prints each file that it wrote, and says what to do next.
///
/// # Errors
/// [`Exit::Usage`] where a file is in the way; with `--from`, whatever is wrong with the Dockerfile and its packages.
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    match &args.from {
        Some(from) => init_recipe::run(args, &folder.join(from), folder, printer).await,
        None => example(args, folder, printer).await,
    }
}

async fn example(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let into = args.into.as_ref().map_or_else(|| folder.to_owned(), |into| folder.join(into));
    fs::create_dir_all(&into).map_err(|error| cannot_write(&into, error))?;
    let into = into.canonicalize().map_err(|error| cannot_write(&into, error))?;
    let base = Base::choose(args.base.as_deref()).await;
    let digest = hex::encode(Sha256::digest(HELLO));
    let stages = STAGES.replace("\"NAME\"", &format!("{:?}", project_name(&into)));
    let files = [
        ("packages.toml", PACKAGES.replace("SHA256", &digest)),
        ("packages/hello-1.0.sh", HELLO.to_owned()),
        ("stages/stages.toml", stages.replace("IMAGE", &base.image)),
        ("stages/base.Dockerfile", include_str!("init/base.Dockerfile").to_owned()),
        ("stages/app.Dockerfile", include_str!("init/app.Dockerfile").to_owned()),
    ];
    let files: Vec<_> = files.map(|(path, text)| (PathBuf::from(path), text.into_bytes())).into();
    refuse_existing(&into, files.iter().map(|(path, _)| path.as_path()))?;
    write_all(&into, &files)?;
    printer.talk(&base.told);
    tell(printer, &into, folder, files.iter().map(|(path, _)| path.as_path()), "app");
    Ok(())
}

/// What the new project starts from, and why.
struct Base {
    image: String,
    told: String,
}

impl Base {
    async fn choose(wished: Option<&str>) -> Self {
        if let Some(image) = wished {
            let told = format!("it starts from `{image}`, as you asked");
            return Self { image: image.to_owned(), told };
        }
        match init_base::at_hand().await {
            Some(image) => {
                let told = format!("it starts from `{image}`, which the engine has already");
                Self { image, told }
            }
            None => Self {
                image: init_base::USUAL.to_owned(),
                told: format!(
                    "it starts from `{}`, which the engine will pull; stages/stages.toml says how to bring it where nothing can be pulled",
                    init_base::USUAL
                ),
            },
        }
    }
}

/// Refuses to go on where one of the files is there already.
pub(super) fn refuse_existing<'a>(
    into: &Path,
    files: impl Iterator<Item = &'a Path>,
) -> Result<()> {
    let there = files.filter(|path| into.join(path).symlink_metadata().is_ok());
    let there: Vec<_> = there.map(|path| format!("`{}`", path.display())).collect();
    if there.is_empty() {
        return Ok(());
    }
    Err(Problem::error("there is a project already, and nothing is overwritten")
        .note(format!("in the way: {}", there.join(", ")))
        .hint("name an empty folder with `--into DIR`")
        .exit(Exit::Usage))
}

/// Writes new files.
pub(super) fn write_all(into: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    files.iter().try_for_each(|(path, content)| write(&into.join(path), content))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    let attempt = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        OpenOptions::new().write(true).create_new(true).open(path)?.write_all(content)
    };
    attempt().map_err(|error| cannot_write(path, error))
}

/// Prints what was written, on stdout, and the next command.
pub(super) fn tell<'a>(
    printer: Printer,
    into: &Path,
    folder: &Path,
    files: impl Iterator<Item = &'a Path>,
    target: &str,
) {
    let lines: String = files.map(|path| format!("{}\n", into.join(path).display())).collect();
    printer.data(&lines);
    let change = if into == folder { String::new() } else { format!("-C {} ", into.display()) };
    printer.talk(&format!("next: ascend-build {change}--target {target}"));
}

pub(super) fn cannot_write(path: &Path, error: std::io::Error) -> crate::error::Error {
    Problem::error(format!("cannot write `{}`", path.display())).cause(error).exit(Exit::Usage)
}
