//! What a build context holds, its archive and its digest.

use std::io::Read;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use super::*;
use crate::error::SourceFile;

/// A project's folder with packages beside its Dockerfile.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap() };
        for file in ["Dockerfile", "install.sh", "packages/big.run", "src/a.py", "src/sub/b.py"] {
            ground.write(file, file);
        }
        fs::create_dir(ground.path("src/empty")).unwrap();
        ground.mode("install.sh", 0o755);
        symlink("/etc/passwd", ground.path("src/passwd")).unwrap();
        symlink("src/a.py", ground.path("alias")).unwrap();
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Whatever the umask of the tests is, modes are the same.
    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self.mode(name, 0o644);
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn collect(&self, sources: &str, ignore: &str) -> Result<Context, Error> {
        let sources: Vec<CopySource> = sources.split_whitespace().map(CopySource::new).collect();
        let file = SourceFile { path: ".dockerignore".into(), text: ignore.to_owned() };
        Context::collect(self.folder.path(), &sources, &IgnoreRules::parse(&Arc::new(file))?)
    }

    fn tar(&self, sources: &str, extra: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.collect(sources, "").unwrap().write_tar(extra, &mut bytes).unwrap();
        bytes
    }
}

fn list(context: &Context) -> String {
    let entries = context.entries().iter().map(|entry| {
        let path = entry.path.display();
        match &entry.kind {
            EntryKind::File => format!("{path}"),
            EntryKind::Folder => format!("{path}/"),
            EntryKind::Link(target) => format!("{path}->{}", target.display()),
        }
    });
    entries.collect::<Vec<_>>().join(" ")
}

fn check(sources: &str, ignore: &str, expected: &str) {
    let context = Ground::new().collect(sources, ignore).unwrap();
    assert_eq!(list(&context), expected, "{sources} without {ignore}");
}

#[test]
fn only_what_a_copy_can_reach_is_taken() {
    check("install.sh", "", "install.sh");
    check("src", "", "src/ src/a.py src/empty/ src/passwd->/etc/passwd src/sub/ src/sub/b.py");
    check("src/sub/*.py *.sh", "", "install.sh src/ src/sub/ src/sub/b.py");
    check("alias", "", "alias->src/a.py src/ src/a.py");
    check("", "", "");
    check(
        "./",
        "packages",
        "Dockerfile alias->src/a.py install.sh src/ src/a.py src/empty/ src/passwd->/etc/passwd src/sub/ src/sub/b.py",
    );
}

#[test]
fn links_out_of_the_context_are_not_entered() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let ground = Ground::new();
    symlink(outside.path(), ground.path("out")).unwrap();
    symlink("nowhere", ground.path("broken")).unwrap();
    for source in ["out", "o*", "out/secret", "broken out"] {
        let context = ground.collect(source, "").unwrap();
        assert!(context.entries().iter().all(|e| matches!(e.kind, EntryKind::Link(_))), "{source}");
        assert_eq!(context.size(), 0);
    }
}

#[test]
fn what_is_ignored_is_left_out() {
    check(".", "*\n!src/sub", "src/ src/sub/ src/sub/b.py");
    check(".", "*\n!**/a.py", "src/ src/a.py");
    check("src", "src/*\n!src/a.py", "src/ src/a.py");
    check("src/a.py", "**/*.py", "");
}

#[test]
fn a_source_without_files_says_why() {
    let context = Ground::new().collect("absent src/a.py install.sh none/*", "**/*.py").unwrap();
    let unmatched: Vec<(&str, bool)> = context
        .unmatched()
        .iter()
        .map(|unmatched| (unmatched.source.as_str(), unmatched.ignored))
        .collect();
    assert_eq!(unmatched, [("absent", false), ("src/a.py", true), ("none/*", false)]);
}

#[test]
fn sockets_and_pipes_are_left_out_and_told() {
    let ground = Ground::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, ground.path("src/pipe"), 0o600.into()).unwrap();
    let _listening = std::os::unix::net::UnixListener::bind(ground.path("src/socket")).unwrap();
    let left_out = |sources: &str, ignore: &str| {
        let context = ground.collect(sources, ignore).unwrap();
        assert!(context.entries().iter().all(|entry| !entry.path.ends_with("socket")));
        let left_out: Vec<_> = context.left_out().iter().map(|p| p.display().to_string()).collect();
        (left_out.join(" "), context.unmatched().len())
    };
    assert_eq!(left_out("src install.sh", ""), ("src/pipe src/socket".to_owned(), 0));
    assert_eq!(left_out("src/socket", ""), ("src/socket".to_owned(), 1));
    assert_eq!(left_out("src", "src/pipe"), ("src/socket".to_owned(), 0));
    assert_eq!(left_out("install.sh", ""), (String::new(), 0));
}

#[test]
fn devices_are_refused() {
    let file = SourceFile { path: ".dockerignore".into(), text: String::new() };
    let rules = IgnoreRules::parse(&Arc::new(file)).unwrap();
    let error = Context::collect(Path::new("/dev"), &[CopySource::new("null")], &rules);
    assert_eq!(error.unwrap_err().to_string(), "`null` cannot be in a build context");
}

#[test]
fn the_archive_depends_on_nothing_but_the_files() {
    let (one, two) = (Ground::new(), Ground::new());
    let past = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(two.path("install.sh")).unwrap().set_modified(past).unwrap();
    assert_eq!(one.tar("src *.sh", &[]), two.tar("*.sh src", &[]));
    two.mode("install.sh", 0o700);
    assert_ne!(one.tar("src *.sh", &[]), two.tar("src *.sh", &[]));
}

/// `path mode owner:group size` of each entry, and the content of files.
fn unpack(bytes: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), 315_619_200);
        let (mode, uid, gid) =
            (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap());
        let link = entry.link_name().unwrap().map(|link| link.display().to_string());
        let path = entry.path().unwrap().display().to_string();
        format!("{path} {mode:o} {uid}:{gid} {content}{}", link.unwrap_or_default())
    });
    entries.collect()
}

#[test]
fn the_archive_holds_what_was_collected() {
    let ground = Ground::new();
    let long = format!("src/sub/{}.txt", "n".repeat(200));
    ground.write(&long, "long");
    ground.mode("src", 0o755);
    ground.mode("src/sub", 0o2750);
    let bytes = ground.tar("install.sh src/sub src/passwd", &[("Dockerfile.x", b"FROM a")]);
    let expected = [
        "Dockerfile.x 644 0:0 FROM a",
        "install.sh 755 0:0 install.sh",
        "src/ 755 0:0 ",
        "src/passwd 777 0:0 /etc/passwd",
        "src/sub/ 2750 0:0 ",
        "src/sub/b.py 644 0:0 src/sub/b.py",
        &format!("{long} 644 0:0 long"),
    ];
    assert_eq!(unpack(&bytes), expected);
    let bytes = ground.tar("install.sh", &[("install.sh", b"mine")]);
    assert_eq!(unpack(&bytes), ["install.sh 644 0:0 mine"]);
}

#[test]
fn a_file_that_changes_size_stops_the_archive() {
    let ground = Ground::new();
    let context = ground.collect("install.sh", "").unwrap();
    ground.write("install.sh", "longer than it was");
    let error = context.write_tar(&[], io::sink()).unwrap_err();
    assert_eq!(error.to_string(), "`install.sh` cannot be put into the build context");
}

#[test]
fn the_digest_changes_with_path_mode_content_and_target() {
    let digest = |change: &dyn Fn(&Ground)| {
        let ground = Ground::new();
        ground.mode("src", 0o755);
        change(&ground);
        let digests = ground.collect("src install.sh", "").unwrap().digests(false).unwrap();
        digests.iter().map(|entry| (entry.path.clone(), entry.told())).collect::<Vec<_>>()
    };
    let changes: [&dyn Fn(&Ground); 6] = [
        &|_| (),
        &|ground| ground.write("install.sh", "other"),
        &|ground| ground.mode("install.sh", 0o644),
        &|ground| fs::rename(ground.path("src/a.py"), ground.path("src/c.py")).unwrap(),
        &|ground| {
            fs::remove_file(ground.path("src/passwd")).unwrap();
            symlink("/etc/shadow", ground.path("src/passwd")).unwrap();
        },
        &|ground| fs::remove_dir(ground.path("src/empty")).unwrap(),
    ];
    let digests: std::collections::BTreeSet<_> =
        changes.iter().map(|change| digest(change)).collect();
    assert_eq!(digests.len(), changes.len());
    assert_eq!(digest(&|ground| ground.write("packages/more.run", "x")), digest(&|_| ()));
}

#[test]
fn the_folders_above_what_is_copied_count_where_they_are_taken_along() {
    let told = |with_parents: bool, mode: u32| {
        let ground = Ground::new();
        ground.mode("src", mode);
        let context = ground.collect("src/a.py", "").unwrap();
        let digests = context.digests(with_parents).unwrap();
        digests.iter().map(|entry| (entry.path.clone(), entry.told())).collect::<Vec<_>>()
    };
    assert_eq!(told(false, 0o755), told(false, 0o700));
    assert_ne!(told(true, 0o755), told(true, 0o700));
}
