//! What the bases need that the engine has not got: an archive that is loaded, a
//! root file system that is imported; what is pulled has a size that nobody here knows.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use serde::Serialize;

/// How the files begin that `gzip` has written.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// A gzip file tells its content's size only up to this many bytes (RFC 1952, `ISIZE`).
const WRAP: u64 = 1 << 32;

/// What a base is expected to need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaseForecast {
    /// Its image.
    pub image: String,
    /// Bytes that it takes; absent where it is pulled.
    pub disk: Option<u64>,
    /// Bytes besides, while it is loaded.
    pub passing: u64,
}

/// The most bytes at one time: the bases come one after the other before what the stages need.
pub(super) fn together(bases: &[BaseForecast], stages: u64) -> u64 {
    let (mut there, mut most) = (0, 0);
    for base in bases {
        there += base.disk.unwrap_or(0);
        most = most.max(there + base.passing);
    }
    most.max(there + stages)
}

/// The bytes that a file holds when it is unpacked, as far as that can be told without unpacking it:
/// at least its own, and of a gzip file what its end says.
///
/// # Errors
/// The file cannot be read.
pub fn unpacked(file: &mut File) -> io::Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    // The shortest gzip file, which holds nothing, has 18 bytes of head and end.
    if size < 18 {
        return Ok(size);
    }
    let (mut head, mut end) = ([0; 2], [0; 4]);
    file.rewind()?;
    file.read_exact(&mut head)?;
    if head != GZIP {
        return Ok(size);
    }
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut end)?;
    let told = u64::from(u32::from_le_bytes(end));
    // What was wrapped is put back as often as the content would else be smaller than the file.
    let wraps = size.saturating_sub(told).div_ceil(WRAP);
    Ok(told + wraps * WRAP)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn base(disk: Option<u64>, passing: u64) -> BaseForecast {
        BaseForecast { image: "base".to_owned(), disk, passing }
    }

    fn check_together(bases: &[(Option<u64>, u64)], stages: u64, expected: u64) {
        let bases: Vec<_> = bases.iter().map(|(disk, passing)| base(*disk, *passing)).collect();
        assert_eq!(together(&bases, stages), expected);
    }

    #[test]
    fn bases_come_before_what_the_stages_need() {
        check_together(&[], 5, 5);
        check_together(&[(Some(10), 10)], 5, 20);
        check_together(&[(Some(10), 10)], 15, 25);
        check_together(&[(Some(10), 0), (None, 0), (Some(20), 20)], 5, 50);
    }

    fn check_unpacked(content: &[u8], expected: u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        assert_eq!(unpacked(&mut file).unwrap(), expected);
    }

    #[test]
    fn the_end_of_a_gzip_file_tells_its_size() {
        check_unpacked(b"", 0);
        check_unpacked(&[7; 1000], 1000);
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(&[0; 100_000]).unwrap();
        let mut zip = zip.finish().unwrap();
        check_unpacked(&zip, 100_000);
        // A file larger than what its end says holds 4 GiB more than that.
        let end = zip.len() - 4;
        zip[end..].copy_from_slice(&[1, 0, 0, 0]);
        check_unpacked(&zip, WRAP + 1);
    }
}
