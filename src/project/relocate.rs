//! Keeping the user's files apart from the generated Dockerfile in a context.
//!
//! An engine takes the Dockerfile from the context, so `COPY .` would copy it
//! too, and its layer would be built anew whenever the generated text changes.
//! Where a stage copies the whole context, its files stand in a folder of their
//! own there, and its `COPY`, `ADD` and bind mounts are written to match.

use std::ops::Range;

use super::dockerfile::{Flag, Instruction, Scope, Value, context_words, is_remote};

/// The folder of the context that then holds the user's files.
pub const CONTEXT_FOLDER: &str = "context";

/// What to write in place of which bytes of the stage's file, in their order;
/// empty where nothing can copy the Dockerfile.
pub(super) fn relocations<'a>(
    instructions: impl Iterator<Item = (&'a Instruction, Scope)>,
    sources: &[String],
) -> Vec<(Range<usize>, String)> {
    let instructions: Vec<_> = instructions.collect();
    // A trigger runs in builds of other images, which know nothing of our folder.
    let triggers = instructions.iter().any(|(instruction, _)| instruction.keyword == "ONBUILD");
    if triggers || !sources.iter().any(|source| takes_all(source)) {
        return Vec::new();
    }
    instructions.iter().flat_map(|(instruction, scope)| relocate(instruction, scope)).collect()
}

/// Whether a source of a `COPY` can stand for what lies at the top of the context, whatever its name.
pub fn takes_all(source: &str) -> bool {
    let first = source.trim_start_matches(['.', '/']).split('/').next().unwrap_or_default();
    first.is_empty() || first.contains(['*', '?', '[', '$'])
}

fn relocate(instruction: &Instruction, scope: &Scope) -> Vec<(Range<usize>, String)> {
    match instruction.keyword.as_str() {
        "COPY" | "ADD" if instruction.flag("from").is_none() => copied(instruction, scope),
        "RUN" => instruction.flags_named("mount").filter_map(mounted).collect(),
        _ => Vec::new(),
    }
}

fn copied(instruction: &Instruction, scope: &Scope) -> Vec<(Range<usize>, String)> {
    let words = context_words(instruction, scope.escape());
    let local = |text: &str| !matches!(scope.expand(text), Value::Known(path) if is_remote(&path));
    if let Some(mut json) = instruction.json() {
        let last = json.len().saturating_sub(1);
        json[..last].iter_mut().filter(|text| local(text)).for_each(|text| *text = below(text));
        let whole = instruction.arguments.source_span(0..instruction.arguments.text.len());
        return serde_json::to_string(&json).map(|text| (whole, text)).into_iter().collect();
    }
    let start = |span: &Range<usize>| instruction.arguments.source_span(span.clone()).start;
    let local = words.iter().filter(|(text, _)| local(text));
    local.map(|(_, span)| (start(span)..start(span), format!("{CONTEXT_FOLDER}/"))).collect()
}

fn mounted(flag: &Flag) -> Option<(Range<usize>, String)> {
    let mount = flag.value.as_deref()?;
    let fields: Vec<(&str, &str)> =
        mount.split(',').map(|field| field.split_once('=').unwrap_or((field, ""))).collect();
    let field = |name: &str| fields.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
    if field("type").is_some_and(|kind| kind != "bind") || field("from").is_some() {
        return None;
    }
    let source = field("source").or_else(|| field("src")).unwrap_or_default();
    let kept = fields.iter().filter(|(name, _)| !matches!(*name, "source" | "src"));
    let kept =
        kept.map(
            |(name, value)| {
                if value.is_empty() { (*name).to_owned() } else { format!("{name}={value}") }
            },
        );
    let all: Vec<String> = kept.chain([format!("source={}", below(source))]).collect();
    Some((flag.span.clone(), format!("--mount={}", all.join(","))))
}

fn below(source: &str) -> String {
    format!("{CONTEXT_FOLDER}/{source}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::super::dockerfile::{Dockerfile, Inputs};
    use super::*;
    use crate::error::SourceFile;

    fn check(text: &str, sources: &[&str], expected: &str) {
        let file =
            Arc::new(SourceFile { path: PathBuf::from("Dockerfile"), text: text.to_owned() });
        let (dockerfile, _) = Dockerfile::read(file);
        let scope = Scope::global(&Inputs::default(), '\\');
        let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
        let mut actual = text.to_owned();
        let instructions =
            dockerfile.instructions().map(|instruction| (instruction, scope.clone()));
        for (span, replacement) in relocations(instructions, &sources).into_iter().rev() {
            actual.replace_range(span, &replacement);
        }
        assert_eq!(actual, expected);
    }

    #[test]
    fn what_takes_the_whole_context_is_moved() {
        check("COPY . /app\n", &["."], "COPY context/. /app\n");
        check(
            "COPY --chown=1 a *.txt \\\n  /app/\n",
            &["*.txt"],
            "COPY --chown=1 context/a context/*.txt \\\n  /app/\n",
        );
        check("COPY [\".\", \"/a b\"]\n", &["."], "COPY [\"context/.\",\"/a b\"]\n");
        check(
            "RUN --mount=target=/src ls\n",
            &["."],
            "RUN --mount=target=/src,source=context/ ls\n",
        );
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        check("COPY a /app\n", &["a"], "COPY a /app\n");
        check("COPY --from=x . /app\nCOPY a b\n", &["a"], "COPY --from=x . /app\nCOPY a b\n");
        check("ADD https://x/y /z\nCOPY . /q\n", &["."], "ADD https://x/y /z\nCOPY context/. /q\n");
        check("ONBUILD COPY . /app\nCOPY . /b\n", &["."], "ONBUILD COPY . /app\nCOPY . /b\n");
        check(
            "RUN --mount=type=cache,target=/c ls\nCOPY . /b\n",
            &["."],
            "RUN --mount=type=cache,target=/c ls\nCOPY context/. /b\n",
        );
    }
}
