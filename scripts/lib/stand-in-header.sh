# shellcheck shell=sh disable=SC2154  # makeself sources this file, and sets what it names
# The head of every stand-in: what answers when somebody runs it.
#
# makeself's own head refuses `--install` and the rest, which Ascend's packages
# take directly, so the stand-ins bring this one (`makeself --header`). It
# names no date, no path and no makeself version: the same package gets the
# same bytes on every machine.

cat > "$archname" <<EOF
#!/bin/sh
# This is a STAND-IN, not Huawei's package: see docs/stand-ins.md of ascend-build.
label="$LABEL"
script="$SCRIPT"
skip=$SKIP
sum="$CRCsum"
EOF
cat >> "$archname" <<'EOF'
umask 022
version=$(printf '%s' "$label" | cut -d' ' -f2)

say() { [ -n "$quiet" ] || printf '[%s] %s\n' "$label" "$1"; }
fail() { printf '[%s] [ERROR] %s\n' "$label" "$1" >&2; exit 1; }
payload() { tail -n "+$((skip + 1))" "$file"; }

usage() {
    printf '%s\n' "$label" \
        'Usage: <package>.run [options]' \
        '  --install, --full         install' \
        '  --install-path=<path>     where to (absolute; /usr/local/Ascend unless said)' \
        '  --install-for-all         let every user read what is installed' \
        '  --whitelist=<part>        the parts to install (a stand-in only notes it)' \
        '  --torch_atb               the torch side of atb (a stand-in only notes it)' \
        '  --quiet                   accept the licence and say only what matters' \
        '  --check                   compare the content with its checksum' \
        '  --noexec --extract=<dir>  unpack without installing' \
        '  --list --info --version --help --nox11'
}

check() {
    actual=$(payload | cksum | cut -d' ' -f1)
    [ "$actual" = "$sum" ] || fail "checksum of the content: expected $sum, actual $actual"
}

unpack() {
    mkdir -p "$1" || fail "cannot make $1"
    payload | tar -xof - -C "$1" || fail "cannot unpack into $1"
}

accept_licence() {
    [ -z "$quiet" ] || return 0
    printf '[%s] do you accept the licence? [y/n] ' "$label"
    read -r answer || answer=n
    case "$answer" in
        [yY]*) ;;
        *) fail 'the licence was not accepted' ;;
    esac
}

install() {
    check
    accept_licence
    work=$(mktemp -d "${TMPDIR:-/tmp}/selfgz.XXXXXX") || fail 'cannot make a temporary folder'
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' HUP INT TERM
    unpack "$work"
    (cd "$work" && sh "$script" "$path" "$options") || fail 'not installed'
}

case "$0" in
    /*) file=$0 ;;
    *) file=$(pwd)/$0 ;;
esac
action='' quiet='' path=/usr/local/Ascend target='' noexec='' options=''
for option in "$@"; do
    case "$option" in
        --quiet|--nox11) [ "$option" = --nox11 ] || quiet=y ;;
        --install|--full) action=install ;;
        --check|--list|--info|--version|--help) action=${option#--} ;;
        --install-path=/*) path=${option#*=} ;;
        --install-path=*) fail "expected an absolute path, actual $option" ;;
        --extract=?*) target=${option#*=} ;;
        --noexec) noexec=y ;;
        --install-for-all|--whitelist=?*|--torch_atb) options="$options $option" ;;
        *) usage >&2; fail "unrecognized option $option" ;;
    esac
done
[ -z "$target" ] || [ -n "$noexec$action" ] || fail '--extract goes with --noexec'
[ -z "$noexec" ] || [ -n "$target" ] || fail '--noexec needs --extract=<dir>'
[ -z "$noexec" ] || action=extract
case "$action" in
    install) install ;;
    extract) check; unpack "$target"; say "unpacked into $target" ;;
    check) check; say 'the content is as its checksum says' ;;
    list) payload | tar -tf - ;;
    info) printf 'Identification: %s\nInstalls with: %s\n' "$label" "$script" ;;
    version) printf '%s\n' "$version" ;;
    help) usage ;;
    *) usage >&2; fail 'expected --install, --full, --check or --noexec --extract=<dir>' ;;
esac
exit 0
EOF
