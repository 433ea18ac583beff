//! An `ascend-build serve` of this machine that a build uses instead of a server of its own.
//!
//! 1. somebody listens, and this user or root has opened that socket;
//! 2. it answers as a package server that has every wanted file, with its digest;
//! 3. over the one connection that was made then, it tells what it has sent. When
//!    that connection ends, so does the build: whoever listens there next is
//!    somebody else. So it does when the server has another content of a file, or none.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tokio::sync::Mutex;

use super::holder::listener;
use super::machine::own_addresses;
use super::news::{Content, Since};
use super::package_server::is_within;
use super::question::Line;
use super::shelf::Shelf;
use super::site::EVENTS;
use super::transfer::{Observer, Transfer};
use super::unusable::Unusable;
use crate::error::{Error, Exit, Problem};
use crate::plan::VerifiedPackage;
use crate::project::Sha256;

/// How long the first answers may take: whoever listens may be no package server at all.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long later answers may take: builds need the processor as well.
const LATER: Duration = Duration::from_secs(30);

/// How long after a look at what the server has comes the next.
const AGAIN: Duration = Duration::from_millis(250);

/// A file that came or changed within this time may not be known to a server that will have it:
/// one looks every 2 seconds, and leaves a file alone until it was not written for 2 seconds.
const SETTLING: Duration = Duration::from_secs(5);

/// What a server has.
const LISTING: &str = "/api/packages";

/// What a build wants of a server.
#[derive(Debug, Clone, Copy)]
pub struct Wanting<'a> {
    /// The files, each under its name.
    pub files: &'a [VerifiedPackage],
    /// The build's run: letters, digits and `-`.
    pub run: &'a str,
    /// Whether files are fetched by paths that do not say the run.
    pub plain: bool,
    /// The network of the containers (its address and the length of its prefix), where it is known.
    pub network: Option<(Ipv4Addr, u8)>,
}

/// A server of another process, used by one build.
pub struct Neighbour {
    address: SocketAddr,
    run: String,
    plain: bool,
    network: Option<(Ipv4Addr, u8)>,
    files: HashMap<String, Sha256>,
    /// Where each of them must be.
    shelf: Shelf,
    /// Held while events are passed on, so that whoever has waited for it has heard them.
    state: Mutex<State>,
}

struct State {
    line: Line,
    next: u64,
    /// The transfers of this build.
    own: HashSet<u64>,
}

#[derive(Deserialize)]
struct Listing {
    growing: bool,
    packages: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    file: String,
    sha256: Sha256,
}

impl Neighbour {
    /// The server that listens on `address`, if it can be trusted and has what is wanted.
    ///
    /// # Errors
    /// Why it is not used.
    pub async fn find(address: SocketAddr, wanting: Wanting<'_>) -> Result<Self, Unusable> {
        let socket = listener(address).ok_or(Unusable::Nobody)?;
        if !is_trusted(socket.user, rustix::process::geteuid().as_raw()) {
            return Err(Unusable::Stranger(socket.user));
        }
        let asked = tokio::time::timeout(PATIENCE, ask(address)).await;
        let asked = asked.map_err(|_| Unusable::Other("it does not answer".to_owned()))?;
        let (mut line, next, listing) = asked.map_err(Unusable::Other)?;
        // The connection is to the socket that was looked at only if it is still there.
        if listener(address).is_none_or(|now| now.inode != socket.inode) {
            return Err(Unusable::Other("it went away".to_owned()));
        }
        wait_for(wanting.files, listing, &mut line).await?;
        let file = |file: &VerifiedPackage| (file.file.clone(), file.sha256.clone());
        Ok(Self {
            address,
            run: wanting.run.to_owned(),
            plain: wanting.plain,
            network: wanting.network,
            files: wanting.files.iter().map(file).collect(),
            shelf: Shelf::new(wanting.files.to_vec()),
            state: Mutex::new(State { line, next, own: HashSet::new() }),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells `observer` what happened since the last call, as far as it is this build's.
    ///
    /// # Errors
    /// [`Exit::Engine`]: the server went away; [`Exit::Package`]: it has another content of a file,
    /// or refused one.
    pub async fn hear(&self, observer: &Observer) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        while self.hear_some(&mut state, observer).await? {}
        Ok(())
    }

    /// One answer's worth of that; whether there is more.
    async fn hear_some(&self, state: &mut State, observer: &Observer) -> Result<bool, Error> {
        let path = format!("{EVENTS}/{}", state.next);
        let answer = tokio::time::timeout(LATER, state.line.ask(&path)).await;
        let answer = answer.unwrap_or_else(|_| Err("it does not answer".to_owned()));
        let since: Since = answer.map_err(|why| self.gone(&why))?;
        state.next = since.next;
        if since.lost {
            observer(self.lost(&since.sent)?);
        }
        let machine = if since.events.is_empty() { Vec::new() } else { own_addresses() };
        for event in since.events {
            if let Some(event) = self.own(event, &mut state.own, &machine)? {
                observer(event);
            }
        }
        Ok(since.more)
    }

    /// What stands for events that the server keeps no more. Another content of a plain line's
    /// file may be among them: whom it was sent to does not matter then.
    fn lost(&self, sent: &[Content]) -> Result<Transfer, Error> {
        let wanted = |content: &&Content| self.wants(&content.file);
        let is_other = |content: &&Content| self.files.get(&content.file) != Some(&content.sha256);
        let other = sent.iter().filter(wanted).find(is_other).filter(|_| self.plain);
        if let Some(other) = other {
            return Err(self.changed(&other.file));
        }
        let files = sent.iter().filter(wanted).map(|content| content.file.clone()).collect();
        Ok(Transfer::Lost { files })
    }

    /// The event, if it is of this build, on a machine of these addresses.
    fn own(
        &self,
        event: Transfer,
        own: &mut HashSet<u64>,
        machine: &[IpAddr],
    ) -> Result<Option<Transfer>, Error> {
        let may_be_ours = |client: &SocketAddr| {
            self.plain && may_be_container(self.address, self.network, machine, *client)
        };
        let is_own = match &event {
            Transfer::Started { id, client, file, sha256, errand, .. } => {
                let is_own = match errand {
                    Some(errand) => errand.run == self.run,
                    None => self.wants(file) && may_be_ours(client),
                };
                if is_own && self.files.get(file).is_some_and(|wanted| wanted != sha256) {
                    return Err(self.changed(file));
                }
                is_own && own.insert(*id)
            }
            Transfer::Progress { id, .. } => own.contains(id),
            Transfer::Ended { id, .. } => own.remove(id),
            Transfer::Refused { client, errand, path, status, .. } => {
                let is_own = match errand {
                    Some(errand) => errand.run == self.run,
                    None => may_be_ours(client),
                };
                if let Some(file) = self.shelf.package_at(path).filter(|_| is_own) {
                    self.refuse_dropped(&file.file, *status)?;
                }
                is_own
            }
            Transfer::Lost { .. } => false,
        };
        Ok(is_own.then_some(event))
    }

    fn wants(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }

    fn gone(&self, why: &str) -> Error {
        let message =
            format!("the package server at `{}`, which this build used, is lost", self.address);
        Problem::error(message)
            .note(why.to_owned())
            .hint("run the same command again: finished stages are reused; `--server own` leaves other servers alone")
            .exit(Exit::Engine)
    }

    /// Refused with 404, a file is offered no more; with 410 or 503, it is not the verified one any more.
    fn refuse_dropped(&self, file: &str, status: u16) -> Result<(), Error> {
        let why = match status {
            404 => {
                "it was deleted or changed where that server has it, or is declared there no more"
            }
            410 => "it was deleted or changed where that server has it, after it was verified",
            503 => "it was written to where that server has it, and is being verified again there",
            _ => return Ok(()),
        };
        let message = format!(
            "the package server at `{}` serves `{file}` no more, which this build fetches from it",
            self.address
        );
        Err(Problem::error(message)
            .note(why)
            .hint(format!("put `{file}` back there and run the same command again: finished stages are reused; `--server own` serves this project's own files"))
            .exit(Exit::Package))
    }

    fn changed(&self, file: &str) -> Error {
        let message = format!(
            "the package server at `{}` has served another `{file}` than the one that was verified",
            self.address
        );
        Problem::error(message)
            .note("what it serves was changed while this build used it")
            .hint("run the same command again")
            .exit(Exit::Package)
    }
}

/// Whether a client may be a build's container: it is in their network, where that is known, and
/// none of this machine's own programs, unless containers are in this machine's own network.
fn may_be_container(
    server: SocketAddr,
    network: Option<(Ipv4Addr, u8)>,
    machine: &[IpAddr],
    client: SocketAddr,
) -> bool {
    let address = client.ip().to_canonical();
    let is_own = address.is_loopback() || machine.contains(&address);
    let is_near = network.is_none_or(|network| is_within(address, network));
    server.ip().to_canonical().is_loopback() || (is_near && !is_own)
}

/// A socket that this user or root has opened says what this user may believe.
fn is_trusted(owner: u32, own: u32) -> bool {
    owner == own || owner == 0
}

/// Connects, and asks where the events stand and what there is.
async fn ask(address: SocketAddr) -> Result<(Line, u64, Listing), String> {
    let mut line = Line::open(address).await?;
    let since: Since = line.ask(EVENTS).await?;
    let listing = line.ask(LISTING).await?;
    Ok((line, since.next, listing))
}

/// Waits for what is lacking while the server is still looking at its files, or may do so soon.
async fn wait_for(
    wanted: &[VerifiedPackage],
    mut listing: Listing,
    line: &mut Line,
) -> Result<(), Unusable> {
    let deadline = Instant::now() + LATER;
    loop {
        let compared = compare(wanted, &listing);
        let may_come = listing.growing || wanted.iter().any(is_young);
        if !(may_come && matches!(compared, Err(Unusable::Lacks(_)))) || Instant::now() > deadline {
            return compared;
        }
        tokio::time::sleep(AGAIN).await;
        listing = line.ask(LISTING).await.map_err(Unusable::Other)?;
    }
}

/// Whether the file is as it is since a moment only.
fn is_young(file: &VerifiedPackage) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i128;
    let age = now - file.identity.modified.max(file.identity.changed);
    (0..SETTLING.as_nanos() as i128).contains(&age)
}

/// Every wanted file must be there under its name, with its content and no other.
fn compare(wanted: &[VerifiedPackage], listing: &Listing) -> Result<(), Unusable> {
    let (mut lacking, mut differing) = (Vec::new(), Vec::new());
    for file in wanted {
        let mut found =
            listing.packages.iter().filter(|listed| listed.file == file.file).peekable();
        if found.peek().is_none() {
            lacking.push(file.file.clone());
        } else if found.any(|listed| listed.sha256 != file.sha256) {
            differing.push(file.file.clone());
        }
    }
    match (lacking.is_empty(), differing.is_empty()) {
        (true, true) => Ok(()),
        (_, false) => Err(Unusable::Differs(differing)),
        _ => Err(Unusable::Lacks(lacking)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::fixtures::package;

    fn check(listed: &[(&str, &[u8])], expected: &Result<(), Unusable>) {
        let wanted = [package("a.run", b"a"), package("b.run", b"b")];
        let listed = listed.iter().map(|(file, content)| {
            let sha256 = package(file, content).sha256;
            Listed { file: (*file).to_owned(), sha256 }
        });
        let listing = Listing { growing: false, packages: listed.collect() };
        assert_eq!(compare(&wanted, &listing), *expected);
    }

    #[test]
    fn every_file_must_be_there_with_its_content_alone() {
        let all: [(&str, &[u8]); 3] = [("a.run", b"a"), ("b.run", b"b"), ("c.run", b"c")];
        check(&all, &Ok(()));
        check(&all[..1], &Err(Unusable::Lacks(vec!["b.run".to_owned()])));
        let differs = Err(Unusable::Differs(vec!["b.run".to_owned()]));
        check(&[all[0], ("b.run", b"x")], &differs);
        check(&[all[0], all[1], ("b.run", b"x")], &differs);
    }

    #[test]
    fn only_this_users_and_roots_servers_are_trusted() {
        let check = |owner, own, expected| assert_eq!(is_trusted(owner, own), expected);
        check(1000, 1000, true);
        check(0, 1000, true);
        check(1001, 1000, false);
        check(1000, 0, false);
    }

    #[test]
    fn this_machines_programs_are_no_containers() {
        let machine = ["172.17.0.1", "192.0.2.1"].map(|text| text.parse().unwrap());
        let docker0 = Some(("172.17.0.0".parse().unwrap(), 16));
        let check = |server: &str, client: &str, expected: [bool; 2]| {
            let [server, client] = [server, client].map(|text| text.parse().unwrap());
            let known = |network| may_be_container(server, network, &machine, client);
            assert_eq!([known(docker0), known(None)], expected, "{server} {client}");
        };
        check("172.17.0.1:3000", "172.17.0.2:40000", [true, true]);
        check("172.17.0.1:3000", "198.51.100.7:40000", [false, true]);
        check("172.17.0.1:3000", "127.0.0.1:40000", [false, false]);
        check("172.17.0.1:3000", "172.17.0.1:40000", [false, false]);
        check("172.17.0.1:3000", "192.0.2.1:40000", [false, false]);
        check("127.0.0.1:3000", "127.0.0.1:40000", [true, true]);
    }
}
