//! An engine beside this machine's, to be stopped and filled up: in namespaces
//! of its own, so that nothing of it outlives the test, whatever becomes of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Docker, eventually};

/// Mounts hide what the engine must not share: its disk is a small one in memory, and it must not
/// find the containerd of this machine.
const DOCKER: &str = r#"
set -e
ip link set lo up
mkdir -p "$DIR/data" /run/containerd
mount -t tmpfs -o "$DISK" none "$DIR/data"
mount -t tmpfs none /run/containerd
engine() {
    dockerd --config-file "$DIR/daemon.json" --host "unix://$DIR/sock" --pidfile "$DIR/pid" \
        --data-root "$DIR/data" --exec-root "$DIR/exec" $OPTIONS || true
}
engine
while [ -n "$LASTING" ]; do
    rm -f "$DIR/pid" "$DIR/sock"
    engine
done
"#;

/// What podman notes of containers and of leases of addresses is in memory, too.
const PODMAN: &str = r#"
set -e
ip link set lo up
mkdir -p "$DIR/data" /var/lib/cni
mount -t tmpfs -o "$DISK" none "$DIR/data"
mount -t tmpfs none /run
mount -t tmpfs none /var/lib/cni
exec podman --root "$DIR/data" --runroot /run/containers --tmpdir /run/libpod --cgroup-manager cgroupfs \
    --events-backend file system service --time 0 "unix://$DIR/sock"
"#;

/// Debian's own script runs it as `nobody`, with numbers of users and a disk that are this test's.
const ROOTLESS: &str = r#"
set -e
mkdir -p "$DIR/data" "$DIR/run" "$DIR/ids"
mount -t tmpfs -o "$DISK" none "$DIR/data"
mount -t tmpfs none "$DIR/ids"
echo nobody:200000:65536 > "$DIR/ids/users"
mount --bind "$DIR/ids/users" /etc/subuid
mount --bind "$DIR/ids/users" /etc/subgid
mknod -m 666 "$DIR/ids/tun" c 10 200
mount --bind "$DIR/ids/tun" /dev/net/tun
chown nobody "$DIR" "$DIR/data" "$DIR/run"
# Not with `exec`: a process that changes its user forgets that it dies with its parent, and this
# one's end is that of all the others.
setpriv --reuid=nobody --regid=nogroup --clear-groups env -i PATH="$PATH:/usr/sbin:/sbin" HOME="$DIR" \
    XDG_RUNTIME_DIR="$DIR/run" sh /usr/share/docker.io/contrib/dockerd-rootless.sh \
    --host "unix://$DIR/sock" --data-root "$DIR/data"
exit $?
"#;

/// The same as `DOCKER`, with 1 GiB of memory for the engine and its containers.
const LITTLE_MEMORY: &str = r#"
group=/sys/fs/cgroup/memory/it-$(basename "$DIR")
limit=memory.limit_in_bytes
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    group=/sys/fs/cgroup/it-$(basename "$DIR")
    limit=memory.max
fi
mkdir "$group"
echo 1073741824 > "$group/$limit"
echo $$ > "$group/cgroup.procs"
"#;

/// A running engine; it ends with this value, and everything that it started with it.
pub(crate) struct SecondEngine {
    folder: TempDir,
    child: Child,
}

impl SecondEngine {
    /// Starts one whose disk has this many megabytes.
    pub(crate) fn start(megabytes: u32) -> Self {
        Self::with(&format!("size={megabytes}m"), "")
    }

    /// Starts one that is started again whenever it ends.
    pub(crate) fn start_lasting(megabytes: u32) -> Self {
        Self::run(DOCKER, &format!("size={megabytes}m"), "", "1")
    }

    /// Starts one with a disk of these options of `tmpfs`, and options of `dockerd`.
    pub(crate) fn with(disk: &str, options: &str) -> Self {
        Self::run(DOCKER, disk, options, "")
    }

    /// Starts podman's socket.
    pub(crate) fn podman(disk: &str) -> Self {
        Self::run(PODMAN, disk, "", "")
    }

    /// Starts one without root's rights.
    pub(crate) fn rootless(disk: &str) -> Self {
        Self::run(ROOTLESS, disk, "", "")
    }

    /// Starts one in a control group of 1 GiB of memory.
    pub(crate) fn with_little_memory(disk: &str) -> Self {
        Self::run(&format!("{LITTLE_MEMORY}{DOCKER}"), disk, "", "")
    }

    fn run(script: &str, disk: &str, options: &str, lasting: &str) -> Self {
        let folder =
            tempfile::Builder::new().prefix("it-engine-").tempdir().expect("a temporary folder");
        fs::write(folder.path().join("daemon.json"), "{}").expect("the folder is writable");
        let log = || {
            File::options()
                .create(true)
                .append(true)
                .open(folder.path().join("log"))
                .expect("the folder is writable")
        };
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
            "sh",
            "-c",
            script,
        ]);
        command.env("DIR", folder.path()).env("DISK", disk).env("OPTIONS", options);
        command.env("LASTING", lasting);
        command.stdin(Stdio::null()).stdout(log()).stderr(log());
        let child = command.spawn().expect("unshare runs; it needs root");
        let engine = Self { folder, child };
        engine.wait();
        engine
    }

    /// Waits until it answers.
    pub(crate) fn wait(&self) {
        let answers = eventually(|| self.docker().attempt(&["version"]).0.then_some(()));
        assert!(answers.is_some(), "the second engine does not answer:\n{}", self.log());
    }

    /// The door to it; programs beside it see its networks.
    pub(crate) fn docker(&self) -> Docker {
        let host = format!("unix://{}", self.folder.path().join("sock").display());
        Docker::at(host, format!("/proc/{}/ns/net", self.child.id()))
    }

    /// A process in its network.
    pub(crate) fn network(&self) -> u32 {
        self.child.id()
    }

    /// Its disk, as this process can see it.
    pub(crate) fn disk(&self) -> PathBuf {
        let shell = only_child(self.child.id()).expect("unshare runs the shell");
        let folder = self.folder.path().strip_prefix("/").expect("a temporary folder is absolute");
        Path::new(&format!("/proc/{shell}/root")).join(folder).join("data")
    }

    /// Sends a signal to the engine itself.
    pub(crate) fn signal(&self, signal: Signal) {
        let shell = only_child(self.child.id()).expect("unshare runs the shell");
        let engine = only_child(shell).and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(engine.expect("the shell runs the engine"), signal)
            .expect("the engine still runs");
    }

    /// Removes the control group of its memory, where it has one: a group goes when it is empty.
    fn remove_group(&self) {
        let name = self.folder.path().file_name().unwrap_or_default().to_string_lossy();
        for folder in ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"] {
            let group = Path::new(folder).join(format!("it-{name}"));
            if group.is_dir() {
                eventually(|| fs::remove_dir(&group).ok());
            }
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The first child of a process.
fn only_child(parent: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

impl Drop for SecondEngine {
    fn drop(&mut self) {
        // With its first process, the kernel ends every process of the namespace, and its mounts go.
        _ = self.child.kill();
        _ = self.child.wait();
        self.remove_group();
    }
}
