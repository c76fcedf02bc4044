//! Heap snapshots on disk: what one will cost, whether there is room, names, side-cars, retention.
