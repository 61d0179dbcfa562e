//! CPU affinity, topology and the TSC.
