//! `entry!`: the shape of all queue entries.

/// Defines a layout of 64 bytes: every field with its offset, which the build checks.
///
/// Of the type come `new()` (zeroes, with the type and a count of 1), `of`, `of_mut` (an [`Entry`](super::Entry) in place), `entry`.
macro_rules! entry {
    ($(#[$m:meta])* pub struct $name:ident: $kind:ident {
        $($(#[$fm:meta])* $field:ident: $ft:ty = $offset:literal,)*
    }) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout, zerocopy::Unaligned)]
        #[repr(C)]
        pub struct $name {
            /// Type, count, status.
            pub header: super::EntryHeader,
            $($(#[$fm])* pub $field: $ft,)*
        }
        assert_size!($name = 64);
        assert_offset!($name: header = 0 $(, $field = $offset)*);

        impl super::Iocb for $name {
            const TYPE: super::EntryType = super::EntryType::$kind;
        }

        impl $name {
            /// All zero but the type and a count of one.
            pub fn new() -> Self {
                let mut entry: Self = zerocopy::FromZeros::new_zeroed();
                entry.header = super::EntryHeader::new(super::EntryType::$kind);
                entry
            }

            /// The entry read as this layout, whatever its type byte says.
            pub const fn of(entry: &super::Entry) -> &Self {
                zerocopy::transmute_ref!(entry)
            }

            /// The same to be changed.
            pub fn of_mut(entry: &mut super::Entry) -> &mut Self {
                zerocopy::transmute_mut!(entry)
            }

            /// The bytes of the entry.
            pub const fn entry(&self) -> &super::Entry {
                zerocopy::transmute_ref!(self)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}
