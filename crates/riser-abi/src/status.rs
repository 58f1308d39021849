//! How a call into the runtime, or out of it, ends.

use riser_ops::TrapCode;

/// The end of a builtin, of a host call, or of a whole activation: all is well, a trap, or something that the
/// store keeps (a host's error or panic, an exception).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
#[must_use]
pub struct Status(u32);

impl Status {
    /// All is well.
    pub const OK: Status = Status(0);
    /// A host function failed; the store keeps its error.
    pub const HOST_ERROR: Status = Status(0x100);
    /// An exception is under way; the store keeps it.
    pub const EXCEPTION: Status = Status(0x101);

    /// A trap.
    #[inline(always)]
    pub const fn trap(code: TrapCode) -> Status {
        Status(code as u32)
    }

    /// Whether all is well.
    #[inline(always)]
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// The status as machine code sees it: 0 if all is well.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The trap, if it is one.
    pub fn trap_code(self) -> Option<TrapCode> {
        TrapCode::from_u8(u8::try_from(self.0).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traps_are_neither_success_nor_host_errors() {
        for code in TrapCode::ALL {
            let status = Status::trap(code);
            assert!(!status.is_ok());
            assert_eq!(status.trap_code(), Some(code));
        }
        for status in [Status::OK, Status::HOST_ERROR, Status::EXCEPTION] {
            assert_eq!(status.trap_code(), None);
        }
    }
}
