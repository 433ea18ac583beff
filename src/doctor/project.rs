//! Judging what the project's files and its ended runs leave.

use super::{Code, EngineSide, Facts, Finding, Level, Unwritable};

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let name = facts.project.name.as_deref().unwrap_or_default();
    let mut found: Vec<_> = facts.project.unwritable.iter().map(unwritable).collect();
    found.extend(facts.project.future_files.as_ref().map(|(count, one)| future(*count, one)));
    if let Some(side) = facts.reached() {
        found.extend(images(side, name));
        found.extend(containers(side));
    }
    found
}

fn unwritable(folder: &Unwritable) -> Finding {
    let level = if folder.is_needed { Level::Error } else { Level::Warning };
    let what = format!("`{}` cannot be written to, and {}", folder.folder, folder.purpose);
    Finding::of(level, Code::FolderUnwritable, what)
        .note(folder.why.as_str())
        .mend(format!("make it a folder of yours: `ls -ld {0}`, `chown`, `chmod`; see whether its disk is full or mounted read-only (`df {0}`)", folder.folder))
}

fn future(count: usize, one: &str) -> Finding {
    Finding::warning(Code::FutureFiles, "files of the project were modified in the future")
        .expected("times up to now", format!("{count} of them, `{one}` first"))
        .note("caches that compare times trust them wrongly; the machine that wrote them, or this one, has a wrong clock")
        .mend("set the clock, then `find . -newermt now -exec touch {} +`")
}

/// Dangling images of the project, and tags that only an ended run used.
fn images(side: &EngineSide, name: &str) -> Option<Finding> {
    let images = &side.leftovers.images;
    let largest = images.iter().map(|image| image.size).max()?;
    let tagged: Vec<_> =
        images.iter().flat_map(|image| &image.references).map(String::as_str).collect();
    let dangling =
        images.len() - images.iter().filter(|image| !image.references.is_empty()).count();
    let finding = Finding::of(
        Level::Note,
        Code::StaleImages,
        format!(
            "{} left of `{name}` that nothing uses",
            count(images.len(), "image is", "images are")
        ),
    )
    .note(format!("the largest has {} MB, layers that others share included", largest / 1_000_000));
    let finding = if dangling > 0 {
        finding.mend(format!("`docker image prune --force --filter label=ascend-build.project={name}` removes {dangling} without a name; layers that later builds would reuse go too"))
    } else {
        finding
    };
    Some(if tagged.is_empty() {
        finding
    } else {
        finding
            .mend(format!("`docker rmi {}`: the run that named them has ended", tagged.join(" ")))
    })
}

fn containers(side: &EngineSide) -> Option<Finding> {
    let containers = &side.leftovers.containers;
    let short: Vec<_> = containers.iter().map(|id| id.get(..12).unwrap_or(id)).collect();
    (!short.is_empty()).then(|| {
        Finding::of(
            Level::Note,
            Code::StaleContainers,
            format!("{} left of checks", count(short.len(), "container is", "containers are")),
        )
        .mend(format!("`docker rm --force --volumes {}`", short.join(" ")))
    })
}

/// How many there are, with the noun and the verb that go with the number.
fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}
