//! A digest as bytes: `MGHD`, form, numbers of variable length (LEB128), checksum (CRC-32).

use memguard_heap_graph::signature::{WayPlace, Ways};

use super::{ClassCount, Digest, DigestError, Mark};
use crate::context::Moment;
use crate::report::HeapSize;

const MAGIC: [u8; 4] = *b"MGHD";
const VERSION: u32 = 2;
/// Magic, form, checksum.
const FRAME: usize = 12;

pub(super) fn write(digest: &Digest) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 * digest.ways.places.len());
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    let size = &digest.size;
    for number in [
        size.at.at_ms,
        size.at.unix_ms,
        size.size,
        size.objects,
        digest.ways.least_bytes,
    ] {
        put(&mut out, number);
    }
    put(&mut out, digest.ways.names.len() as u64);
    for name in &digest.ways.names {
        put_text(&mut out, name);
    }
    put(&mut out, digest.ways.places.len() as u64);
    for place in &digest.ways.places {
        for number in [
            u64::from(place.parent),
            u64::from(place.edge),
            u64::from(place.class),
            place.count,
            place.size,
        ] {
            put(&mut out, number);
        }
    }
    put(&mut out, u64::from(digest.mark_bits));
    put(&mut out, u64::from(digest.old_only));
    put(&mut out, digest.marked.len() as u64);
    let mut before = 0;
    for mark in &digest.marked {
        put(&mut out, mark.id - before);
        put(&mut out, u64::from(mark.place));
        put(&mut out, u64::from(mark.text));
        before = mark.id;
    }
    put(&mut out, digest.classes.len() as u64);
    for class in &digest.classes {
        put_text(&mut out, &class.name);
        put(&mut out, class.count);
        put(&mut out, class.size);
    }
    let checksum = crc32fast::hash(&out);
    out.extend(checksum.to_le_bytes());
    out
}

pub(super) fn read(bytes: &[u8]) -> Result<Digest, DigestError> {
    let damaged = |detail| DigestError::Damaged { detail };
    if bytes.len() < FRAME || bytes[..4] != MAGIC {
        return Err(damaged("they do not begin as one"));
    }
    let word = |at: usize| {
        let mut word = [0; 4];
        word.copy_from_slice(&bytes[at..at + 4]);
        u32::from_le_bytes(word)
    };
    let found = word(4);
    if found != VERSION {
        return Err(DigestError::Version {
            expected: VERSION,
            found,
        });
    }
    let end = bytes.len() - 4;
    if crc32fast::hash(&bytes[..end]) != word(end) {
        return Err(damaged("the checksum is another"));
    }
    let mut input = Input(&bytes[8..end]);
    let digest = input.digest().ok_or_else(|| damaged("they end early"))?;
    let places = digest.ways.places.len();
    if !digest.ways.is_sound()
        || digest
            .marked
            .iter()
            .any(|mark| mark.place as usize >= places)
    {
        return Err(damaged("places lead nowhere"));
    }
    Ok(digest)
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend(text.as_bytes());
}

/// Bytes that are still to be read.
struct Input<'b>(&'b [u8]);

impl Input<'_> {
    fn digest(&mut self) -> Option<Digest> {
        let size = HeapSize {
            at: Moment {
                at_ms: self.number()?,
                unix_ms: self.number()?,
            },
            size: self.number()?,
            objects: self.number()?,
        };
        let least_bytes = self.number()?;
        let names = self.list(|input| input.text())?;
        let places = self.list(|input| {
            Some(WayPlace {
                parent: input.small()?,
                edge: input.small()?,
                class: input.small()?,
                count: input.number()?,
                size: input.number()?,
            })
        })?;
        let mark_bits = self.small()?;
        let old_only = self.number()? != 0;
        let mut before = 0_u64;
        let marked = self.list(|input| {
            before = before.checked_add(input.number()?)?;
            Some(Mark {
                id: before,
                place: input.small()?,
                text: input.small()?,
            })
        })?;
        let classes = self.list(|input| {
            Some(ClassCount {
                name: input.text()?,
                count: input.number()?,
                size: input.number()?,
            })
        })?;
        Some(Digest {
            size,
            ways: Ways {
                names,
                places,
                least_bytes,
            },
            mark_bits,
            old_only,
            marked,
            classes,
        })
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(str::to_owned)
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = usize::try_from(self.number()?).ok()?;
        // Each item takes a byte at least.
        if length > self.0.len() {
            return None;
        }
        (0..length).map(|_| item(self)).collect()
    }
}
