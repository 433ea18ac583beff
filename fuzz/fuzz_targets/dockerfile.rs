//! Any text is a Dockerfile to the reader: it comes back byte for byte, every
//! span is sound, stages, fetches and warnings are found, and what fetches is
//! converted without a panic.

#![no_main]

use std::sync::Arc;

use ascend_build::error::{Place, SourceFile};
use ascend_build::project::dockerfile::{
    Addresses, Around, Dockerfile, Fetch, Inputs, LARGE, LargeFile, Stages, copy_sources, edited,
    fetches, host_places, lint, run_with_packages,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = SourceFile { path: "Dockerfile".into(), text: text.to_owned() };
    let (file, mut problems) = Dockerfile::read(Arc::new(source));
    assert_eq!(file.text(), text);
    let mut end = 0;
    for instruction in file.instructions() {
        assert!(instruction.span.start >= end && text.get(instruction.span.clone()).is_some());
        end = instruction.span.end;
        let line = &instruction.arguments;
        for (offset, character) in line.text.char_indices() {
            let span = line.source_span(offset..offset + character.len_utf8());
            assert!(text[span].starts_with(character));
        }
        instruction.form();
    }
    for place in host_places(&file, "172.17.0.1") {
        // A continuation may stand inside, and goes when the host is replaced.
        let written: String = text[place].chars().filter(|c| "172.0".contains(*c)).collect();
        assert!(written.starts_with("17") && written.ends_with('1'), "{written}");
    }
    let platform = Some("linux/arm64".parse().expect("the name of a platform"));
    let inputs = Inputs { platform, ..Inputs::default() };
    let (stages, more) = Stages::read(&file, &inputs);
    problems.extend(more);
    let addresses = Addresses::of(&stages, &inputs, &["172.17.0.1".to_owned()], Around::NOTHING);
    let all: Vec<usize> = (0..stages.iter().len()).collect();
    for stage in &all {
        stages.ancestors(*stage);
        for step in stages.steps(*stage) {
            let _ = copy_sources(step.instruction, &step.scope);
        }
        let found = fetches(&stages, *stage, &inputs, &addresses);
        for fetch in &found {
            assert!(text.get(fetch.url_span.clone()).is_some(), "{fetch:?}");
            let same = |one: &&Fetch<'_>| std::ptr::eq(one.instruction, fetch.instruction);
            let together: Vec<_> = found.iter().filter(same).collect();
            let name = |file: &str| Some(file.to_owned());
            let first = std::ptr::eq(together[0], fetch);
            if first
                && let Ok(edits) = run_with_packages(&stages, *stage, &inputs, &together, &name)
            {
                edited(text, fetch.instruction, &edits);
            }
        }
    }
    let large = |path: &str| {
        let file = |below: &str| LargeFile { path: path.into(), below: below.into(), bytes: LARGE };
        vec![file(""), file("below/a.run")]
    };
    problems.extend(lint(&stages, &all, &inputs, &addresses, &large));
    for Place { span, .. } in problems.into_iter().filter_map(|problem| problem.place) {
        assert!(text.get(span.clone()).is_some(), "{span:?}");
    }
});
