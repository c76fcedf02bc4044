//! What each string of the snapshot is used as.

use super::RedactError;

/// No snapshot has more strings: V8 itself ends long before.
const MOST_STRINGS: u64 = 1 << 28;

/// A way in which a string is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Use {
    /// Content: of a string, a number, a regular expression.
    Value = 1,
    /// A word of the program's source or of V8.
    Word = 2,
    /// Name of a property.
    Property = 4,
    /// Name of a script or of code in it.
    Script = 8,
}

/// The ways in which one string is used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) fn has(self, one: Use) -> bool {
        self.0 & one as u8 != 0
    }

    pub(super) fn is_name(self) -> bool {
        self.0 & !(Use::Value as u8) != 0
    }
}

/// The uses of all strings, a byte for each.
#[derive(Debug, Default)]
pub(super) struct Uses {
    flags: Vec<u8>,
    limit: u64,
}

impl Uses {
    /// For a snapshot in which no string beyond `limit` can be used.
    pub(super) fn with_limit(limit: u64) -> Self {
        Self {
            flags: Vec::new(),
            limit: limit.min(MOST_STRINGS),
        }
    }

    /// Notes a use; answers the string's new place in the table.
    pub(super) fn note(&mut self, id: i64, one: Use, offset: u64) -> Result<i64, RedactError> {
        let place = u64::try_from(id)
            .ok()
            .filter(|place| *place < self.limit)
            .ok_or(RedactError::Limit {
                offset,
                what: "the number of a string",
            })? as usize;
        if place >= self.flags.len() {
            self.grow(place + 1)?;
        }
        self.flags[place] |= one as u8;
        Ok(id * 2 + i64::from(one == Use::Value))
    }

    fn grow(&mut self, length: usize) -> Result<(), RedactError> {
        self.flags
            .try_reserve(length - self.flags.len())
            .map_err(|_| RedactError::OutOfMemory { strings: length })?;
        self.flags.resize(length, 0);
        Ok(())
    }

    pub(super) fn of(&self, place: usize) -> Flags {
        Flags(self.flags.get(place).copied().unwrap_or_default())
    }

    /// One more than the last string that is used.
    pub(super) fn len(&self) -> usize {
        self.flags.len()
    }
}
