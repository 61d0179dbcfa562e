//! A strategy's parameters as it keeps them, and the macro that declares them.

use crate::ParamSpec;

/// The values of `N` parameters, each within its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Values<const N: usize> {
    specs: &'static [ParamSpec; N],
    values: [i64; N],
}

impl<const N: usize> Values<N> {
    /// Those of `values`, in the order of the specs; the defaults where there are fewer.
    pub(crate) fn new(specs: &'static [ParamSpec; N], values: &[i64]) -> Values<N> {
        let mut all = Values { specs, values: specs.map(|spec| spec.default) };
        for (at, &value) in values.iter().enumerate() {
            all.set(at, value);
        }
        all
    }

    /// The value at a place; 0 beyond the last.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> i64 {
        self.values.get(at).copied().unwrap_or(0)
    }

    /// Sets the value at a place, held to its bounds. A place beyond the last is let be.
    pub(crate) fn set(&mut self, at: usize, value: i64) {
        if let (Some(slot), Some(spec)) = (self.values.get_mut(at), self.specs.get(at)) {
            *slot = value.clamp(spec.min, spec.max);
        }
    }
}

/// Declares `Param`, a place for each parameter, and `PARAMS`, their specs in the same order.
macro_rules! params {
    ($($place:ident = $name:literal, $min:expr, $max:expr, $default:expr, $help:literal;)*) => {
        #[derive(Clone, Copy)]
        enum Param { $($place),* }

        /// The parameters, in the order of their places.
        pub(crate) const PARAMS: [$crate::ParamSpec; [$(Param::$place),*].len()] = [$(
            $crate::ParamSpec { name: $name, min: $min, max: $max, default: $default, help: $help }
        ),*];
    };
}
pub(crate) use params;

/// The methods of [`Strategy`](crate::Strategy) that read parameters, over a field `values` and a
/// constant `PARAMS`.
macro_rules! param_methods {
    () => {
        fn params(&self) -> &'static [$crate::ParamSpec] {
            &PARAMS
        }

        fn param(&self, at: usize) -> i64 {
            self.values.get(at)
        }
    };
}
pub(crate) use param_methods;
