//! Tests that are longer than what they test.
