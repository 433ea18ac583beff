# shellcheck shell=bash
# What the tests need beside an engine.

# Tests make a base image of busybox, network namespaces, engines and clocks of their own, and a repository.
install_test_tools() {
    need busybox command -v busybox
    need iproute2 command -v ip
    need iptables command -v iptables
    need nftables command -v nft
    need ufw command -v ufw
    need git command -v git
    need python3 command -v python3
    need podman command -v podman
    need faketime command -v faketime
    need firewalld command -v firewall-cmd
    need rootlesskit command -v rootlesskit
    need uidmap command -v newuidmap
    need slirp4netns command -v slirp4netns
    need docker.io command -v dockerd
    without_services install_missing "for the tests"
    # Newer Debian releases keep the command line apart from the engine.
    need docker-cli command -v docker
    install_missing "for the tests"
}

# without_services COMMAND…: nothing that it installs is started, such as nginx on port 80.
without_services() {
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ] || [ ! -w /usr/sbin ]; then
        "$@"
        return
    fi
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    install -m 755 /dev/stdin "$policy" <<< $'#!/bin/sh\nexit 101'
    "$@"
    rm -f "$policy"
    trap - EXIT
}
