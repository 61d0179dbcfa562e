//! Parameters of strategies: named whole numbers with bounds, the same in a configuration file, in
//! a command to a live trader and in a backtest.

/// A strategy's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamSpec {
    /// Its name, with its unit last.
    pub name: &'static str,
    /// The least it can be.
    pub min: i64,
    /// The most it can be.
    pub max: i64,
    /// What it is unless told otherwise.
    pub default: i64,
    /// What it means, in a line.
    pub help: &'static str,
}

/// Why a parameter was not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// The strategy has no such parameter.
    #[error("no parameter {name:?}; there are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// Out of bounds.
    #[error("{name} = {value} is not in {min}..={max}")]
    Range {
        /// Which.
        name: &'static str,
        /// The value met.
        value: i64,
        /// The least it can be.
        min: i64,
        /// The most it can be.
        max: i64,
    },
}

/// The place of the parameter `name` in `specs`, when `value` is within its bounds.
///
/// # Errors
/// A name that is not there, or a value out of bounds.
pub fn set_by_name(specs: &[ParamSpec], name: &str, value: i64) -> Result<usize, ParamError> {
    let at = specs.iter().position(|spec| spec.name == name).ok_or_else(|| {
        let known: Vec<_> = specs.iter().map(|spec| spec.name).collect();
        ParamError::Unknown { name: name.into(), known: known.join(", ") }
    })?;
    let ParamSpec { name, min, max, .. } = specs[at];
    if !(min..=max).contains(&value) {
        return Err(ParamError::Range { name, value, min, max });
    }
    Ok(at)
}
