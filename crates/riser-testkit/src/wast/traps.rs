//! Which traps the texts of scripts mean: traps are matched by their code, not by words.

use riser::Trap;

/// The trap that an error stands for, if it is one.
pub(super) fn trap_of(error: &riser::Error) -> Option<Trap> {
    error.downcast_ref::<Trap>().copied()
}

/// Whether `trap` is what a script means by `text`.
pub(super) fn matches(trap: Trap, text: &str) -> bool {
    expected(text).contains(&trap)
}

/// The traps that `text` stands for; none for a text that is not known.
fn expected(text: &str) -> &'static [Trap] {
    // Older scripts append the index: `uninitialized element 2`.
    if text.starts_with("uninitialized") {
        return &[Trap::IndirectCallToNull];
    }
    match text {
        "unreachable" => &[Trap::UnreachableCodeReached],
        "out of bounds memory access" => &[Trap::MemoryOutOfBounds],
        "out of bounds table access" => &[Trap::TableOutOfBounds],
        "out of bounds array access" => &[Trap::ArrayOutOfBounds],
        // Scripts of bulk memory operations do not say of what.
        "out of bounds" => &[Trap::MemoryOutOfBounds, Trap::TableOutOfBounds],
        "undefined element" | "undefined" => &[Trap::UndefinedElement],
        "indirect call type mismatch" | "indirect call" => &[Trap::BadSignature],
        "integer overflow" => &[Trap::IntegerOverflow],
        "integer divide by zero" => &[Trap::IntegerDivisionByZero],
        "invalid conversion to integer" => &[Trap::BadConversionToInteger],
        "call stack exhausted" => &[Trap::StackOverflow],
        "unaligned atomic" => &[Trap::HeapMisaligned],
        "expected shared memory" => &[Trap::AtomicWaitNonSharedMemory],
        "cast failure" => &[Trap::CastFailure],
        "null reference"
        | "null function reference"
        | "null structure reference"
        | "null array reference"
        | "null i31 reference"
        | "null exception reference" => &[Trap::NullReference],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use riser_ops::TrapCode;

    #[test]
    fn every_code_that_programs_can_cause_has_a_text() {
        let host_made = [
            TrapCode::AllocationTooLarge,
            TrapCode::OutOfFuel,
            TrapCode::Interrupt,
            TrapCode::UnknownImport,
            TrapCode::HeapCorrupted,
            TrapCode::CannotWait,
        ];
        for code in TrapCode::ALL.into_iter().filter(|code| !host_made.contains(code)) {
            assert!(matches(Trap::from(code), code.message()), "{code}");
        }
        assert!(matches(Trap::IndirectCallToNull, "uninitialized element 7"));
        assert!(!matches(Trap::UnreachableCodeReached, "unreachable executed"));
    }
}
