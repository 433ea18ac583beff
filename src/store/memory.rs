//! Digests remembered between runs, so that unchanged files are not read again.
//!
//! One text file holds a line for each file that was hashed: device, inode, size,
//! modification time, status-change time, sha256, checksum of the line. It is only
//! ever appended to, one write a line, so many processes can share it; when it has
//! grown old it is replaced as a whole. Losing a line costs one more hashing, so
//! nothing here is ever an error: what is corrupt or not ours is passed over.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::Digest;

use crate::plan::FileIdentity;
use crate::project::Sha256;

/// Version of the format; another one gets another name.
const FILE: &str = "digests-1";

/// A file that was written to this recently may be written to again without its
/// times telling: file systems count in steps of up to two seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// Bytes of the file that are read, counted from its end.
const MOST_BYTES: u64 = 8 << 20;

/// Lines that are kept when the file is replaced.
const MOST_LINES: usize = 20_000;

/// Lines that were superseded or corrupt, from which on the file is replaced.
const STALE_LINES: usize = 2_000;

/// What is remembered, as it was when this process started.
#[derive(Debug)]
pub(super) struct Memory {
    folder: PathBuf,
    entries: HashMap<(u64, u64), Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    identity: FileIdentity,
    sha256: Sha256,
    /// Position in the file, for keeping the newest.
    line: usize,
}

/// Where digests are remembered: in the user's cache folder as the XDG base
/// directory specification has it. `None` where neither variable is an absolute path.
pub fn memory_folder(xdg_cache_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let cache = xdg_cache_home
        .and_then(absolute)
        .or_else(|| Some(home.and_then(absolute)?.join(".cache")))?;
    Some(cache.join("ascend-build"))
}

impl Memory {
    /// Reads what `folder` remembers.
    pub(super) fn read(folder: &Path) -> Self {
        let text = read_own(&folder.join(FILE)).unwrap_or_default();
        let mut memory = Self { folder: folder.to_owned(), entries: HashMap::new() };
        let mut lines = 0;
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Some((identity, sha256)) = parse(line) {
                let entry = Entry { identity, sha256, line: lines };
                memory.entries.insert((identity.device, identity.inode), entry);
            }
            lines += 1;
        }
        if lines - memory.entries.len() > STALE_LINES || memory.entries.len() > MOST_LINES {
            memory.replace().unwrap_or_else(|error| not_kept(&error));
        }
        memory
    }

    /// The digest of the file with this identity, where it is remembered and the
    /// file has been at rest.
    pub(super) fn recall(&self, identity: &FileIdentity, now: SystemTime) -> Option<Sha256> {
        let entry = self.entries.get(&(identity.device, identity.inode))?;
        let known = entry.identity == *identity && settled(identity, now);
        known.then(|| entry.sha256.clone())
    }

    /// Remembers a digest for later runs, where the file has been at rest.
    pub(super) fn remember(&self, identity: &FileIdentity, sha256: &Sha256, now: SystemTime) {
        if settled(identity, now) {
            self.append(&line(identity, sha256)).unwrap_or_else(|error| not_kept(&error));
        }
    }

    fn append(&self, line: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(self.folder.join(FILE))?;
        // The line break comes first too, so that a line that another process was
        // killed in the middle of does not spoil this one.
        file.write_all(format!("\n{line}\n").as_bytes())
    }

    /// Writes what is known into a new file and puts that into the old one's place.
    fn replace(&self) -> io::Result<()> {
        let mut entries: Vec<&Entry> = self.entries.values().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.line));
        entries.truncate(MOST_LINES / 2);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let lines = entries.iter().rev().map(|entry| line(&entry.identity, &entry.sha256) + "\n");
        file.write_all(lines.collect::<String>().as_bytes())?;
        file.persist(self.folder.join(FILE))?;
        Ok(())
    }
}

fn not_kept(error: &io::Error) {
    tracing::debug!(%error, "digests are not remembered");
}

/// Whether the last change was long enough ago; a time in the future never is.
fn settled(identity: &FileIdentity, now: SystemTime) -> bool {
    let Ok(now) = now.duration_since(UNIX_EPOCH) else { return false };
    let latest = identity.modified.max(identity.changed);
    i128::try_from(now.as_nanos()).is_ok_and(|now| now - latest >= SETTLED.as_nanos() as i128)
}

/// Reads a file that belongs to this user and that nobody else can write: a
/// digest from anybody else is worth nothing.
fn read_own(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    if !own || metadata.mode() & 0o022 != 0 || !metadata.is_file() {
        return Ok(Vec::new());
    }
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(MOST_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn line(identity: &FileIdentity, sha256: &Sha256) -> String {
    let FileIdentity { device, inode, size, modified, changed } = identity;
    let text = format!("{device} {inode} {size} {modified} {changed} {sha256}");
    let checksum = checksum(&text);
    format!("{text} {checksum}")
}

fn parse(line: &[u8]) -> Option<(FileIdentity, Sha256)> {
    let (text, sum) = std::str::from_utf8(line).ok()?.rsplit_once(' ')?;
    if checksum(text) != sum {
        return None;
    }
    let mut fields = text.split(' ');
    let identity = FileIdentity {
        device: fields.next()?.parse().ok()?,
        inode: fields.next()?.parse().ok()?,
        size: fields.next()?.parse().ok()?,
        modified: fields.next()?.parse().ok()?,
        changed: fields.next()?.parse().ok()?,
    };
    Some((identity, fields.next()?.parse().ok()?))
}

/// Enough of a digest to tell a damaged line.
fn checksum(text: &str) -> String {
    hex::encode(&sha2::Sha256::digest(text)[..8])
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HOUR: i128 = 3_600_000_000_000;

    fn identity(inode: u64) -> FileIdentity {
        FileIdentity { device: 1, inode, size: 3, modified: HOUR, changed: HOUR }
    }

    fn sha256(digit: &str) -> Sha256 {
        digit.repeat(64).parse().unwrap()
    }

    /// Seconds after the files of these tests were last changed.
    fn after(seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(3600.0 + seconds)
    }

    /// What is recalled of `asked` after file 7 was remembered, `damage` in between.
    fn check(asked: FileIdentity, damage: impl Fn(&Path), expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        Memory::read(folder.path()).remember(&identity(7), &sha256("a"), after(60.0));
        damage(&folder.path().join(FILE));
        let actual = Memory::read(folder.path()).recall(&asked, after(60.0));
        assert_eq!(actual, expected.map(sha256));
    }

    #[test]
    fn any_change_of_identity_forgets() {
        check(identity(7), |_| (), Some("a"));
        check(identity(8), |_| (), None);
        check(FileIdentity { device: 2, ..identity(7) }, |_| (), None);
        check(FileIdentity { size: 4, ..identity(7) }, |_| (), None);
        check(FileIdentity { modified: HOUR + 1, ..identity(7) }, |_| (), None);
        check(FileIdentity { changed: HOUR + 1, ..identity(7) }, |_| (), None);
    }

    fn edit(change: impl Fn(&mut Vec<u8>)) -> impl Fn(&Path) {
        move |path| {
            let mut bytes = fs::read(path).unwrap();
            change(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
    }

    #[test]
    fn damage_is_passed_over() {
        check(identity(7), edit(|bytes| bytes[1] ^= 1), None);
        check(identity(7), edit(|bytes| bytes.truncate(100)), None);
        check(identity(7), edit(|bytes| bytes.insert(0, 0xff)), Some("a"));
        check(identity(7), edit(|bytes| bytes.extend(b"1 7 3 half a line")), Some("a"));
        check(identity(7), |path| fs::remove_file(path).unwrap(), None);
        let anybody = |path: &Path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        };
        check(identity(7), anybody, None);
    }

    #[test]
    fn a_half_written_line_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "1 7 3 half a li").unwrap();
        Memory::read(folder.path()).remember(&identity(7), &sha256("b"), after(60.0));
        let recalled = Memory::read(folder.path()).recall(&identity(7), after(60.0));
        assert_eq!(recalled, Some(sha256("b")));
    }

    #[test]
    fn a_file_changed_in_the_last_two_seconds_is_never_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let recall = |seconds| Memory::read(folder.path()).recall(&identity(7), after(seconds));
        for seconds in [-1.0, 0.0, 1.9] {
            Memory::read(folder.path()).remember(&identity(7), &sha256("a"), after(seconds));
            assert_eq!(recall(60.0), None);
        }
        Memory::read(folder.path()).remember(&identity(7), &sha256("a"), after(2.0));
        assert_eq!([recall(-1.0), recall(1.9)], [None, None]);
        assert_eq!(recall(2.0), Some(sha256("a")));
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::read(folder.path());
        for index in 0..=STALE_LINES as u64 + 10 {
            let (file, digit) = (index % 5, (index % 7).to_string());
            memory.remember(&identity(file), &sha256(&digit), after(60.0));
        }
        let last = Memory::read(folder.path()).recall(&identity(0), after(60.0));
        assert_eq!(last, Some(sha256("1")));
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(text.lines().count(), 5);
        assert_eq!(Memory::read(folder.path()).recall(&identity(0), after(60.0)), last);
    }

    #[test]
    fn many_writers_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = folder.path();
                scope.spawn(move || {
                    for file in 0..50 {
                        let memory = Memory::read(path);
                        memory.remember(&identity(writer * 50 + file), &sha256("c"), after(60.0));
                    }
                });
            }
        });
        assert_eq!(Memory::read(folder.path()).entries.len(), 400);
    }

    #[test]
    fn the_folder_follows_xdg() {
        let folder = |xdg: Option<&str>, home: Option<&str>| {
            let path = memory_folder(xdg.map(OsString::from), home.map(OsString::from));
            path.map(|path| path.display().to_string()).unwrap_or_default()
        };
        assert_eq!(folder(Some("/c"), Some("/h")), "/c/ascend-build");
        assert_eq!(folder(Some("relative"), Some("/h")), "/h/.cache/ascend-build");
        assert_eq!(folder(None, Some("")), "");
    }
}
