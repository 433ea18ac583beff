//! `serve`: the package server by itself, for every build on this machine.
//!
//! 1. choose where to listen, what to ask of clients (`place`, `secrets`) and what
//!    to show them (`encryption`);
//! 2. look what is to be served (`source`) and see that each file is what it
//!    should be (`stock`): declared files before anything is said, the files of
//!    `--root` in the background;
//! 3. say where it is, and follow what changes until a signal comes.

mod bridge;
mod encryption;
mod follow;
mod knowledge;
mod notices;
mod place;
mod secrets;
mod source;
mod stock;
mod systemd;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) use secrets::made_up;

use encryption::Encryption;
use follow::Follower;
use place::Place;
use secrets::Secrets;
use source::Source;

use super::interrupt::Interrupt;
use crate::error::Result;
use crate::plan::VerifiedPackage;
use crate::server::{Describe, Options, PackageServer, encode_path, wget_line};
use crate::ui::{Printer, bytes, counted};

/// How long downloads may go on after the first signal.
const GRACE: Duration = Duration::from_secs(30);

/// Serve packages to builds on this machine until interrupted
///
/// Serves the declared packages of packages.toml that are there with their sha256, or, with
/// `--root`, the packages, scripts and requirements files of folders as they are. Only build
/// containers and this machine reach it, unless `--listen` names another address. Changes of
/// packages.toml and of the folders are followed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build serve\n  ascend-build serve --root /data/ascend --port 8000\n  ascend-build serve --listen 10.0.0.5 --token \"$(cat token)\"\n\nOne line a request, and one at its end, goes to stderr; RUST_LOG=error leaves it out. Ctrl-C lets running downloads\nend within 30 seconds; a second one cuts them. With systemd: scripts/ascend-build.socket and\nscripts/ascend-build.service. docs/server.md tells more."
)]
pub struct Args {
    /// Serve the files of DIR instead of the project's declared packages (can be repeated)
    #[arg(long = "root", value_name = "DIR")]
    roots: Vec<PathBuf>,
    /// Listen on ADDR; any but loopback and the bridge's gateway wants a token [default: the gateway of the engine's bridge]
    #[arg(long, value_name = "ADDR", value_parser = place::parse_address)]
    listen: Option<IpAddr>,
    /// Listen on this port; 0 takes a free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Put everything under an unguessable path
    #[arg(long)]
    private: bool,
    /// Want TOKEN of every request [default: `ASCEND_BUILD_TOKEN`; made up where one is wanted]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Encrypt connections, with a certificate that is made up and kept
    #[arg(long)]
    tls: bool,
    /// Encrypt connections, and show the certificate (and those that vouch for it) in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_certificate", conflicts_with = "tls")]
    tls_key: Option<PathBuf>,
}

/// Serves until a signal comes, which is a good end.
///
/// # Errors
/// [`crate::error::Exit::Project`] for wrong declarations, [`crate::error::Exit::Engine`] where it cannot listen,
/// [`crate::error::Exit::Usage`] for what does not go together, and
/// [`crate::error::Exit::Interrupted`] by a signal before it serves.
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let source = Source::new(folder, &args.roots)?;
    let place = interrupt.unless(place::choose(args.listen, args.port, printer)).await?;
    let secrets = Secrets::choose(args.token.clone(), args.private, &place)?;
    let given = args.tls_certificate.as_deref().zip(args.tls_key.as_deref());
    let encryption = Encryption::choose(given, args.tls, place.address(), folder)?;
    if place.is_open() && encryption.is_none() {
        place.note_unencrypted(printer);
    }
    let mut follower = Follower::new(source, printer);
    let first = if args.roots.is_empty() {
        interrupt.unless(follower.look(&|_, _| ())).await?
    } else {
        Vec::new()
    };
    let server =
        start(args, place, &secrets, encryption.as_ref(), follower.knowledge().describe(), &first)?;
    let greeting = |files: &_| greeting(&server, &secrets, encryption.as_ref(), files);
    printer.data(&greeting(&first));
    systemd::notify("READY=1");
    let greeted = AtomicBool::new(args.roots.is_empty());
    let offer = |files: Vec<Arc<VerifiedPackage>>, awaited: HashSet<String>| {
        if awaited.is_empty() && !greeted.swap(true, Ordering::Relaxed) {
            tell_known(&files, greeting, printer);
        }
        server.replace(files, awaited);
    };
    tokio::select! {
        () = follower.follow(&offer) => {}
        () = interrupt.token().cancelled_owned() => {}
    }
    systemd::notify("STOPPING=1");
    printer.talk(&stopping(server.running()));
    server.stop(GRACE).await;
    Ok(())
}

fn start(
    args: &Args,
    place: Place,
    secrets: &Secrets,
    encryption: Option<&Encryption>,
    pages: Describe,
    files: &[Arc<VerifiedPackage>],
) -> Result<PackageServer> {
    let options = Options {
        pages: Some(pages),
        is_growing: !args.roots.is_empty(),
        follows: true,
        token: secrets.token.clone(),
        prefix: secrets.prefix.clone(),
        network: place.network,
        tls: encryption.map(|encryption| encryption.tls.clone()),
        ..Options::default()
    };
    let observer = Arc::new(|_| ());
    Ok(PackageServer::start_with(options, place.listener()?, files.to_vec(), observer))
}

/// What a first signal is answered with, while so many downloads run.
fn stopping(running: usize) -> String {
    let seconds = GRACE.as_secs();
    match running {
        0 => "stopping".to_owned(),
        1 => format!("stopping: a download has {seconds} seconds to end; a second signal cuts it"),
        _ => format!(
            "stopping: {running} downloads have {seconds} seconds to end; a second signal cuts them"
        ),
    }
}

/// Says once what is served, when every file of the roots is known.
fn tell_known(
    files: &[Arc<VerifiedPackage>],
    greeting: impl Fn(&[Arc<VerifiedPackage>]) -> String,
    printer: Printer,
) {
    if files.is_empty() {
        printer.talk("no package, script or requirements file is in the roots: nothing is served until one is");
    } else {
        printer.data(&greeting(files));
    }
}

/// The addresses, and a line to copy.
fn greeting(
    server: &PackageServer,
    secrets: &Secrets,
    encryption: Option<&Encryption>,
    files: &[Arc<VerifiedPackage>],
) -> String {
    let scheme = if encryption.is_some() { "https" } else { "http" };
    let origin = format!("{scheme}://{}{}", named(server.local_address()), secrets.shown_prefix());
    let query = secrets.shown_query();
    let what = match files {
        [] => "files as they become known".to_owned(),
        files => {
            let size = files.iter().map(|file| file.size).sum();
            format!("{}, {}", counted(files.len(), "file"), bytes(size))
        }
    };
    let wget = encryption.map_or_else(|| "wget".to_owned(), Encryption::wget);
    // A line to copy names a file that is there; the page has one for each that becomes known.
    let line = |file: &Arc<VerifiedPackage>| {
        let address = format!("{origin}/{}{query}", encode_path(&file.file));
        format!("fetch: {}\n", wget_line(&wget, &file.file, &address))
    };
    let line = files.first().map(line).unwrap_or_default();
    let certificate = encryption.map(Encryption::greeting).unwrap_or_default();
    format!("serving {what}, at {origin}\npage: {origin}/{query}\n{certificate}{line}")
}

/// The address, or this machine's name where every address is listened on.
fn named(address: SocketAddr) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    match host.filter(|_| address.ip().is_unspecified()) {
        Some(host) => format!("{}:{}", host.trim(), address.port()),
        None => address.to_string(),
    }
}
