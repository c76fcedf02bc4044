//! Verdicts of figures alone.
