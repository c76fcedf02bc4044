//! Rules on heaps drawn by hand.
