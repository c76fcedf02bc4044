//! What only the process around the command knows.

/// What the process around the command knows, which JavaScript has to tell.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// `capabilities()` as JSON, where the verb asks for it.
    pub capabilities: Option<String>,
}
