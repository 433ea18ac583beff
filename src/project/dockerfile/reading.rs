//! Commands that only read the files that they name, or touch none.

use super::commands::{Ran, is_script_option};
use super::evaluate::Text;
use super::simple::Joint;

/// Commands that leave the files beside them alone.
const HARMLESS: [&str; 10] =
    ["echo", "printf", "set", "export", "mkdir", "true", ":", "false", "ldconfig", "yes"];

/// Commands that read the files that they name and no others, whatever their options.
const READERS: [&str; 6] = ["unzip", "rpm", "chmod", "cat", "sha256sum", "md5sum"];

/// What runs a script whose file stands first among its operands.
const INTERPRETERS: [&str; 5] = ["sh", "bash", "dash", "python", "python3"];

/// Whether a command leaves the files beside it alone, and makes nothing of what they are.
pub(super) fn is_harmless(ran: &Ran) -> bool {
    let first = ran.operands().next().map_or("", Text::text);
    match ran.name() {
        // What a script does that is no part of the image already, nobody knows.
        "." | "source" => first.starts_with('/'),
        // A list that goes somewhere may tell a link from a file.
        "ls" => ran.command.redirects.is_empty() && ran.command.after != Joint::Pipe,
        "test" | "[" => !ran.says("-L") && !ran.says("-h"),
        name => HARMLESS.contains(&name),
    }
}

/// Whether a command only reads the files that it names, so that it makes no difference where
/// they are and whether they are links; `runs` tells which script may be run.
pub(super) fn only_reads(ran: &Ran, runs: &dyn Fn(&str) -> bool) -> bool {
    match ran.name() {
        "tar" => extracts(ran),
        "dpkg" => ["-i", "--install", "-x", "--extract"].iter().any(|option| ran.says(option)),
        "pip" | "pip3" => ran.says("install"),
        name if INTERPRETERS.contains(&name) => runs_a_script(ran, runs),
        name => READERS.contains(&name),
    }
}

/// `tar x`, `tar -t`: neither one that makes or changes an archive, nor one that removes files.
fn extracts(ran: &Ran) -> bool {
    let words = || ran.words.iter().skip(1).map(Text::text);
    let first = words().next().filter(|word| !word.starts_with('-'));
    let short = words().filter(|word| word.starts_with('-') && !word.starts_with("--"));
    let short: String = first.into_iter().chain(short).collect();
    let long = |names: &[&str]| words().any(|word| names.contains(&word));
    let reads = short.contains(['x', 't']) || long(&["--extract", "--get", "--list"]);
    let writes = short.contains(['c', 'r', 'u', 'A'])
        || long(&["--create", "--append", "--update", "--remove-files"]);
    reads && !writes
}

fn runs_a_script(ran: &Ran, runs: &dyn Fn(&str) -> bool) -> bool {
    let given = ran.words.iter().any(|word| is_script_option(word.text()));
    let script = ran.operands().next();
    !given && script.is_some_and(|word| runs(word.text()))
}
