//! Caches of pip, apt and yum that a RUN leaves in its layer.

use super::commands::{Ran, Run};
use super::lint::Judged;
use crate::error::Problem;

/// The warnings `cache-left` of a stage.
pub(super) fn left(judged: &Judged<'_, '_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for run in judged.runs {
        for (filler, judge) in [
            (fills_pip as fn(&Ran) -> bool, pip as fn(&Judged<'_, '_>, &Run<'_>, &Ran) -> bool),
            (fills_apt, apt),
            (fills_yum, yum),
        ] {
            let left = run.commands.iter().filter(|ran| filler(ran));
            problems.extend(
                left.filter(|ran| judge(judged, run, ran)).take(1).map(|ran| warning(judged, ran)),
            );
        }
    }
    problems
}

fn warning(judged: &Judged<'_, '_>, ran: &Ran) -> Problem {
    let (tool, hint) = if fills_pip(ran) {
        ("pip", "add `--no-cache-dir`, or set `PIP_NO_CACHE_DIR=1`")
    } else if fills_apt(ran) {
        ("apt", "end the `RUN` with `rm -rf /var/lib/apt/lists/*`")
    } else {
        ("yum", "end the `RUN` with `yum clean all`")
    };
    let problem = Problem::warning(format!("the cache of {tool} stays in the layer"));
    judged.at(problem.code("cache-left").hint(hint), ran.span.clone(), "fills the cache")
}

fn fills_pip(ran: &Ran) -> bool {
    let pip = ran.name().starts_with("pip")
        || (ran.name().starts_with("python") && ran.says("-m") && ran.says("pip"));
    pip && (ran.says("install") || ran.says("wheel"))
}

fn fills_apt(ran: &Ran) -> bool {
    matches!(ran.name(), "apt-get" | "apt") && (ran.says("update") || ran.says("install"))
}

fn fills_yum(ran: &Ran) -> bool {
    matches!(ran.name(), "yum" | "dnf" | "microdnf") && ran.says("install")
}

fn pip(judged: &Judged<'_, '_>, run: &Run<'_>, ran: &Ran) -> bool {
    let purges = |other: &Ran| other.says("cache") && other.says("purge");
    let told = ran.says("--no-cache-dir")
        || run.has_variable("PIP_NO_CACHE_DIR", judged.inputs)
        || run.commands.iter().any(purges);
    !told && !emptied(run, &["/root/.cache", ".cache", "/root/.cache/pip", "pip"])
}

fn apt(_: &Judged<'_, '_>, run: &Run<'_>, _: &Ran) -> bool {
    !emptied(run, &["/var/lib/apt/lists", "/var/lib/apt"])
}

fn yum(_: &Judged<'_, '_>, run: &Run<'_>, _: &Ran) -> bool {
    let cleans = |ran: &Ran| fills_yum_name(ran) && ran.says("clean");
    !run.commands.iter().any(cleans)
        && !emptied(run, &["/var/cache/yum", "/var/cache/dnf", "/var/cache"])
}

fn fills_yum_name(ran: &Ran) -> bool {
    matches!(ran.name(), "yum" | "dnf" | "microdnf")
}

/// Whether the RUN removes one of the folders, or a mount covers it.
fn emptied(run: &Run<'_>, folders: &[&str]) -> bool {
    let plain = |path: &str| path.trim_end_matches("/*").trim_end_matches('/').to_owned();
    let ends_with = |path: &str| {
        let path = plain(path);
        folders.iter().any(|folder| path == *folder || path.ends_with(&format!("/{folder}")))
    };
    let removed = run.commands.iter().filter(|ran| matches!(ran.name(), "rm" | "find"));
    removed.flat_map(Ran::operands).any(|word| ends_with(word.text()))
        || run.mounted().iter().any(|target| ends_with(target))
}
