//! Where a build's containers get their packages: from an `ascend-build serve`
//! that runs on this machine already and has them, else from a server of its own.
//!
//! A server that runs is looked for on the port that the recipe names, else on
//! 3000. A stage whose fetches only its run can tell gets an own one, because a
//! shared one has more than the plan's files.

use std::collections::HashSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::serve::made_up;
use crate::engine::HostAccess;
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{Plan, VerifiedPackage};
use crate::server::{self, Neighbour, Observer, PackageServer, Unusable, Wanting};

/// Where `ascend-build serve` listens when nobody says otherwise.
const PORT: u16 = 3000;

/// How often a shared server is asked what it has sent.
const EVERY: Duration = Duration::from_millis(250);

/// Which server the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// The build's own.
    Own,
    /// The running one on this port, and no other.
    Running(u16),
}

/// What is to be served, and to whom.
#[derive(Clone, Copy)]
pub(super) struct Demand<'a> {
    pub(super) plan: &'a Plan,
    /// All files, by what is declared of those that are still to be verified.
    pub(super) packages: &'a [VerifiedPackage],
    /// Those that are verified.
    pub(super) verified: &'a [VerifiedPackage],
    pub(super) access: &'a HostAccess,
    pub(super) run: &'a str,
    pub(super) choice: Option<Choice>,
    /// Whether everything is under an unguessable path.
    pub(super) private: bool,
}

/// A package server.
pub(super) enum Supply {
    /// Of this build, and the unguessable first part of its paths, where there is one.
    Own(PackageServer, Option<String>),
    /// Of another process, which serves others as well.
    Shared(Arc<Shared>),
}

/// Another process's server, and who is told what it does for this build.
pub(super) struct Shared {
    neighbour: Neighbour,
    observer: Observer,
    /// Whether it went away, or served another content than the verified one.
    broken: AtomicBool,
}

impl Choice {
    /// `own`, or a port.
    ///
    /// # Errors
    /// What was expected.
    pub(super) fn parse(text: &str) -> std::result::Result<Self, String> {
        match (text, text.parse()) {
            ("own", _) => Ok(Self::Own),
            (_, Ok(port @ 1..)) => Ok(Self::Running(port)),
            _ => Err("expected `own` or the port of a running `ascend-build serve`".to_owned()),
        }
    }
}

impl Supply {
    /// Finds a running server, or starts one.
    ///
    /// # Errors
    /// [`Exit::Engine`]: the wanted server cannot be used, or the port cannot be listened on;
    /// [`Exit::Usage`]: a private path is wanted that the Dockerfile's addresses have not.
    pub(super) async fn choose(demand: Demand<'_>, observer: Observer) -> Result<Self> {
        let prefix = demand.prefix()?;
        let unusable = match found(demand).await {
            Ok(neighbour) => {
                let broken = AtomicBool::new(false);
                return Ok(Self::Shared(Arc::new(Shared { neighbour, observer, broken })));
            }
            Err(unusable) => unusable,
        };
        if let Some(Choice::Running(port)) = demand.choice {
            return Err(refused(demand.at(port), &unusable));
        }
        tracing::info!(why = %unusable, "no running package server is used");
        let bound = server::bind(demand.at(demand.plan.port.unwrap_or(0))).await;
        let listener = bound.map_err(|error| explained(error, &unusable))?;
        let options = server::Options {
            network: demand.access.network,
            prefix: prefix.clone(),
            ..server::Options::default()
        };
        let files = demand.verified.to_vec();
        let server = PackageServer::start_with(options, listener, files, observer);
        Ok(Self::Own(server, prefix))
    }

    /// The port that it listens on.
    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Own(server, _) => server.local_address().port(),
            Self::Shared(shared) => shared.neighbour.address().port(),
        }
    }

    /// What follows the address in what `RUN --package` fetches, before the run and the stage.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Own(_, prefix) => prefix.iter().map(|prefix| format!("/{prefix}")).collect(),
            Self::Shared(_) => String::new(),
        }
    }

    /// Offers exactly `files` from now on, where the server is this build's.
    pub(super) fn offer(&self, files: &[VerifiedPackage]) {
        if let Self::Own(server, _) = self {
            server.replace(files.to_vec(), HashSet::new());
        }
    }

    /// The server, where it is another process's.
    pub(super) fn shared(&self) -> Option<&Arc<Shared>> {
        match self {
            Self::Own(..) => None,
            Self::Shared(shared) => Some(shared),
        }
    }

    /// Does `work`, for as long as the server is there.
    ///
    /// # Errors
    /// Those of `work`, or [`Exit::Engine`]: a shared server went away.
    pub(super) async fn during<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self {
            Self::Own(..) => work.await,
            Self::Shared(shared) => tokio::select! {
                result = work => result,
                error = shared.listen() => Err(error),
            },
        }
    }

    /// Stops an own server.
    pub(super) async fn stop(self, grace: Duration) {
        if let Self::Own(server, _) = self {
            server.stop(grace).await;
        }
    }
}

impl Shared {
    /// Passes on what the server has done up to now.
    ///
    /// # Errors
    /// [`Exit::Engine`]: it went away; [`Exit::Package`]: it serves something else now.
    pub(super) async fn settle(self: &Arc<Self>) -> Result<()> {
        let shared = Arc::clone(self);
        // A question that nobody waits for any more must not end the connection.
        let heard = tokio::spawn(async move {
            let heard = shared.neighbour.hear(&shared.observer).await;
            if heard.is_err() {
                shared.broken.store(true, Ordering::Relaxed);
            }
            heard
        });
        heard.await.unwrap_or_else(|error| {
            Err(Problem::error("listening to a package server ended early")
                .cause(error)
                .exit(Exit::Bug))
        })
    }

    /// Whether it was there until now, and has served nothing but what was verified.
    pub(super) async fn kept_its_word(self: &Arc<Self>) -> bool {
        self.settle().await.is_ok() && !self.broken.load(Ordering::Relaxed)
    }

    /// Passes on what the server does, until that fails.
    async fn listen(self: &Arc<Self>) -> Error {
        loop {
            if let Err(error) = self.settle().await {
                return error;
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

impl Demand<'_> {
    fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.access.listen, port)
    }

    /// The unguessable first part of paths, where one is wanted.
    fn prefix(&self) -> Result<Option<String>> {
        if self.private && self.plan.port.is_some() {
            return Err(Problem::error("`--private` needs `RUN --package`: the addresses that the Dockerfile names have no unguessable path")
                .hint("turn the lines that fetch into `RUN --package` (`ascend-build init --from Dockerfile` does), or leave `--private` out")
                .exit(Exit::Usage));
        }
        self.private.then(made_up).transpose()
    }

    /// Why the build needs a server of its own, where it does.
    fn own(&self) -> Option<String> {
        if self.private {
            return Some("`--private`".to_owned());
        }
        if self.packages.is_empty() {
            return Some("this build fetches no packages".to_owned());
        }
        let served = |file: &str| self.packages.iter().any(|package| package.file == file);
        let mut guesses = self.plan.stages.iter().flat_map(|stage| &stage.guesses);
        let guess = guesses.find(|guess| guess.file.as_deref().is_none_or(|file| !served(file)))?;
        Some(format!("what {} fetches is only known when it runs", guess.place))
    }
}

async fn found(demand: Demand<'_>) -> std::result::Result<Neighbour, Unusable> {
    let port = match demand.choice {
        Some(Choice::Own) => return Err(Unusable::Unwanted("`--server own`".to_owned())),
        Some(Choice::Running(port)) => port,
        None => demand.plan.port.unwrap_or(PORT),
    };
    if let Some(why) = demand.own() {
        return Err(Unusable::Unwanted(why));
    }
    let wanting = Wanting {
        files: demand.packages,
        run: demand.run,
        plain: demand.plan.port.is_some(),
        network: demand.access.network,
    };
    Neighbour::find(demand.at(port), wanting).await
}

/// The wanted server cannot be used.
fn refused(address: SocketAddr, unusable: &Unusable) -> Error {
    Problem::error(format!("the package server at `{address}` cannot be used"))
        .note(unusable.to_string())
        .hint(
            remedy(unusable)
                .unwrap_or("start one with `ascend-build serve`, or leave `--server` out"),
        )
        .exit(Exit::Engine)
}

/// Why nobody can listen there, where a server that might have been used does.
fn explained(mut error: Error, unusable: &Unusable) -> Error {
    let problem = error.problems.pop();
    error.problems.extend(problem.map(|problem| {
        if *unusable == Unusable::Nobody {
            return problem;
        }
        let mut problem = problem.note(unusable.to_string());
        // What mends the server comes before what ends it.
        let remedy = remedy(unusable).map(str::to_owned);
        problem.hints.splice(0..0, remedy);
        problem
    }));
    error
}

/// How a running server comes to be of use.
fn remedy(unusable: &Unusable) -> Option<&'static str> {
    match unusable {
        Unusable::Lacks(_) => Some(
            "let it serve them as well: declare them in its packages.toml, or name their folder with `ascend-build serve --root DIR`",
        ),
        Unusable::Differs(_) => Some("let it serve the same files as this build"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Choice>) {
        assert_eq!(Choice::parse(text).ok(), expected, "{text}");
    }

    #[test]
    fn a_server_is_ones_own_or_a_port() {
        check("own", Some(Choice::Own));
        check("8000", Some(Choice::Running(8000)));
        for wrong in ["", "0", "65536", "Own", "127.0.0.1:3000"] {
            check(wrong, None);
        }
    }
}
