//! Names for counters and stages: an enum a role, declared once, printed everywhere.

use std::fmt::Debug;

/// A name out of a fixed list: what a [`crate::CounterSet`] or a [`crate::StageSet`] is keyed by.
/// Declare it with [`crate::keys!`], which makes the index of each variant its place in `ALL`.
pub trait Key: Copy + Debug + Send + Sync + 'static {
    /// What the list is about, as a heading in the report.
    const GROUP: &'static str;
    /// Every key, in the order of its index.
    const ALL: &'static [Self];
    /// One `T` a key, inline.
    type Slots<T>: AsRef<[T]>;

    /// The place in `ALL`.
    fn index(self) -> usize;

    /// The name in the report: lower case, underscores, units last.
    fn name(self) -> &'static str;

    /// Makes one `T` for each key, in the order of `ALL`.
    fn slots<T>(make: impl FnMut(usize) -> T) -> Self::Slots<T>;
}

/// Declares an enum of names and implements [`Key`](crate::Key) for it.
///
/// ```
/// telemetry::keys! {
///     /// What a venue counts.
///     pub enum VenueCounter in "venue" {
///         /// Frames taken from the port.
///         FramesRx = "frames_rx",
///         /// Orders refused because the session was not logged in.
///         NotLoggedIn = "refused_not_logged_in",
///     }
/// }
/// use telemetry::{CounterSet, Key};
///
/// let counters = CounterSet::<VenueCounter>::new();
/// counters.add(VenueCounter::FramesRx, 32);
/// assert_eq!(counters.get(VenueCounter::FramesRx), 32);
/// assert_eq!(VenueCounter::ALL.len(), 2);
/// assert_eq!(VenueCounter::NotLoggedIn.name(), "refused_not_logged_in");
/// ```
#[macro_export]
macro_rules! keys {
    (
        $(#[$doc:meta])*
        $vis:vis enum $name:ident in $group:literal {
            $( $(#[$variant_doc:meta])* $variant:ident = $text:literal ),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        $vis enum $name { $( $(#[$variant_doc])* $variant ),+ }

        impl $crate::Key for $name {
            const GROUP: &'static str = $group;
            const ALL: &'static [Self] = &[$( $name::$variant ),+];
            type Slots<T> = [T; <[&str]>::len(&[$( $text ),+])];

            #[inline(always)]
            fn index(self) -> usize {
                self as usize
            }

            fn name(self) -> &'static str {
                match self { $( $name::$variant => $text ),+ }
            }

            fn slots<T>(make: impl FnMut(usize) -> T) -> Self::Slots<T> {
                ::core::array::from_fn(make)
            }
        }
    };
}

#[cfg(test)]
mod tests;
