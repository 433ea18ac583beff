//! The weight of an image's layers: a table for people, JSON for programs.

use serde::Serialize;

use crate::image::{Attribution, Finding, Waste, plain_instruction};
use crate::ui::{Table, bytes, counted};

/// Findings that the table lists at most, unless all are wanted.
const MOST_FINDINGS: usize = 20;

/// How much of an instruction a table shows, in characters.
const INSTRUCTION: usize = 72;

/// An image, weighed; `--format json` prints it (docs/image-layers.md).
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The reference that was asked for.
    pub(super) image: String,
    /// Bytes of all layers.
    pub(super) size: u64,
    /// Bytes that the layers above the base waste; what `--max-waste` weighs.
    pub(super) wasted: u64,
    /// Bytes of the base's layers that are of no use.
    pub(super) wasted_in_base: u64,
    /// The lowest first.
    pub(super) layers: Vec<LayerLine>,
    /// The largest first.
    pub(super) waste: Vec<WasteLine>,
}

/// One layer.
#[derive(Debug, Serialize)]
pub(super) struct LayerLine {
    /// Counted from 1, the lowest.
    layer: usize,
    digest: String,
    /// Whether it is the base's.
    base: bool,
    size: u64,
    wasted: u64,
    /// Names in it, folders and whiteouts included.
    names: usize,
    /// On one line, as far as the engine recorded it.
    instruction: Option<String>,
}

/// What is wasted at one place.
#[derive(Debug, Serialize)]
pub(super) struct WasteLine {
    pub(super) kind: Waste,
    pub(super) bytes: u64,
    files: usize,
    pub(super) path: String,
    /// The layer that holds the bytes.
    layer: usize,
    /// The layer that removes or overwrites it.
    hidden_by: Option<usize>,
    pub(super) base: bool,
    /// The package file that it is.
    package: Option<String>,
}

impl Report {
    /// The report on `image`, of whose layers the lowest `base` are not the project's own; kinds
    /// that are to be `ignored` are left out.
    pub(super) fn new(image: &str, weighed: Attribution, base: usize, ignored: &[Waste]) -> Self {
        let findings = weighed.findings.into_iter();
        let findings = findings.filter(|finding| !ignored.contains(&finding.kind));
        let waste: Vec<_> = findings.map(|finding| WasteLine::of(finding, base)).collect();
        let wasted_by = |layer: usize| waste.iter().filter(move |line| line.layer == layer);
        let layers = weighed.layers.into_iter().enumerate().map(|(index, layer)| LayerLine {
            layer: index + 1,
            base: index < base,
            size: layer.bytes,
            wasted: wasted_by(index + 1).map(|line| line.bytes).sum(),
            names: layer.names,
            instruction: layer.instruction.as_deref().map(plain_instruction),
            digest: layer.digest,
        });
        let layers: Vec<_> = layers.collect();
        let wasted = |in_base| {
            let lines = waste.iter().filter(|line| line.base == in_base);
            lines.map(|line| line.bytes).sum()
        };
        Self {
            image: image.to_owned(),
            size: layers.iter().map(|layer| layer.size).sum(),
            wasted: wasted(false),
            wasted_in_base: wasted(true),
            layers,
            waste,
        }
    }

    /// The report for people; `all` findings, or the largest.
    pub(super) fn text(&self, all: bool) -> String {
        let head = self.head();
        let most = if all { self.waste.len() } else { MOST_FINDINGS };
        let left = self.waste.get(most..).unwrap_or_default();
        let more = if left.is_empty() {
            String::new()
        } else {
            let sum = left.iter().map(|line| line.bytes).sum();
            format!("and {} more, {}: `--all` lists them\n", left.len(), bytes(sum))
        };
        let waste = if self.waste.is_empty() {
            String::new()
        } else {
            format!("\n{}{more}", self.waste_table(most))
        };
        format!("{head}\n\n{}{waste}", self.layer_table())
    }

    fn head(&self) -> String {
        let base = match self.wasted_in_base {
            0 => String::new(),
            wasted => format!(", {} in its base", bytes(wasted)),
        };
        let (size, wasted) = (bytes(self.size), bytes(self.wasted));
        let layers = counted(self.layers.len(), "layer");
        format!("{}: {size} in {layers}, {wasted} wasted{base}", self.image)
    }

    fn layer_table(&self) -> Table {
        let mut table = Table::new(&["LAYER", "SIZE", "WASTED", "INSTRUCTION"]);
        for layer in &self.layers {
            let wasted = if layer.wasted == 0 { String::new() } else { bytes(layer.wasted) };
            let instruction = layer.instruction.as_deref().unwrap_or("not recorded");
            let base = if layer.base { "(base) " } else { "" };
            let instruction = shortened(&format!("{base}{instruction}"));
            table.row([layer.layer.to_string(), bytes(layer.size), wasted, instruction]);
        }
        table
    }

    fn waste_table(&self, most: usize) -> Table {
        let mut table = Table::new(&["WASTED", "KIND", "LAYER", "FILES", "PATH"]);
        for line in self.waste.iter().take(most) {
            table.row([
                bytes(line.bytes),
                line.kind.to_string(),
                line.layers(),
                line.files.to_string(),
                line.place(),
            ]);
        }
        table
    }

    /// The instruction of a finding's layer.
    pub(super) fn instruction(&self, line: &WasteLine) -> String {
        let layer = self.layers.get(line.layer - 1);
        let instruction = layer.and_then(|layer| layer.instruction.as_deref());
        shortened(instruction.unwrap_or("an instruction that is not recorded"))
    }
}

impl WasteLine {
    fn of(finding: Finding, base: usize) -> Self {
        Self {
            kind: finding.kind,
            bytes: finding.bytes,
            files: finding.files,
            path: finding.path,
            layer: finding.layer + 1,
            hidden_by: finding.by.map(|by| by + 1),
            base: finding.layer < base,
            package: finding.package,
        }
    }

    /// The layer that holds it, and the one that hides it: `3 <- 5`.
    fn layers(&self) -> String {
        match self.hidden_by {
            Some(by) => format!("{} <- {by}", self.layer),
            None => self.layer.to_string(),
        }
    }

    /// Its path; a package under another name is called by its own, too.
    pub(super) fn place(&self) -> String {
        let other = |package: &&String| !self.path.ends_with(&format!("/{package}"));
        match self.package.as_ref().filter(other) {
            Some(package) => format!("{} (package {package})", self.path),
            None => self.path.clone(),
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(INSTRUCTION) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::LayerReport;

    fn layer(instruction: Option<&str>, bytes: u64) -> LayerReport {
        let instruction = instruction.map(str::to_owned);
        LayerReport { digest: String::new(), instruction, bytes, names: 1 }
    }

    fn finding(kind: Waste, layer: usize, by: Option<usize>, path: &str) -> Finding {
        let (path, package) = (path.to_owned(), Some("a.run".to_owned()));
        Finding { kind, layer, by, path, bytes: 1024, files: 2, package }
    }

    /// A base layer and two of the project's own.
    fn report(ignored: &[Waste]) -> Report {
        let layers = vec![
            layer(None, 4096),
            layer(Some("/bin/sh -c make"), 2048),
            layer(Some(&"x".repeat(80)), 0),
        ];
        let findings = vec![
            finding(Waste::Removed, 1, Some(2), "/opt/b"),
            finding(Waste::Bytecode, 0, None, "/opt/a.run"),
        ];
        Report::new("it:1", Attribution { layers, findings }, 1, ignored)
    }

    fn check(report: &Report, expected: &str) {
        assert_eq!(report.text(false), expected);
    }

    #[test]
    fn the_table_tells_the_base_apart() {
        let long = "x".repeat(INSTRUCTION);
        check(
            &report(&[]),
            &format!(
                "it:1: 6.00 KiB in 3 layers, 1.00 KiB wasted, 1.00 KiB in its base\n\n\
                 LAYER  SIZE      WASTED    INSTRUCTION\n\
                 1      4.00 KiB  1.00 KiB  (base) not recorded\n\
                 2      2.00 KiB  1.00 KiB  RUN make\n\
                 3      0 B                 {long}…\n\n\
                 WASTED    KIND      LAYER   FILES  PATH\n\
                 1.00 KiB  removed   2 <- 3  2      /opt/b (package a.run)\n\
                 1.00 KiB  bytecode  1       2      /opt/a.run\n"
            ),
        );
        let left = report(&[Waste::Removed, Waste::Bytecode]);
        assert_eq!((left.wasted, left.wasted_in_base, left.waste.len()), (0, 0, 0));
    }

    #[test]
    fn only_the_largest_findings_are_listed() {
        let findings = (0..30).map(|n| finding(Waste::Log, 0, None, &format!("/{n}")));
        let weighed = Attribution { layers: vec![layer(None, 1)], findings: findings.collect() };
        let report = Report::new("it:1", weighed, 0, &[]);
        assert!(report.text(false).ends_with("and 10 more, 10.00 KiB: `--all` lists them\n"));
        assert!(!report.text(true).contains("more"));
    }
}
