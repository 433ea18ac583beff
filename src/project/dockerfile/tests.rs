//! The reader's properties, and what it makes of small Dockerfiles.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn dockerfile(text: &str) -> (Dockerfile, Vec<Problem>) {
    let source = SourceFile { path: "Dockerfile".into(), text: text.to_owned() };
    Dockerfile::read(Arc::new(source))
}

/// One line an instruction: `KEYWORD --flag=value | arguments`, then its heredocs; problems last.
fn check(text: &str, expected: &str) {
    let (file, problems) = dockerfile(text);
    assert_eq!(file.text(), text);
    let mut actual = String::new();
    for instruction in file.instructions() {
        describe(instruction, &mut actual);
    }
    for problem in problems {
        let line = problem.place.as_ref().map_or(0, crate::error::Place::line);
        writeln!(actual, "{line}: {}", problem.message).unwrap();
    }
    assert_eq!(actual.trim_end(), expected.trim_end());
}

fn describe(instruction: &Instruction, out: &mut String) {
    write!(out, "{}", instruction.keyword).unwrap();
    for flag in &instruction.flags {
        let value = flag.value.as_ref().map_or(String::new(), |value| format!("={value}"));
        write!(out, " --{}{value}", flag.name).unwrap();
    }
    match &instruction.inner {
        Some(inner) => {
            out.push_str(" > ");
            describe(inner, out);
        }
        None => writeln!(out, " | {}", instruction.arguments.text).unwrap(),
    }
    for heredoc in &instruction.heredocs {
        writeln!(out, "  {}: {:?}", heredoc.name, heredoc.body).unwrap();
    }
}

#[test]
fn continuations_are_joined_as_docker_joins_them() {
    check("FROM a\nRUN b", "FROM | a\nRUN | b");
    check("run a \\\n  b \\  \n c\n", "RUN | a   b  c");
    check("RUN a \\\n# note\n   # note\n b\n", "RUN | a  b");
    check("RUN a \\\n\n b\n", "RUN | a  b\n2: an empty line inside an instruction");
    check("RUN a\\\\\nRUN b", "RUN | a\\\\\nRUN | b");
    check("RUN a \\", "RUN | a");
    check("RUN a \\\n# end", "RUN | a");
    check("RUN echo '#' \\\n  '# no comment'", "RUN | echo '#'   '# no comment'");
    check("\\\nFROM a", "FROM | a");
}

#[test]
fn line_ends_and_marks_are_kept_out() {
    check("FROM a\r\nRUN b \\\r\n c\r\n", "FROM | a\nRUN | b  c");
    check("\u{feff}FROM a\n", "FROM | a");
    check("\u{feff}# escape=`\nRUN a `\n b\n", "RUN | a  b");
    check("", "");
    check("\n\n# only talk\n", "");
}

#[test]
fn directives_stand_at_the_top() {
    check("# escape=`\nRUN c:\\ `\n d", "RUN | c:\\  d");
    check("#  Escape = ` \nRUN a `\n d", "RUN | a  d");
    check("\n# escape=`\nRUN a `\nRUN b", "RUN | a `\nRUN | b");
    check("# note\n# escape=`\nRUN a `\nRUN b", "RUN | a `\nRUN | b");
    check("# syntax=a/b:1\n# escape=`\nRUN a `\n b", "RUN | a  b");
    check("# escape=x\n", "1: expected `\\` or `` ` `` as the escape character, actual `x`");
    check("# syntax=a\n# syntax=b\n", "2: the directive `syntax` is given twice");
}

#[test]
fn flags_end_at_the_first_other_word() {
    check(
        "RUN --package=a,b --mount=type=cache,target=/x sh",
        "RUN --package=a,b --mount=type=cache,target=/x | sh",
    );
    check("COPY --link --from=0 /a /b", "COPY --link --from=0 | /a /b");
    check("RUN --mount=\"a b\" -- --not", "RUN --mount=a b | --not");
    check("RUN sh --quiet", "RUN | sh --quiet");
    check(
        "HEALTHCHECK --interval=5s \\\n --retries=2 CMD x",
        "HEALTHCHECK --interval=5s --retries=2 | CMD x",
    );
    check("ONBUILD RUN --network=none a", "ONBUILD > RUN --network=none | a");
}

#[test]
fn heredocs_belong_to_run_copy_and_add() {
    check("RUN <<EOF\na \\\n# b\nEOF\nRUN c", "RUN | <<EOF\n  EOF: \"a \\\\\\n# b\\n\"\nRUN | c");
    check("COPY <<A <<B /d\nB\nA\nA\nB\n", "COPY | <<A <<B /d\n  A: \"B\\n\"\n  B: \"A\\n\"");
    check("RUN <<-E\n\ta\n\t\tb\n\tE\n", "RUN | <<-E\n  E: \"a\\nb\\n\"");
    check("RUN <<E\r\na\r\nE\r\nRUN b", "RUN | <<E\n  E: \"a\\r\\n\"\nRUN | b");
    check("RUN a \\\n <<E\nb\nE", "RUN | a  <<E\n  E: \"b\\n\"");
    check("ONBUILD RUN <<E\nFROM x\nE", "ONBUILD > RUN | <<E\n  E: \"FROM x\\n\"");
    check("USER <<E\nRUN a", "USER | <<E\nRUN | a");
    check("RUN [\"<<E\"]\nRUN a", "RUN | [\"<<E\"]\nRUN | a");
    check("RUN <<E\nRUN a\n", "RUN | <<E\n  E: \"RUN a\\n\"\n1: the heredoc `E` has no end");
}

#[test]
fn what_docker_refuses_is_told_and_kept() {
    check("FORM a", "FORM | a\n1: `FORM` is not an instruction that Docker knows");
    check(
        "ONBUILD FORM a",
        "ONBUILD > FORM | a\n1: `FORM` is not an instruction that Docker knows",
    );
    check("ENV A=1 B c=2", "ENV | A=1 B c=2\n1: expected `NAME=VALUE`, actual `B`");
    check("RUN [1, 2]", "RUN | [1, 2]\n1: expected only strings in the JSON array");
}

#[test]
fn json_falls_back_to_the_shell() {
    let form = |text: &str| dockerfile(text).0.instructions().next().unwrap().form();
    assert_eq!(form("RUN [\"a\", \"b c\"]"), Form::Exec(vec!["a".into(), "b c".into()]));
    assert_eq!(form("RUN [ -f a ]"), Form::Shell("[ -f a ]".into()));
    assert_eq!(form("RUN ['a']"), Form::Shell("['a']".into()));
    assert_eq!(form("RUN <<E\na\nb\nE\n"), Form::Shell("a\nb\n".into()));
    assert_eq!(form("RUN cat <<E >f\na\nE\n"), Form::Shell("cat <<E >f\na\nE".into()));
}

#[test]
fn sub_scripts_stay_inside_the_source() {
    // Both were found by the fuzzer: a heredoc without an end, announced last or not.
    for text in [
        "FROM a\nRUN cat <<CONF\nhttp://172.17.0.1:3000/",
        "FROM a\nRUN sh <<A <<B\nwget http://172.17.0.1:3000/$X \"",
    ] {
        hold(text).unwrap();
    }
}

#[test]
fn rewriting_leaves_the_rest_as_it_is() {
    let (file, _) = dockerfile("# top\r\nFROM a\r\n\r\n  RUN b \\\r\n   c\r\n# end");
    let text = file.rewrite(|one| (one.keyword == "RUN").then(|| "RUN d".to_owned()));
    assert_eq!(text, "# top\r\nFROM a\r\n\r\n  RUN d\r\n# end");
}

/// What must hold for every text.
fn hold(text: &str) -> Result<(), TestCaseError> {
    let (file, problems) = dockerfile(text);
    prop_assert_eq!(file.text(), text);
    let mut end = 0;
    for instruction in file.instructions() {
        prop_assert!(instruction.span.start >= end && instruction.span.end <= text.len());
        end = instruction.span.end;
        prop_assert!(!text[instruction.span.clone()].ends_with('\n'));
        traceable(text, instruction)?;
        instruction.form();
    }
    for problem in problems.into_iter().chain(judged(&file)) {
        let span = problem.place.unwrap().span;
        prop_assert!(text.get(span.clone()).is_some(), "{span:?}");
    }
    Ok(())
}

/// What stages, fetches and warnings tell of a file, all of it.
fn judged(file: &Dockerfile) -> Vec<Problem> {
    let inputs = Inputs::default();
    let (stages, mut problems) = Stages::read(file, &inputs);
    let addresses = Addresses::of(&stages, &inputs, &["172.17.0.1".to_owned()], Around::NOTHING);
    let all: Vec<usize> = (0..stages.iter().len()).collect();
    for stage in &all {
        assert_eq!(stages.ancestors(*stage).last().unwrap().stage, *stage);
        for fetch in fetches(&stages, *stage, &inputs, &addresses) {
            assert!(file.source().text.get(fetch.url_span.clone()).is_some());
        }
    }
    let large = |path: &str| {
        let file = |below: &str| LargeFile { path: path.into(), below: below.into(), bytes: LARGE };
        vec![file(""), file("below/a.run")]
    };
    problems.extend(lint(&stages, &all, &inputs, &addresses, &large));
    problems
}

/// Every character of the arguments leads back to the same character of the source.
fn traceable(text: &str, instruction: &Instruction) -> Result<(), TestCaseError> {
    for part in [Some(instruction), instruction.inner.as_deref()].into_iter().flatten() {
        let line = &part.arguments;
        for (offset, character) in line.text.char_indices() {
            let span = line.source_span(offset..offset + character.len_utf8());
            prop_assert_eq!(&text[span], character.to_string());
        }
        for heredoc in &part.heredocs {
            prop_assert!(heredoc.strip_tabs || text[heredoc.span.clone()] == heredoc.body);
        }
        for flag in &part.flags {
            prop_assert!(text[flag.span.clone()].starts_with("--"));
        }
    }
    Ok(())
}

/// Pieces that Dockerfiles are made of, so that random texts reach every corner.
const PIECES: [&str; 43] = [
    "FROM a AS b\n",
    "RUN ",
    "run --mount=type=cache ",
    "COPY ",
    "ONBUILD ",
    "ARG X=1",
    "<<EOF",
    "<<-'E F'",
    "\nEOF\n",
    "\n\tE F\n",
    " \\\n",
    " \\",
    "`\n",
    "# escape=`\n",
    "# note\n",
    "\r\n",
    "\n",
    "\t",
    " ",
    "\"",
    "'",
    "$X",
    "${X:-",
    "}",
    "[\"a\"]",
    "é",
    "\u{feff}",
    "--",
    "--a=\"b c\"",
    "FROM b\n",
    "ENV X=$Y ",
    "wget http://172.17.0.1:3000/a.run ",
    "ADD http://$X:3000/",
    "if ",
    "; fi",
    "for i in ",
    "do ",
    "; done",
    "sh -c '",
    "$(",
    "&& ",
    "|| ",
    "\n<<",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_comes_back_byte_for_byte(text in any::<String>()) {
        hold(&text)?;
    }

    #[test]
    fn any_dockerfile_comes_back_byte_for_byte(text in pieces()) {
        hold(&text)?;
    }
}
