//! `RUN --package` in every form, for every user, with every tool that can fetch.

use super::BUILDERS;
use crate::support::{Fixture, sha256};

/// Builds the only stage of a project that declares `plain` and `odd`, and gives what `command` prints in it.
fn check(dockerfile: &str, command: &str, expected: &str) {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain.run", 5000);
        fixture.package("odd", "odd name+1 $x%41'.whl", 7000);
        fixture.one_stage(dockerfile);
        fixture.build(builder, &[]).exits(0);
        assert_eq!(fixture.docker().in_image(&fixture.image("S"), command), expected, "{builder}");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_shell_form_with_several_packages_and_odd_names() {
    check(
        "RUN --package=plain,odd ls \"$PACKAGES\" > /names && wc -c < \"$PACKAGES\"/plain.run > /size\n\
         RUN --package=plain --package=odd \\\n  cat \"$PACKAGES\"/* \\\n  | wc -c > /both\n\
         RUN test -z \"$PACKAGES\" && ls -A /tmp /var/tmp > /left\n",
        "cat /names /size /both /left",
        "odd name+1 $x%41'.whl\nplain.run\n5000\n12000\n/tmp:\n\n/var/tmp:",
    );
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_package_named_twice_comes_once() {
    check(
        "RUN --package=plain,plain --package=plain wc -c < \"$PACKAGES\"/plain.run > /size\n",
        "cat /size",
        "5000",
    );
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_shell_in_force_runs_the_command() {
    check(
        "SHELL [\"/bin/ash\", \"-exo\", \"pipefail\", \"-c\"]\n\
         RUN --package=plain if false | true; then echo no; else echo \"pipefail $(wc -c < \"$PACKAGES\"/plain.run)\"; fi > /shell\n",
        "cat /shell",
        "pipefail 5000",
    );
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_exec_form_and_heredocs() {
    check(
        "RUN --package=plain [\"/bin/sh\", \"-c\", \"wc -c < $PACKAGES/plain.run > /exec\"]\n\
         RUN --package=plain <<EOF\n\
         # a comment\nwc -c < \"$PACKAGES\"/plain.run > /heredoc\necho 'second line' >> /heredoc\nEOF\n",
        "cat /exec /heredoc",
        "5000\n5000\nsecond line",
    );
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn any_user_and_any_folder_will_do() {
    check(
        "RUN mkdir -p /home/builder /work && chown builder /home/builder && chmod 0755 /work\nUSER builder\nWORKDIR /work\n\
         RUN --package=plain id -un > /home/builder/who && wc -c < \"$PACKAGES\"/plain.run >> /home/builder/who && pwd >> /home/builder/who \
         && mkdir \"$PACKAGES\"/tree && touch \"$PACKAGES\"/tree/file && chmod 0555 \"$PACKAGES\"/tree\n",
        "cat /home/builder/who; ls -A /tmp",
        "builder\n5000\n/work",
    );
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_file_that_arrives_is_the_declared_one() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        let content = fixture.package("big", "big.run", 9_000_001);
        fixture.one_stage("RUN --package=big sha256sum < \"$PACKAGES\"/big.run > /digest\n");
        fixture.build(builder, &[]).exits(0);
        let digest = fixture.docker().in_image(&fixture.image("S"), "cut -c1-64 /digest");
        assert_eq!(digest, sha256(&content));
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_commands_exit_code_is_the_instructions() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain.run", 5000);
        fixture.one_stage("RUN --package=plain ls \"$PACKAGES\"; exit 42\n");
        let outcome = fixture.build(builder, &[]).exits(1);
        assert!(outcome.stderr.contains("exit code 42"), "{}", outcome.stderr);
        assert_eq!(fixture.image_id("S"), None);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_image_that_cannot_fetch_is_told_so() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain.run", 5000);
        fixture.one_stage("RUN rm /bin/wget\nRUN --package=plain true\n");
        fixture
            .run(&["build", "--builder", builder, "--progress", "quiet"])
            .exits(1)
            .matches(&format!("run-without-tools-{builder}"));
    }
}

/// Debian's image of this repository has python3 and neither curl nor wget; scripts/make-base makes it.
#[test]
#[ignore = "needs a Docker Engine and the way to Debian's packages; scripts/test runs it"]
fn python_and_curl_fetch_as_well() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain.run", 3_000_000);
        fixture.write(
            "stages/stages.toml",
            format!(
                "[project]\nname = \"{}\"\n[bases.debian]\nimage = \"ascend-build-base:bookworm\"\n[stages.python]\nfrom = \"debian\"\n[stages.curl]\nfrom = \"python\"\n",
                fixture.name
            ),
        );
        let run = "RUN --package=plain sha256sum \"$PACKAGES\"/plain.run | cut -c1-64 > /digest\n";
        fixture.dockerfile(
            "python",
            &format!("RUN ! command -v curl && ! command -v wget && python3 --version\nRUN find /usr/lib/python3* -name '*.pyc' -delete\n{run}RUN [ -z \"$(find /usr/lib/python3* -name '*.pyc')\" ]\n"),
        );
        fixture.dockerfile("curl", &format!("RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends curl && rm /usr/bin/python3* && curl --version && rm /digest\n{run}"));
        fixture.build(builder, &["--target", "curl"]).exits(0);
        for stage in ["python", "curl"] {
            let digest = fixture.docker().in_image(&fixture.image(stage), "cat /digest");
            assert_eq!(
                digest,
                sha256(
                    &std::fs::read(fixture.path("packages/plain.run"))
                        .expect("the package is there")
                )
            );
        }
    }
}

/// What is called python3 may do nothing at all; then another fetches.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_python_that_does_not_fetch_is_passed_over() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain.run", 5000);
        fixture.one_stage(
            "RUN printf '#!/bin/sh\\necho hello\\n' > /bin/python3 && chmod +x /bin/python3\n\
             RUN --package=plain wc -c < \"$PACKAGES\"/plain.run > /size\n",
        );
        fixture.build(builder, &[]).exits(0);
        assert_eq!(fixture.docker().in_image(&fixture.image("S"), "cat /size"), "5000");
    }
}

/// What fetches is a shell script of its own, whose names must not be the user's.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn programs_named_like_our_functions_are_the_images() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain.run", 5000);
        fixture.one_stage(
            "RUN for name in say get fetch; do printf '#!/bin/sh\\necho $0 $1 >> /called\\n' > /bin/$name && chmod +x /bin/$name; done\n\
             RUN --package=plain [\"say\", \"1\"]\nRUN --package=plain [\"get\", \"2\"]\nRUN --package=plain [\"fetch\", \"3\"]\n",
        );
        fixture.build(builder, &[]).exits(0);
        let called = fixture.docker().in_image(&fixture.image("S"), "cat /called");
        assert_eq!(called, "/bin/say 1\n/bin/get 2\n/bin/fetch 3", "{builder}");
    }
}

/// A folder named relative to another is not where the packages are removed from.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_relative_folder_is_no_place_for_packages() {
    check(
        "ENV TMPDIR=.\nWORKDIR /work\nRUN --package=plain dirname \"$PACKAGES\" > /where\n",
        "sed s,/dev/shm,/var/tmp, /where; ls -A /work",
        "/var/tmp",
    );
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_users_environment_is_what_it_was() {
    let names = "answer attempt count free has_other in_memory left noexec options own_proxy place preferred python server status";
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain-1.0-py3-none-any.whl", 5000);
        let environment: String =
            names.split(' ').map(|name| format!("ENV {name}=mine\n")).collect();
        fixture.one_stage(&format!(
            "{environment}RUN --package=plain for name in {names}; do eval echo \"\\$$name\"; done | uniq -c > /same\n"
        ));
        fixture.build(builder, &[]).exits(0);
        let printed = fixture.docker().in_image(&fixture.image("S"), "cat /same");
        assert_eq!(printed.trim(), format!("{} mine", names.split(' ').count()), "{builder}");
    }
}

/// BuildKit keeps every package in memory; the first builder, whose `/dev/shm` is `noexec`, wheels by themselves.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn packages_stay_off_the_disk_where_the_builder_can_do_it() {
    for (builder, expected) in
        [("buildkit", "/dev/shm\n/dev/shm\n/dev/shm"), ("classic", "/tmp\n/dev/shm\n/tmp")]
    {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain.run", 5000);
        // More than a `/dev/shm` has that nobody asked to be larger.
        fixture.package("wheel", "wheel-1.0-py3-none-any.whl", 70 << 20);
        fixture.one_stage(
            "RUN --package=plain dirname \"$PACKAGES\" > /where && echo : > \"$PACKAGES\"/called && chmod +x \"$PACKAGES\"/called && \"$PACKAGES\"/called\n\
             RUN --package=wheel dirname \"$PACKAGES\" >> /where && cat \"$PACKAGES\"/wheel*.whl | wc -c > /size\n\
             RUN --package=plain,wheel dirname \"$PACKAGES\" >> /where\n\
             RUN ls -A /dev/shm > /left\n",
        );
        fixture.build(builder, &[]).exits(0);
        let printed = fixture.docker().in_image(&fixture.image("S"), "cat /where /size /left");
        assert_eq!(printed, format!("{expected}\n{}", 70 << 20), "{builder}");
    }
}
