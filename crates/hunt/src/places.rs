//! From a place in the code that runs to the place in the source that somebody wrote.

mod declaration;
mod source_map;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use memguard_heap_graph::report::SourceLocation;

use crate::report::{CodePlace, GeneratedPlace};
use source_map::{Found, Map};

/// Longer scripts are not read.
const MOST_BYTES: u64 = 64 << 20;
/// Characters of a line in an excerpt.
const MOST_EXCERPT: usize = 160;
/// Nobody writes lines as long as this.
const LONG_LINE: usize = 800;
/// Nor a place so far to the right.
const FAR_RIGHT: u32 = 500;

/// Finds places, each script read once. Nothing is read unless that was allowed.
pub(crate) struct Places {
    read: bool,
    scripts: HashMap<String, Script>,
}

/// What is known of a script.
#[derive(Default)]
struct Script {
    text: Option<String>,
    path: Option<PathBuf>,
    /// The source map, if one is named; or why it could not be used.
    map: Option<Result<Map, String>>,
}

impl Places {
    pub(crate) fn new(read: bool) -> Self {
        Self {
            read,
            scripts: HashMap::new(),
        }
    }

    /// The place of a location, if its script is known.
    pub(crate) fn of(
        &mut self,
        location: &SourceLocation,
        function: Option<&str>,
    ) -> Option<CodePlace> {
        let script = location.script.as_deref()?;
        Some(self.at(script, location.line, location.column, function))
    }

    /// The place of line and column (from 1) of a script.
    pub(crate) fn at(
        &mut self,
        script: &str,
        line: u32,
        column: u32,
        function: Option<&str>,
    ) -> CodePlace {
        let known = self.script(script);
        let generated = CodePlace {
            file: shown(script),
            line,
            column,
            function: function.map(str::to_owned),
            ..CodePlace::default()
        };
        let (found, error) = match &known.map {
            Some(Ok(map)) => match map.find(line, column) {
                Some(found) => (Some(found), None),
                None => (
                    None,
                    Some("its source map says nothing of this place".to_owned()),
                ),
            },
            Some(Err(error)) => (None, Some(error.clone())),
            None => (None, None),
        };
        match found {
            Some(found) => known.original(&generated, found),
            None => CodePlace {
                minified: known.is_minified(line, column),
                excerpt: known
                    .text
                    .as_deref()
                    .and_then(|text| excerpt(text, line, column)),
                source_map_error: error,
                ..generated
            },
        }
    }

    /// Where a variable is declared that the function at a location sees, as far as its source tells.
    pub(crate) fn declaration(
        &mut self,
        location: &SourceLocation,
        variable: &str,
    ) -> Option<CodePlace> {
        let script = location.script.as_deref()?;
        let place = self.of(location, None)?;
        let known = self.script(script);
        let of_map = match &known.map {
            Some(Ok(map)) => map.find(location.line, location.column),
            _ => None,
        };
        let original = of_map.and_then(|found| {
            let read = || read_text(Path::new(&place.file)).filter(|_| known.text.is_some());
            found.content.or_else(read)
        });
        let text = match &place.generated {
            Some(_) => original.as_deref()?,
            None => known.text.as_deref()?,
        };
        let (line, column) = declaration::find(text, variable, place.line)?;
        Some(CodePlace {
            excerpt: excerpt(text, line, column),
            line,
            column,
            function: None,
            generated: None,
            minified: place.generated.is_none() && known.is_minified(line, column),
            ..place
        })
    }

    /// Where a script assigns a property of a name, whatever of: `app.locals.problems = {}`.
    pub(crate) fn assignments(&mut self, script: &str, property: &str) -> Vec<CodePlace> {
        let places = self
            .script(script)
            .text
            .as_deref()
            .map(|text| declaration::assignments(text, property))
            .unwrap_or_default();
        places
            .into_iter()
            .map(|(line, column)| self.at(script, line, column, None))
            .collect()
    }

    fn script(&mut self, script: &str) -> &Script {
        let read = self.read;
        self.scripts
            .entry(script.to_owned())
            .or_insert_with(|| match path_of(script) {
                Some(path) if read => Script::read(path),
                _ => Script::default(),
            })
    }
}

impl Script {
    fn read(path: PathBuf) -> Self {
        let text = read_text(&path);
        let map = text
            .as_deref()
            .and_then(source_map::reference)
            .map(|reference| Map::load(reference, &path));
        Self {
            text,
            path: Some(path),
            map,
        }
    }

    /// Lines that nobody writes, or a place in the middle of nowhere.
    fn is_minified(&self, line: u32, column: u32) -> bool {
        let of_text = self
            .text
            .as_deref()
            .and_then(|text| text.lines().nth(line.saturating_sub(1) as usize))
            .is_some_and(|line| line.len() > LONG_LINE);
        of_text || (line <= 3 && column > FAR_RIGHT)
    }

    /// The place that the source map told.
    fn original(&self, generated: &CodePlace, found: Found) -> CodePlace {
        let folder = self.path.as_deref().and_then(Path::parent);
        let file = resolve(folder, &found.source);
        let text = found
            .content
            .or_else(|| read_text(Path::new(&file)).filter(|_| self.text.is_some()));
        CodePlace {
            excerpt: text
                .as_deref()
                .and_then(|text| excerpt(text, found.line, found.column)),
            file,
            line: found.line,
            column: found.column,
            function: found.name.or_else(|| generated.function.clone()),
            generated: Some(GeneratedPlace {
                file: generated.file.clone(),
                line: generated.line,
                column: generated.column,
            }),
            minified: false,
            source_map_error: None,
        }
    }
}

fn read_text(path: &Path) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    if !about.is_file() || about.len() > MOST_BYTES {
        return None;
    }
    std::fs::read(path)
        .ok()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The path of a script on this machine, if it has one.
fn path_of(script: &str) -> Option<PathBuf> {
    let shown = shown(script);
    let path = Path::new(&shown);
    path.is_absolute().then(|| path.to_path_buf())
}

/// A script as people know it: `file:///a%20b.mjs` is `/a b.mjs`.
fn shown(script: &str) -> String {
    match script.strip_prefix("file://") {
        Some(path) => unescaped(path),
        None => script.to_owned(),
    }
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%')
            .then(|| std::str::from_utf8(after.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A source as a map names it, beside the script: relative paths lead from its folder.
fn resolve(folder: Option<&Path>, source: &str) -> String {
    let source = shown(source);
    let is_path = !source.contains("://") && !Path::new(&source).is_absolute();
    let Some(folder) = folder.filter(|_| is_path) else {
        return source;
    };
    let mut path = folder.to_path_buf();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.display().to_string()
}

/// Whether a source was installed, rather than written for the program.
pub(crate) fn is_library(file: &str) -> bool {
    file.split(['/', '\\']).any(|part| part == "node_modules")
}

/// The line, and of a long one what is around the column.
fn excerpt(text: &str, line: u32, column: u32) -> Option<String> {
    let line = text.lines().nth(line.checked_sub(1)? as usize)?.trim_end();
    let signs: Vec<char> = line.chars().collect();
    if signs.len() <= MOST_EXCERPT {
        return Some(line.trim_start().to_owned()).filter(|line| !line.is_empty());
    }
    let from = (column as usize)
        .saturating_sub(MOST_EXCERPT / 4)
        .min(signs.len() - MOST_EXCERPT);
    let part: String = signs[from..from + MOST_EXCERPT].iter().collect();
    Some(format!("…{}…", part.trim()))
}
