//! The verb `serve` on loopback: what it offers, whom it answers, what it follows, how it ends.

mod access;
mod bridge;
mod browser;
mod encryption;
mod ending;
mod following;
mod guest;
mod offer;
mod page;
mod shared;
mod systemd;
mod unfaithful;
