# shellcheck shell=bash
# The tests that need an engine, without those that make no sense on one, and the table of how they went.

# ENGINE KIND TEST REASON: what is left out where, and why. ENGINE is `all`, `beside` (every engine but
# the one that runs here) or a name. KIND is `apart` for what has nothing to do with the engine, and
# `limit` for what the engine cannot do.
left_out() {
    cat << 'END'
all apart package:: reads wheels, asks no engine
all apart serve::page:: needs a browser, asks no engine
beside apart doctor:: starts engines of its own, of this machine's version
beside apart engine_faults::engine:: starts engines of its own, of this machine's version
beside apart engine_faults::small_disk:: starts engines of its own, of this machine's version
beside apart engine_faults::kills::the_engine_is_killed starts engines of its own, of this machine's version
beside apart engine_build::package_runs::python_and_curl_fetch_as_well installs curl with apt-get, and there is no way out
beside apart recipe::addresses::pip_finds_its_wheels_in_the_list wants a base with pip, which this machine's engine alone has
26 limit recipe::instructions::triggers_of_a_projects_stages_find_what_they_copy_on_buildkit does not run ONBUILD COPY --from a stage in BuildKit, which knows no stage that the instructions themselves do not name
podman limit recipe::instructions::triggers_of_a_projects_stages_find_what_they_copy_on_buildkit needs BuildKit
podman limit engine_build::package_runs::packages_stay_off_the_disk needs BuildKit; podman's builds keep nothing in memory
podman limit recipe::init::every_way_to_fetch_gives_the_same_image needs BuildKit
podman limit recipe::init::the_recipe_becomes_a_project_of_equal_images_on_buildkit needs BuildKit
podman limit recipe::instructions::mounts_show_stages_and_the_context needs BuildKit
podman limit recipe::motor::it_builds_on_buildkit needs BuildKit
podman limit recipe::working_folder::it_builds_on_buildkit needs BuildKit
podman limit engine_faults::interrupts::an_interrupt_leaves_nothing lets the command of an interrupted build run to its end
podman limit engine_faults::interrupts::a_termination_leaves_nothing lets the command of an interrupted build run to its end
podman limit engine_build::failures::an_instruction_that_the_engine_refuses tells of an unreachable registry in words of its own
podman limit serve::bridge::a_container_fetches_from_the_gateway reaches `serve` on loopback: in builds, and in containers with --network=host
podman apart recipe::addresses::the_container_that_holds_the_port_is_named holds a port of the bridge, which podman's builds do not use
podman apart recipe::addresses::the_process_that_holds_the_port_is_named holds a port of the bridge, which podman's builds do not use
podman apart recipe::addresses::the_gateway_needs_no_proxy names the bridge's gateway, and podman's builds reach loopback
podman apart serve::shared::a_recipe_fetches_from_the_server_on_its_port names the bridge's gateway, and podman's builds reach loopback
podman apart serve::shared::what_was_served_otherwise_is_not_in_the_next_builds_cache names the bridge's gateway, and podman's builds reach loopback
beside apart serve::access:: has network namespaces of its own, asks no engine
podman apart serve::shared::another_users_server_is_not_used listens on the bridge's gateway, and podman's builds reach loopback
podman apart engine_faults::strangers::a_client_on_another_interface_gets_nothing asks the bridge's gateway over a cable; loopback has none
END
}

# What an engine calls itself, such as `Docker Engine 26.1.5` or `podman 4.3.1`.
# shellcheck disable=SC2016  # the variables are those of the template
readonly ENGINE_NAME='{{$name := "Docker Engine"}}{{range .Server.Components}}{{if eq .Name "Podman Engine"}}{{$name = "podman"}}{{end}}{{end}}{{$name}} {{.Server.Version}}'

# left_out_on ENGINE: `KIND TEST REASON` of what is left out there.
left_out_on() {
    left_out | awk -v engine="$1" '
        $1 == "all" || $1 == engine || ($1 == "beside" && engine != "here") { sub(/^[^ ]+ /, ""); print }'
}

# Whether nextest is here: it runs tests side by side, each in a process of its own.
has_nextest() { cargo nextest --version > /dev/null 2>&1; }

# build_tests: while the network is there; engines without one only run them.
build_tests() {
    say "building the tests"
    if has_nextest; then
        cargo nextest run --no-run --test it
    else
        cargo test --no-run --test it
    fi
    refuse_unknown_tests
}

# A test that has another name now is no longer left out, and its line here would be a lie.
refuse_unknown_tests() {
    local known test
    known=$(cargo test --quiet --offline --test it -- --ignored --list 2> /dev/null) ||
        die "the tests cannot be listed" "see: cargo test --test it -- --ignored --list"
    while read -r _ _ test _; do
        grep -q "^$test" <<< "$known" ||
            die "no test is called \`$test\`" "mend the list in scripts/lib/engine-tests.sh"
    done < <(left_out)
}

# run_engine_tests ENGINE BUILDERS COMMAND…: runs them with COMMAND, which gives them the engine, and
# notes how they went.
run_engine_tests() {
    local engine=$1 builders=$2 kind test reason tests=() log status=0
    shift 2
    while read -r kind test reason; do
        say "left out on $engine ($kind): $test: $reason"
        tests+=("$test")
    done < <(left_out_on "$engine")
    log=$(mktemp)
    if has_nextest; then
        "$@" cargo nextest run --no-fail-fast --offline --run-ignored only --test it -E "$(expression "${tests[@]}")" 2>&1
    else
        "$@" cargo test --offline --test it -- --ignored "${tests[@]/#/--skip=}" 2>&1
    fi | tee "$log" >&2 || status=1
    note_results "$engine" "$("$@" docker version --format "$ENGINE_NAME")" "$builders" "$log"
    rm -f "$log"
    return "$status"
}

# expression TEST…: nextest's, for everything but these.
expression() {
    local test expression='all()'
    for test in "$@"; do
        expression="$expression - test(/^$test/)"
    done
    printf '%s' "$expression"
}

# note_results ENGINE NAME BUILDERS LOG: one line for the table, from the last line that counts. Tests that
# died before it get a `?` in both columns.
note_results() {
    local counted passed failed limits
    counted=$(grep -E '[0-9]+ passed' "$4" | tail -n 1 || true)
    passed=$(grep -oE '[0-9]+ passed' <<< "$counted" || true)
    failed=$(grep -oE '[0-9]+ failed' <<< "$counted" || true)
    [ -n "$counted" ] || passed='?' failed='?'
    limits=$(left_out_on "$1" | grep -c '^limit' || true)
    printf '%s|%s|%s|%s|%s|%s s\n' "$2" "$3" "${passed% *}" "${failed:-0 failed}" "$limits" "$SECONDS" |
        sed 's/ failed|/|/' >> "$RESULTS"
}

# print_results ENGINE…: the table, and what each of the engines cannot do.
print_results() {
    local engine kind test reason
    {
        echo 'ENGINE|BUILDERS|PASSED|FAILED|LIMITATIONS|TOOK'
        cat "$RESULTS"
    } | awk -F '|' '{ printf "%-32s  %-19s  %6s  %6s  %11s  %6s\n", $1, $2, $3, $4, $5, $6 }' >&2
    for engine in "$@"; do
        while read -r kind test reason; do
            [ "$kind" != limit ] || printf 'limitation of %s: %s (%s)\n' "$engine" "$reason" "$test" >&2
        done < <(left_out_on "$engine")
    done
}
