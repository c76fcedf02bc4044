//! Off-heap cache shared by worker threads.
