# shellcheck shell=bash
# The base image: Debian 12, whose own Python is the 3.11 that the declared wheels are for.

readonly BASE_SUITE=bookworm
readonly BASE_IMAGE=ascend-build-base:$BASE_SUITE

base_is_there() { docker image inspect "$BASE_IMAGE" > /dev/null 2>&1; }

# make_root_file_system FILE: a minimal Debian with Python and pip, as a tar.
# mmdebstrap finds the mirror itself: the one of this machine, else Debian's own.
make_root_file_system() {
    say "making a root file system of Debian $BASE_SUITE with Python (about a minute)"
    SOURCE_DATE_EPOCH=1764547200 mmdebstrap --quiet --variant=minbase \
        --include=ca-certificates,python3,python3-pip \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        "$BASE_SUITE" "$1" || die "mmdebstrap could not make Debian $BASE_SUITE" \
        "it needs root and a way to Debian's packages"
}

# import_base: makes the base and imports it, where the engine lacks it.
import_base() {
    if base_is_there; then
        say "the engine has $BASE_IMAGE"
        return
    fi
    local folder
    folder=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of this call
    trap "rm -rf '$folder'" EXIT
    make_root_file_system "$folder/base.tar"
    say "importing it into the engine as $BASE_IMAGE"
    docker import --change 'CMD ["/bin/bash"]' "$folder/base.tar" "$BASE_IMAGE" > /dev/null
    rm -rf "$folder"
}
