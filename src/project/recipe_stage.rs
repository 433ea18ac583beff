//! One stage of a Dockerfile as a stage of a project: what it starts from, what
//! it copies, fetches and takes from the context.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::dockerfile::{self, Fetch, FetchPath, Given, Origin, fetches, trigger_fetches};
use super::recipe::Reader;
use super::relocate::relocations;
use super::stage_body::{context_sources, package_uses};
use super::stages_file::{Base, BaseFacts};
use super::{Authority, Fetched, Parent, Stage, StageName};
use crate::error::{Place, Problem};

impl Reader<'_> {
    /// The stage, and its base among `bases`; `None` only where `problems` says why.
    pub(super) fn stage(
        &self,
        stage: &dockerfile::Stage<'_>,
        bases: &mut IndexMap<String, Base>,
        problems: &mut Vec<Problem>,
    ) -> Option<Stage> {
        let place = Place::new(self.file.source(), stage.from.span.clone());
        let text = &self.file.source().text;
        let own = Stage {
            name: self.name(stage.index)?,
            from: self.parent(stage, &place, bases, problems)?,
            place,
            description: None,
            span: self.body_span(stage),
            preamble: text[..self.stages.get(0)?.from.span.start].to_owned(),
            from_flags: stage
                .from
                .flags
                .iter()
                .map(|flag| format!("{} ", &text[flag.span.clone()]))
                .collect(),
            file: Arc::clone(self.file),
            args: IndexMap::new(),
            build_args: self.recipe.build_args.clone(),
            checks: IndexMap::new(),
            check_timeout: 0,
            uses: Vec::new(),
            copies: self.copies(stage),
            fetches: self.fetches(stage.index),
            triggers: self.triggers(stage.index),
            instead_of: stage.left_out.iter().filter_map(|left| self.name(*left)).collect(),
            numbers: (0..self.stages.iter().len()).filter_map(|index| self.name(index)).collect(),
            sources: self.sources(stage.index),
            relocations: self.relocations(stage.index),
        };
        Some(Stage { uses: package_uses(own.instructions(), self.file, problems), ..own })
    }

    fn parent(
        &self,
        stage: &dockerfile::Stage<'_>,
        place: &Place,
        bases: &mut IndexMap<String, Base>,
        problems: &mut Vec<Problem>,
    ) -> Option<Parent> {
        match &stage.base {
            Origin::Stage(index) => Some(Parent::Stage(self.name(*index)?)),
            Origin::Image(image) => {
                let base = || Base {
                    image: image.clone(),
                    facts: BaseFacts::default(),
                    archive: None,
                    rootfs: None,
                    place: place.clone(),
                };
                bases.entry(image.clone()).or_insert_with(base);
                Some(Parent::Base(image.clone()))
            }
            Origin::Unknown { reason } => {
                problems.push(
                    Problem::error("the base image is not known before the build")
                        .at(place.clone(), reason)
                        .hint("set the argument with `--build-arg NAME=VALUE`"),
                );
                None
            }
        }
    }

    /// The stages that it takes files from.
    fn copies(&self, stage: &dockerfile::Stage<'_>) -> Vec<StageName> {
        let used = stage.uses.iter().filter_map(|one| match one.origin {
            Origin::Stage(index) => self.name(index),
            _ => None,
        });
        let mut copies: Vec<StageName> = used.collect();
        copies.sort();
        copies.dedup();
        copies
    }

    fn fetches(&self, stage: usize) -> Vec<Fetched> {
        let all = fetches(self.stages, stage, self.inputs, self.addresses);
        all.iter().map(|fetch| self.fetched(fetch)).collect()
    }

    fn triggers(&self, stage: usize) -> Vec<Fetched> {
        let all = trigger_fetches(self.stages, stage, self.inputs, self.addresses);
        all.iter().map(|fetch| self.fetched(fetch)).collect()
    }

    fn fetched(&self, fetch: &Fetch<'_>) -> Fetched {
        let file = match (&fetch.path, fetch.path.file()) {
            (FetchPath::Known(_), Some(name)) if !name.is_empty() => Ok(name),
            (FetchPath::Unknown { reason }, _) => Err(reason.clone()),
            _ => Err(format!("`{}` chooses among the files that it finds there", fetch.tool)),
        };
        Fetched {
            file,
            doubt: fetch.doubt,
            place: Place::new(self.file.source(), fetch.url_span.clone()),
            authority: self.authority(fetch),
            given: given(fetch),
            instruction: fetch.instruction.span.start,
        }
    }

    /// Where the address stands, literally or as variables, and what it means.
    fn authority(&self, fetch: &Fetch<'_>) -> Option<Authority> {
        let url = self.file.source().text.get(fetch.url_span.clone())?;
        let address = format!("{}:{}", fetch.host.as_ref()?, fetch.port?);
        let start = fetch.url_span.start;
        let at = |span: Range<usize>| start + span.start..start + span.end;
        let literal = fetch.authority_span.clone().or_else(|| between_slashes(url).map(at));
        if let Some(span) = literal {
            return Some(Authority { span, address, held_path: None });
        }
        let variable = leading_variable(url)?;
        let held_path = Some(held_path(&fetch.full_path, &url[variable.end..]));
        Some(Authority { span: at(variable), address, held_path })
    }

    fn sources(&self, stage: usize) -> Vec<String> {
        let steps = self.stages.steps(stage);
        steps.iter().flat_map(|step| context_sources(step.instruction, &step.scope)).collect()
    }

    /// None where the parent's triggers copy: they cannot be written anew.
    fn relocations(&self, stage: usize) -> Vec<(Range<usize>, String)> {
        let steps = self.stages.steps(stage);
        if steps.iter().any(|step| step.trigger_of.is_some()) {
            return Vec::new();
        }
        let scoped = steps.iter().map(|step| (step.instruction, step.scope.clone()));
        relocations(scoped, &self.sources(stage))
    }
}

/// What its command must be given, with the address that the user wrote.
fn given(fetch: &Fetch<'_>) -> Vec<(Given, String)> {
    let address = fetch.host.as_ref().zip(fetch.port).map(|(host, port)| format!("{host}:{port}"));
    let all = fetch.given.iter().zip(address.iter().cycle());
    all.map(|(given, address)| (given.clone(), address.clone())).collect()
}

/// What stands between `://` and the next `/` of an address as it is written.
fn between_slashes(url: &str) -> Option<Range<usize>> {
    let start = url.find("://").filter(|end| !url[..*end].contains('$'))? + 3;
    let end = url[start..].find('/').map_or(url.len(), |length| start + length);
    let plain = !url[start..end].contains(['"', '\'', '`', '(', '@', ' ']);
    plain.then_some(start..end)
}

/// The variable that an address begins with, as it is written: `$URL/a.run`, `"${URL}"/a.run`.
fn leading_variable(url: &str) -> Option<Range<usize>> {
    let quote = usize::from(url.starts_with('"'));
    let name = url[quote..].strip_prefix('$')?;
    let braced = name.strip_prefix('{').and_then(|inner| inner.find('}')).map(|end| end + 2);
    let plain = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    let end = quote + 1 + braced.unwrap_or(plain);
    let rest = &url[end..];
    let closed = rest.is_empty() || rest.starts_with('/') || (quote == 1 && rest == "\"");
    match rest.strip_prefix('"') {
        _ if closed => Some(quote..end),
        Some(rest) if quote == 1 && rest.starts_with('/') => Some(0..end + 1),
        _ => None,
    }
}

/// What of `path` is not in `written`, the text behind the variable that an address begins with.
fn held_path(path: &str, written: &str) -> String {
    let written = written.trim_end_matches('"');
    if let Some(held) = path.strip_suffix(written) {
        return held.to_owned();
    }
    // A variable in there is taken for one without a slash.
    let parts = written.matches('/').count();
    let cut = path.rmatch_indices('/').nth(parts.saturating_sub(1)).map_or(0, |(cut, _)| cut);
    if parts == 0 { String::new() } else { path[..cut].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_holds_what_is_not_written_behind_it() {
        for (path, written, expected) in [
            ("/packages/a.run", "/a.run", "/packages"),
            ("/packages/a.run", "/a.run\"", "/packages"),
            ("/a.run", "/a.run", ""),
            ("/packages/a-1.run", "/a-${V}.run", "/packages"),
            ("/a-1.run", "/$A", ""),
            ("/p/q/a.run", "/q/$F", "/p"),
            ("/", "", "/"),
        ] {
            assert_eq!(held_path(path, written), expected, "{path} {written}");
        }
    }

    /// The address with the place of the package server in it marked as `<>`.
    fn check(url: &str, expected: &str) {
        let span = between_slashes(url).or_else(|| leading_variable(url));
        let mut marked = url.to_owned();
        span.into_iter().for_each(|span| marked.replace_range(span, "<>"));
        assert_eq!(marked, expected);
    }

    #[test]
    fn the_servers_place_is_found_in_what_is_written() {
        check("http://$HOST:${PORT}/a-$X.run", "http://<>/a-$X.run");
        check("http://$SERVER", "http://<>");
        check("http://\"$SERVER\"/a", "http://\"$SERVER\"/a");
        check("$URL/a.run", "<>/a.run");
        check("\"$URL/a.run\"", "\"<>/a.run\"");
        check("\"${URL}\"/a.run", "<>/a.run");
        check("${URL:-http://x/y}/a", "<>/a");
        check("${URL:-x}/a", "<>/a");
        check("\"$URL\"", "\"<>\"");
        check("$URL", "<>");
        check("$A$B/a", "$A$B/a");
        check("$URL\"/a\"", "$URL\"/a\"");
        check("'$URL/a'", "'$URL/a'");
    }
}
