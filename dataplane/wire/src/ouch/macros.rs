//! The macro that declares one direction's messages: structs, enum, parser and field names.

macro_rules! messages {
    (
        fixed { $(
            $(#[$doc:meta])*
            $name:ident = $type:literal, $text:literal, $size:literal {
                $($(#[$field_doc:meta])* $field:ident: $ty:ty,)*
            }
        )* }
        appended { $(
            $(#[$adoc:meta])*
            $aname:ident = $atype:literal, $atext:literal, $asize:literal, $key:literal {
                $($(#[$afield_doc:meta])* $afield:ident: $aty:ty,)*
            }
        )* }
        trailing { $(
            $(#[$tdoc:meta])*
            $tname:ident = $ttype:literal, $ttext:literal, $tsize:literal, $tkey:literal {
                $($(#[$tfield_doc:meta])* $tfield:ident: $tty:ty,)*
            }
        )* }
    ) => {
        $($crate::ouch::macros::message! {
            $(#[$doc])* $name = $type, $size { $($(#[$field_doc])* $field: $ty,)* }
        })*
        $($crate::ouch::macros::message! {
            $(#[$adoc])* $aname = $atype, $asize { $($(#[$afield_doc])* $afield: $aty,)* }
        })*
        $($crate::ouch::macros::message! {
            $(#[$tdoc])* $tname = $ttype, $tsize { $($(#[$tfield_doc])* $tfield: $tty,)* }
        })*
        $(impl Appended for $aname {
            const OPTIONAL_FIELD: &'static str = $key;
        })*
        $(impl Trailing for $tname {
            const OPTIONAL_FIELD: &'static str = $tkey;
        })*

        /// Any message of this direction, where it lies.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $($(#[$doc])* $name(&'a $name),)*
            $($(#[$adoc])* $aname(&'a $aname, Appendage<'a>),)*
            $($(#[$tdoc])* $tname(&'a $tname, Appendage<'a>),)*
        }

        /// Every type: its byte, its name and its length in bytes before any appendage.
        pub const TYPES: &[(u8, &str, usize)] =
            &[
                $(($type, $text, $size),)*
                $(($atype, $atext, $asize),)*
                $(($ttype, $ttext, $tsize),)*
            ];

        /// Reads one message; `bytes` must be all of it.
        ///
        /// # Errors
        /// No bytes, an unknown type, another length than the type's, or a malformed appendage.
        #[inline]
        pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Error> {
            let length = bytes.len();
            let Some(&kind) = bytes.first() else { return Err(Error::Empty) };
            match kind {
                $($type => match $name::ref_from_bytes(bytes) {
                    Ok(message) => Ok(Message::$name(message)),
                    Err(_) => Err(Error::Length { kind, length, expected: $size }),
                },)*
                $($atype => match $aname::ref_from_prefix(bytes) {
                    Ok((message, rest)) => {
                        let announced = usize::from(message.appendage_length.get());
                        if rest.len() != announced {
                            let expected = $asize + announced;
                            return Err(Error::Length { kind, length, expected });
                        }
                        match Appendage::parse(rest) {
                            Ok(appendage) => Ok(Message::$aname(message, appendage)),
                            Err(source) => Err(Error::Appendage { kind, at: $asize, source }),
                        }
                    }
                    Err(_) => Err(Error::Length { kind, length, expected: $asize }),
                },)*
                $($ttype => match $tname::ref_from_prefix(bytes) {
                    Ok((message, rest)) => {
                        Ok(Message::$tname(message, trailing(kind, $tsize, rest)?))
                    }
                    Err(_) => Err(Error::Length { kind, length, expected: $tsize }),
                },)*
                _ => Err(Error::UnknownType { kind, length }),
            }
        }

        impl<'a> Message<'a> {
            /// The specification's name.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Message::$name(_) => $text,)*
                    $(Message::$aname(..) => $atext,)*
                    $(Message::$tname(..) => $ttext,)*
                }
            }

            /// The fixed part's bytes.
            pub fn fixed_bytes(&self) -> &'a [u8] {
                match self {
                    $(Message::$name(m) => m.as_bytes(),)*
                    $(Message::$aname(m, _) => m.as_bytes(),)*
                    $(Message::$tname(m, _) => m.as_bytes(),)*
                }
            }

            /// The optional fields, and the key under which dissectors show their tags; `None` for
            /// the types that cannot have any, and for those that need not and do not.
            pub const fn appendage(&self) -> Option<(&'static str, Appendage<'a>)> {
                match self {
                    $(Message::$name(_) => None,)*
                    $(Message::$aname(_, appendage) => Some(($key, *appendage)),)*
                    $(Message::$tname(_, appendage) if appendage.is_empty() => None,)*
                    $(Message::$tname(_, appendage) => Some(($tkey, *appendage)),)*
                }
            }
        }

        impl Describe for Message<'_> {
            fn describe(&self, see: &mut dyn FnMut(&'static str, Value<'_>)) {
                match self {
                    $(Message::$name(m) => m.describe(see),)*
                    $(Message::$aname(m, _) => m.describe(see),)*
                    $(Message::$tname(m, _) => m.describe(see),)*
                }
            }
        }
    };
}

macro_rules! message {
    (
        $(#[$doc:meta])*
        $name:ident = $type:literal, $size:literal {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
            Unaligned,
        )]
        #[repr(C)]
        pub struct $name {
            /// The type byte, [`TYPE`](Self::TYPE).
            pub message_type: u8,
            $(
                #[doc = concat!("`", stringify!($field), "`.")]
                $(#[$field_doc])*
                pub $field: $ty,
            )*
        }
        const _: () = assert!(size_of::<$name>() == $size);

        impl $name {
            /// The message's type byte.
            pub const TYPE: u8 = $type;
        }

        impl Describe for $name {
            fn describe(&self, see: &mut dyn FnMut(&'static str, Value<'_>)) {
                see("message_type", self.message_type.value());
                $(see(stringify!($field), self.$field.value());)*
            }
        }
    };
}

pub(crate) use {message, messages};
