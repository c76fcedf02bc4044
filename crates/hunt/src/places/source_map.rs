//! Source maps (ECMA-426): inline, in a file beside the script, or made of sections. Decoded by `oxc_sourcemap`.

use std::path::Path;

use oxc_sourcemap::SourceMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{MOST_BYTES, resolve};

/// Where the comment may stand: within the last bytes of a script.
const TAIL: usize = 64 << 20;

/// A source map that could be read.
pub(super) struct Map {
    sections: Vec<Section>,
}

/// A part of the script, from a line and column (from 0) on.
struct Section {
    line: u32,
    column: u32,
    map: SourceMap<'static>,
}

/// What a map says of a place.
pub(super) struct Found {
    pub(super) source: String,
    /// From 1.
    pub(super) line: u32,
    /// From 1.
    pub(super) column: u32,
    pub(super) name: Option<String>,
    /// The source's text, where the map has it.
    pub(super) content: Option<String>,
}

#[derive(Deserialize)]
struct Index<'j> {
    #[serde(borrow)]
    sections: Vec<IndexSection<'j>>,
}

#[derive(Deserialize)]
struct IndexSection<'j> {
    offset: Offset,
    #[serde(borrow)]
    map: &'j RawValue,
}

#[derive(Deserialize)]
struct Offset {
    line: u32,
    column: u32,
}

/// What the last `sourceMappingURL` comment of a script names.
pub(super) fn reference(text: &str) -> Option<&str> {
    let mut from = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].lines().rev().find_map(|line| {
        let line = line.trim();
        let comment = line
            .strip_prefix("//#")
            .or_else(|| line.strip_prefix("//@"))
            .or_else(|| line.strip_prefix("/*#")?.strip_suffix("*/"))?;
        let url = comment.trim().strip_prefix("sourceMappingURL=")?.trim();
        (!url.is_empty()).then_some(url)
    })
}

impl Map {
    /// Reads the map that a script's comment names.
    pub(super) fn load(reference: &str, script: &Path) -> Result<Self, String> {
        let json = match reference.strip_prefix("data:") {
            Some(data) => inline(data)?,
            None if reference.contains("://") && !reference.starts_with("file:") => {
                return Err(format!(
                    "its source map is not on this machine: {reference}"
                ));
            }
            None => {
                let file = resolve(script.parent(), reference);
                let about = std::fs::metadata(&file)
                    .map_err(|error| format!("its source map {file} cannot be read: {error}"))?;
                if !about.is_file() || about.len() > MOST_BYTES {
                    return Err(format!("its source map {file} is too large"));
                }
                std::fs::read_to_string(&file)
                    .map_err(|error| format!("its source map {file} cannot be read: {error}"))?
            }
        };
        Self::parse(&json).map_err(|error| format!("its source map is broken: {error}"))
    }

    fn parse(json: &str) -> Result<Self, String> {
        // Some servers guard JSON by this prefix.
        let json = json.trim_start().trim_start_matches(")]}'");
        let whole = |json: &str| -> Result<SourceMap<'static>, String> {
            SourceMap::from_json_string(json)
                .map(SourceMap::into_owned)
                .map_err(|error| error.to_string())
        };
        let sections = match serde_json::from_str::<Index<'_>>(json) {
            Ok(index) => index
                .sections
                .into_iter()
                .map(|section| {
                    Ok(Section {
                        line: section.offset.line,
                        column: section.offset.column,
                        map: whole(section.map.get())?,
                    })
                })
                .collect::<Result<_, String>>()?,
            Err(_) => vec![Section {
                line: 0,
                column: 0,
                map: whole(json)?,
            }],
        };
        Ok(Self { sections })
    }

    /// What stands at a line and column (from 1).
    pub(super) fn find(&self, line: u32, column: u32) -> Option<Found> {
        let (line, column) = (line.checked_sub(1)?, column.saturating_sub(1));
        let section = self
            .sections
            .iter()
            .rev()
            .find(|section| (section.line, section.column) <= (line, column))?;
        let column = if line == section.line {
            column - section.column
        } else {
            column
        };
        let table = section.map.generate_lookup_table();
        let token = section
            .map
            .lookup_source_view_token(&table, line - section.line, column)?;
        let source = token.get_source()?;
        let root = section.map.get_source_root().unwrap_or_default();
        Some(Found {
            source: joined(root, source),
            line: token.get_src_line() + 1,
            column: token.get_src_col() + 1,
            name: token.get_name().map(str::to_owned),
            content: token.get_source_content().map(str::to_owned),
        })
    }
}

fn joined(root: &str, source: &str) -> String {
    if root.is_empty() || source.contains("://") || source.starts_with('/') {
        source.to_owned()
    } else {
        format!("{}/{source}", root.trim_end_matches('/'))
    }
}

/// The text of a `data:` URL.
fn inline(data: &str) -> Result<String, String> {
    let broken = || "its inline source map is broken".to_owned();
    let (kind, body) = data.split_once(',').ok_or_else(broken)?;
    let bytes = if kind.ends_with(";base64") {
        base64_simd::forgiving_decode_to_vec(body.as_bytes()).map_err(|_| broken())?
    } else {
        super::unescaped(body).into_bytes()
    };
    String::from_utf8(bytes).map_err(|_| broken())
}
