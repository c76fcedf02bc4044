//! Compression as a stage of a pipe: what is written comes out as gzip or zstd.
//!
//! ```
//! use std::io::Write;
//! use memguard_heap_graph::compress::{Compression, Compressor};
//!
//! let mut compressor = Compressor::new(Vec::new(), Compression::Gzip)?;
//! compressor.write_all(b"{}")?;
//! let file = compressor.finish()?;
//! assert_eq!(file[..2], [0x1f, 0x8b]);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, Read, Write};
use std::path::Path;

/// How a snapshot's file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, which everything reads: about a tenth of the size, at some 60 MB/s.
    Gzip,
    /// zstd: smaller, and several times as fast.
    Zstd,
}

impl Compression {
    /// By the end of a file's name: `.gz`, `.zst`, or none of both.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        match path.extension().and_then(|end| end.to_str()) {
            Some(end) if end.eq_ignore_ascii_case("gz") => Self::Gzip,
            Some(end) if end.eq_ignore_ascii_case("zst") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// What is put behind `.heapsnapshot`: nothing, `.gz`, `.zst`.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// As it is written in options: `none`, `gzip`, `zstd`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl std::str::FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(text: &str) -> Result<Self, UnknownCompression> {
        [Self::None, Self::Gzip, Self::Zstd]
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| UnknownCompression(text.chars().take(40).collect()))
    }
}

/// The name of no compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("compression must be 'none', 'gzip' or 'zstd', not {0:?}")]
pub struct UnknownCompression(String);

/// Undoes gzip and zstd, whichever the first bytes tell; anything else is passed on as it is.
///
/// # Errors
/// What reading the first bytes fails with.
pub fn decompressed<'r>(reader: impl Read + Send + 'r) -> io::Result<Box<dyn Read + Send + 'r>> {
    crate::parser::decompressed(reader).map(|(reader, _)| reader)
}

/// A snapshot is numbers in text: the lowest levels get nearly all there is to get.
const GZIP_LEVEL: u32 = 3;
const ZSTD_LEVEL: i32 = 3;

/// A writer that compresses what it passes on to `W`. One thread, some 4 MB.
///
/// What `W` holds is whole only after [`finish`](Self::finish).
pub struct Compressor<W: Write>(Inner<W>);

enum Inner<W: Write> {
    None(W),
    Gzip(flate2::write::GzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Compressor<W> {
    /// Writes to `writer` what it is given, compressed. zstd gets a checksum, as gzip always has one.
    ///
    /// # Errors
    /// When there is no memory for zstd's tables.
    pub fn new(writer: W, compression: Compression) -> io::Result<Self> {
        Ok(Self(match compression {
            Compression::None => Inner::None(writer),
            Compression::Gzip => Inner::Gzip(flate2::write::GzEncoder::new(
                writer,
                flate2::Compression::new(GZIP_LEVEL),
            )),
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(writer, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Inner::Zstd(encoder)
            }
        }))
    }

    /// Writes the end, and gives the writer back.
    ///
    /// # Errors
    /// What `W` fails with.
    pub fn finish(self) -> io::Result<W> {
        let mut writer = match self.0 {
            Inner::None(writer) => writer,
            Inner::Gzip(encoder) => encoder.finish()?,
            Inner::Zstd(encoder) => encoder.finish()?,
        };
        writer.flush()?;
        Ok(writer)
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::None(writer) => writer.write(data),
            Inner::Gzip(encoder) => encoder.write(data),
            Inner::Zstd(encoder) => encoder.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Inner::None(writer) => writer.flush(),
            Inner::Gzip(encoder) => encoder.flush(),
            Inner::Zstd(encoder) => encoder.flush(),
        }
    }
}

impl<W: Write> std::fmt::Debug for Compressor<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Inner::None(_) => "Compressor(none)",
            Inner::Gzip(_) => "Compressor(gzip)",
            Inner::Zstd(_) => "Compressor(zstd)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(compression: Compression, text: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(Vec::new(), compression).unwrap();
        for piece in text.chunks(1000) {
            compressor.write_all(piece).unwrap();
        }
        compressor.finish().unwrap()
    }

    #[test]
    fn what_is_compressed_is_there_again_and_smaller() {
        let text: Vec<u8> = (0..20_000_u32)
            .flat_map(|row| format!(",9,{row},{},0,8\n", row * 2).into_bytes())
            .collect();
        assert_eq!(packed(Compression::None, &text), text);
        let gzip = packed(Compression::Gzip, &text);
        let zstd = packed(Compression::Zstd, &text);
        assert!(gzip.len() * 3 < text.len() && zstd.len() * 3 < text.len());
        for packed in [gzip, zstd] {
            let mut plain = Vec::new();
            decompressed(&packed[..])
                .unwrap()
                .read_to_end(&mut plain)
                .unwrap();
            assert!(plain == text);
        }
    }

    #[test]
    fn names_of_files_and_options() {
        for (path, one) in [
            ("a.heapsnapshot", Compression::None),
            ("a.heapsnapshot.gz", Compression::Gzip),
            ("a.heapsnapshot.ZST", Compression::Zstd),
            ("zst", Compression::None),
        ] {
            assert_eq!(Compression::of_path(Path::new(path)), one, "{path}");
            assert_eq!(one.as_str().parse(), Ok(one));
        }
        assert_eq!(
            "br".parse::<Compression>().unwrap_err().to_string(),
            "compression must be 'none', 'gzip' or 'zstd', not \"br\""
        );
    }
}
