# shellcheck shell=bash
# podman's Docker-compatible socket, with images, containers and networks of its own, beside whatever
# podman this machine has. Everything ends with the one process that `start_podman` starts.

readonly PODMAN_FOLDER=${ASCEND_BUILD_ENGINES:-/var/tmp/ascend-build-engines}/podman
readonly PODMAN_HOST=unix://$PODMAN_FOLDER/podman.sock
# Seconds.
readonly PODMAN_START_TIMEOUT=30

# The process whose end ends podman and its namespaces.
podman_pid=''

# start_podman: starts it, and waits until it answers.
start_podman() {
    mkdir -p "$PODMAN_FOLDER"
    : > "$PODMAN_FOLDER/log"
    FOLDER=$PODMAN_FOLDER unshare --mount --net --pid --fork --kill-child --mount-proc \
        bash -c "$(declare -f inside_podman); inside_podman" >> "$PODMAN_FOLDER/log" 2>&1 < /dev/null &
    podman_pid=$!
    local second
    for ((second = 0; second < PODMAN_START_TIMEOUT; second++)); do
        if DOCKER_HOST=$PODMAN_HOST engine_version > /dev/null; then
            say "podman $(DOCKER_HOST=$PODMAN_HOST engine_version) answers at $PODMAN_HOST"
            return
        fi
        kill -0 "$podman_pid" 2> /dev/null || break
        sleep 1
    done
    tail -n 20 "$PODMAN_FOLDER/log" >&2
    die "podman did not start" "the end of its log is above"
}

# What runs in the new namespaces. What podman notes of containers and leases of addresses is forgotten with them.
inside_podman() {
    set -euo pipefail
    ip link set lo up
    mount -t tmpfs tmpfs /run
    mkdir -p /var/lib/cni
    mount -t tmpfs tmpfs /var/lib/cni
    # podman leaves each context and each archive that it is sent there.
    rm -rf "$FOLDER/tmp"
    mkdir "$FOLDER/tmp"
    export TMPDIR=$FOLDER/tmp
    exec podman --root "$FOLDER/root" --runroot /run/containers --tmpdir /run/libpod \
        --cgroup-manager cgroupfs --events-backend file system service --time 0 "unix://$FOLDER/podman.sock"
}

# beside_podman COMMAND…: runs it where podman's bridge is, with the builder that podman has. Tests run
# one after the other: podman fails to list images while another test removes one.
beside_podman() {
    DOCKER_HOST=$PODMAN_HOST ASCEND_BUILD_IT_BUILDERS=classic NEXTEST_TEST_THREADS=1 RUST_TEST_THREADS=1 nsenter --net="/proc/$(podman_inside)/ns/net" -- "$@"
}

podman_inside() { cut -d' ' -f1 "/proc/$podman_pid/task/$podman_pid/children"; }

stop_podman() {
    [ -n "$podman_pid" ] || return 0
    kill -KILL "$podman_pid" 2> /dev/null || true
    wait "$podman_pid" 2> /dev/null || true
    podman_pid=''
}

remove_podman() { rm -rf "$PODMAN_FOLDER"; }
