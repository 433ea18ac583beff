//! What becomes of RUNs that fetch, in a project.

use std::sync::Arc;

use super::super::{
    Addresses, Around, Dockerfile, Inputs, Stages, edited, fetches, run_with_packages,
};
use crate::error::SourceFile;

/// What becomes of the RUN of a one-stage Dockerfile, whose packages are called as `name` says, or
/// why nothing does.
pub(super) fn converted(
    dockerfile: String,
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let source = SourceFile { path: "Dockerfile".into(), text: dockerfile };
    let file = Dockerfile::read(Arc::new(source)).0;
    let platform = "linux/amd64".parse().ok();
    let inputs = Inputs { platform, ..Inputs::default() };
    let (stages, _) = Stages::read(&file, &inputs);
    let addresses = Addresses::of(&stages, &inputs, &["172.17.0.1".to_owned()], Around::NOTHING);
    let found = fetches(&stages, 0, &inputs, &addresses);
    let found: Vec<_> = found.iter().collect();
    let edits = run_with_packages(&stages, 0, &inputs, &found, name)?;
    Ok(edited(&file.source().text, found[0].instruction, &edits))
}

/// What becomes of the RUN after `FROM x` and `WORKDIR /w`, or why nothing does.
pub(super) fn check(run: &str, expected: &str) {
    let text = format!("FROM x\nWORKDIR /w\n{}\n", run.replace("URL", "http://172.17.0.1:3000"));
    let name = |file: &str| Some(file.split('.').next().unwrap_or(file).to_owned());
    let actual = converted(text, &name).unwrap_or_else(|reason| reason);
    assert_eq!(actual, expected);
}

#[test]
fn a_script_finds_what_was_fetched_with_it() {
    check(
        "RUN wget -q URL/a.sh URL/b.sh && sh b.sh && rm -f *.sh",
        "RUN --package=a,b cp \"$PACKAGES\"/* . && sh b.sh && rm -f *.sh",
    );
    check(
        "RUN wget -q URL/a.run URL/b.run && sh b.run && sh a.run && rm -f *.run",
        "RUN --package=a,b ln -sf \"$PACKAGES\"/* . && sh b.run && sh a.run && rm -f *.run",
    );
}

#[test]
fn installers_are_read_from_where_the_packages_are() {
    check(
        "RUN wget -q URL/a.run && sh ./a.run --install && rm a.run",
        "RUN --package=a sh \"$PACKAGES\"/a.run --install",
    );
    check(
        "RUN set -e; wget URL/a.run; wget URL/b.run; chmod +x *.run; ./a.run; ./b.run; rm -f *.run",
        "RUN --package=a,b set -e; ln -sf \"$PACKAGES\"/* .; chmod +x *.run; ./a.run; ./b.run; rm -f *.run",
    );
    check(
        "RUN wget -q URL/t.tgz && \\\n    tar xf t.tgz && \\\n    rm -f t.tgz && \\\n    echo done",
        "RUN --package=t tar xf \"$PACKAGES\"/t.tgz && \\\n    echo done",
    );
}

/// The later commands stay as they are, behind one copy of all files.
pub(super) fn check_copied(fetches: &str, packages: &str, later: &str) {
    check(
        &format!("RUN {fetches}{later}"),
        &format!("RUN --package={packages} cp \"$PACKAGES\"/* .{later}"),
    );
}

#[test]
fn scripts_find_the_files_beside_them() {
    // What a script does with them is its own affair: it may move them into the image.
    check(
        "RUN wget -q URL/a.run && \\\n    wget -q URL/i.sh && \\\n    bash i.sh && rm -rf /w/*",
        "RUN --package=a,i cp \"$PACKAGES\"/* . && \\\n    bash i.sh && rm -rf /w/*",
    );
    let both = "wget -q URL/a.run && wget -q URL/i.sh";
    check_copied("wget -q URL/a.run; wget -q URL/i.sh", "a,i", "; bash i.sh; rm -rf *");
    check_copied(both, "a,i", " && bash i.sh && rm -f *.run *.sh");
    check_copied(both, "a,i", " && bash i.sh && rm -f a.run i.sh");
    check_copied("wget URL/a.run URL/i.sh", "a,i", " && sh ./i.sh && rm -rf *");
    check_copied("wget URL/i.sh", "i", " && bash i.sh && rm i.sh");
}

#[test]
fn everything_between_the_commands_stays() {
    for later in [
        " && for f in *.run; do bash $f; done && rm *.run",
        " && if [ -d /opt ]; then cp *.run /opt; fi && rm *.run",
        " && for i in 1 2; do bash a.run; done && rm a.run",
        " && (bash a.run; echo done > /opt/x) && rm a.run",
        " && { bash a.run; } && rm a.run",
        " && bash a.run && rm a.run; echo done",
        " && ! bash a.run && rm a.run",
        " && bash a.run & wait && rm a.run",
        " && while ! bash a.run; do sleep 1; done; rm a.run",
        " && F=a.run && bash $F && rm a.run",
    ] {
        check_copied("wget -q URL/a.run", "a", later);
    }
    for later in [
        "; bash a.run > /opt/log 2>&1; rm a.run",
        " && bash a.run < a.run && echo a.run > /name && rm a.run",
        " && bash a.run && rm a.run /old",
    ] {
        check(
            &format!("RUN wget -q URL/a.run{later}"),
            &format!("RUN --package=a ln -sf \"$PACKAGES\"/* .{later}"),
        );
    }
    check_copied(
        "wget URL/a.run && wget URL/b.run",
        "a,b",
        " && for f in *.run; do bash $f; done && rm *.run",
    );
    check(
        "RUN wget URL/a.run && echo cann=8.5.0 > /etc/ascend-version && wget URL/b.run",
        "RUN --package=a,b cp \"$PACKAGES\"/a.run . && echo cann=8.5.0 > /etc/ascend-version \
         && cp \"$PACKAGES\"/b.run .",
    );
    check(
        "RUN wget URL/a.run && bash a.run <<< y && rm a.run",
        "RUN --package=a bash \"$PACKAGES\"/a.run <<< y",
    );
    check(
        "RUN wget URL/a.run >/dev/null 2>&1 && bash a.run > /opt/log 2>&1 && rm a.run 2>/dev/null",
        "RUN --package=a bash \"$PACKAGES\"/a.run > /opt/log 2>&1",
    );
    check(
        "RUN wget -q URL/a.run > /opt/log && mv a.run /x",
        "RUN --package=a cp \"$PACKAGES\"/a.run . > /opt/log && mv a.run /x",
    );
    check(
        "RUN wget URL/a.run && \\\n    # Why.\n    sh a.run && rm a.run",
        "RUN --package=a  \\\n    # Why.\n    sh \"$PACKAGES\"/a.run",
    );
}

#[test]
fn what_may_not_be_removed_is_no_link() {
    let link = |later: &str| {
        check(
            &format!("RUN wget -q URL/a.run && {later}"),
            &format!("RUN --package=a ln -sf \"$PACKAGES\"/* . && {later}"),
        );
    };
    link("sh *.run && rm -rf *");
    link("sh *.run; rm -f *.run; echo done");
    link("sh *.run && rm -rf /w");
    for later in [
        " && sh *.run && rm -rf $DIR",
        " && sh *.run && rm *.run; echo done",
        " && cd /opt && sh *.run && rm *.run",
        " && sh *.run && (rm *.run)",
        " && sh *.run && rm sub/a.run",
    ] {
        check_copied("wget -q URL/a.run", "a", later);
    }
    check(
        "RUN wget -q URL/a.run && sh a.run && rm -f *.run",
        "RUN --package=a sh \"$PACKAGES\"/a.run && rm -f *.run",
    );
}

#[test]
fn what_may_take_the_file_itself_gets_a_copy() {
    for later in [
        "mv a.run /x",
        "cp -r a.run /y && rm a.run",
        "cp -a a.run /y && rm a.run",
        "ln a.run /hard && rm a.run",
        "chmod +x a.run && mv a.run /usr/local/bin/",
        "install -m 755 a.run /usr/local/bin/tool && rm a.run",
        "tar cf /a.tar a.run && rm a.run",
        "tar -czf /a.tgz a.run && rm a.run",
        "tar -xf a.run --remove-files",
        "bash -c 'mv a.run /x'",
        "bash /other.sh a.run && rm a.run",
        "find . -type f -delete",
    ] {
        check(
            &format!("RUN wget -q URL/a.run && {later}"),
            &format!("RUN --package=a cp \"$PACKAGES\"/* . && {later}"),
        );
    }
    check(
        "RUN wget URL/a.run && mv *.run /x && wget URL/b.run && rm b.run",
        "RUN --package=a,b cp \"$PACKAGES\"/a.run . && mv *.run /x && cp \"$PACKAGES\"/b.run . && rm b.run",
    );
}

#[test]
fn what_only_reads_the_file_gets_it_where_it_is() {
    for (later, expected) in [
        ("tar xzf a.run -C /opt", "tar xzf \"$PACKAGES\"/a.run -C /opt"),
        ("tar --extract -f a.run", "tar --extract -f \"$PACKAGES\"/a.run"),
        ("dpkg -i ./a.run", "dpkg -i \"$PACKAGES\"/a.run"),
        ("unzip -q a.run -d /x", "unzip -q \"$PACKAGES\"/a.run -d /x"),
    ] {
        check(
            &format!("RUN wget -q URL/a.run && {later} && rm a.run"),
            &format!("RUN --package=a {expected}"),
        );
    }
}

#[test]
fn what_tells_where_the_file_was_gets_a_link_there() {
    for later in [
        // pip writes the path into the image.
        "pip install t.whl && rm t.whl",
        "pip install -r t.whl && rm t.whl",
        "sha256sum -c t.whl && tar xf other.tgz && rm t.whl",
    ] {
        check(
            &format!("RUN wget -q URL/t.whl && {later}"),
            &format!("RUN --package=t ln -sf \"$PACKAGES\"/* . && {later}"),
        );
    }
    check(
        "RUN wget URL/a.tgz URL/s.txt && sha256sum -c s.txt && tar xf a.tgz && rm a.tgz s.txt",
        "RUN --package=a,s ln -sf \"$PACKAGES\"/* . && sha256sum -c s.txt && tar xf a.tgz && rm a.tgz s.txt",
    );
}

#[test]
fn a_download_takes_the_place_of_another_one() {
    check(
        "RUN wget -O p URL/a.run; sh p; wget -O p URL/b.run; sh p; rm p",
        "RUN --package=a,b cp \"$PACKAGES\"/a.run p; sh p; cp \"$PACKAGES\"/b.run p; sh p; rm p",
    );
    check(
        "RUN wget -O p.run URL/a.run; sh p.run; wget -O p.run URL/b.run; sh p.run; rm p.run",
        "RUN --package=a,b ln -sf \"$PACKAGES\"/a.run p.run; sh p.run; ln -sf \"$PACKAGES\"/b.run p.run; sh p.run; rm p.run",
    );
}

#[test]
fn nothing_takes_the_packages_folder_along() {
    let swept = |command: &str, verb: &str| {
        format!("`{command}` {verb} the folder that packages come into")
    };
    let takes = "takes all that is in";
    check("RUN cd /tmp && wget URL/a.tgz && mv * /opt/", &swept("mv * /opt/", takes));
    check("RUN wget -P /tmp URL/a.tgz && cp -r /tmp /opt/", &swept("cp -r /tmp", takes));
    check("RUN cd /tmp; wget URL/a.tgz; tar czf /b.tgz .", &swept("tar czf /b.tgz", takes));
    check("RUN cd /var; cd tmp; wget URL/a.tgz; cp a* /opt", &swept("cp a* /opt", takes));
    check(
        "RUN wget URL/a.run && sh a.run && rm -rf /tmp/* && wget URL/b.run",
        &swept("rm -rf /tmp/*", "empties"),
    );
    check(
        "RUN wget URL/b.run URL/a.run && sh a.run && rm -rf /tmp/* && sh b.run && rm *.run",
        "RUN --package=b,a cp \"$PACKAGES\"/* . && sh a.run && rm -rf /tmp/* && sh b.run && rm *.run",
    );
    check(
        "RUN wget -P /tmp URL/a.run && sh /tmp/a.run && rm -rf /tmp/*",
        "RUN --package=a ln -sf \"$PACKAGES\"/a.run /tmp/ && sh /tmp/a.run && rm -rf /tmp/*",
    );
    check(
        "RUN wget URL/a.tgz && tar xf a.tgz -C /tmp && rm a.tgz",
        "RUN --package=a tar xf \"$PACKAGES\"/a.tgz -C /tmp",
    );
    check(
        "RUN cd /tmp && wget URL/a.run && mv *.run /opt",
        "RUN --package=a cd /tmp && cp \"$PACKAGES\"/* . && mv *.run /opt",
    );
}

#[test]
fn what_stays_in_the_image_is_copied() {
    check("RUN wget -q URL/a.run", "RUN --package=a cp \"$PACKAGES\"/* .");
    check("RUN curl -fsSLo /x/b.run URL/a.run", "RUN --package=a cp \"$PACKAGES\"/a.run /x/b.run");
    check(
        "RUN wget -q -P /x URL/a.run",
        "RUN --package=a mkdir -p /x && cp \"$PACKAGES\"/a.run /x/",
    );
    check(
        "RUN wget -qP /tmp URL/a.run && sh /tmp/a.run && rm /tmp/a.run",
        "RUN --package=a ln -sf \"$PACKAGES\"/a.run /tmp/ && sh /tmp/a.run && rm /tmp/a.run",
    );
    check(
        "RUN curl -sS --output-dir /x -O URL/a.run",
        "RUN --package=a cp \"$PACKAGES\"/a.run /x/",
    );
    check("RUN curl -sS URL/a.run > /x/b", "RUN --package=a cat \"$PACKAGES\"/a.run > /x/b");
}

#[test]
fn what_goes_through_a_pipe_is_read() {
    check(
        "RUN wget -qO- URL/a.tgz | tar xz -C /opt",
        "RUN --package=a cat \"$PACKAGES\"/a.tgz | tar xz -C /opt",
    );
    check("RUN curl -s URL/a.sh | sh", "RUN --package=a cat \"$PACKAGES\"/a.sh | sh");
}

#[test]
fn what_the_text_does_not_tell_is_left_alone() {
    check("RUN wget -q URL/$(date).run", "a command substitution, known when the shell runs");
    check("RUN if true; then wget URL/a.run; fi", "it stands inside `if`");
    check("RUN pip install --find-links URL/ x", "`pip` chooses among the files that it finds");
    check("ADD URL/a.run /tmp/", "`ADD` fetches it");
    let unknown = |command: &str| format!("`{command}` writes to a place not known");
    check(
        "RUN wget URL/a.run https://elsewhere.example/b",
        "`wget http://172.17.0.1:3000/a.run https://elsewhere.example/b` fetches other files too",
    );
    check("RUN wget URL/a.run && sh *.run || rm *.run", "it stands before `||`");
    check("RUN ! wget URL/a.run", "it is part of a larger command");
    check("RUN PACKAGES=/x; wget URL/a.run", "it has a variable `PACKAGES` of its own");
    check(
        "RUN wget URL/a.run && apt-get install $PACKAGES",
        "it has a variable `PACKAGES` of its own",
    );
    check("ENV PACKAGES=x\nRUN wget URL/a.run", "it has a variable `PACKAGES` of its own");
    check("RUN wget URL/a.run?v=1", "`wget` keeps the `?` in the file's name");
    check("RUN curl -O URL/a%2Bb.run", "`curl` keeps the `%` in the file's name");
    check("RUN curl -r 0-99 -o a URL/a.run", "what `-r` of `curl` changes is not known");
    check("RUN wget -P '~' URL/a.run", &unknown("wget -P ~"));
    check("RUN curl -O -o b URL/a.run", &unknown("curl -O -o"));
    check("RUN wget -O b URL/a.run URL/b.run", &unknown("wget -O b"));
    check("RUN curl -o a URL/a.run -o b URL/b.run", &unknown("curl -o a"));
    check("RUN wget --spider URL/a.run", "what `--spider` of `wget` changes is not known");
}
