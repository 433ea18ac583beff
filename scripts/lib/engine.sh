# shellcheck shell=bash
# A Docker Engine that answers: the one that runs, wherever it is; else one of this distribution.

readonly ENGINE_LOG=/var/log/dockerd.log
# Seconds: the first start of an engine makes its store and its network.
readonly ENGINE_START_TIMEOUT=90

engine_version() { timeout 20 docker version --format '{{.Server.Version}}' 2> /dev/null; }

# need_engine: leaves an engine that answers alone; installs and starts one otherwise.
need_engine() {
    if engine_version > /dev/null; then
        say "using the engine that runs here, version $(engine_version)"
        return
    fi
    refuse_other_engine
    install_engine
    start_engine
    wait_for_engine
}

# An engine that the user named is the user's to start.
refuse_other_engine() {
    local name
    for name in DOCKER_HOST DOCKER_CONTEXT; do
        [ -z "${!name:-}" ] || die "no engine answers at $name=${!name}" "start it, or unset $name to use a local one"
    done
}

install_engine() {
    if ! command -v dockerd > /dev/null; then
        missing+=(docker.io iptables)
        install_missing "to have a Docker Engine"
    fi
    # Newer Debian releases keep the command line apart from the engine.
    need docker-cli command -v docker
    install_missing "to talk to the engine"
}

# Installing may have started the engine already, with systemd or an init script.
start_engine() {
    engine_is_starting && return
    if [ -d /run/systemd/system ]; then
        say "starting the engine with systemctl"
        systemctl start docker || die "systemctl could not start the engine" "see: journalctl -u docker"
    else
        say "starting the engine (dockerd), its log is $ENGINE_LOG"
        setsid dockerd > "$ENGINE_LOG" 2>&1 < /dev/null &
    fi
}

engine_is_starting() {
    local pid
    pid=$(cat /run/docker.pid /var/run/docker.pid 2> /dev/null | head -n 1) || return 1
    [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = dockerd ]
}

wait_for_engine() {
    local second
    for ((second = 0; second < ENGINE_START_TIMEOUT; second++)); do
        if engine_version > /dev/null; then
            say "the engine answers, version $(engine_version)"
            return
        fi
        sleep 1
    done
    [ ! -f "$ENGINE_LOG" ] || tail -n 20 "$ENGINE_LOG" >&2
    die "the engine did not answer within $ENGINE_START_TIMEOUT s" "the end of its log is above"
}
