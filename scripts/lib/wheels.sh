# shellcheck shell=bash
# The declared wheels: which of them an architecture needs, and how pip is asked for exactly them.

# missing_wheels ARCH: the declared wheels for ARCH that are not in packages/ with their size.
# The content is looked at after a download here, and before every build by ascend-build.
missing_wheels() {
    local file
    while read -r file; do
        case "$file" in
            *-any.whl | *"$1"*.whl) ;;
            *) continue ;;
        esac
        wheel_is_there "$file" || printf '%s\n' "$file"
    done < <(declared_files)
}

wheel_is_there() {
    local size
    size=$(declared "$1" size)
    [ -f "$ROOT/packages/$1" ] || return 1
    [ -z "$size" ] || [ "$(stat -c %s "$ROOT/packages/$1")" = "$size" ]
}

# wheel_options FILE: pip's options for the tags in a wheel's name, NAME-VERSION-PYTHON-ABI-PLATFORM.whl.
wheel_options() {
    local tags=${1%.whl} python abi platform
    IFS=- read -r _ _ python abi platform <<< "$tags"
    python=${python##*.}
    printf -- '--implementation %s --python-version %s --abi %s' "${python:0:2}" "${python:2}" "$abi"
    printf -- ' --platform %s' "${platform//./ --platform }"
    printf '\n'
}

# wheel_requirement FILE: NAME==VERSION.
wheel_requirement() {
    local name version
    IFS=- read -r name version _ <<< "$1"
    printf '%s==%s\n' "$name" "$version"
}

# download_wheels FOLDER FILE…: one run of pip for all wheels of the same tags.
download_wheels() {
    local folder=$1 file options
    local -A requirements=()
    shift
    for file in "$@"; do
        options=$(wheel_options "$file")
        requirements[$options]+=" $(wheel_requirement "$file")"
    done
    for options in "${!requirements[@]}"; do
        say "downloading${requirements[$options]}"
        # shellcheck disable=SC2086  # both are lists of words
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
            --ignore-requires-python --dest "$folder" $options ${requirements[$options]} ||
            die "pip could not download${requirements[$options]}" "put the files into packages/ yourself"
    done
}

# keep_wheel FOLDER FILE: moves a download into packages/ when it is the declared one.
keep_wheel() {
    local actual
    [ -f "$1/$2" ] || die "pip downloaded another file than $2" "see what is there: ls $1"
    actual=$(sha256_of "$1/$2")
    [ "$actual" = "$(declared "$2" sha256)" ] ||
        die "$2: expected sha256 $(declared "$2" sha256), actual $actual" \
            "the package registry has another file under this name; do not use it unless you know why"
    mv "$1/$2" "$ROOT/packages/$2"
}

# fetch_wheels ARCH: downloads what is missing for ARCH into packages/.
fetch_wheels() {
    local files folder file
    mapfile -t files < <(missing_wheels "$1")
    if [ ${#files[@]} -eq 0 ]; then
        say "packages/ has the declared wheels for $1"
        return
    fi
    folder=$(mktemp -d "$ROOT/packages/.wheels.XXXXXX")
    # shellcheck disable=SC2064  # the folder of this call
    trap "rm -rf '$folder'" EXIT
    download_wheels "$folder" "${files[@]}"
    for file in "${files[@]}"; do
        keep_wheel "$folder" "$file"
    done
    rm -rf "$folder"
}
