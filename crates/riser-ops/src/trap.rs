//! Trap codes: every reason for which WebAssembly execution can stop abnormally.
//!
//! A trap is not an error of the host: errors have types of their own in the crates that make them.
//! The numbers are part of the machine contract (compiled code stores them in trap tables).

use core::fmt;

/// Why execution trapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum TrapCode {
    /// `unreachable` was executed.
    Unreachable = 1,
    /// A memory access, or a bulk memory operation, left its memory.
    MemoryOutOfBounds = 2,
    /// A table access, or a bulk table operation, left its table.
    TableOutOfBounds = 3,
    /// `call_indirect` used an index that is not in the table.
    UndefinedElement = 4,
    /// `call_indirect` met a null entry.
    UninitializedElement = 5,
    /// `call_indirect` met a function of another type.
    IndirectCallTypeMismatch = 6,
    /// A reference was null where it must not be (`call_ref`, `ref.as_non_null`, `struct.get` …).
    NullReference = 7,
    /// Integer division or remainder by zero.
    IntegerDivideByZero = 8,
    /// The result of a division or a conversion does not fit its type.
    IntegerOverflow = 9,
    /// A NaN was converted to an integer.
    InvalidConversionToInteger = 10,
    /// The guest's stack is exhausted.
    StackOverflow = 11,
    /// `ref.cast` met a reference of another type.
    CastFailure = 12,
    /// An access left its array.
    ArrayOutOfBounds = 13,
    /// An allocation on the garbage-collected heap exceeds what can be represented or is allowed.
    AllocationTooLarge = 14,
    /// An atomic access whose address is not a multiple of its size.
    UnalignedAtomic = 15,
    /// `memory.atomic.wait` on a memory that is not shared.
    AtomicWaitOnUnsharedMemory = 16,
    /// The store has no fuel left.
    OutOfFuel = 17,
    /// The embedder interrupted execution (deadline, epoch, cancellation).
    Interrupt = 18,
    /// A function import that the linker was told to replace by a trap was called.
    UnknownImport = 19,
    /// The store's garbage-collected heap is damaged: a bug of the runtime or of the host. Nothing was read from it.
    HeapCorrupted = 20,
    /// `memory.atomic.wait` would have to wait, where threads cannot.
    CannotWait = 21,
}

impl TrapCode {
    /// All codes, in the order of their numbers.
    pub const ALL: [TrapCode; 21] = [
        TrapCode::Unreachable,
        TrapCode::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds,
        TrapCode::UndefinedElement,
        TrapCode::UninitializedElement,
        TrapCode::IndirectCallTypeMismatch,
        TrapCode::NullReference,
        TrapCode::IntegerDivideByZero,
        TrapCode::IntegerOverflow,
        TrapCode::InvalidConversionToInteger,
        TrapCode::StackOverflow,
        TrapCode::CastFailure,
        TrapCode::ArrayOutOfBounds,
        TrapCode::AllocationTooLarge,
        TrapCode::UnalignedAtomic,
        TrapCode::AtomicWaitOnUnsharedMemory,
        TrapCode::OutOfFuel,
        TrapCode::Interrupt,
        TrapCode::UnknownImport,
        TrapCode::HeapCorrupted,
        TrapCode::CannotWait,
    ];

    /// The code with the number `n`, if there is one.
    pub fn from_u8(n: u8) -> Option<TrapCode> {
        Self::ALL.get(usize::from(n).wrapping_sub(1)).copied()
    }

    /// The reason in words. Where the specification's test suite expects a wording, this is it
    /// (an expected text is a prefix of this one).
    pub fn message(self) -> &'static str {
        match self {
            TrapCode::Unreachable => "unreachable",
            TrapCode::MemoryOutOfBounds => "out of bounds memory access",
            TrapCode::TableOutOfBounds => "out of bounds table access",
            TrapCode::UndefinedElement => "undefined element",
            TrapCode::UninitializedElement => "uninitialized element",
            TrapCode::IndirectCallTypeMismatch => "indirect call type mismatch",
            TrapCode::NullReference => "null reference",
            TrapCode::IntegerDivideByZero => "integer divide by zero",
            TrapCode::IntegerOverflow => "integer overflow",
            TrapCode::InvalidConversionToInteger => "invalid conversion to integer",
            TrapCode::StackOverflow => "call stack exhausted",
            TrapCode::CastFailure => "cast failure",
            TrapCode::ArrayOutOfBounds => "out of bounds array access",
            TrapCode::AllocationTooLarge => "allocation size too large",
            TrapCode::UnalignedAtomic => "unaligned atomic",
            TrapCode::AtomicWaitOnUnsharedMemory => "expected shared memory",
            TrapCode::OutOfFuel => "all fuel consumed by WebAssembly",
            TrapCode::Interrupt => "interrupt",
            TrapCode::UnknownImport => "unknown import called",
            TrapCode::HeapCorrupted => "damaged heap",
            TrapCode::CannotWait => "atomic wait where threads cannot wait",
        }
    }
}

impl fmt::Display for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_codes_are_inverse() {
        for (i, code) in TrapCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, i + 1);
            assert_eq!(TrapCode::from_u8(*code as u8), Some(*code));
        }
        assert_eq!(TrapCode::from_u8(0), None);
        assert_eq!(TrapCode::from_u8(23), None);
    }
}
