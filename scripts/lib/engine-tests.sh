# shellcheck shell=bash
# The tests that need an engine, without those that make no sense on one.

# ENGINE TEST REASON: what is left out where, and why. `*` is every engine but the one that runs here.
skipped_tests() {
    cat << 'END'
* doctor:: starts engines of its own, of this machine's version
* engine_faults::engine:: starts engines of its own, of this machine's version
* engine_faults::kills::the_engine_is_killed starts engines of its own, of this machine's version
* engine_build::package_runs::python_and_curl_fetch_as_well installs curl with apt-get, and there is no way out
podman engine_build::package_runs::packages_stay_off_the_disk asks for BuildKit
podman recipe::init::every_way_to_fetch_gives_the_same_image asks for BuildKit
podman recipe::init::the_recipe_becomes_a_project_of_equal_images_on_buildkit asks for BuildKit
podman recipe::motor::it_builds_on_buildkit asks for BuildKit
podman recipe::working_folder::it_builds_on_buildkit asks for BuildKit
podman engine_faults::interrupts::an_interrupt_leaves_nothing podman lets the command of an interrupted build run to its end
podman engine_faults::interrupts::a_termination_leaves_nothing podman lets the command of an interrupted build run to its end
podman recipe::addresses::the_container_that_holds_the_port_is_named holds a port of the bridge, which podman's builds do not use
podman recipe::addresses::the_process_that_holds_the_port_is_named holds a port of the bridge, which podman's builds do not use
podman recipe::addresses::the_gateway_needs_no_proxy names the bridge's gateway, and podman's builds reach loopback
podman engine_build::failures::an_instruction_that_the_engine_refuses podman tells of an unreachable registry in other words
END
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
}

# run_engine_tests ENGINE COMMAND…: runs them with COMMAND, which gives them the engine.
run_engine_tests() {
    local engine=$1 name test reason skips=()
    shift
    while read -r name test reason; do
        case $name in
            "$engine") ;;
            '*') [ "$engine" != here ] || continue ;;
            *) continue ;;
        esac
        say "left out on $engine: $test: $reason"
        skips+=("$test")
    done < <(skipped_tests)
    if has_nextest; then
        "$@" cargo nextest run --no-fail-fast --offline --run-ignored only --test it -E "$(expression "${skips[@]}")"
    else
        "$@" cargo test --offline --test it -- --ignored "${skips[@]/#/--skip=}"
    fi
}

# expression TEST…: nextest's, for everything but these.
expression() {
    local test expression='all()'
    for test in "$@"; do
        expression="$expression - test(/^$test/)"
    done
    printf '%s' "$expression"
}
