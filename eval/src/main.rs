//! How good the judgements are, on recorded and simulated programs whose end is known.
//!
//! ```text
//! npm run eval -- forecast [--train]
//! npm run eval -- leaks
//! npm run eval -- pace
//! ```

mod forecast;
#[cfg(target_os = "linux")]
mod leaks;
mod pace;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match arguments.first().map(String::as_str) {
        Some("pace") => pace::run(&root),
        Some("forecast") => forecast::run(&root, &arguments[1..]),
        #[cfg(target_os = "linux")]
        Some("leaks") => leaks::run(&root, &arguments[1..]),
        other => Err(std::io::Error::other(format!(
            "expected 'forecast', 'leaks' or 'pace', not {other:?}"
        ))),
    }
}
