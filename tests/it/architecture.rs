//! The import directions of the rooms, and what else a room may not hold: a
//! room names only the rooms below it, some libraries stay in one room, only
//! `ui` prints, `plan`, `ascend` and `image` touch no file, clock or network, every file
//! opens with `//!`, and none is too long.

use std::fs;
use std::path::{Path, PathBuf};

/// A file longer than this hides a room, in lines.
const LONGEST: usize = 400;

/// The rooms that each room may name. `main.rs` and `lib.rs` name no room.
const ROOMS: [(&str, &[&str]); 13] = [
    ("error", &[]),
    ("ascend", &["error"]),
    ("image", &["error", "ascend"]),
    ("project", &["error", "ascend"]),
    ("plan", &["error", "ascend", "project"]),
    ("store", &["error", "project", "plan"]),
    ("server", &["error", "ascend", "project", "plan"]),
    ("engine", &["error", "project"]),
    ("doctor", &["error", "project", "engine"]),
    ("run", &["error", "project", "plan", "engine"]),
    ("ui", &["error", "project", "run"]),
    (
        "commands",
        &[
            "error", "ascend", "image", "project", "plan", "store", "server", "engine", "doctor",
            "run", "ui",
        ],
    ),
    ("cli", &["error", "commands", "ui"]),
];

/// The rooms in which a library may be named; clap's value enums are also what `ui` is told.
const LIBRARIES: [(&str, &[&str]); 8] = [
    ("bollard", &["engine"]),
    ("hyper", &["server"]),
    ("hyper_util", &["server"]),
    ("http_body", &["server"]),
    ("tower_http", &["server"]),
    ("clap", &["cli", "commands", "ui"]),
    ("indicatif", &["ui"]),
    ("annotate_snippets", &["ui"]),
];

/// What only `ui` does.
const PRINTS: [&str; 4] = ["print!(", "println!(", "eprint!(", "eprintln!("];

/// What the pure rooms do without.
const WORLD: [&str; 6] =
    ["std::fs", "std::net", "std::process", "tokio::", "SystemTime", "Instant"];

/// Every violation in one file, as `file:line: rule`; `path` is relative to `src`.
fn violations(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{}:1: a file opens with `//!`", path.display()));
    }
    if text.lines().count() > LONGEST {
        found.push(format!(
            "{}:{}: a file has at most {LONGEST} lines",
            path.display(),
            text.lines().count()
        ));
    }
    let room = room(path);
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        found.extend(
            rules(&room, code)
                .into_iter()
                .map(|rule| format!("{}:{}: {rule}", path.display(), number + 1)),
        );
    }
    found.extend(grouped(text).into_iter().filter(|(_, named)| !may_name(&room, named)).map(
        |(number, named)| format!("{}:{number}: {}", path.display(), direction(&room, &named)),
    ));
    found
}

/// The room of a file: the folder or the file right below `src`.
fn room(path: &Path) -> String {
    let first = path
        .components()
        .next()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .unwrap_or_default();
    first.trim_end_matches(".rs").to_owned()
}

/// What one line of code breaks.
fn rules(room: &str, code: &str) -> Vec<String> {
    let named = after(code, "crate::")
        .into_iter()
        .filter(|named| !named.is_empty() && !may_name(room, named));
    let directions = named.map(|named| direction(room, &named));
    let strange = LIBRARIES
        .iter()
        .filter(|(library, rooms)| !rooms.contains(&room) && names(code, &format!("{library}::")));
    let strange =
        strange.map(|(library, rooms)| format!("`{library}` stays in {}", rooms.join(", ")));
    let prints = PRINTS
        .iter()
        .filter(|print| room != "ui" && names(code, print))
        .map(|print| format!("only `ui` prints, not `{print}…)`"));
    let pure = ["plan", "ascend", "image", "doctor"].contains(&room);
    // What a file system said of a file is a value, and so is an address.
    let code = code.replace("std::fs::Metadata", "").replace("std::net::{IpAddr, Ipv4Addr}", "");
    let world = WORLD
        .iter()
        .filter(|word| pure && names(&code, word))
        .map(|word| format!("`{room}` is pure, without `{word}`"));
    directions.chain(strange).chain(prints).chain(world).collect()
}

fn direction(room: &str, named: &str) -> String {
    format!("`{room}` does not know `{named}`")
}

/// Whether `room` may name `named`, which may also be no room at all, such as a macro.
fn may_name(room: &str, named: &str) -> bool {
    let known = ROOMS.iter().any(|(known, _)| *known == named);
    let allowed = ROOMS
        .iter()
        .find(|(known, _)| *known == room)
        .is_some_and(|(_, allowed)| allowed.contains(&named));
    !known || room == named || allowed
}

/// The names that follow `prefix` in `code`.
fn after(code: &str, prefix: &str) -> Vec<String> {
    let rests = code.match_indices(prefix).map(|(index, _)| &code[index + prefix.len()..]);
    rests
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

/// Whether `code` holds `word` as a path's or a macro's first name.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(index, _)| {
        !code[..index].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '.')
    })
}

/// The first names inside each `crate::{…}`, with the line of the brace.
fn grouped(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, opening) in text.match_indices("crate::{") {
        let line = text[..index].lines().count();
        let (mut depth, mut name) = (1, String::new());
        for character in text[index + opening.len()..].chars() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => found.push((line, std::mem::take(&mut name))),
                _ if depth == 1 => name.push(character),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        found.push((line, name));
    }
    let first = |name: String| name.trim().split("::").next().unwrap_or_default().to_owned();
    found.into_iter().map(|(line, name)| (line, first(name))).collect()
}

/// Every Rust file below `folder`, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of this repository") {
        let path = entry.expect("a folder of this repository").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("a source file is UTF-8")
}

#[test]
fn the_rooms_keep_their_directions() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files(&source);
    assert!(files.len() > 50, "the sources are read");
    let relative =
        |path: &PathBuf| path.strip_prefix(&source).expect("it was found there").to_owned();
    let found: Vec<_> =
        files.iter().flat_map(|path| violations(&relative(path), &text(path))).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_room_has_its_row() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = fs::read_dir(source)
        .expect("the sources are there")
        .map(|entry| room(Path::new(&entry.expect("a readable folder").file_name())));
    let strange: Vec<_> = rooms
        .filter(|room| {
            !["main", "lib"].contains(&&**room) && !ROOMS.iter().any(|(known, _)| known == room)
        })
        .collect();
    assert!(strange.is_empty(), "rooms without a row in ROOMS: {strange:?}");
}

#[test]
fn tests_are_no_longer_than_sources() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let long: Vec<_> = files(&folder)
        .into_iter()
        .filter(|path| text(path).lines().count() > LONGEST || !text(path).starts_with("//!"))
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines, or without `//!`: {long:?}");
}

fn check(path: &str, text: &str, expected: &[&str]) {
    assert_eq!(violations(Path::new(path), &format!("//! Made up.\n{text}")), expected);
}

#[test]
fn a_violation_is_named_with_its_file_line_and_rule() {
    check("plan/make.rs", "use crate::project::Stage;\nuse crate::plan::Plan;\n", &[]);
    check(
        "plan/make.rs",
        "\nuse crate::engine::Engine;\n",
        &["plan/make.rs:3: `plan` does not know `engine`"],
    );
    check(
        "store/a.rs",
        "use crate::{error::Problem, server::{Shelf, ui}};\n",
        &["store/a.rs:2: `store` does not know `server`"],
    );
    check(
        "project/a.rs",
        "fn a() { let _ = crate::plan::make(); } // crate::ui\n",
        &["project/a.rs:2: `project` does not know `plan`"],
    );
    check("run/a.rs", "use bollard::Docker;\n", &["run/a.rs:2: `bollard` stays in engine"]);
    check(
        "commands/a.rs",
        "use hyper::Request;\nuse crate::hyper::X;\n",
        &["commands/a.rs:2: `hyper` stays in server"],
    );
    check(
        "engine/a.rs",
        "println!(\"x\");\neprintln!(\"y\");\n",
        &[
            "engine/a.rs:2: only `ui` prints, not `println!(…)`",
            "engine/a.rs:3: only `ui` prints, not `eprintln!(…)`",
        ],
    );
    check("ui/a.rs", "println!(\"x\");\n", &[]);
    check("plan/a.rs", "use std::fs::File;\n", &["plan/a.rs:2: `plan` is pure, without `std::fs`"]);
    check("error.rs", &"\n".repeat(400), &["error.rs:401: a file has at most 400 lines"]);
    assert_eq!(
        violations(Path::new("ui/a.rs"), "use x;\n"),
        ["ui/a.rs:1: a file opens with `//!`"]
    );
}
