//! Package files that are looked for in an image.

use std::collections::HashMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// A package file that an image should not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPackage {
    /// The file's name.
    pub file: String,
    /// Its size in bytes, where it is known: only files of this size are hashed.
    pub size: Option<u64>,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// Known packages by their sizes, so that nothing else is hashed.
pub(super) struct BySize<'a> {
    packages: &'a [KnownPackage],
    sizes: HashMap<u64, Vec<usize>>,
}

impl<'a> BySize<'a> {
    pub(super) fn new(packages: &'a [KnownPackage]) -> Self {
        let mut sizes: HashMap<_, Vec<_>> = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            // An empty file is none to look for.
            if let Some(size) = package.size.filter(|size| *size > 0) {
                sizes.entry(size).or_default().push(index);
            }
        }
        Self { packages, sizes }
    }

    /// The index of the package that has the content of `file`; reads it only where its size is a package's.
    pub(super) fn matching(&self, size: u64, file: &mut impl Read) -> io::Result<Option<usize>> {
        let Some(candidates) = self.sizes.get(&size) else { return Ok(None) };
        let mut hasher = Sha256::new();
        io::copy(file, &mut HashWriter(&mut hasher))?;
        let digest = hex::encode(hasher.finalize());
        Ok(candidates.iter().copied().find(|index| self.packages[*index].sha256 == digest))
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
