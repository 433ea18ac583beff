//! A problem as text: message, place with a caret, causes, facts, what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::error::{Problem, Severity};

/// One problem for a page, without colour and without a newline at its end.
pub fn rendered(problem: &Problem) -> String {
    render(problem, false)
}

/// Renders one problem, without a newline at its end.
pub(super) fn render(problem: &Problem, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).render(&[group(problem)])
}

fn group(problem: &Problem) -> Group<'_> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(problem.message.as_str());
    let title = match problem.code {
        Some(code) => title.id(code),
        None => title,
    };
    let mut group = Group::with_title(title);
    if let Some(place) = &problem.place {
        let annotation = AnnotationKind::Primary.span(visible(&place.file.text, &place.span));
        let annotation = annotation.label(problem.label.as_deref().unwrap_or_default());
        let path = place.file.path.to_string_lossy().into_owned();
        group = group
            .element(Snippet::source(place.file.text.as_str()).path(path).annotation(annotation));
    }
    for cause in causes(problem) {
        group = group.element(Level::NOTE.with_name("cause").message(cause));
    }
    for note in &problem.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for hint in &problem.hints {
        group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
    }
    group
}

/// Long instructions are marked on their first line only.
fn visible(text: &str, span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let end = text[span.clone()].find('\n').map_or(span.end, |newline| span.start + newline);
    span.start..end
}

fn causes(problem: &Problem) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = problem.source.as_deref().map(|source| source as &dyn std::error::Error);
    while let Some(error) = next {
        let text = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !causes.last().is_some_and(|last: &String| last.contains(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    causes
}
