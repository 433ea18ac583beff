# shellcheck shell=bash
# Installs what is missing from the distribution, and says so before it does.

# Debian packages that `need` found missing, in the order in which they were asked for.
missing=()
# Whether the lists of packages were fetched in this run: once is enough.
updated=''

# need PACKAGE COMMAND…: notes PACKAGE as missing unless COMMAND succeeds.
need() {
    local package=$1
    shift
    "$@" > /dev/null 2>&1 || missing+=("$package")
}

# install_missing WHY: installs everything noted by `need`; does nothing where that is nothing.
install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing with apt-get, $1: ${missing[*]}"
    [ "$(id -u)" = 0 ] || die "only root can install packages" "run this as root, or install: ${missing[*]}"
    command -v apt-get > /dev/null || die "this system has no apt-get" "install: ${missing[*]}"
    know_packages "${missing[@]}"
    apt_install "${missing[@]}" || { apt_update && apt_install "${missing[@]}"; } ||
        die "apt-get could not install ${missing[*]}" "check this machine's way to its package registry"
    missing=()
}

# know_packages PACKAGE…: fetches the lists of packages where they do not know one of these.
know_packages() {
    local package
    for package in "$@"; do
        if ! has_candidate "$package"; then
            [ -n "$updated" ] || apt_update || die "apt-get update failed" "check this machine's way to its package registry"
            return 0
        fi
    done
}

has_candidate() { LC_ALL=C apt-cache policy "$1" 2> /dev/null | grep -q 'Candidate: [^(]'; }

apt_update() {
    [ -z "$updated" ] || return 1
    updated=y
    say "apt-get update"
    apt_quietly update -qq
}

apt_install() { apt_quietly install -y -qq --no-install-recommends "$@"; }

# apt_quietly ARGUMENT…: runs apt-get, and shows what it said only where it fails.
apt_quietly() {
    local log
    log=$(mktemp)
    if DEBIAN_FRONTEND=noninteractive apt-get "$@" > "$log" 2>&1 < /dev/null; then
        rm "$log"
    else
        tail -n 20 "$log" >&2
        rm "$log"
        return 1
    fi
}
