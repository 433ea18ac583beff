//! Who holds a port: the process, and the container that it runs in or publishes for.
//!
//! 1. the listening sockets of this network namespace (`/proc/net/tcp`, `tcp6`);
//! 2. the process that has such a socket open (`/proc/<pid>/fd`);
//! 3. its container, by its control group; of `docker-proxy`, the container
//!    whose address it forwards to. See proc(5).

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// The state `TCP_LISTEN` as `/proc/net/tcp` writes it.
const LISTENING: &str = "0A";

/// How much of a command line is shown, in characters.
const SHOWN: usize = 80;

/// Who listens on an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// A process that may be looked at.
    Process {
        /// Its number.
        pid: u32,
        /// Its command line, shortened.
        command: String,
        /// The short id of the container that it runs in or publishes for.
        container: Option<String>,
    },
    /// A process that only root may look at.
    OfUser(u32),
}

impl Holder {
    /// What to do about it, where it listens on `address`.
    pub(super) fn hint(&self, address: SocketAddr) -> String {
        match self {
            Self::Process { container: Some(id), .. } => {
                format!("stop the container with `docker stop {id}`, and run again")
            }
            Self::Process { pid: 1, .. } => {
                "systemd listens there for a unit: see `systemctl list-sockets`, and stop that unit's socket with `systemctl stop`".to_owned()
            }
            Self::Process { command, .. } if runs(command, Verb::Build) => {
                "it serves a build of its own: run again when that has ended".to_owned()
            }
            Self::Process { command, pid, .. } if runs(command, Verb::Serve) => {
                let scheme = if command.contains(" --tls") { "https" } else { "http" };
                format!("it is an `ascend-build serve`, and builds on this machine use it where it has their files: see which at {scheme}://{address}/, and end it with `kill {pid}` only if nobody wants it")
            }
            Self::Process { pid, .. } => format!("end it with `kill {pid}`, and run again"),
            Self::OfUser(_) => {
                "see which program it is with `sudo ss -ltnp`, end it, and run again".to_owned()
            }
        }
    }
}

/// What a run of this program does that holds a port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    /// It ends by itself.
    Build,
    /// It does not.
    Serve,
}

/// Whether a command line is a run of this program that does this.
fn runs(command: &str, verb: Verb) -> bool {
    let mut words = command.split_whitespace();
    let program = words.next().and_then(|word| word.rsplit('/').next());
    let serves = words.any(|word| word == "serve");
    program == Some(env!("CARGO_PKG_NAME")) && serves == (verb == Verb::Serve)
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, command, container } => {
                write!(f, "process {pid}, `{command}`")?;
                container.as_ref().map_or(Ok(()), |id| write!(f, ", of container `{id}`"))
            }
            Self::OfUser(user) => write!(f, "a process of the user with number {user}"),
        }
    }
}

/// Who listens on `address`, where that can be seen.
pub(super) fn holder(address: SocketAddr) -> Option<Holder> {
    let socket = listener(address)?;
    let Some(pid) = owner(socket.inode) else { return Some(Holder::OfUser(socket.user)) };
    let words = command_line(pid);
    let container = container_of(pid).or_else(|| published(&words));
    Some(Holder::Process { pid, command: shown(&words), container })
}

/// The socket that listens on `address`, where that can be seen.
pub(super) fn listener(address: SocketAddr) -> Option<Listening> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let mut sockets = tables.iter().flatten().flat_map(|table| table.lines().filter_map(listening));
    sockets.find(|socket| socket.takes(address))
}

/// A listening socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listening {
    address: SocketAddr,
    /// Who opened it.
    pub(super) user: u32,
    /// Tells it from every other socket.
    pub(super) inode: u64,
}

impl Listening {
    /// Whether nobody else can listen on `address` because of it.
    fn takes(&self, address: SocketAddr) -> bool {
        let all = self.address.ip().is_unspecified();
        self.address.port() == address.port() && (all || self.address.ip() == address.ip())
    }
}

/// One line of `/proc/net/tcp`: its number, local address, remote address, state, queues, timer, retransmits, user, timeout, inode.
fn listening(line: &str) -> Option<Listening> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (ip, port) = words.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    (*words.get(3)? == LISTENING).then_some(())?;
    Some(Listening {
        address: SocketAddr::new(ip_address(ip)?, port),
        user: words.get(7)?.parse().ok()?,
        inode: words.get(9)?.parse().ok()?,
    })
}

/// An address as the kernel prints it: words of 32 bits in this machine's byte order, in hexadecimal digits.
fn ip_address(digits: &str) -> Option<IpAddr> {
    let starts = (0..digits.len()).step_by(8);
    let words = starts.map(|start| u32::from_str_radix(digits.get(start..start + 8)?, 16).ok());
    let bytes: Vec<u8> =
        words.collect::<Option<Vec<u32>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()),
        _ => None,
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The process that has the socket open; the youngest, because servers hand sockets down.
fn owner(inode: u64) -> Option<u32> {
    let wanted = PathBuf::from(format!("socket:[{inode}]"));
    let holds = |pid: &u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target == wanted)
    };
    processes().filter(holds).max()
}

fn command_line(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

fn shown(words: &[String]) -> String {
    let line = words.join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn container_of(pid: u32) -> Option<String> {
    container_in(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)
}

/// The short id of the container that control groups name: 64 hexadecimal digits, alone or as in `docker-<id>.scope`.
fn container_in(groups: &str) -> Option<String> {
    let mut names = groups.split(['/', '-', '.', ':', '\n']);
    let is_id = |name: &&str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    names.find(is_id).map(|id| id[..12].to_owned())
}

/// The container that a `docker-proxy` forwards to.
fn published(words: &[String]) -> Option<String> {
    let target = forwarded_to(words)?;
    let wanted = format!(" {target}\n");
    processes().find_map(|pid| {
        let container = container_of(pid)?;
        let addresses = fs::read_to_string(format!("/proc/{pid}/net/fib_trie")).ok()?;
        addresses.contains(&wanted).then_some(container)
    })
}

/// The value of `-container-ip` of a `docker-proxy`.
fn forwarded_to(words: &[String]) -> Option<IpAddr> {
    words.first().filter(|program| program.ends_with("docker-proxy"))?;
    let option = words.iter().position(|word| word == "-container-ip")?;
    words.get(option + 1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn check_line(line: &str, expected: Option<(&str, u32, u64)>) {
        let expected = expected.map(|(address, user, inode)| Listening {
            address: address.parse().unwrap(),
            user,
            inode,
        });
        assert_eq!(listening(line), expected);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_the_kernel_are_read() {
        let rest = "00000000:00000000 00:00000000 00000000  1000        0 48213 1 0";
        let line = format!("   0: 010011AC:0BB8 00000000:0000 0A {rest}");
        check_line(&line, Some(("172.17.0.1:3000", 1000, 48213)));
        check_line(&line.replace(" 0A ", " 01 "), None);
        let six = format!("0: {}:0BB8 {}:0000 0A {rest}", "0".repeat(32), "0".repeat(32));
        check_line(&six, Some(("[::]:3000", 1000, 48213)));
        check_line("  sl  local_address rem_address   st tx_queue rx_queue", None);
    }

    fn check_container(groups: &str, expected: Option<&str>) {
        let id = "0123456789ab".to_owned() + &"c".repeat(52);
        assert_eq!(container_in(&groups.replace("ID", &id)).as_deref(), expected);
    }

    #[test]
    fn control_groups_name_containers() {
        check_container("12:pids:/docker/ID\n0::/system.slice\n", Some("0123456789ab"));
        check_container("0::/system.slice/docker-ID.scope\n", Some("0123456789ab"));
        check_container("0::/user.slice/session-3.scope\n", None);
    }

    #[test]
    fn a_proxy_names_the_address_of_its_container() {
        let line = "/usr/sbin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 3000 -container-ip 172.17.0.2 -container-port 80";
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(forwarded_to(&words), Some(Ipv4Addr::new(172, 17, 0, 2).into()));
        assert_eq!(forwarded_to(&words[1..]), None);
    }

    #[test]
    fn what_to_do_depends_on_who_it_is() {
        let check = |pid: u32, command: &str, container: Option<&str>, expected: &str| {
            let (command, container) = (command.to_owned(), container.map(str::to_owned));
            let hint =
                Holder::Process { pid, command, container }.hint("127.0.0.1:3000".parse().unwrap());
            assert!(hint.contains(expected), "{hint}");
        };
        check(7, "python3 -m http.server 3000", None, "end it with `kill 7`, and run again");
        check(7, "nginx", Some("0123456789ab"), "`docker stop 0123456789ab`");
        check(7, "/usr/local/bin/ascend-build serve --root a", None, "http://127.0.0.1:3000/");
        check(7, "ascend-build --target serves", None, "run again when that has ended");
        check(7, "vim ascend-build serve", None, "end it with `kill 7`, and run again");
        check(1, "/sbin/init", None, "systemctl list-sockets");
    }

    #[test]
    fn this_process_holds_what_it_listens_on() {
        for (listen, asked) in [("127.0.0.1:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.2")] {
            let listener = TcpListener::bind(listen).unwrap();
            let port = listener.local_addr().unwrap().port();
            let found = holder(SocketAddr::new(asked.parse().unwrap(), port));
            let Some(Holder::Process { pid, .. }) = found else { panic!("{found:?}") };
            assert_eq!(pid, std::process::id());
        }
    }
}
