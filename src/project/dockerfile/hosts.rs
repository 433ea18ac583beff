//! Where a host's name or address stands in a Dockerfile.

use std::ops::Range;

use super::{Dockerfile, Instruction};

/// Every place of `host` in what the build reads: the arguments and heredocs
/// of each ARG, ENV, RUN and ADD, comments left out. In the order of the file,
/// as bytes of the source, so that another host can be written there; a
/// continuation inside the host is part of its place.
pub fn host_places(file: &Dockerfile, host: &str) -> Vec<Range<usize>> {
    let read = file.instructions().map(Instruction::innermost);
    let read = read.filter(|one| matches!(one.keyword.as_str(), "ARG" | "ENV" | "RUN" | "ADD"));
    read.flat_map(|instruction| places_in(instruction, host)).collect()
}

fn places_in(instruction: &Instruction, host: &str) -> Vec<Range<usize>> {
    let line = &instruction.arguments;
    let starts = whole_matches(&line.text, host);
    let mut places: Vec<_> =
        starts.map(|start| line.source_span(start..start + host.len())).collect();
    for (source, text) in instruction.heredocs.iter().flat_map(super::Heredoc::lines) {
        let starts = whole_matches(text, host);
        places.extend(starts.map(|start| source + start..source + start + host.len()));
    }
    places
}

/// Where `host` stands as a whole in `text`: `10.0.0.1` is not in `10.0.0.12`.
pub(super) fn whole_matches<'a>(text: &'a str, host: &'a str) -> impl Iterator<Item = usize> {
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-');
    let starts = text.match_indices(host).map(|(start, _)| start);
    starts.filter(move |start| {
        let before = text[..*start].chars().next_back();
        let mut after = text[*start + host.len()..].chars();
        let next = after.next();
        let goes_on = inner(next) || (next == Some('.') && inner(after.next()));
        !inner(before) && before != Some('.') && !goes_on
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::SourceFile;

    /// The file with each place of `10.0.0.1` marked as `<>`.
    fn check(text: &str, expected: &str) {
        let source = SourceFile { path: "Dockerfile".into(), text: text.to_owned() };
        let (file, _) = Dockerfile::read(Arc::new(source));
        let mut marked = text.to_owned();
        for place in host_places(&file, "10.0.0.1").into_iter().rev() {
            marked.replace_range(place, "<>");
        }
        assert_eq!(marked, expected);
    }

    #[test]
    fn hosts_are_found_as_wholes_where_the_build_reads_them() {
        check("ARG A=http://10.0.0.1:80 B=10.0.0.1", "ARG A=http://<>:80 B=<>");
        check(
            "RUN a 10.0.0.12 210.0.0.1 10.0.0.1.2 x10.0.0.1",
            "RUN a 10.0.0.12 210.0.0.1 10.0.0.1.2 x10.0.0.1",
        );
        check("RUN a \\\n# 10.0.0.1\n 10.0.0.1/b. 10.0.0.1.", "RUN a \\\n# 10.0.0.1\n <>/b. <>.");
        check("RUN a 10.0\\\n.0.1 b", "RUN a <> b");
        check("RUN <<E\n10.0.0.1\nE\n# 10.0.0.1", "RUN <<E\n<>\nE\n# 10.0.0.1");
        check("RUN <<-E\n\t\t10.0.0.1 10.0.0.1\n\t10.0.0.1\nE", "RUN <<-E\n\t\t<> <>\n\t<>\nE");
        check(
            "COPY 10.0.0.1 /\nONBUILD ADD http://10.0.0.1/x /",
            "COPY 10.0.0.1 /\nONBUILD ADD http://<>/x /",
        );
    }
}
