//! A logical line: what Docker sees once continuations are joined, with the
//! way back to the bytes that were written.

use std::ops::Range;

/// Text joined from several places of a source, each character traceable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logical {
    /// The joined text: continuations, and the comment and empty lines inside them, are gone.
    pub text: String,
    /// Where the text was taken from, in order; the first starts at 0.
    segments: Vec<Segment>,
}

/// From `logical` on, the text is a copy of the source from `source` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    logical: usize,
    source: usize,
}

impl Logical {
    /// The bytes of the source that a range of [`Logical::text`] came from,
    /// continuations between its two ends included.
    pub fn source_span(&self, logical: Range<usize>) -> Range<usize> {
        let start = self.source_offset(self.segment_upto(logical.start), logical.start);
        if logical.is_empty() {
            return start..start;
        }
        let end = self.source_offset(self.segment_upto(logical.end - 1), logical.end);
        start..end.max(start)
    }

    /// The part of this line that `range` covers; ranges outside the text are cut to it.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.text.len());
        let start = range.start.min(end);
        let first = self.segment_upto(start);
        let source = self.source_offset(first, start);
        let within = self.segments.iter().skip(first + 1).take_while(|part| part.logical < end);
        let rest =
            within.map(|part| Segment { logical: part.logical - start, source: part.source });
        let segments = std::iter::once(Segment { logical: 0, source }).chain(rest).collect();
        Self { text: self.text[start..end].to_owned(), segments }
    }

    /// This line without white space at its ends.
    #[must_use]
    pub(super) fn trimmed(&self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        self.slice(start..self.text.trim_end().len())
    }

    /// Appends `text`, which stands at byte `source` of the source.
    pub(super) fn push(&mut self, text: &str, source: usize) {
        if !text.is_empty() || self.segments.is_empty() {
            self.segments.push(Segment { logical: self.text.len(), source });
            self.text.push_str(text);
        }
    }

    /// Appends another line of the same source.
    pub(super) fn append(&mut self, other: &Self) {
        let before = self.text.len();
        let moved = |part: &Segment| Segment { logical: before + part.logical, ..*part };
        self.segments.extend(other.segments.iter().map(moved));
        self.text.push_str(&other.text);
    }

    /// This line, whose source is the text of `outer`, traced to the source of `outer`.
    #[must_use]
    pub(super) fn through(&self, outer: &Self) -> Self {
        let mut segments = Vec::new();
        for (index, part) in self.segments.iter().enumerate() {
            let end = self.segments.get(index + 1).map_or(self.text.len(), |next| next.logical);
            let first = outer.segment_upto(part.source);
            segments.push(Segment { source: outer.source_offset(first, part.source), ..*part });
            for within in outer.segments.iter().skip(first + 1) {
                let logical = part.logical + within.logical.saturating_sub(part.source);
                if logical < end {
                    segments.push(Segment { logical, source: within.source });
                }
            }
        }
        Self { text: self.text.clone(), segments }
    }

    /// The index of the segment that holds the byte at `offset`.
    fn segment_upto(&self, offset: usize) -> usize {
        self.segments.partition_point(|part| part.logical <= offset).saturating_sub(1)
    }

    fn source_offset(&self, segment: usize, offset: usize) -> usize {
        let part = self.segments.get(segment).copied();
        part.map_or(offset, |part| part.source + offset.saturating_sub(part.logical))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `RUN a \⏎ b` joined: the text, and the source of a part of it.
    fn check(part: &str, expected: &str) {
        let source = "RUN one \\\n# why\n  two && \\\n three\n";
        let mut line = Logical::default();
        for piece in ["RUN one ", "  two && ", " three"] {
            line.push(piece, source.find(piece).unwrap());
        }
        let start = line.text.find(part).unwrap();
        let span = line.source_span(start..start + part.len());
        assert_eq!(&source[span.clone()], expected);
        assert_eq!(line.slice(start..start + part.len()).source_span(0..part.len()), span);
    }

    #[test]
    fn parts_lead_back_to_the_source() {
        check("one", "one");
        check("two", "two");
        check("three", "three");
        check("one   two", "one \\\n# why\n  two");
        check("RUN one ", "RUN one ");
    }
}
