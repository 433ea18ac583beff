//! Room for texts that are on their way. A page or a list is made for one request and held until
//! its client has read it: clients that do not read would fill the memory with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// How many bytes of texts may be on their way. One text alone may be larger.
const ROOM: usize = 16 << 20;

/// Counts the bytes of texts that somebody still holds.
#[derive(Debug, Default)]
pub(super) struct TextRoom {
    held: Arc<AtomicUsize>,
}

impl TextRoom {
    /// The bytes of `text`, which take up room until nobody holds them; `None` where there is none.
    pub(super) fn take(&self, text: String) -> Option<Bytes> {
        let before = self.held.fetch_add(text.len(), Ordering::Relaxed);
        let fits = before == 0 || before + text.len() <= ROOM;
        // Where it does not fit, dropping this gives back what was counted.
        let held = HeldText { text, held: Arc::clone(&self.held) };
        fits.then(|| Bytes::from_owner(held))
    }
}

struct HeldText {
    text: String,
    held: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for HeldText {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Drop for HeldText {
    fn drop(&mut self) {
        self.held.fetch_sub(self.text.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_takes_up_room_until_it_is_dropped() {
        let room = TextRoom::default();
        let half = || room.take("x".repeat(ROOM / 2));
        let (first, second) = (half(), half());
        assert!(first.is_some() && second.is_some());
        assert!(room.take("one more".to_owned()).is_none());
        let part = first.map(|mut bytes| bytes.split_to(1));
        assert!(half().is_none(), "a part of a text holds all of it");
        drop(part);
        assert!(half().is_some());
        drop(second);
        let large = room.take("x".repeat(ROOM + 1));
        assert!(large.is_some_and(|bytes| bytes.len() > ROOM), "alone, a text may be larger");
        assert_eq!(room.held.load(Ordering::Relaxed), 0);
    }
}
