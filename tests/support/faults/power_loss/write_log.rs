//! The log of QEMU's block driver `blklogwrites`, and the images that a power loss can leave.
//!
//! Source of the format: `Documentation/admin-guide/device-mapper/log-writes.rst`, linux.

use super::image::Image;
use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::Path;

/// The first bytes of a log.
const MAGIC: u64 = 0x006a_7366_7773_6872;
/// The sector size that `blklogwrites` uses by default.
const SECTOR: u64 = 512;
/// The flag of an entry that is a flush.
const FLUSH: u64 = 1;
/// With at most this number of writes between two flushes, every subset is an image.
const ALL_SUBSETS: usize = 3;
/// The number of random subsets of more writes.
const RANDOM_SUBSETS: usize = 4;

/// A write to the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Write {
    offset: u64,
    data: Vec<u8>,
}

/// The writes and the flushes of a disk.
#[derive(Debug)]
pub struct WriteLog {
    before: Image,
    /// The writes before the first flush, between two flushes, and after the last flush. When the power fails,
    /// the disk has stored the writes before a flush, and any of those after it.
    intervals: Vec<Vec<Write>>,
    /// The number of flushes before the process ended.
    flushes_of_process: usize,
}

/// An image that a power loss can leave.
#[derive(Debug)]
pub struct CrashImage {
    pub image: Image,
    /// The last flush, and the writes after it that the image contains.
    pub name: String,
    /// Whether the power can have failed after the process had ended.
    pub after_end: bool,
}

impl WriteLog {
    /// Reads a log. `before` is the disk without these writes; `end` is the size of the log in bytes when
    /// the process ended.
    pub fn read(path: &Path, before: Image, end: u64) -> Self {
        let log = fs::read(path).unwrap();
        let bytes = |at: u64, count: u64| {
            &log[usize::try_from(at).unwrap()..usize::try_from(at + count).unwrap()]
        };
        let number = |at| u64::from_le_bytes(bytes(at, 8).try_into().unwrap());
        assert_eq!((number(0), number(8)), (MAGIC, 1), "{} is not a log", path.display());
        let entries = number(16);
        let (mut at, mut flushes_of_process) = (SECTOR, 0);
        let (mut intervals, mut writes) = (Vec::new(), Vec::new());
        for _ in 0..entries {
            let (sector, sectors, flags) = (number(at), number(at + 8), number(at + 16));
            assert_eq!(flags & !FLUSH, 0, "the file systems only write and flush");
            let is_of_process = at < end;
            at += SECTOR;
            if sectors != 0 {
                let data = bytes(at, sectors * SECTOR).to_vec();
                at += sectors * SECTOR;
                writes.push(Write { offset: sector * SECTOR, data });
            }
            if flags & FLUSH != 0 {
                intervals.push(std::mem::take(&mut writes));
                flushes_of_process += usize::from(is_of_process);
            }
        }
        intervals.push(writes);
        Self { before, intervals, flushes_of_process }
    }

    /// Returns the number of flushes.
    pub fn flushes(&self) -> usize {
        self.intervals.len() - 1
    }

    /// Returns the disk after all writes.
    pub fn last(&self) -> Image {
        let mut image = self.before.clone();
        for write in self.intervals.iter().flatten() {
            write.apply(&mut image);
        }
        image
    }

    /// Calls `check` with the images: for each flush all writes before it, and of the writes between it and
    /// the next flush none, each one, all but each one, random subsets, and all.
    pub fn for_each_image(&self, mut check: impl FnMut(CrashImage)) {
        let mut flushed = self.before.clone();
        for (flush, writes) in self.intervals.iter().enumerate() {
            let after_end = flush >= self.flushes_of_process;
            for subset in strict_subsets(flush, writes.len()) {
                let mut image = flushed.clone();
                for index in &subset {
                    writes[*index].apply(&mut image);
                }
                let name = format!("flush {flush}, then writes {subset:?} of {}", writes.len());
                check(CrashImage { image, name, after_end });
            }
            // All these writes, or none of the next interval.
            for write in writes {
                write.apply(&mut flushed);
            }
        }
        check(CrashImage { image: flushed, name: "all writes".to_owned(), after_end: true });
    }
}

impl Write {
    fn apply(&self, image: &mut Image) {
        image.write(self.offset, &self.data);
    }
}

/// Returns subsets of the writes `0..count` after a flush, without the set of all.
fn strict_subsets(flush: usize, count: usize) -> BTreeSet<Vec<usize>> {
    let subset = |contains: &dyn Fn(usize) -> bool| (0..count).filter(|it| contains(*it)).collect();
    let mut subsets: BTreeSet<Vec<usize>> = BTreeSet::new();
    if count <= ALL_SUBSETS {
        subsets.extend((0..1 << count).map(|bits: usize| subset(&|it| bits >> it & 1 == 1)));
    } else {
        subsets.insert(Vec::new());
        subsets.extend((0..count).map(|one| subset(&|it| it == one)));
        subsets.extend((0..count).map(|one| subset(&|it| it != one)));
        let is_in = |number, it| hash(&(flush, number, it)).is_multiple_of(2);
        subsets.extend((0..RANDOM_SUBSETS).map(|number| subset(&|it| is_in(number, it))));
    }
    subsets.retain(|subset| subset.len() < count);
    subsets
}

/// Returns the same hash for the same value in every process.
pub fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_writes_have_all_subsets_and_many_writes_a_selection() {
        assert_eq!(strict_subsets(1, 0), BTreeSet::new());
        assert_eq!(strict_subsets(1, 1), BTreeSet::from([vec![]]));
        assert_eq!(strict_subsets(1, 2), BTreeSet::from([vec![], vec![0], vec![1]]));
        assert_eq!(strict_subsets(1, 3).len(), 7);
        let many = strict_subsets(1, 5);
        for subset in [&[][..], &[4], &[0, 1, 2, 3]] {
            assert!(many.contains(subset), "{subset:?} in {many:?}");
        }
        assert_eq!(many, strict_subsets(1, 5), "the random subsets are the same in every run");
        assert!(many.len() <= 1 + 5 + 5 + RANDOM_SUBSETS && !many.contains(&[0, 1, 2, 3, 4][..]));
    }
}
