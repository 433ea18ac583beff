# shellcheck shell=bash
# How the scripts speak: one line for each step on standard error, standard output is data.

say() { printf '==> %s\n' "$*" >&2; }

# die MESSAGE [HINT]
die() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}
