//! Handlers of atomic accesses, waiting and notifying.
//!
//! All operands are in slots, and every access names its memory: a locked instruction costs more than finding
//! that. Alignment is checked before bounds. Every access is sequentially consistent.
//!
//! Bases of memories are aligned for every access (fact 5), so that an aligned address gives an aligned pointer.

use super::access::{FarAddress, Narrow, Wide, row, width};
use super::memory::checked;
use super::operand::{Dst, S, SLOT};
use super::simple::NONE;
use super::{Cx, Flow, Handler, Regs, Slot, handler, leave, next_after, trap};
use crate::code::atomic as at;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};
use riser_abi::MemoryDef;
use riser_ops::{AccessKind as K, TrapCode};

/// Whether the machine's integers are not those of Wasm memories.
const SWAPPED: bool = u16::from_le(1) != 1;

/// The bytes of the memory and the offset, behind the operands.
const FAR: usize = 4 + 8;

/// Where an access of `width` bytes to any memory begins; the fields at `at` name the memory and the offset.
#[inline(always)]
unsafe fn place(r: &Regs, address: u64, at: usize, width: usize) -> Result<*mut u8, TrapCode> {
    // SAFETY: the field holds the place of a pointer to a memory in `VmCtx` (fact 4).
    unsafe {
        let def = *r.vmctx_at::<*const MemoryDef>(r.field::<u32>(at));
        let first = address.checked_add(r.field(at + 4)).ok_or(TrapCode::MemoryOutOfBounds)?;
        if !first.is_multiple_of(width as u64) {
            return Err(TrapCode::UnalignedAtomic);
        }
        match first.checked_add(width as u64) {
            Some(end) if end <= (*def).len.load(SeqCst) as u64 => {
                Ok((*def).base.add(first as usize))
            }
            _ => Err(TrapCode::MemoryOutOfBounds),
        }
    }
}

/// Gives the old content of the cell at `$p`, of the width of the access `$op`, from an expression of the atomic
/// and its integer type.
macro_rules! cell {
    ($op:ident, $p:ident, |$cell:ident, $int:ident| $old:expr) => {
        match width($op) {
            1 => cell!(AtomicU8, u8, $p, $cell, $int, $old),
            2 => cell!(AtomicU16, u16, $p, $cell, $int, $old),
            4 => cell!(AtomicU32, u32, $p, $cell, $int, $old),
            _ => cell!(AtomicU64, u64, $p, $cell, $int, $old),
        }
    };
    ($atomic:ident, $width:ident, $p:ident, $cell:ident, $int:ident, $old:expr) => {{
        type $int = $width;
        // SAFETY: `place` checked bounds and alignment for this width.
        let $cell = unsafe { $atomic::from_ptr($p.cast()) };
        u64::from($int::from_le($old))
    }};
}

#[inline(always)]
unsafe fn load_bits<const OP: usize>(p: *mut u8) -> u64 {
    cell!(OP, p, |cell, Int| cell.load(SeqCst))
}

#[inline(always)]
unsafe fn store_bits<const OP: usize>(p: *mut u8, bits: u64) {
    cell!(OP, p, |cell, Int| {
        cell.store((bits as Int).to_le(), SeqCst);
        0
    });
}

/// Adds, on machines of either byte order.
#[inline(always)]
unsafe fn add_bits<const OP: usize>(p: *mut u8, bits: u64) -> u64 {
    cell!(OP, p, |cell, Int| {
        let sum = |old| Some(Int::from_le(old).wrapping_add(bits as Int).to_le());
        if SWAPPED {
            cell.fetch_update(SeqCst, SeqCst, sum).unwrap_or_else(|old| old)
        } else {
            cell.fetch_add(bits as Int, SeqCst)
        }
    })
}

/// Replaces the content by what the operator makes of it and `bits`: the old content.
#[inline(always)]
unsafe fn rmw_bits<const OP: usize>(p: *mut u8, bits: u64) -> u64 {
    match row(OP).kind {
        // SAFETY: as the caller's.
        K::AtomicRmwAdd => unsafe { add_bits::<OP>(p, bits) },
        // SAFETY: as the caller's.
        K::AtomicRmwSub => unsafe { add_bits::<OP>(p, bits.wrapping_neg()) },
        K::AtomicRmwAnd => {
            cell!(OP, p, |cell, Int| cell.fetch_and((bits as Int).to_le(), SeqCst))
        }
        K::AtomicRmwOr => {
            cell!(OP, p, |cell, Int| cell.fetch_or((bits as Int).to_le(), SeqCst))
        }
        K::AtomicRmwXor => {
            cell!(OP, p, |cell, Int| cell.fetch_xor((bits as Int).to_le(), SeqCst))
        }
        _ => cell!(OP, p, |cell, Int| cell.swap((bits as Int).to_le(), SeqCst)),
    }
}

/// Replaces the content by `new` if it is `expected`, both cut to the access's width: the old content.
#[inline(always)]
unsafe fn cmpxchg_bits<const OP: usize>(p: *mut u8, expected: u64, new: u64) -> u64 {
    cell!(OP, p, |cell, Int| {
        let (expected, new) = ((expected as Int).to_le(), (new as Int).to_le());
        cell.compare_exchange(expected, new, SeqCst, SeqCst).unwrap_or_else(|old| old)
    })
}

handler! {
    fn load[X: FarAddress, const OP: usize](r) {
        let address = X::read(&r, SLOT);
        match place(&r, address, 2 * SLOT, width(OP)) {
            Ok(p) => {
                <S as Dst>::write(&mut r, load_bits::<OP>(p) as i64);
                next_after(r, 2 * SLOT + FAR)
            }
            Err(code) => trap(r, code),
        }
    }
    fn store[X: FarAddress, const OP: usize](r) {
        let address = X::read(&r, 0);
        match place(&r, address, 2 * SLOT, width(OP)) {
            Ok(p) => {
                store_bits::<OP>(p, *r.slot(SLOT));
                next_after(r, 2 * SLOT + FAR)
            }
            Err(code) => trap(r, code),
        }
    }
    fn rmw[X: FarAddress, const OP: usize](r) {
        let address = X::read(&r, SLOT);
        match place(&r, address, 3 * SLOT, width(OP)) {
            Ok(p) => {
                let old = rmw_bits::<OP>(p, *r.slot(2 * SLOT));
                <S as Dst>::write(&mut r, old as i64);
                next_after(r, 3 * SLOT + FAR)
            }
            Err(code) => trap(r, code),
        }
    }
    fn cmpxchg[X: FarAddress, const OP: usize](r) {
        let address = X::read(&r, SLOT);
        match place(&r, address, 4 * SLOT, width(OP)) {
            Ok(p) => {
                let old = cmpxchg_bits::<OP>(p, *r.slot(2 * SLOT), *r.slot(3 * SLOT));
                <S as Dst>::write(&mut r, old as i64);
                next_after(r, 4 * SLOT + FAR)
            }
            Err(code) => trap(r, code),
        }
    }
    fn wait[X: FarAddress, const OP: usize](r) {
        let Some(address) = X::read(&r, SLOT).checked_add(r.field(4 * SLOT + 4)) else {
            return trap(r, TrapCode::MemoryOutOfBounds);
        };
        let (memory, result) = (r.field(4 * SLOT), r.slot(0));
        let (expected, timeout) = (*r.slot(2 * SLOT), *r.slot(3 * SLOT) as i64);
        let (builtins, vmctx) = (r.builtins(), (*r.cx).vmctx);
        let status = if width(OP) == 4 {
            (builtins.memory_atomic_wait32)(vmctx, memory, address, expected as u32, timeout, result)
        } else {
            (builtins.memory_atomic_wait64)(vmctx, memory, address, expected, timeout, result)
        };
        checked!(r, status, 4 * SLOT + FAR)
    }
    fn notify[X: FarAddress](r) {
        let Some(address) = X::read(&r, SLOT).checked_add(r.field(3 * SLOT + 4)) else {
            return trap(r, TrapCode::MemoryOutOfBounds);
        };
        let (memory, result) = (r.field(3 * SLOT), r.slot(0));
        let count = *r.slot(2 * SLOT) as u32;
        let notify = r.builtins().memory_atomic_notify;
        checked!(r, notify((*r.cx).vmctx, memory, address, count, result), 3 * SLOT + FAR)
    }
    fn fence[](r) {
        core::sync::atomic::fence(SeqCst);
        next_after(r, 0)
    }
}

/// The handlers of an atomic access (see `code.rs`).
pub(super) const fn block<const OP: usize>() -> [Handler; 16] {
    let mut block = NONE;
    let pair: [Handler; 2] = match row(OP).kind {
        K::AtomicLoad => [load::<Narrow, OP>, load::<Wide, OP>],
        K::AtomicStore => [store::<Narrow, OP>, store::<Wide, OP>],
        K::AtomicCmpxchg => [cmpxchg::<Narrow, OP>, cmpxchg::<Wide, OP>],
        K::Wait => [wait::<Narrow, OP>, wait::<Wide, OP>],
        K::Notify => [notify::<Narrow>, notify::<Wide>],
        _ => [rmw::<Narrow, OP>, rmw::<Wide, OP>],
    };
    block[at::FAR32 as usize] = pair[0];
    block[at::FAR64 as usize] = pair[1];
    block
}
