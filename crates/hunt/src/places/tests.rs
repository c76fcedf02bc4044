//! Places through source maps of every kind, and through none.
