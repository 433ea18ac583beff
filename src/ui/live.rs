//! What stands on a stage's live line, within the terminal's width: the package on its
//! way in, the instruction, and the beginning of the last line of output.

use super::units::share;

/// A download as the line shows it.
pub(super) struct Moving<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes in all.
    pub length: u64,
    /// Bytes a second.
    pub rate: u64,
}

/// The line in at most `width` characters, a download first: its rate and the
/// beginning of the last output are worth more than the whole instruction.
pub(super) fn compose(step: &str, moving: Option<&Moving<'_>>, last: &str, width: usize) -> String {
    let mut parts: Vec<String> = moving.map(|moving| text(moving, width)).into_iter().collect();
    let used = parts.iter().map(|part| part.chars().count() + 3).sum::<usize>();
    let room = width.saturating_sub(used);
    let kept = last.chars().count().min(room / 2);
    let step_room = if kept == 0 { room } else { room.saturating_sub(kept + 3) };
    parts.push(shortened(step, step_room));
    let used = parts.iter().map(|part| part.chars().count() + 3).sum::<usize>();
    parts.push(shortened(last, width.saturating_sub(used)));
    parts.retain(|part| !part.is_empty());
    parts.join(" | ")
}

fn text(moving: &Moving<'_>, width: usize) -> String {
    let name = shortened(moving.file, (width / 4).max(8));
    format!("{name} {} {}/s", share(moving.sent, moving.length), share(moving.rate, moving.rate))
}

/// The beginning of a text, in at most `room` characters.
pub(super) fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(room.saturating_sub(1)).collect();
    if room == 0 { beginning } else { beginning + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn check(step: &str, moving: bool, last: &str, expected: &str) {
        let file = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run";
        let download = Moving { file, sent: 120 * MIB, length: 783 * MIB, rate: 45 * MIB };
        // What 80 columns leave beside a stage's name of 8 characters.
        let line = compose(step, moving.then_some(&download), last, 62);
        assert!(line.chars().count() <= 62, "{line}");
        assert_eq!(line, expected);
    }

    #[test]
    fn rate_and_output_are_both_seen() {
        let step = "3/7 RUN --package=cann-toolkit sh x --quiet --install";
        let last = "Verifying archive integrity... All good.";
        check("1/2 RUN true", false, "", "1/2 RUN true");
        check(step, true, last, "Ascend-cann-to… 120/783 MiB 45 MiB/s | 3/7 RUN … | Verifying …");
        check(step, true, "", "Ascend-cann-to… 120/783 MiB 45 MiB/s | 3/7 RUN --package=cann…");
        check(step, false, last, "3/7 RUN --package=cann-tool… | Verifying archive integrity...…");
    }
}
