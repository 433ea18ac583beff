//! The package server: offers verified packages to build containers.
//!
//! A request goes through the files in this order: `package_server` accepts,
//! `answer` looks the path up on the `shelf` (a map: no request path ever
//! reaches the disk), opens the file and sees that it is still the one that
//! was verified (`open_package`), applies `preconditions` and `ranges`, and
//! hands a `piece_body` to hyper; `file_stream` moves the bytes from the file
//! to the socket and cuts the response when the file changes under it.
//! Under TLS, `tls_stream` takes the place of `file_stream`; `ticket_stream` is what hyper sees of both.
//! `neighbour` is the other end: a build that uses the server of another process.
//! `transfer` tells the observer. `docs/server.md` says why.

mod access;
mod answer;
mod book;
mod file_answer;
mod file_stream;
#[cfg(test)]
mod fixtures;
mod guests;
mod holder;
mod links;
mod listen;
mod machine;
mod markup;
mod neighbour;
mod news;
mod open_package;
mod package_server;
mod page;
mod patience;
mod piece_body;
mod preconditions;
mod question;
mod ranges;
mod refusal;
mod run_path;
mod seldom;
mod shelf;
mod simple_index;
mod site;
#[cfg(test)]
mod tests;
mod text_room;
mod ticket_stream;
mod tls;
mod tls_stream;
mod transfer;
mod unusable;

pub use links::wget_line;
pub use listen::bind;
pub use machine::own_addresses;
pub use neighbour::{Neighbour, Wanting};
pub use package_server::{Limits, Options, PackageServer};
pub use ranges::{Wanted, wanted_ranges};
pub use shelf::{Shelf, encode_path};
pub use site::{Describe, Facts};
pub use tls::Tls;
pub use transfer::{Errand, Observer, Outcome, Transfer};
pub use unusable::Unusable;
