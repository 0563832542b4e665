//! `open_enum!`, `bitfield!` and `assert_size!`: the three shapes that every layout here is made of.

/// Defines an *open* enum: a newtype over an unsigned integer with named constants.
///
/// Any value that a peer sends is a value of the type, so there is no undefined behaviour and no parse error in the
/// wrong place. `Debug` and `Display` print the name, or `Type(0x..)` for a value without one. Items of the
/// `aliases` block are constants only: a second meaning of a number that already has a name.
///
/// Over `u8` the type can stand in a wire struct; over a wider integer it is a host-order value, made from the
/// little-endian field by the accessor beside it.
#[macro_export]
macro_rules! open_enum {
    ($(#[$m:meta])* pub enum $name:ident: u8 { $($body:tt)* } $(aliases { $($alias:tt)* })?) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive($crate::zerocopy::FromBytes, $crate::zerocopy::IntoBytes, $crate::zerocopy::Immutable)]
        #[derive($crate::zerocopy::KnownLayout, $crate::zerocopy::Unaligned)]
        #[repr(transparent)]
        pub struct $name(pub u8);
        $crate::open_enum!(@consts $name, u8, $($body)*);
        $($crate::open_enum!(@aliases $name, $($alias)*);)?
    };
    ($(#[$m:meta])* pub enum $name:ident: $repr:ident { $($body:tt)* } $(aliases { $($alias:tt)* })?) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub $repr);
        $crate::open_enum!(@consts $name, $repr, $($body)*);
        $($crate::open_enum!(@aliases $name, $($alias)*);)?
    };
    (@consts $name:ident, $repr:ident, $($(#[$vm:meta])* $var:ident = $val:literal),* $(,)?) => {
        impl $name {
            $($(#[$vm])* #[doc = concat!("`", stringify!($val), "`")] pub const $var: Self = Self($val);)*

            /// The name of this value, if it has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($val => Some(stringify!($var)),)*
                    _ => None,
                }
            }
        }
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "({:#x})"), self.0),
                }
            }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(self, f)
            }
        }
        impl From<$repr> for $name {
            fn from(raw: $repr) -> Self {
                Self(raw)
            }
        }
    };
    (@aliases $name:ident, $($(#[$vm:meta])* $var:ident = $val:literal),* $(,)?) => {
        impl $name {
            $($(#[$vm])* #[doc = concat!("`", stringify!($val), "`")] pub const $var: Self = Self($val);)*
        }
    };
}

/// Defines a register or dword: a newtype over an integer with one reader and one `with_` builder a field.
///
/// `flags` are single bits (`bool`), `fields` are `reader, builder: type = lowest bit, width`. A builder keeps the low
/// `width` bits of what it is given, so a value cannot spill into its neighbour.
macro_rules! bitfield {
    ($(#[$m:meta])* pub struct $name:ident($repr:ident) {
        flags { $($(#[$bm:meta])* $get:ident, $with:ident = $bit:literal;)* }
        fields { $($(#[$fm:meta])* $fget:ident, $fwith:ident: $ft:ident = $lo:literal, $width:literal;)* }
    }) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, Default)]
        pub struct $name(pub $repr);
        impl $name {
            $(
                $(#[$bm])*
                pub const fn $get(self) -> bool {
                    (self.0 >> $bit) & 1 != 0
                }
                #[doc = concat!("This value with `", stringify!($get), "` set to `on`.")]
                #[must_use]
                pub const fn $with(self, on: bool) -> Self {
                    Self(self.0 & !(1 << $bit) | ((on as $repr) << $bit))
                }
            )*
            $(
                $(#[$fm])*
                pub const fn $fget(self) -> $ft {
                    ((self.0 >> $lo) & (((1 as $repr) << $width) - 1)) as $ft
                }
                #[doc = concat!("This value with `", stringify!($fget), "` set.")]
                #[must_use]
                pub const fn $fwith(self, value: $ft) -> Self {
                    let mask = (((1 as $repr) << $width) - 1) << $lo;
                    Self(self.0 & !mask | (((value as $repr) << $lo) & mask))
                }
            )*
        }
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let mut s = f.debug_struct(stringify!($name));
                $(if self.$get() { s.field(stringify!($get), &true); })*
                $(s.field(stringify!($fget), &self.$fget());)*
                s.finish()
            }
        }
    };
}

/// Fails the build when a layout is not as long as the standard says.
macro_rules! assert_size {
    ($($t:ty = $n:expr),* $(,)?) => {
        $(const _: () = assert!(core::mem::size_of::<$t>() == $n, concat!("size of ", stringify!($t)));)*
    };
}

/// Fails the build when a field is not where the standard puts it.
macro_rules! assert_offset {
    ($t:ty: $($field:ident = $n:expr),* $(,)?) => {
        $(const _: () = assert!(
            core::mem::offset_of!($t, $field) == $n,
            concat!("offset of ", stringify!($t), ".", stringify!($field))
        );)*
    };
}
