//! Options of downloaders and pip: which take a value, and which values are addresses.

use super::requests::RequestKind;

/// wget's and curl's option for a file of addresses.
pub(super) fn list_option(tool: &str, text: &str) -> bool {
    matches!((tool, text), ("wget" | "aria2c", "-i" | "--input-file"))
}

/// Options of downloaders whose value is a word of its own and no address to fetch.
pub(super) fn takes_value(tool: &str, option: &str) -> bool {
    if option.starts_with("--") {
        return LONG_WITH_VALUE.contains(&option);
    }
    let letters = match tool {
        "wget" => "OoaPUTtwQeBDRAXIl",
        "curl" => "oxeuAHdFXTmyYCcbDEKwrtz",
        "aria2c" => "dojsxkm",
        _ => "onU",
    };
    // Letters may stand together (`-fsSLo file`); the last one takes the next word.
    option.chars().last().is_some_and(|last| letters.contains(last))
        && !option[1..].contains(|c: char| !c.is_ascii_alphabetic())
}

/// Long options of wget, curl and aria2c with a value in the next word.
const LONG_WITH_VALUE: [&str; 31] = [
    "--output",
    "--output-document",
    "--output-file",
    "--output-dir",
    "--directory-prefix",
    "--header",
    "--user-agent",
    "--referer",
    "--proxy",
    "--preproxy",
    "--noproxy",
    "--user",
    "--proxy-user",
    "--data",
    "--request",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "--max-time",
    "--connect-timeout",
    "--timeout",
    "--tries",
    "--wait",
    "--limit-rate",
    "--cacert",
    "--cert",
    "--key",
    "--resolve",
    "--interface",
    "--dir",
    "--out",
];

/// An option of pip with a value: what an address in it is, and where the value
/// starts where it stands in the same word.
pub(super) fn pip_option(text: &str) -> Option<(Option<RequestKind>, Option<usize>)> {
    let long = [
        ("--find-links", Some(RequestKind::Index)),
        ("--index-url", Some(RequestKind::Index)),
        ("--extra-index-url", Some(RequestKind::Index)),
        ("--requirement", Some(RequestKind::File)),
        ("--constraint", Some(RequestKind::File)),
        ("--proxy", None),
        ("--trusted-host", None),
        ("-f", Some(RequestKind::Index)),
        ("-i", Some(RequestKind::Index)),
        ("-r", Some(RequestKind::File)),
        ("-c", Some(RequestKind::File)),
    ];
    for (name, kind) in long {
        let Some(rest) = text.strip_prefix(name) else { continue };
        match rest.strip_prefix('=') {
            _ if rest.is_empty() => return Some((kind, None)),
            Some(_) => return Some((kind, Some(name.len() + 1))),
            None if name.len() == 2 => return Some((kind, Some(2))),
            None => {}
        }
    }
    None
}
