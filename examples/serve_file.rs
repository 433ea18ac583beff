//! Serves the files named on the command line until it is killed, for
//! `scripts/bench-serve`: `serve_file 127.0.0.1:3000 FILE…`.
//!
//! Digests are not computed but made up: only the transport is measured. Shows the page, too.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use ascend_build::ascend::identify;
use ascend_build::plan::{FileIdentity, VerifiedPackage};
use ascend_build::project::Sha256;
use ascend_build::server::{Describe, Facts, Options, PackageServer, bind};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: serve_file ADDRESS FILE…")?.parse()?;
    let files = arguments.map(|path| package(&path)).collect::<Result<_, _>>()?;
    let listener = bind(address).await?;
    let pages: Describe = Arc::new(|package| Facts::new(&identify(&package.file), false));
    let options = Options { pages: Some(pages), ..Options::default() };
    let _server = PackageServer::start_with(options, listener, files, Arc::new(|_| {}));
    std::future::pending().await
}

fn package(path: &str) -> Result<VerifiedPackage, Box<dyn Error>> {
    let path = Path::new(path).canonicalize()?;
    let metadata = path.metadata()?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(VerifiedPackage {
        name: "bench".parse()?,
        file,
        sha256: Sha256::from_bytes([0; 32]),
        size: metadata.len(),
        declared: false,
        identity: FileIdentity::from(&metadata),
        path,
    })
}
