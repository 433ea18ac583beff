//! Files that change before and while they are sent.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Reply, Served, pattern};
use crate::server::file_stream::in_flight;
use crate::server::{Options, Outcome, Tls, own_addresses};

#[tokio::test]
async fn a_file_that_changed_before_the_request_is_refused() {
    let check = async |change: fn(&Path), follows, expected: u16| {
        let options = Options { follows, ..Options::default() };
        let served = Served::with(options, &[("a.run", b"hello")]).await;
        change(&served.packages[0].path);
        assert_eq!(served.get("/a.run", "").await.status, expected);
    };
    // Where files are looked at again, what changed is there again in a moment.
    check(|path| std::fs::write(path, "HELLO").unwrap(), true, 503).await;
    check(|path| std::fs::remove_file(path).unwrap(), true, 410).await;
    check(|path| std::fs::write(path, "HELLO").unwrap(), false, 410).await;
    check(|path| std::fs::remove_file(path).unwrap(), false, 410).await;
    check(
        |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::write(path, "hello").unwrap();
        },
        false,
        410,
    )
    .await;
    check(
        |path| {
            std::fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
        },
        false,
        410,
    )
    .await;
    check(
        |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        },
        false,
        410,
    )
    .await;
    check(
        |path| {
            std::fs::remove_file(path).unwrap();
            rustix::fs::mknodat(
                rustix::fs::CWD,
                path,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR,
                0,
            )
            .unwrap();
        },
        false,
        410,
    )
    .await;
}

/// How bytes get to a client.
#[derive(Debug, Clone, Copy)]
enum Road {
    /// With `sendfile`.
    Loopback,
    /// Copied, as over a bridge.
    Bridge,
    /// Encrypted.
    Tls,
}

/// A client's end.
trait Connection: Read + Write + Send {}

impl<T: Read + Write + Send> Connection for T {}

impl Road {
    const ALL: [Self; 3] = [Self::Loopback, Self::Bridge, Self::Tls];

    /// A server of `content`, and what connects to it.
    async fn serve(
        self,
        content: &[u8],
    ) -> (Served, Box<dyn FnOnce() -> Box<dyn Connection> + Send>) {
        let address = match self {
            Self::Bridge => other_address(),
            Self::Loopback | Self::Tls => "127.0.0.1".parse().unwrap(),
        };
        let encryption = matches!(self, Self::Tls).then(encryption);
        let tls = encryption.as_ref().map(|(tls, _)| tls.clone());
        let options = Options { tls, ..Options::default() };
        let served = Served::at(address, options, &[("a.run", content)]).await;
        let address = served.address();
        let connect = move || -> Box<dyn Connection> {
            let stream = TcpStream::connect(address).unwrap();
            match encryption {
                None => Box::new(stream),
                Some((_, client)) => Box::new(StreamOwned::new(client, stream)),
            }
        };
        (served, Box::new(connect))
    }
}

/// An address of this machine that is not loopback: clients there are sent to as containers are.
fn other_address() -> IpAddr {
    let mut addresses = own_addresses().into_iter();
    let is_other = |address: &IpAddr| address.is_ipv4() && !address.is_loopback();
    addresses.find(is_other).expect("this machine has an interface besides loopback")
}

/// A server's end and a client's end that trusts it.
fn encryption() -> (Tls, ClientConnection) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["c.pem", "k.pem"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(client), "127.0.0.1".try_into().unwrap());
    (Tls::read(&certificate, &key).unwrap(), client.unwrap())
}

/// Reads the first bytes of a file of this many mebibytes, does `change` to it,
/// then reads the rest: whether so many bytes came, whether all were right, and how it ended.
async fn changed_while_sent(
    road: Road,
    mebibytes: usize,
    change: fn(&Path),
) -> (bool, bool, Vec<(u64, Outcome)>) {
    let content = pattern(mebibytes << 20);
    let (served, connect) = road.serve(&content).await;
    let path = served.packages[0].path.clone();
    let work = move || {
        let mut stream = connect();
        stream.write_all(b"GET /a.run HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = vec![0; 1000];
        stream.read_exact(&mut answer).unwrap();
        change(&path);
        let _end = stream.read_to_end(&mut answer);
        Reply::parse(&answer).body
    };
    let body = tokio::task::spawn_blocking(work).await.unwrap();
    served.wait_for_ends(1).await;
    (body.len() == content.len(), body == content, served.ended())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_while_it_is_sent_never_arrives_whole() {
    // More than is copied at the end, so that `sendfile` has its share.
    let mebibytes = usize::try_from(in_flight() >> 20).unwrap() + 28;
    let check = async |change: fn(&Path)| {
        for road in Road::ALL {
            let (whole, _, ended) = changed_while_sent(road, mebibytes, change).await;
            assert!(!whole, "{road:?}");
            assert!(matches!(ended[..], [(_, Outcome::Changed)]), "{road:?}: {ended:?}");
        }
    };
    check(|path| std::fs::write(path, "short").unwrap()).await;
    check(|path| {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length - (1 << 20)).unwrap();
    })
    .await;
    check(|path| {
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(b"X").unwrap();
    })
    .await;
    check(|path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
    })
    .await;
    check(|path| std::fs::remove_file(path).unwrap()).await;
    check(|path| {
        let other = path.with_extension("other");
        std::fs::copy(path, &other).unwrap();
        std::fs::rename(&other, path).unwrap();
    })
    .await;
}

/// Small enough to be wholly in the socket's buffers when the file changes: what
/// was sent before the change is right, and stays right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_a_change_stays_as_it_was() {
    let sizes = [1, 2, 4, 6];
    for (road, mebibytes) in Road::ALL.iter().flat_map(|road| sizes.map(|size| (*road, size))) {
        let (whole, right, _) = changed_while_sent(road, mebibytes, |path| {
            let length = std::fs::metadata(path).unwrap().len();
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            let zeros = vec![0; usize::try_from(length).unwrap()];
            std::os::unix::fs::FileExt::write_all_at(&file, &zeros, 0).unwrap();
        })
        .await;
        assert!(right || !whole, "{road:?}: {mebibytes} MiB arrived whole with wrong bytes");
    }
}
