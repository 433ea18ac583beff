//! Judging room, memory, clocks, platforms and NPUs.

use time::OffsetDateTime;
use time::macros::datetime;

use super::{Code, EngineSide, Facts, Finding, Level, Npu};
use crate::engine::Disk;
use crate::project::Platform;

const GIB: u64 = 1 << 30;
/// Below this much room a build cannot even begin, in bytes.
const DISK_FULL: u64 = GIB;
/// What an image with CANN, torch and MindIE takes while it is built: 13 GB by Huawei's own
/// account of its recipe, and the layers that are exported beside it.
const DISK_LOW: u64 = 20 * GIB;
/// Files that a Python installation with torch brings, several times over.
const FILES_LOW: u64 = 100_000;
/// What pip and the operators' compilers take, in bytes.
const MEMORY_LOW: u64 = 2 * GIB;

/// This program is younger than that, so a clock before it is wrong.
const FLOOR: OffsetDateTime = datetime!(2025-12-01 0:00 UTC);
/// Certificates of registries do not last until then, so a clock behind it is wrong.
const CEILING: OffsetDateTime = datetime!(2050-01-01 0:00 UTC);
/// How far two clocks may be apart, in seconds.
const CLOCKS_APART: f64 = 60.0;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let side = facts.reached();
    let found = [
        side.and_then(|side| disk(side, facts.disk()?)),
        side.and_then(|side| files(side, facts.disk()?)),
        memory(facts),
        platform(facts),
        npu_driver(&facts.machine.npu),
        npu_smi(&facts.machine.npu),
        clock(facts.machine.now),
        side.and_then(|side| clocks(side.clock_ahead?)),
        facts.machine.unknown_time_zone.as_deref().map(time_zone),
    ];
    found.into_iter().flatten().collect()
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / GIB as f64)
}

fn disk(side: &EngineSide, disk: Disk) -> Option<Finding> {
    let folder = &side.examination.facts.data_folder;
    let finding = match disk.free {
        0..DISK_FULL => {
            Finding::error(Code::DiskFull, "the disk on which the engine keeps its data is full")
        }
        DISK_FULL..DISK_LOW => Finding::warning(
            Code::DiskLow,
            "the disk on which the engine keeps its data has little room",
        ),
        _ => return None,
    };
    let wanted = format!("{} free in `{folder}`", gib(DISK_LOW));
    let finding = finding.expected(wanted, format!("{} of {}", gib(disk.free), gib(disk.size)));
    Some(
        finding
            .note("an image with CANN, torch and MindIE takes 13 GB and more while it is built")
            .mend("`docker system df` shows what takes room; `docker builder prune` and `docker image prune` remove what nothing uses")
            .mend("or move the engine's data to a larger disk: `\"data-root\"` in /etc/docker/daemon.json"),
    )
}

fn files(side: &EngineSide, disk: Disk) -> Option<Finding> {
    let free = disk.free_files.filter(|free| *free < FILES_LOW)?;
    let folder = &side.examination.facts.data_folder;
    Some(
        Finding::warning(Code::FilesLow, "the disk on which the engine keeps its data can hold few more files")
            .expected(format!("{FILES_LOW} free inodes in `{folder}`"), free.to_string())
            .mend("`docker builder prune` and `docker image prune` remove what nothing uses; `df -i` shows the inodes"),
    )
}

/// The engine's control group may leave less than the machine has.
fn memory(facts: &Facts) -> Option<Finding> {
    let of_group = facts.reached().and_then(|side| side.examination.memory);
    let group = of_group.filter(|left| *left < MEMORY_LOW).map(|left| {
        little_memory("the engine's control group has little memory left", left)
            .mend("raise its limit: `memory.max` of the group, `MemoryMax=` of the engine's unit, or `resources.limits.memory` of its pod")
    });
    group.or_else(|| {
        let left = facts.machine.memory.filter(|left| *left < MEMORY_LOW)?;
        let finding = little_memory("this machine has little memory left", left);
        Some(finding.mend("end what takes memory (`ps aux --sort=-rss | head`), or add swap"))
    })
}

fn little_memory(what: &str, left: u64) -> Finding {
    Finding::warning(Code::MemoryLow, what)
        .expected(format!("{} available", gib(MEMORY_LOW)), gib(left))
        .note("pip and compilers that run out of it are killed: exit code 137")
}

/// A foreign platform needs an emulator that the kernel opens before it enters the container (flag `F`).
fn platform(facts: &Facts) -> Option<Finding> {
    let wanted = facts.asked.platform.as_ref()?;
    let own = facts.reached()?.examination.facts.platform.as_ref();
    if own == Some(wanted) {
        return None;
    }
    let own = own.map_or_else(|| "another".to_owned(), ToString::to_string);
    Some(match facts.machine.emulator.as_deref() {
        None => unemulated(
            Finding::error(
                Code::PlatformForeign,
                format!("nothing here runs the programs of `{wanted}`"),
            ),
            wanted,
        )
        .note(format!("the engine is `{own}`")),
        Some(flags) if !flags.contains('F') => unemulated(
            Finding::error(
                Code::EmulatorOutside,
                format!("the emulator for `{wanted}` cannot be used inside containers"),
            ),
            wanted,
        )
        .expected("the flag `F` in /proc/sys/fs/binfmt_misc", format!("`{flags}`")),
        Some(_) => Finding::of(
            Level::Note,
            Code::Emulated,
            format!("programs of `{wanted}` are emulated on this engine, which is `{own}`"),
        )
        .note("expect a build to take several times as long as on a machine of that platform"),
    })
}

fn unemulated(finding: Finding, wanted: &Platform) -> Finding {
    finding
        .mend("`apt-get install qemu-user-static binfmt-support` on the engine's machine")
        .mend(format!("or `docker run --privileged --rm tonistiigi/binfmt --install {}`, where a registry can be reached", wanted.architecture()))
        .mend("or build on a machine of that platform")
}

fn npu_driver(npu: &Npu) -> Option<Finding> {
    (npu.devices > 0 && npu.driver.is_none()).then(|| {
        Finding::warning(Code::NpuDriver, "this machine has NPUs, and no driver can be found")
            .expected(format!("a version in `{}`", npu.driver_file), "none")
            .note("images are built without it; containers that use the NPUs need it")
            .mend("install the driver and the firmware on this machine (`Ascend-hdk-<chip>-npu-driver_<version>_linux-<arch>.run --full`)")
    })
}

fn npu_smi(npu: &Npu) -> Option<Finding> {
    let failure = npu.smi_failure.as_ref()?;
    Some(
        Finding::warning(Code::NpuSmi, "`npu-smi` does not work")
            .note(failure.as_str())
            .note("images are built without it; containers that use the NPUs need what it shows")
            .mend("see `npu-smi info` and `dmesg`; after an installation of the driver the machine must be started again"),
    )
}

fn clock(now: OffsetDateTime) -> Option<Finding> {
    (!(FLOOR..CEILING).contains(&now)).then(|| {
        Finding::warning(Code::ClockWrong, "this machine's clock is wrong")
            .expected(format!("a date from {} to {}", FLOOR.date(), CEILING.date()), now.date().to_string())
            .note("no certificate is valid then, so pulling bases and fetching packages fail; file times mislead caches")
            .mend("`timedatectl set-ntp true`, or `date --set \"<the time>\"` where no time server can be reached")
    })
}

fn clocks(ahead: f64) -> Option<Finding> {
    (ahead.abs() > CLOCKS_APART).then(|| {
        let direction = if ahead > 0.0 { "ahead of" } else { "behind" };
        Finding::warning(Code::ClockEngine, "the engine's clock is another than this program's")
            .expected(format!("at most {CLOCKS_APART:.0} s apart"), format!("the engine's is {:.0} s {direction} this one", ahead.abs()))
            .note("times in logs and images are the engine's, times of runs and packages are this one's")
            .mend("set both to the same time server: `timedatectl set-ntp true` on each machine")
    })
}

fn time_zone(zone: &str) -> Finding {
    Finding::warning(
        Code::TimeZone,
        format!("`TZ` names a time zone that this machine does not know: `{zone}`"),
    )
    .note("programs quietly take UTC for it")
    .mend("`unset TZ`, or name a file below /usr/share/zoneinfo (`apt-get install tzdata`)")
}
