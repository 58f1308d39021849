//! Feature bits: one per proposal, switched at run time, never a cargo feature.

use core::fmt;

macro_rules! features {
    ($($bit:literal $name:ident $text:literal $doc:literal;)*) => {
        impl Features {
            $(#[doc = $doc] pub const $name: Features = Features(1 << $bit);)*

            /// Every feature with the name that options use.
            pub const TABLE: &'static [(Features, &'static str)] =
                &[$((Features::$name, $text)),*];
        }
    };
}

/// A set of WebAssembly proposals.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Features(u64);

features! {
    0 MUTABLE_GLOBAL "mutable-global" "Import and export of mutable globals.";
    1 SATURATING_FLOAT_TO_INT "saturating-float-to-int" "Conversions from float to integer that do not trap.";
    2 SIGN_EXTENSION "sign-extension" "Sign-extension operators.";
    3 REFERENCE_TYPES "reference-types" "`externref`, several tables, table operators.";
    4 MULTI_VALUE "multi-value" "Several results, block types from the type section.";
    5 BULK_MEMORY "bulk-memory" "Bulk memory and table operators, passive segments.";
    6 SIMD "simd" "128-bit vectors.";
    7 RELAXED_SIMD "relaxed-simd" "Vector operators whose result may depend on the machine.";
    8 THREADS "threads" "Shared memories and atomics.";
    9 TAIL_CALL "tail-call" "Calls that replace their caller.";
    10 MULTI_MEMORY "multi-memory" "Several memories.";
    11 EXCEPTIONS "exceptions" "Tags, `throw`, `try_table`, `exnref`.";
    12 LEGACY_EXCEPTIONS "legacy-exceptions" "The older `try`, `catch`, `delegate`, `rethrow`.";
    13 MEMORY64 "memory64" "64-bit memories and tables.";
    14 EXTENDED_CONST "extended-const" "Integer arithmetic in constant expressions.";
    15 FUNCTION_REFERENCES "function-references" "Typed function references and `call_ref`.";
    16 GC "gc" "Structures, arrays, recursive types, subtyping, casts.";
    17 CUSTOM_PAGE_SIZES "custom-page-sizes" "Memories with pages of one byte.";
    18 WIDE_ARITHMETIC "wide-arithmetic" "128-bit addition, subtraction and multiplication.";
}

impl Features {
    /// No proposal: WebAssembly as first shipped.
    pub const MVP: Features = Features(0);
    /// Either form of exception handling (tags and `throw` belong to both).
    pub const ANY_EXCEPTIONS: Features = Features(Self::EXCEPTIONS.0 | Self::LEGACY_EXCEPTIONS.0);
    /// WebAssembly 1.0.
    pub const WASM1: Features = Self::MUTABLE_GLOBAL;
    /// WebAssembly 2.0.
    pub const WASM2: Features = Features(
        Self::WASM1.0
            | Self::SATURATING_FLOAT_TO_INT.0
            | Self::SIGN_EXTENSION.0
            | Self::REFERENCE_TYPES.0
            | Self::MULTI_VALUE.0
            | Self::BULK_MEMORY.0
            | Self::SIMD.0,
    );
    /// WebAssembly 3.0.
    pub const WASM3: Features = Features(
        Self::WASM2.0
            | Self::RELAXED_SIMD.0
            | Self::TAIL_CALL.0
            | Self::MULTI_MEMORY.0
            | Self::EXCEPTIONS.0
            | Self::MEMORY64.0
            | Self::EXTENDED_CONST.0
            | Self::FUNCTION_REFERENCES.0
            | Self::GC.0,
    );
    /// Everything that Riser knows.
    pub const ALL: Features = Features((1 << Self::TABLE.len()) - 1);

    /// Whether all of `other` is in this set.
    #[inline(always)]
    pub const fn contains(self, other: Features) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether this set and `other` share a feature.
    #[inline(always)]
    pub const fn intersects(self, other: Features) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether an operator or type that is behind `gate` may be used: an empty gate is always open, and of
    /// several features in a gate one is enough.
    #[inline(always)]
    pub const fn allows(self, gate: Features) -> bool {
        gate.0 == 0 || self.0 & gate.0 != 0
    }

    /// Both sets together.
    pub const fn union(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    /// This set without `other`.
    pub const fn without(self, other: Features) -> Features {
        Features(self.0 & !other.0)
    }

    /// This set with `feature` on or off.
    pub const fn with(self, feature: Features, on: bool) -> Features {
        if on { self.union(feature) } else { self.without(feature) }
    }

    /// The feature that options call `name`.
    pub fn by_name(name: &str) -> Option<Features> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The names of the features in this set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::TABLE.iter().filter(move |row| self.contains(row.0)).map(|row| row.1)
    }

    /// The set as a number, stable within a version.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl core::ops::BitOr for Features {
    type Output = Features;

    fn bitor(self, other: Features) -> Features {
        self.union(other)
    }
}

impl Default for Features {
    /// Everything: programs of real toolchains run without being told about proposals.
    fn default() -> Features {
        Features::ALL
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_are_dense_and_the_names_unique() {
        for (i, (bit, name)) in Features::TABLE.iter().enumerate() {
            assert_eq!(bit.bits(), 1 << i, "{name}");
            assert_eq!(Features::by_name(name), Some(*bit));
        }
    }

    #[test]
    fn versions_contain_their_predecessors() {
        assert!(Features::WASM2.contains(Features::WASM1));
        assert!(Features::WASM3.contains(Features::WASM2));
        assert!(Features::ALL.contains(Features::WASM3));
        assert!(!Features::WASM3.intersects(Features::LEGACY_EXCEPTIONS | Features::THREADS));
    }
}
