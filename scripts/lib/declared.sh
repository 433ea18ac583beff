# shellcheck shell=bash
# Reads and writes what a packages.toml declares, one `[[package]]` after another.
# Relies on the layout that this repository keeps: one `key = "value"` a line, `file` before the rest.

# declared FILE KEY [PACKAGES_TOML]: the value of KEY in the entry of FILE; nothing where there is none.
declared() {
    awk -v wanted="$1" -v key="$2" '
        /^\[/ { file = "" }
        { equals = index($0, " = ") }
        equals && $1 == "file" { file = unquoted($0, equals) }
        equals && $1 == key && file == wanted { print unquoted($0, equals); exit }
        function unquoted(line, at) {
            line = substr(line, at + 3)
            sub(/[ \t]*#.*$/, "", line)
            gsub(/"/, "", line)
            return line
        }' "${3:-$ROOT/packages.toml}"
}

# declared_files [PACKAGES_TOML]: every declared file name, in order.
declared_files() {
    sed -n 's/^file = "\([^"]*\)".*/\1/p' "${1:-$ROOT/packages.toml}"
}

# declare_digest FILE SHA256 SIZE PACKAGES_TOML: rewrites the digest and the size in the entry of FILE.
declare_digest() {
    local rewritten="$4.new"
    awk -v wanted="$1" -v digest="$2" -v size="$3" '
        /^\[/ { mine = 0 }
        $0 == "file = \"" wanted "\"" { mine = 1; seen = 1 }
        mine && /^sha256 = / { $0 = "sha256 = \"" digest "\"" }
        mine && /^size = / { $0 = "size = " size }
        { print }
        END { exit !seen }' "$4" > "$rewritten" || die "\`$1\` is not declared in $4"
    mv "$rewritten" "$4"
}

sha256_of() { sha256sum -- "$1" | cut -d' ' -f1; }
