//! How many entries a zip claims to have, and a bound on reading them.
//!
//! A zip ends with a record that counts its entries, within the last 64 KiB; a
//! zip64 has a second one, which a locator right before the first points at.
//! Source: PKWARE's APPNOTE, sections 4.3.14 to 4.3.16.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

/// Length of the end record without its comment, in bytes.
const END: usize = 22;

/// Length of a zip64 locator, in bytes.
const LOCATOR: usize = 20;

/// The largest number of entries that any end record of the zip claims: a reader
/// may believe any of them. 0 where there is none.
pub(super) fn claimed_entries(file: &mut File) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let start = len.saturating_sub(u64::from(u16::MAX) + (END + LOCATOR) as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(len - start).read_to_end(&mut tail)?;
    let mut most = 0;
    for at in 0..tail.len().saturating_sub(END - 1) {
        if tail[at..].starts_with(b"PK\x05\x06") {
            let here = number(&tail[at + 8..at + 10]).max(number(&tail[at + 10..at + 12]));
            most = most.max(here).max(zip64_entries(file, &tail[..at])?);
        }
    }
    Ok(most)
}

/// The count of the zip64 record that the end of `before` points at.
fn zip64_entries(file: &mut File, before: &[u8]) -> io::Result<u64> {
    let locator = before.len().checked_sub(LOCATOR).map(|at| &before[at..]);
    let Some(locator) = locator.filter(|bytes| bytes.starts_with(b"PK\x06\x07")) else {
        return Ok(0);
    };
    file.seek(SeekFrom::Start(number(&locator[8..16])))?;
    let mut record = [0; 40];
    match file.read_exact(&mut record) {
        Ok(()) => Ok(number(&record[24..32]).max(number(&record[32..40]))),
        // It points nowhere, which the reader of the zip will find too.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        Err(error) => Err(error),
    }
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A file of which only so many bytes may be read until the bound is lifted.
pub(super) struct Bounded {
    file: BufReader<File>,
    left: Rc<Cell<u64>>,
}

/// Lifts the bound of a [`Bounded`].
pub(super) struct Bound(Rc<Cell<u64>>);

impl Bounded {
    pub(super) fn new(file: File, bytes: u64) -> (Self, Bound) {
        let left = Rc::new(Cell::new(bytes));
        (Self { file: BufReader::new(file), left: Rc::clone(&left) }, Bound(left))
    }
}

impl Bound {
    pub(super) fn lift(&self) {
        self.0.set(u64::MAX);
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("its list of entries is too long"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read(&mut buffer[..most])?;
        if left != u64::MAX {
            self.left.set(left - count as u64);
        }
        Ok(count)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
