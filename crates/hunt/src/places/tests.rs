//! Places through source maps of every kind, and through none.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// One line of `app.js` to line 3, column 7 of `src/app.ts`.
const MAP: &str = r#"{"version":3,"file":"app.js","sourceRoot":"","sources":["../src/app.ts"],"names":["requestLog"],"mappings":"AAEMA"}"#;

fn script(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    fs::create_dir(&dist).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    let file = dist.join("app.js");
    fs::write(&file, text).unwrap();
    fs::write(
        folder.path().join("src/app.ts"),
        "import http from 'http';\n\nconst requestLog: Entry[] = [];\n",
    )
    .unwrap();
    (folder, file)
}

fn place(file: &std::path::Path, column: u32) -> CodePlace {
    Places::new(true).at(file.to_str().unwrap(), 1, column, Some("handler"))
}

fn assert_original(folder: &TempDir, place: &CodePlace) {
    let source = folder.path().join("src/app.ts");
    assert_eq!(place.file, source.to_str().unwrap(), "{place:#?}");
    assert_eq!((place.line, place.column), (3, 7));
    assert_eq!(place.function.as_deref(), Some("requestLog"));
    assert!(
        place
            .generated
            .as_ref()
            .unwrap()
            .file
            .ends_with("dist/app.js")
    );
    assert_eq!(
        place.excerpt.as_deref(),
        Some("const requestLog: Entry[] = [];")
    );
}

#[test]
fn a_map_beside_the_script_leads_to_the_line_of_typescript() {
    let (folder, file) = script("var e=[];\n//# sourceMappingURL=app.js.map\n");
    fs::write(file.with_extension("js.map"), MAP).unwrap();
    assert_original(&folder, &place(&file, 5));
    let url = format!("file://{}", file.display());
    assert_original(&folder, &Places::new(true).at(&url, 1, 5, None));
}

#[test]
fn a_map_within_the_script_does_as_well() {
    let coded = base64_simd::STANDARD.encode_to_string(MAP);
    let (folder, file) = script(&format!(
        "var e=[];\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,{coded}\n"
    ));
    assert_original(&folder, &place(&file, 1));
}

#[test]
fn maps_of_sections_are_read_too() {
    let (folder, file) = script("var e=[];\n//# sourceMappingURL=app.js.map\n");
    let index =
        format!(r#"{{"version":3,"sections":[{{"offset":{{"line":0,"column":0}},"map":{MAP}}}]}}"#);
    fs::write(file.with_extension("js.map"), index).unwrap();
    assert_original(&folder, &place(&file, 3));
}

#[test]
fn maps_that_are_broken_or_gone_are_told_and_tolerated() {
    let cases = [
        ("app.js.map", Some("{"), "its source map is broken"),
        (
            "app.js.map",
            Some(r#"{"version":3,"sources":[],"names":[],"mappings":"!"}"#),
            "its source map is broken",
        ),
        ("gone.map", None, "cannot be read"),
        (
            "https://cdn.example/app.js.map",
            None,
            "not on this machine",
        ),
        (
            "data:application/json;base64,%%%",
            None,
            "its inline source map is broken",
        ),
        ("data:", None, "its inline source map is broken"),
    ];
    for (url, map, error) in cases {
        let (_folder, file) = script(&format!("var e=[];\n//# sourceMappingURL={url}\n"));
        if let Some(map) = map {
            fs::write(file.with_extension("js.map"), map).unwrap();
        }
        let place = place(&file, 5);
        let told = place.source_map_error.unwrap_or_default();
        assert!(told.contains(error), "{url}: {told}");
        assert_eq!((place.line, place.column), (1, 5));
        assert_eq!(place.excerpt.as_deref(), Some("var e=[];"));
        assert_eq!(place.function.as_deref(), Some("handler"));
    }
}

#[test]
fn minified_code_is_called_so() {
    let (_folder, file) = script(&format!("{};var leak=[];\n", "a=1;".repeat(500)));
    let place = place(&file, 2_002);
    assert!(place.minified);
    let excerpt = place.excerpt.unwrap();
    assert!(excerpt.contains("var leak") && excerpt.chars().count() <= 170);
    let (_folder, file) = script("const log = [];\n");
    assert!(!self::place(&file, 7).minified);
}

#[test]
fn nothing_is_read_that_was_not_allowed() {
    let (_folder, file) = script("var e=[];\n//# sourceMappingURL=app.js.map\n");
    fs::write(file.with_extension("js.map"), MAP).unwrap();
    let place = Places::new(false).at(file.to_str().unwrap(), 1, 5, None);
    assert_eq!(place.line, 1);
    assert_eq!((place.excerpt, place.generated), (None, None));
}

#[test]
fn scripts_that_are_no_files_are_told_as_they_are() {
    for script in [
        "node:events",
        "evalmachine.<anonymous>",
        "https://a/b.js",
        "app.js",
        "file:///no/such/a%20b.mjs",
    ] {
        let place = Places::new(true).at(script, 4, 2, None);
        assert_eq!((place.line, place.excerpt), (4, None));
        let shown = if script.starts_with("file:") {
            "/no/such/a b.mjs"
        } else {
            script
        };
        assert_eq!(place.file, shown);
    }
}

#[test]
fn only_the_last_comment_counts() {
    let text = "x;\n//# sourceMappingURL=one.map\ny;\n  //@ sourceMappingURL=two.map  \nz;";
    assert_eq!(source_map::reference(text), Some("two.map"));
    assert_eq!(
        source_map::reference("/*# sourceMappingURL=c.map */"),
        Some("c.map")
    );
    assert_eq!(source_map::reference("'//# sourceMappingURL=no.map'"), None);
    assert_eq!(source_map::reference(""), None);
}
