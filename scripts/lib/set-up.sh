# shellcheck shell=bash
# Everything that building this repository's images needs on a machine, and nothing twice.

set_up() {
    install_tools
    need_engine
    "$ROOT/scripts/fetch-wheels"
    "$ROOT/scripts/make-stand-ins" > /dev/null
    "$ROOT/scripts/make-base"
}

install_tools() {
    command -v cargo > /dev/null || die "cargo is not installed" "install Rust 1.95 or later"
    need makeself command -v makeself
    need mmdebstrap command -v mmdebstrap
    need debian-archive-keyring test -f /usr/share/keyrings/debian-archive-keyring.gpg
    need python3 command -v python3
    need python3-pip python3 -m pip --version
    need gcc command -v cc
    need libc6-dev test -f /usr/include/stdlib.h
    install_missing "to make packages, the base and ascend-build"
}
