//! Binding the port, with an error that says what to do next.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use super::holder::holder;
use crate::error::{Error, Exit, Problem};

/// Binds `address`; port 0 takes a free one.
///
/// # Errors
/// [`Exit::Engine`] when the address is not this machine's, is taken, or may
/// not be bound by this user.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|cause| {
        let problem =
            Problem::error(format!("cannot listen on `{address}` for the package server"));
        let holder = holder(address).filter(|_| cause.kind() == io::ErrorKind::AddrInUse);
        let problem = match holder {
            Some(holder) => problem.note(format!("held by {holder}")).hint(holder.hint(address)),
            None => problem.hint(hint_for(&cause, address)),
        };
        problem.cause(cause).exit(Exit::Engine)
    })
}

fn hint_for(cause: &io::Error, address: SocketAddr) -> String {
    match cause.kind() {
        _ if is_link_local(address.ip()) => format!(
            "`{}` means something on an interface only, and none can be named here: choose another address of this machine",
            address.ip()
        ),
        io::ErrorKind::AddrInUse => format!(
            "another program listens on port {0}: find it with `ss -ltnp 'sport = :{0}'`, and end it",
            address.port()
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "`{}` is no address of this machine; see `ip address`, and whether the engine runs here",
            address.ip()
        ),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need root; choose a higher port (0 takes a free one)".to_owned()
        }
        _ => "see whether the engine's bridge network is up with `ip address`".to_owned(),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(address: &str, expected: &str) {
        let error = bind(address.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.exit, Exit::Engine);
        let hint = &error.problems[0].hints[0];
        assert!(hint.contains(expected), "{hint}");
    }

    #[tokio::test]
    async fn a_refused_address_names_what_to_do() {
        let taken = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let own = format!("kill {}", std::process::id());
        check(&taken.local_addr().unwrap().to_string(), &own).await;
        check("[fe80::1]:0", "on an interface only").await;
        check("192.0.2.1:0", "is no address of this machine").await;
    }
}
