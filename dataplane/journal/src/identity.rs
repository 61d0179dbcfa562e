//! Whose journal it is.

use std::fmt;

/// A cluster, and a node of it. A journal of another one is never read and never written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster: random bytes, drawn when it was founded.
    pub cluster: [u8; 16],
    /// The node's number in it.
    pub node: u64,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cluster ")?;
        self.cluster.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, " node {}", self.node)
    }
}
