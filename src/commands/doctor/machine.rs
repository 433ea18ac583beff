//! Looking at this machine: memory, emulators, time zone, NPUs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::commands::judgement;
use crate::doctor::{Emulator, Npu};
use crate::project::Platform;

/// Where the kernel tells which programs it runs through which emulator.
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// Where time zones are.
const ZONES: &str = "/usr/share/zoneinfo";

/// How long `npu-smi` may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Memory that programs may still take, in bytes.
pub(super) fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// What the kernel says of the emulator of a platform's programs.
pub(super) fn emulator(platform: &Platform) -> Emulator {
    emulator_in(Path::new(BINFMT), platform)
}

/// The list is there where its `status` is: an empty folder is one on which nothing is mounted.
fn emulator_in(list: &Path, platform: &Platform) -> Emulator {
    if std::fs::read_to_string(list.join("status")).is_err() {
        return Emulator::Unknown;
    }
    // What registers it in a container calls it so, or by the static program's name.
    let entry = format!("qemu-{}", platform.package_arch());
    let names = [format!("{entry}-static"), entry];
    let found = names.iter().map(|name| list.join(name)).find(|entry| entry.exists());
    match std::fs::read_to_string(found.unwrap_or_else(|| list.join(&names[1]))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Emulator::Unknown,
        Ok(text) if text.starts_with("enabled") => {
            let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
            Emulator::Registered(flags.unwrap_or_default().trim().to_owned())
        }
        _ => Emulator::Absent,
    }
}

/// A value of `TZ` that names no zone; the C library takes such a one for UTC.
pub(super) fn unknown_time_zone(value: Option<String>) -> Option<String> {
    let value = value.filter(|value| !value.is_empty())?;
    let name = value.trim_start_matches(':');
    // A rule in place of a name, such as `CST-8`.
    let is_rule = name.contains(|c: char| c.is_ascii_digit() || c == '<');
    let is_known = is_rule && !name.contains('/') || name == "UTC" || name == "GMT";
    (!is_known && !Path::new(ZONES).join(name).is_file()).then_some(value)
}

/// The NPUs, as their device files, their driver and `npu-smi` tell them.
pub(super) async fn npu() -> Npu {
    let driver_file = judgement::own_driver_file();
    let driver = judgement::driver(&driver_file).map(|version| version.as_str().to_owned());
    let npu = Npu {
        devices: devices(),
        driver,
        driver_file: driver_file.display().to_string(),
        ..Npu::default()
    };
    match smi().await {
        None => npu,
        Some(Ok(text)) => Npu { count: count(&text), ..npu },
        Some(Err(failure)) => Npu { smi_failure: Some(failure), ..npu },
    }
}

fn devices() -> usize {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let number =
        |name: &str| name.strip_prefix("davinci").is_some_and(|rest| rest.parse::<u32>().is_ok());
    entries.filter(|entry| entry.file_name().to_str().is_some_and(number)).count()
}

/// What `npu-smi info -l` says, or how it fails; `None` where there is no such program.
async fn smi() -> Option<Result<String, String>> {
    let mut command = Command::new(find("npu-smi")?);
    command.args(["info", "-l"]).stdin(std::process::Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => {
            Some(Err(format!("`npu-smi info -l` did not end within {} s", PATIENCE.as_secs())))
        }
        Ok(Err(error)) => Some(Err(format!("`npu-smi`: {error}"))),
        Ok(Ok(answer)) if answer.status.success() => {
            Some(Ok(String::from_utf8_lossy(&answer.stdout).into_owned()))
        }
        Ok(Ok(answer)) => {
            let said = [answer.stderr, answer.stdout].concat();
            let said = String::from_utf8_lossy(&said);
            let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
            Some(Err(format!(
                "`npu-smi info -l` failed ({}), and says: {}",
                answer.status,
                line.trim()
            )))
        }
    }
}

/// A program of `PATH`; a folder of it that may not be looked into has none.
fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The number in `Total Count : 8`.
fn count(text: &str) -> Option<usize> {
    let line = text.lines().find(|line| line.trim_start().starts_with("Total Count"))?;
    line.split_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, is_known: bool) {
        let unknown = unknown_time_zone(Some(zone.to_owned()));
        assert_eq!(unknown.is_none(), is_known, "{zone}");
    }

    #[test]
    fn time_zones_are_names_or_rules() {
        check("", true);
        check("UTC", true);
        check("CST-8", true);
        check("<+08>-8", true);
        check("Mars/Olympus", false);
        check("Nowhere", false);
    }

    /// What is said of an emulator where the kernel's list holds these files.
    fn check_emulator(files: &[(&str, &str)], expected: &Emulator) {
        let list = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(list.path().join(name), text).unwrap();
        }
        let platform = "linux/arm64".parse().unwrap();
        assert_eq!(emulator_in(list.path(), &platform), *expected);
    }

    #[test]
    fn a_list_that_is_not_there_says_nothing_of_emulators() {
        let status = ("status", "enabled\n");
        let entry = ("qemu-aarch64", "enabled\ninterpreter /bin/qemu\nflags: OCF\n");
        check_emulator(&[], &Emulator::Unknown);
        check_emulator(&[status], &Emulator::Absent);
        check_emulator(&[status, entry], &Emulator::Registered("OCF".to_owned()));
        check_emulator(&[status, ("qemu-aarch64", "disabled\n")], &Emulator::Absent);
        let named = ("qemu-aarch64-static", entry.1);
        check_emulator(&[status, named], &Emulator::Registered("OCF".to_owned()));
    }

    #[test]
    fn npu_smi_counts() {
        assert_eq!(count("\n\tTotal Count                    : 8\n\n\tNPU ID : 0\n"), Some(8));
        assert_eq!(count("no such line"), None);
    }
}
