//! Index spaces: one newtype per space of the module, so that a table index is never taken for a function's.

use core::fmt;

macro_rules! index_spaces {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub u32);
        impl $name {
            /// The position as a `usize`, to index a slice.
            #[inline(always)]
            pub fn index(self) -> usize { self.0 as usize }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
    )*};
}

index_spaces! {
    /// Position in a module's type index space.
    TypeIdx;
    /// Position in a module's function index space (imports first).
    FuncIdx;
    /// Position in a module's table index space (imports first).
    TableIdx;
    /// Position in a module's memory index space (imports first).
    MemoryIdx;
    /// Position in a module's global index space (imports first).
    GlobalIdx;
    /// Position in a module's tag index space (imports first).
    TagIdx;
    /// Position among a module's data segments.
    DataIdx;
    /// Position among a module's element segments.
    ElemIdx;
    /// Position among a function's locals (parameters first).
    LocalIdx;
    /// A canonical type of an engine: equal ids mean equal types, whatever module they come from.
    ///
    /// The id fits 24 bits ([`TypeId::MAX`]), since a packed value type carries it.
    TypeId;
}

impl TypeId {
    /// The largest id that a packed value type can carry.
    pub const MAX: u32 = (1 << 24) - 1;
}
