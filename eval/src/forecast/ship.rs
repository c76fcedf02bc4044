//! Writes a model as the constants that are shipped.

use std::fmt::Write;
use std::io;
use std::path::Path;

use memguard_trend::study::Model;

/// Replaces the file of constants.
///
/// # Errors
/// It cannot be written.
pub fn write(model: &Model, file: &Path) -> io::Result<()> {
    let mut text = format!(
        "//! Written by `npm run eval -- forecast --train`: do not edit.\n\n\
         use std::borrow::Cow;\n\n\
         use super::{{Model, Tree}};\n\n\
         pub(super) const MODEL: Model = Model {{\n    trees: Cow::Borrowed(&TREES),\n    bias: {:?},\n    scale: {:?},\n    shift: {:?},\n}};\n\n\
         #[rustfmt::skip]\n\
         #[allow(clippy::approx_constant, reason = \"a threshold may be near a constant by chance\")]\n\
         const TREES: [Tree; {}] = [\n",
        rounded(model.bias),
        rounded(model.scale),
        rounded(model.shift),
        model.trees.len()
    );
    for tree in model.trees.iter() {
        let list = |values: &[f32]| {
            let shown: Vec<String> = values
                .iter()
                .map(|value| {
                    if *value == f32::MAX {
                        "f32::MAX".to_owned()
                    } else {
                        format!("{value:?}")
                    }
                })
                .collect();
            shown.join(", ")
        };
        let leaves = tree.leaf.map(|leaf| (leaf * 1e5).round() / 1e5);
        writeln!(
            text,
            "    Tree {{ feature: {:?}, threshold: [{}], leaf: [{}] }},",
            tree.feature,
            list(&tree.threshold),
            list(&leaves)
        )
        .map_err(io::Error::other)?;
    }
    text.push_str("];\n");
    std::fs::write(file, text)
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
