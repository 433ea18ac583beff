//! What a RUN does is what it did before: both are run by a real shell, and compared.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use proptest::prelude::*;

/// Where the folders of a run stand in its text.
const ROOT: &str = "/ROOT";

/// Lists what is beside it, as an installer may use it.
const SCRIPT: &str = "echo ran $*\nfor f in *; do [ \"$f\" = m.run ] || echo beside $f; done\n\
    echo made >> /ROOT/opt/made\n";

const MOVER: &str = "for f in *.run; do echo moved $f; cp $f /ROOT/opt/by-a-script-$f; done\n";

/// wget of the files in the folder `served`.
const WGET: &str = "#!/bin/sh\nout=; dir=.\nwhile [ $# -gt 0 ]; do case $1 in\n\
    -q) ;; -O) out=$2; shift;; -P) dir=$2; mkdir -p $2; shift;;\n\
    *) if [ \"$out\" = - ]; then cat /ROOT/served/${1##*/}; else cp /ROOT/served/${1##*/} ${out:-$dir/}; fi;;\n\
    esac; shift; done\n";

/// The packages and the text of the RUN as a project has it; `None` where it stays as it is.
fn converted(script: &str) -> Option<(String, String)> {
    let text = format!("FROM x\nWORKDIR /ROOT/w\nRUN {script}\n");
    let run = super::tests::converted(text, &|file| Some(file.to_owned())).ok()?;
    let (flag, script) = run.strip_prefix("RUN --package=")?.split_once(' ')?;
    Some((flag.to_owned(), script.to_owned()))
}

/// A folder of its own for one run.
struct Ground(PathBuf);

impl Ground {
    fn new(name: &str, packages: &str) -> Self {
        let root = std::env::temp_dir().join(format!("same-{}-{name}", std::process::id()));
        let ground = Self(root);
        for folder in ["w", "opt", "bin", "served", "packages"] {
            std::fs::create_dir_all(ground.0.join(folder)).unwrap();
        }
        for (file, text) in [("m.run", SCRIPT), ("n.run", SCRIPT), ("s.sh", MOVER)] {
            ground.script(&format!("served/{file}"), text, 0o644);
            if packages.split(',').any(|package| package == file) {
                ground.script(&format!("packages/{file}"), text, 0o644);
            }
        }
        ground.script("bin/wget", WGET, 0o755);
        ground.script("w/old.run", "echo old\n", 0o644);
        ground
    }

    fn script(&self, path: &str, text: &str, mode: u32) {
        let path = self.0.join(path);
        std::fs::write(&path, self.here(text)).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    fn here(&self, text: &str) -> String {
        text.replace(ROOT, self.0.to_str().unwrap())
    }

    fn run(&self, script: &str) -> Output {
        let path = format!("{}/bin:{}", self.0.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-c", &self.here(script)]).current_dir(self.0.join("w"));
        command.env("PATH", path).env("PACKAGES", self.0.join("packages")).output().unwrap()
    }

    /// Every file and link that a run leaves, with what it holds.
    fn left(&self) -> Vec<String> {
        let mut out = Vec::new();
        for folder in ["w", "opt"] {
            for entry in walkdir::WalkDir::new(self.0.join(folder)).sort_by_file_name() {
                let entry = entry.unwrap();
                let path = entry.path();
                let name = path.strip_prefix(&self.0).unwrap().display().to_string();
                out.push(format!("{name}: {}", describe(path)));
            }
        }
        out
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn describe(path: &Path) -> String {
    let metadata = std::fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode();
    if metadata.is_symlink() {
        "a link".to_owned()
    } else if metadata.is_dir() {
        format!("{mode:o}")
    } else {
        let text = std::fs::read_to_string(path).unwrap();
        format!("{mode:o} {}", text.lines().collect::<Vec<_>>().join("|"))
    }
}

/// What a RUN leaves: nothing of one that fails.
fn result(ground: &Ground, script: &str) -> Option<(String, Vec<String>)> {
    let output = ground.run(script);
    let said = String::from_utf8_lossy(&output.stdout).replace(ground.0.to_str().unwrap(), ROOT);
    let left = ground.left().join("\n").replace(ground.0.to_str().unwrap(), ROOT);
    output.status.success().then(|| (said, left.lines().map(str::to_owned).collect()))
}

fn check(script: &str) {
    let script = script.replace("URL", "http://172.17.0.1:3000");
    let Some((packages, converted)) = converted(&script) else { return };
    // Paths of one length make files of one size.
    let before = result(&Ground::new("one", ""), &script);
    let after = result(&Ground::new("two", &packages), &converted);
    assert_eq!(after, before, "\n{script}\n{converted}");
}

const FETCHES: [&str; 10] = [
    "wget -q URL/m.run",
    "wget -q URL/m.run URL/n.run",
    "wget -q URL/m.run && wget -q URL/n.run",
    "wget -q URL/m.run; wget -q URL/s.sh",
    "wget -q -P /ROOT/opt URL/m.run",
    "wget -q -O k.run URL/m.run",
    "wget -q -O k.run URL/n.run",
    "wget -q -O m.run URL/m.run; wget -q -O m.run URL/n.run",
    "wget -q URL/n.run > /ROOT/opt/wget.log",
    "wget -q -O - URL/m.run > /ROOT/opt/copy",
];

const COMMANDS: [&str; 48] = [
    "bash m.run",
    "bash m.run --install > /ROOT/opt/log 2>&1",
    "sh ./m.run",
    "bash /ROOT/opt/m.run",
    "bash n.run",
    "bash k.run",
    "chmod +x m.run",
    "chmod +x *.run",
    "./m.run",
    "bash s.sh",
    "bash m.run <<< y",
    "bash < m.run",
    ". ./s.sh",
    "mv m.run /ROOT/opt/moved",
    "cp m.run /ROOT/opt/copied",
    "cat m.run > /ROOT/opt/cat",
    "cat m.run n.run | wc -l",
    "echo m.run > /ROOT/opt/name",
    "echo one >> /ROOT/opt/lines",
    "echo $(ls)",
    "ls > /ROOT/opt/list",
    "set -e",
    "true",
    "false",
    "test -f m.run",
    "[ -d /ROOT/opt ]",
    "cd /ROOT/opt",
    "F=m.run",
    "bash $F",
    "rm m.run",
    "rm -f m.run",
    "rm -f ./m.run n.run",
    "rm -f *.run",
    "rm -rf *",
    "rm -rf /ROOT/w/*",
    "rm -f /ROOT/opt/m.run",
    "rm -f k.run m.run",
    "mv * /ROOT/opt",
    "ln m.run /ROOT/opt/hard",
    "test -L m.run",
    "exit 0",
    "trap 'rm -f m.run' EXIT",
    "pushd /ROOT/opt",
    "bash m.run || exit 0",
    "yes 2> /dev/null | bash m.run",
    "cat m.run >> k.run",
    "wc -c m.run > /ROOT/opt/size",
    "tar cf - m.run | tar tvf - | cut -c 1-10 > /ROOT/opt/listed",
];

/// A command, or one around others.
fn command() -> impl Strategy<Value = String> {
    let one = prop::sample::select(COMMANDS.to_vec()).prop_map(str::to_owned);
    let plain = prop_oneof![6 => one.clone(), 1 => prop::sample::select(FETCHES.to_vec()).prop_map(str::to_owned)];
    let around = prop::sample::select(vec![
        "if A; then B; fi",
        "if ! A; then B; else A; fi",
        "for i in 1 2; do A; B; done",
        "for f in *.run; do bash $f; A; done",
        "(A; B)",
        "{ A && B; }",
        "! A",
        "A || B",
        "A | cat",
        "(A && B) > /ROOT/opt/both",
    ]);
    let compound = (around, one.clone(), one)
        .prop_map(|(around, a, b)| around.replace('A', &a).replace('B', &b));
    prop_oneof![5 => plain, 2 => compound]
}

fn script() -> impl Strategy<Value = String> {
    let joint = prop::sample::select(vec![" && ", " && ", " && ", "; "]);
    let fetch = prop::sample::select(FETCHES.to_vec());
    let first = prop_oneof![3 => Just(String::new()), 1 => Just("set -e; ".to_owned()), 1 => Just("echo a && ".to_owned())];
    let removal = prop_oneof![
        Just("rm -f m.run n.run"),
        Just("rm m.run"),
        Just("rm -f *.run"),
        Just("true"),
        Just("rm -rf *")
    ];
    (first, fetch, prop::collection::vec((joint.clone(), command()), 0..5), joint, removal)
        .prop_map(|(first, fetch, rest, joint, removal)| {
            let rest: String =
                rest.into_iter().map(|(joint, one)| joint.to_owned() + &one).collect();
            format!("{first}{fetch}{rest}{joint}{removal}")
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_run_does_what_it_did(script in script()) {
        check(&script);
    }
}
