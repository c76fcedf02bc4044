//! What a file is packed in: found by its first bytes, undone while reading.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

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
            Box::new(Frames {
                reader: Some(BufReader::with_capacity(64 << 10, whole)),
                decoder: None,
            }),
            true,
        )
    } else {
        (Box::new(whole), false)
    })
}

/// The frames of a Zstandard file, one after the other.
struct Frames<R: Read> {
    /// Between two frames.
    reader: Option<BufReader<R>>,
    /// Within a frame.
    decoder: Option<StreamingDecoder<BufReader<R>, ruzstd::decoding::FrameDecoder>>,
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                let count = decoder.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                self.reader = self.decoder.take().map(StreamingDecoder::into_inner);
            }
            let Some(mut reader) = self.reader.take() else {
                return Ok(0);
            };
            if io::BufRead::fill_buf(&mut reader)?.is_empty() {
                self.reader = Some(reader);
                return Ok(0);
            }
            self.decoder = Some(StreamingDecoder::new(reader).map_err(io::Error::other)?);
        }
    }
}
