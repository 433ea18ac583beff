//! How fast packages are verified, as ratios to what users have: run it with
//! `scripts/bench-verify`.
//!
//! 1. Eight files of 512 MiB in a warm page cache: `sha256sum`, `openssl`, and
//!    `verify` with one thread and with two, in turn, the median of each.
//! 2. A thousand unchanged files whose digests are remembered; the argument
//!    `unchanged` measures only these.
//! 3. The most memory that this process ever held.

#![expect(clippy::print_stdout, reason = "a benchmark's output is its result")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ascend_build::plan::{PlannedPackage, VerifiedPackage};
use ascend_build::store::{VerifyOptions, verify};

const FILES: usize = 8;
const MEBIBYTES: usize = 512;
const ROUNDS: usize = 3;
const UNCHANGED: usize = 1_000;

fn main() -> io::Result<()> {
    // `cargo test --benches` asks only whether it still builds and starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let folder = tempfile::tempdir_in(std::env::temp_dir())?;
    if !std::env::args().any(|argument| argument == "unchanged") {
        large_files(&folder.path().join("large"))?;
    }
    unchanged_files(&folder.path().join("unchanged"))?;
    println!("peak memory: {} MB (at most 40)", peak_memory()? / 1_000_000);
    Ok(())
}

fn large_files(folder: &Path) -> io::Result<()> {
    println!("{FILES} files of {MEBIBYTES} MiB, warm page cache, median of {ROUNDS}");
    let paths = write_files(folder, FILES, MEBIBYTES << 20)?;
    let planned = declared(folder, &paths)?;
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        times[0].push(timed(|| run("sha256sum", &[], &paths))?);
        times[1].push(timed(|| run("openssl", &["dgst", "-sha256"], &paths))?);
        times[2].push(timed(|| verify_all(folder, &planned, 1, None).map(drop))?);
        times[3].push(timed(|| verify_all(folder, &planned, 2, None).map(drop))?);
    }
    let [sha256sum, openssl, one, two] = times.map(median);
    let bytes = (FILES * MEBIBYTES) as f64 * 1024.0 * 1024.0;
    for (name, time) in [
        ("sha256sum", sha256sum),
        ("openssl dgst -sha256", openssl),
        ("verify, 1 thread", one),
        ("verify, 2 threads", two),
    ] {
        println!("  {name:<22} {time:>7.2} s  {:>5.2} GB/s", bytes / time / 1e9);
    }
    println!("  verify (2) / sha256sum  {:.3} of the time (at most 0.25)", two / sha256sum);
    println!("  verify (1) / openssl    {:.3} of the speed (at least 0.9)", openssl / one);
    println!("  verify (2) / openssl    {:.3} of the speed per core", openssl / two / 2.0);
    Ok(())
}

fn unchanged_files(folder: &Path) -> io::Result<()> {
    let paths = write_files(folder, UNCHANGED, 4096)?;
    let planned = declared(folder, &paths)?;
    let memory = folder.join("memory");
    // A file that changed in the last two seconds is not remembered.
    std::thread::sleep(Duration::from_secs(3));
    verify_all(folder, &planned, 2, Some(memory.clone()))?;
    let mut times = Vec::new();
    for _ in 0..3 * ROUNDS {
        times.push(timed(|| verify_all(folder, &planned, 2, Some(memory.clone())).map(drop))?);
    }
    println!("{UNCHANGED} unchanged files: {:.1} ms (at most 50)", median(times) * 1000.0);
    Ok(())
}

/// Writes `count` files of `size` bytes, which leaves them in the page cache.
fn write_files(folder: &Path, count: usize, size: usize) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let block: Vec<u8> = (0..size.min(1 << 20)).map(|index| (index * 31 % 251) as u8).collect();
    let paths = (0..count).map(|index| folder.join(format!("package-{index}.run")));
    paths
        .map(|path| {
            let mut file = File::create(&path)?;
            (0..size / block.len()).try_for_each(|_| file.write_all(&block))?;
            file.sync_all()?;
            Ok(path)
        })
        .collect()
}

fn verify_all(
    folder: &Path,
    planned: &[PlannedPackage],
    jobs: usize,
    memory: Option<PathBuf>,
) -> io::Result<Vec<VerifiedPackage>> {
    let options = VerifyOptions { roots: vec![folder.to_owned()], jobs, rehash: false, memory };
    verify(planned, &options, &|_| (), &AtomicBool::new(false)).map_err(io::Error::other)
}

/// Packages with their digests declared, as projects have them.
fn declared(folder: &Path, paths: &[PathBuf]) -> io::Result<Vec<PlannedPackage>> {
    let undeclared: Vec<PlannedPackage> = paths.iter().map(|path| package(path)).collect();
    let verified = verify_all(folder, &undeclared, 2, None)?;
    let with_digest = |(package, verified): (PlannedPackage, VerifiedPackage)| {
        let (sha256, size) = (Some(verified.sha256), Some(verified.size));
        PlannedPackage { sha256, size, ..package }
    };
    Ok(undeclared.into_iter().zip(verified).map(with_digest).collect())
}

fn package(path: &Path) -> PlannedPackage {
    PlannedPackage {
        name: "package".parse().expect("a valid name"),
        file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: None,
        size: None,
        url: None,
        place: None,
        asked: None,
    }
}

fn run(program: &str, arguments: &[&str], paths: &[PathBuf]) -> io::Result<()> {
    let status =
        Command::new(program).args(arguments).args(paths).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program} failed"))) }
}

/// Seconds that `work` takes.
fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Bytes of the largest resident set of this process so far.
fn peak_memory() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.map(|count| count * 1024).ok_or_else(|| io::Error::other("no VmHWM in the status"))
}
