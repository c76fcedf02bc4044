//! What a file is packed in: found by its first bytes, undone while reading.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// Enough to tell the formats apart.
const MAGIC_BYTES: usize = 4;

/// Undoes gzip and Zstandard, of any number of members and frames. Says whether there was anything to undo.
pub(crate) fn decompressed<'r>(
    mut reader: impl Read + Send + 'r,
) -> io::Result<(Box<dyn Read + Send + 'r>, bool)> {
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    reader
        .by_ref()
        .take(MAGIC_BYTES as u64)
        .read_to_end(&mut magic)?;
    let gzip = magic.starts_with(&[0x1f, 0x8b]);
    let zstd = magic == [0x28, 0xb5, 0x2f, 0xfd];
    let whole = io::Cursor::new(magic).chain(reader);
    Ok(if gzip {
        (
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(
                64 << 10,
                whole,
            ))),
            true,
        )
    } else if zstd {
        (
            Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(
                64 << 10,
                whole,
            ))?),
            true,
        )
    } else {
        (Box::new(whole), false)
    })
}
