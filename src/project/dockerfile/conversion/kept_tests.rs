//! RUNs, paths and removals that a project keeps as they were written.

use super::tests::{check, check_copied};

#[test]
fn what_hangs_on_the_platform_is_left_alone() {
    let depends = "what it fetches depends on the platform";
    for run in [
        "RUN wget -q URL/a-$(uname -m).run && sh *.run && rm *.run",
        "RUN A=`arch`; wget -q URL/a-$A.run",
        "RUN wget -q URL/a-$(dpkg --print-architecture).run",
        "ARG TARGETARCH\nENV F=a-$TARGETARCH\nRUN wget -q URL/$F.run",
        "RUN case $(uname -m) in x86_64) wget URL/a.run;; *) wget URL/b.run;; esac",
        "RUN wget URL/a.run; if [ $(uname -m) = aarch64 ]; then wget URL/b.run; fi",
    ] {
        check(run, depends);
    }
    check("RUN wget -O /$(uname -m) URL/a.run", "`wget -O /…` writes to a place not known");
    check_copied(
        "wget -q URL/a.run",
        "a",
        " && if [ $(uname -m) = aarch64 ]; then mv a.run /x; fi; rm -f a.run",
    );
}

#[test]
fn paths_stay_as_they_are_written() {
    let path = |options: &str, expected: &str| {
        check(
            &format!("ARG V=a\nRUN wget -q {options} URL/a.run"),
            &format!("RUN --package=a {expected}"),
        );
    };
    path("-O /opt/$V", "cp \"$PACKAGES\"/a.run /opt/$V");
    path("-qO\"/opt/${V}.run\"", "cp \"$PACKAGES\"/a.run \"/opt/${V}.run\"");
    path("-P /opt/$V/", "mkdir -p /opt/$V && cp \"$PACKAGES\"/a.run /opt/$V/");
    path("--directory-prefix=\"$V\"", "mkdir -p \"$V\" && cp \"$PACKAGES\"/a.run \"$V\"/");
    check(
        "ARG V=a\nRUN curl --create-dirs -o \"/x/$V/b\" URL/a.run",
        "RUN --package=a mkdir -p \"/x/$V\" && cp \"$PACKAGES\"/a.run \"/x/$V/b\"",
    );
    let unknown = |options: &str| {
        let run = format!("ARG V=a\nRUN curl -s {options} URL/a.run");
        let title = options.replace("${V:-/b}", "a").replace("$V", "a").replace('"', "");
        let words: Vec<_> = title.split(' ').take(1).collect();
        check(&run, &format!("`curl -s {}` writes to a place not known", words.join(" ")));
    };
    unknown("-o${V:-/b}");
    unknown("\"-o$V\"");
    unknown("--output-dir $V -o b");
}

#[test]
fn a_home_that_no_shell_expands_is_left_alone() {
    for command in ["wget -q -P~/x", "wget -q --directory-prefix=~/y", "curl -s -o~/z"] {
        let unknown = format!("`{command}` writes to a place not known");
        check(&format!("RUN {command} URL/a.run"), &unknown);
    }
    check(
        "RUN wget -q -P ~/x URL/a.run",
        "RUN --package=a mkdir -p ~/x && cp \"$PACKAGES\"/a.run ~/x/",
    );
    check("ARG H=~/x\nRUN wget -q -P $H URL/a.run", "`wget -q -P` writes to a place not known");
}

#[test]
fn options_that_change_the_file_are_left_alone() {
    let odd = |command: &str, option: &str| {
        let tool = command.split(' ').next().unwrap_or_default();
        let expected = format!("what `{option}` of `{tool}` changes is not known");
        check(&format!("RUN {command} URL/a.run"), &expected);
    };
    odd("curl -H 'Range: bytes=0-9' -O", "-H");
    odd("wget --header='range: bytes=0-9'", "--header");
    odd("wget -e output_document=proxy", "-e");
    odd("wget -nc", "-n");
    odd("wget -N", "-N");
    odd("wget -qc", "-c");
    odd("curl -C - -O", "-C");
    let twice = "`wget` may write `a.run` as `a.run.1` the second time";
    check("RUN wget URL/a.run && wget URL/a.run", twice);
    check("RUN wget -P /x URL/a.run URL/a.run", twice);
}

#[test]
fn a_file_that_may_be_there_before_is_still_removed() {
    let run = "RUN curl -sO URL/a.run && sh ./a.run && rm a.run";
    let direct = "RUN --package=a sh \"$PACKAGES\"/a.run";
    let kept = "RUN --package=a ln -sf \"$PACKAGES\"/* . && sh ./a.run && rm a.run";
    for (before, expected) in [
        ("COPY . /w", kept),
        ("COPY packages .", kept),
        ("ADD x /", kept),
        ("COPY [\"a\", \"b\"]", kept),
        ("RUN touch a.run", kept),
        ("RUN cp /x/*.run .", kept),
        ("ARG A=a\nRUN touch $A.run", kept),
        ("COPY x /elsewhere/", direct),
        ("COPY x y", direct),
        ("RUN sh b.run", direct),
        ("ENV A=a.run", direct),
    ] {
        check(&format!("{before}\n{run}"), expected);
    }
}
