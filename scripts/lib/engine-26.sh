# shellcheck shell=bash
# Docker Engine 26.1, of the Debian release after this one, beside this machine's engine: in a chroot,
# and in namespaces of its own without any way out, so that what it builds is built in an air gap.
# Everything ends with the one process that `start_engine_26` starts.

readonly ENGINE_26_SUITE=trixie
# The chroot (460 MB), the engine's data in it, and the folder of its socket.
readonly ENGINES_FOLDER=${ASCEND_BUILD_ENGINES:-/var/tmp/ascend-build-engines}
readonly ENGINE_26_ROOT=$ENGINES_FOLDER/$ENGINE_26_SUITE
readonly ENGINE_26_DOOR=$ENGINES_FOLDER/engine-26
readonly ENGINE_26_HOST=unix://$ENGINE_26_DOOR/docker.sock
# Seconds: the first start makes the store and the network.
readonly ENGINE_26_START_TIMEOUT=60

# The process whose end ends the engine and its namespaces.
engine_26_pid=''

# make_engine_26: the chroot, where it is not there; about 45 s.
make_engine_26() {
    [ ! -x "$ENGINE_26_ROOT/usr/sbin/dockerd" ] || return 0
    need mmdebstrap command -v mmdebstrap
    need debian-archive-keyring test -f /usr/share/keyrings/debian-archive-keyring.gpg
    install_missing "to make an engine of another version"
    say "making a root file system of Debian $ENGINE_26_SUITE with Docker Engine 26 (about a minute)"
    rm -rf "$ENGINE_26_ROOT"
    mkdir -p "$ENGINES_FOLDER"
    mmdebstrap --quiet --variant=minbase \
        --include=docker.io,docker-cli,docker-buildx,iptables,iproute2,ca-certificates \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        "$ENGINE_26_SUITE" "$ENGINE_26_ROOT" ||
        die "mmdebstrap could not make Debian $ENGINE_26_SUITE" "it needs root and a way to Debian's packages"
}

# start_engine_26: starts it, and waits until it answers.
start_engine_26() {
    mkdir -p "$ENGINE_26_DOOR"
    : > "$ENGINE_26_DOOR/log"
    ROOT_26=$ENGINE_26_ROOT DOOR_26=$ENGINE_26_DOOR unshare --mount --net --pid --fork --kill-child \
        bash -c "$(declare -f inside_26); inside_26" >> "$ENGINE_26_DOOR/log" 2>&1 < /dev/null &
    engine_26_pid=$!
    local second
    for ((second = 0; second < ENGINE_26_START_TIMEOUT; second++)); do
        if DOCKER_HOST=$ENGINE_26_HOST engine_version > /dev/null; then
            say "Docker Engine $(DOCKER_HOST=$ENGINE_26_HOST engine_version) answers at $ENGINE_26_HOST"
            return
        fi
        kill -0 "$engine_26_pid" 2> /dev/null || break
        sleep 1
    done
    tail -n 20 "$ENGINE_26_DOOR/log" >&2
    die "Docker Engine 26 did not start" "the end of its log is above"
}

# What runs in the new namespaces: the chroot is furnished, and becomes the engine's world.
inside_26() {
    set -euo pipefail
    ip link set lo up
    # The classic builder wants a root that is a mount point.
    mount --bind "$ROOT_26" "$ROOT_26"
    cd "$ROOT_26"
    mount -t proc proc proc
    # A file system of this network, over which this machine's control groups are put.
    mount -t sysfs sysfs sys
    mount --rbind /sys/fs/cgroup sys/fs/cgroup
    mount --rbind /dev dev
    mount -t tmpfs tmpfs run
    mount -t tmpfs tmpfs tmp
    # Both sides see the socket under one path.
    mkdir -p ".$DOOR_26"
    mount --bind "$DOOR_26" ".$DOOR_26"
    exec chroot . dockerd --host "unix://$DOOR_26/docker.sock" --pidfile /run/docker.pid
}

# beside_engine_26 COMMAND…: runs it where the engine's bridge is, and nothing else.
beside_engine_26() {
    DOCKER_HOST=$ENGINE_26_HOST nsenter --net="/proc/$(engine_26_inside)/ns/net" -- "$@"
}

engine_26_inside() { cut -d' ' -f1 "/proc/$engine_26_pid/task/$engine_26_pid/children"; }

stop_engine_26() {
    [ -n "$engine_26_pid" ] || return 0
    kill -KILL "$engine_26_pid" 2> /dev/null || true
    wait "$engine_26_pid" 2> /dev/null || true
    engine_26_pid=''
}

# remove_engine_26: what it left on the disk, its chroot too unless KEEP_ENGINES is set.
remove_engine_26() {
    rm -rf "$ENGINE_26_DOOR" "$ENGINE_26_ROOT/var/lib/docker"
    [ -n "${KEEP_ENGINES:-}" ] || rm -rf "$ENGINE_26_ROOT"
}
