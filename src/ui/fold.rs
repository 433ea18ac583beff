//! Lines within a terminal's width: what is too long goes on below its own column.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where a line goes on that is broken before a column, or in one that leaves too little room.
const INDENT: usize = 4;

/// Folds every line that is wider than `width` columns.
pub(super) fn folded(text: &str, width: usize) -> String {
    let lines = text.split_inclusive('\n');
    lines.map(|line| folded_line(line, width)).collect()
}

fn folded_line(line: &str, width: usize) -> String {
    let (mut text, mut rest) = (String::new(), line.to_owned());
    while let Some(end) = break_at(&rest, width) {
        let is_between = rest[..end].ends_with(' ') || rest[end..].starts_with("  ");
        let indent = if is_between { INDENT } else { column_of(&rest[..end], width) };
        text += rest[..end].trim_end();
        text += "\n";
        rest = " ".repeat(indent) + rest[end..].trim_start();
    }
    text + &rest
}

/// The byte at which a line is to be broken: the last space within the width, or the beginning of a
/// column so far to the right that it can hardly hold a word. A word wider than the terminal stays whole.
fn break_at(line: &str, width: usize) -> Option<usize> {
    if line.trim_end().width() <= width {
        return None;
    }
    let begin = line.len() - line.trim_start().len();
    let fitting = fitting(line, width + 1);
    let end = fitting.rfind(' ').filter(|end| *end > begin)?;
    if fitting[..end].ends_with(' ') {
        return Some(end);
    }
    let gap = fitting[..end].trim_end().rfind("  ").filter(|gap| *gap > begin);
    let is_narrow = |gap: &usize| is_far(fitting[..*gap].width(), width);
    Some(gap.filter(is_narrow).unwrap_or(end))
}

/// The beginning of a line, as far as it fits into these columns.
fn fitting(line: &str, width: usize) -> &str {
    let mut used = 0;
    let too_wide = |character: char| {
        used += character.width().unwrap_or(0);
        used > width
    };
    &line[..line.find(too_wide).unwrap_or(line.len())]
}

/// Where the last column of a line's first part begins.
fn column_of(part: &str, width: usize) -> usize {
    let part = part.trim_end();
    let begin = part.rfind("  ").map_or(0, |gap| part[..gap].width() + 2);
    if begin == 0 || is_far(begin, width) { INDENT } else { begin }
}

fn is_far(column: usize, width: usize) -> bool {
    column * 3 > width * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(folded(text, 30), expected);
    }

    #[test]
    fn a_long_line_goes_on_below_its_column() {
        check("as wide as it may be, 30 in all\n", "as wide as it may be, 30 in\n    all\n");
        check("exactly thirty columns wide it\n", "exactly thirty columns wide it\n");
        check(
            "A  built  nothing changed since it was built just now\nB\n",
            "A  built  nothing changed\n          since it was built\n          just now\nB\n",
        );
        check(
            "some/stage  built  some/stage:latest\n",
            "some/stage  built\n    some/stage:latest\n",
        );
        check(
            "a column  far to the right of  others and more\n",
            "a column  far to the right of\n    others and more\n",
        );
        check(
            "名字  一二三四五六七八九十 一二三四五\n",
            "名字  一二三四五六七八九十\n      一二三四五\n",
        );
    }

    #[test]
    fn a_word_that_fits_nowhere_stays_whole() {
        let path = "/a/very/long/path/that/no/terminal/holds";
        check(path, path);
        check(&format!("logs  {path}\n"), &format!("logs\n    {path}\n"));
    }
}
