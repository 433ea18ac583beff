#!/bin/sh
# Installs one stand-in: goes into each of them, and runs in the folder that it was unpacked to.
# Arguments: the path to install into, the options that are only noted.
set -eu
path=$1
options=$2

kind='' version='' arch='' needs='' marker=''
# shellcheck disable=SC1091  # written by make-stand-ins, it sets these five
. ./package.conf

fail() {
    printf '[ERROR] STAND-IN %s %s: %s\n' "$kind" "$version" "$1" >&2
    exit 1
}

# Asks for what the real package asks for, so that a wrong order of stages shows.
check_needs() {
    [ "$(uname -m)" = "$arch" ] || fail "made for $arch, this machine is $(uname -m)"
    for need in $needs; do
        case "$need" in
            toolkit) [ -f "$path/cann-$version/set_env.sh" ] || fail "the toolkit $version is not installed in $path" ;;
            environment) [ -d "${ASCEND_HOME_PATH:-/nowhere}" ] || fail 'ASCEND_HOME_PATH is not set: source set_env.sh of the toolkit first' ;;
            atb) [ -d "${ATB_HOME_PATH:-/nowhere}" ] || fail 'ATB_HOME_PATH is not set: source set_env.sh of nnal first' ;;
        esac
    done
}

write_log() {
    mkdir -p /var/log/ascend_seclog
    printf 'install STAND-IN %s %s into %s, options:%s\n' "$kind" "$version" "$path" "$options" \
        >> /var/log/ascend_seclog/ascend_install.log
}

check_needs
mkdir -p "$path"
find tree -name set_env.sh -exec sed -i "s#/usr/local/Ascend#$path#g" {} +
cp -a tree/. "$path/"
write_log
[ -f "$path/$marker" ] || fail "$path/$marker is missing after the installation"
printf 'STAND-IN of %s %s installed into %s\n' "$kind" "$version" "$path"
