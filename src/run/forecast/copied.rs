//! Which instruction copies which of the files that a stage takes from its context.

use crate::plan::{PlannedInstruction, PlannedStage};

/// The sources of each of the stage's instructions, in order. One that no instruction names as it is
/// (a variable stands for it) counts for the first that copies; one that a `RUN` mounts, for none.
pub fn copied(stage: &PlannedStage) -> Vec<Vec<&str>> {
    shared_out(&stage.instructions, &stage.context)
}

fn shared_out<'a>(instructions: &[PlannedInstruction], sources: &'a [String]) -> Vec<Vec<&'a str>> {
    let mut shares = vec![Vec::new(); instructions.len()];
    for source in sources {
        let copying = instructions.iter().position(|one| copies(one) && names(one, source));
        let first = || {
            let mounted =
                instructions.iter().any(|one| one.keyword == "RUN" && one.text.contains(source));
            instructions.iter().position(copies).filter(|_| !mounted)
        };
        if let Some(place) = copying.or_else(first) {
            shares[place].push(source.as_str());
        }
    }
    shares
}

fn copies(instruction: &PlannedInstruction) -> bool {
    matches!(instruction.keyword.as_str(), "COPY" | "ADD") && !instruction.text.contains("--from=")
}

fn names(instruction: &PlannedInstruction, source: &str) -> bool {
    let words = instruction.text.split(|c: char| c.is_whitespace() || "[]\",'".contains(c));
    let mut words = words.map(|word| word.trim_start_matches("./").trim_end_matches('/'));
    words.any(|word| word == source.trim_start_matches("./").trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Place, SourceFile};

    fn check(texts: &[&str], sources: &[&str], expected: &[&[&str]]) {
        let file = std::sync::Arc::new(SourceFile { path: "S".into(), text: String::new() });
        let instruction = |text: &&str| PlannedInstruction {
            keyword: text.split(' ').next().unwrap().to_owned(),
            text: (*text).to_owned(),
            file: "S".to_owned(),
            line: 1,
            packages: Vec::new(),
            place: Place { file: std::sync::Arc::clone(&file), span: 0..0 },
        };
        let instructions: Vec<_> = texts.iter().map(instruction).collect();
        let sources: Vec<_> = sources.iter().map(|&source| source.to_owned()).collect();
        assert_eq!(shared_out(&instructions, &sources), expected);
    }

    #[test]
    fn a_source_counts_for_the_instruction_that_names_it() {
        check(&["COPY a /", "RUN ls", "ADD b c /"], &["a", "b", "c"], &[&["a"], &[], &["b", "c"]]);
        check(&["COPY [\"a b\", \"/\"]", "COPY ./c/ /"], &["c"], &[&[], &["c"]]);
        check(&["COPY --from=other a /", "COPY $what /"], &["a"], &[&[], &["a"]]);
        check(&["COPY a /", "RUN --mount=source=b,target=/b ls"], &["a", "b"], &[&["a"], &[]]);
    }
}
