//! Instructions as people wrote them, out of what engines record.

/// Where the classic builder's instructions that run nothing begin.
const NOTHING_RUN: &str = "/bin/sh -c #(nop)";
/// The default shell of `RUN`.
const SHELL: &str = "/bin/sh -c ";
/// The first line of the script of `RUN --package`.
const PACKAGES: &str = "# ascend-build packages: ";
/// Its last line.
const SCRIPT_END: &str = "exit \"$status\"";

/// An instruction on one line, as its Dockerfile had it, as far as the record tells.
pub fn plain(recorded: &str) -> String {
    let text = recorded.trim_end().trim_end_matches("# buildkit");
    if let Some(nothing_run) = text.strip_prefix(NOTHING_RUN) {
        return one_line(nothing_run);
    }
    let run = text.strip_prefix("RUN ");
    let command = without_arguments(run.unwrap_or(text));
    if let Some(with_packages) = with_packages(command) {
        return one_line(&with_packages);
    }
    match (run, command.strip_prefix(SHELL)) {
        (_, Some(command)) => one_line(&format!("RUN {command}")),
        (Some(_), None) => one_line(&format!("RUN {command}")),
        (None, None) => one_line(text),
    }
}

/// Engines put `|2 A=1 B=2` before the shell.
fn without_arguments(command: &str) -> &str {
    match command.starts_with('|').then(|| command.find(SHELL)).flatten() {
        Some(start) => &command[start..],
        None => command,
    }
}

/// `RUN --package=…` with the files' names, and the user's own command.
fn with_packages(command: &str) -> Option<String> {
    let (_, script) = command.split_once(PACKAGES)?;
    let (files, script) = script.split_once('\n').unwrap_or((script, ""));
    let (_, arguments) = script.rsplit_once(SCRIPT_END)?;
    let mut words = arguments.split_whitespace().skip_while(|word| word.parse::<usize>().is_err());
    let count: usize = words.next()?.parse().ok()?;
    let command: Vec<_> = words.skip(2 * count).collect();
    let command = command.join(" ");
    let command = command.strip_prefix(SHELL).unwrap_or(&command);
    Some(format!("RUN --package={} {command}", names(files)))
}

/// The first file's name, and how many more there are.
fn names(files: &str) -> String {
    let mut files = files.split_whitespace();
    let first = files.next().unwrap_or_default();
    match files.count() {
        0 => first.to_owned(),
        more => format!("{first},…{more} more"),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(recorded: &str, expected: &str) {
        assert_eq!(plain(recorded), expected);
    }

    #[test]
    fn what_engines_record_reads_like_a_dockerfile() {
        check("/bin/sh -c #(nop) COPY file:12 in /a ", "COPY file:12 in /a");
        check("/bin/sh -c apt-get update", "RUN apt-get update");
        check("RUN /bin/sh -c apt-get  update\n && x # buildkit", "RUN apt-get update && x");
        check("RUN |2 A=1 B=x y /bin/sh -c make # buildkit", "RUN make");
        check("|1 A=1 /bin/sh -c make", "RUN make");
        check("RUN bash -c true # buildkit", "RUN bash -c true");
        check("COPY a /b # buildkit", "COPY a /b");
        check("Imported from -", "Imported from -");
        check("", "");
    }

    #[test]
    fn the_script_that_fetches_packages_is_left_out() {
        let script = |files: &str, count: usize, pairs: &str| {
            format!(
                "RUN /bin/sh -c # ascend-build packages: {files}\nsay() {{ echo; }}\nexit \"$status\"\n ascend-build  {count} {pairs} /bin/sh -c sh \"$PACKAGES\"/a.run # buildkit"
            )
        };
        check(&script("a.run", 1, "12/a.run a.run"), "RUN --package=a.run sh \"$PACKAGES\"/a.run");
        check(
            &script("a.run b.whl", 2, "12/a.run a.run 34/b.whl b.whl"),
            "RUN --package=a.run,…1 more sh \"$PACKAGES\"/a.run",
        );
    }
}
