//! What an image holds, byte by byte: its layers, and everything else that is saved with it.

use std::io::Read;

use tar::Archive;

/// The parts of a saved image.
pub(crate) struct Layers {
    layers: Vec<Vec<u8>>,
    rest: Vec<Vec<u8>>,
}

impl Layers {
    /// Takes apart what `docker save` wrote.
    pub(crate) fn of(saved: &[u8]) -> Self {
        let mut parts = Self { layers: Vec::new(), rest: Vec::new() };
        for entry in Archive::new(saved).entries().expect("a saved image is a tar") {
            let mut entry = entry.expect("a saved image is a whole tar");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("a saved image is a whole tar");
            let list = if is_tar(&content) { &mut parts.layers } else { &mut parts.rest };
            list.push(content);
        }
        assert!(
            !parts.layers.is_empty() && !parts.rest.is_empty(),
            "an image has layers and a configuration"
        );
        parts
    }

    /// Whether any layer holds these bytes, be it in a name or in a file.
    pub(crate) fn hold(&self, bytes: &[u8]) -> bool {
        self.layers.iter().any(|layer| holds(layer, bytes))
    }

    /// Whether configuration, history or manifest hold these bytes.
    pub(crate) fn configuration_holds(&self, bytes: &[u8]) -> bool {
        self.rest.iter().any(|part| holds(part, bytes))
    }

    /// Whether any layer holds any piece of a file: its bytes are cut into pieces that are looked for one by one.
    pub(crate) fn hold_any_of(&self, content: &[u8]) -> bool {
        const PIECE: usize = 64;
        content.chunks(content.len() / 8).any(|part| self.hold(&part[..PIECE.min(part.len())]))
    }
}

/// Layers are tars without compression in both forms that engines save.
fn is_tar(content: &[u8]) -> bool {
    content.get(257..262).is_some_and(|magic| magic == b"ustar")
}

fn holds(text: &[u8], wanted: &[u8]) -> bool {
    let first = wanted.first().expect("something is looked for");
    let mut from = 0;
    while let Some(found) = text[from..].iter().position(|byte| byte == first) {
        if text[from + found..].starts_with(wanted) {
            return true;
        }
        from += found + 1;
    }
    false
}
