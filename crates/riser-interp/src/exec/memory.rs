//! Handlers of operators on whole memories.

use super::operand::{SLOT, Value};
use super::{Cx, Flow, Regs, Slot, handler, leave, next_after};
use core::sync::atomic::Ordering;
use riser_abi::{Builtins, GROW_FAILED, MemoryDef, Status};

impl Regs {
    /// The runtime's functions. Before one is called, the runtime learns where the interpreter is.
    ///
    /// # Safety
    ///
    /// `cx` must be the running activation.
    #[inline(always)]
    pub(super) unsafe fn builtins<'a>(&self) -> &'a Builtins {
        // SAFETY: the store and its builtins are live. The top record is the running function's, whose
        // frame ends below the control stack.
        unsafe {
            let cx = self.cx;
            (*cx).ip = self.ip;
            (*cx).fp = self.fp;
            let frame =
                (*(*(*cx).csp).header).frame_bytes() - size_of::<super::activation::Record>();
            (*(*cx).runtime).stack_top = self.fp.byte_add(frame);
            &*(*(*cx).runtime).builtins
        }
    }

    /// The operand in slot `at`, zero-extended if `bit` of `mask` says that it is 32-bit.
    ///
    /// # Safety
    ///
    /// There must be a slot field at `at`.
    #[inline(always)]
    pub(super) unsafe fn index(&self, at: usize, mask: u16, bit: u16) -> u64 {
        // SAFETY: the caller's promise.
        let value = unsafe { *self.slot(at) };
        if mask >> bit & 1 == 1 { value & 0xFFFF_FFFF } else { value }
    }
}

/// Goes on behind the instruction, or leaves the interpreter with the status of a builtin.
macro_rules! checked {
    ($r:ident, $status:expr, $fields:expr) => {{
        let status = $status;
        if status.is_ok() { next_after($r, $fields) } else { leave($r, status) }
    }};
}
pub(super) use checked;

/// The bytes of the operands of a bulk operator.
pub(super) const BULK: usize = 3 * SLOT;

handler! {
    fn size[](r) {
        let def = *r.vmctx_at::<*const MemoryDef>(r.field(SLOT));
        // A guest may tell another one of a growth in any way; both must then see it.
        let pages = (*def).len.load(Ordering::SeqCst) >> r.field::<u16>(SLOT + 4);
        (pages as i64).store(r.slot(0));
        next_after(r, SLOT + 4 + 2)
    }
    fn grow[](r) {
        let delta = r.index(SLOT, r.field(2 * SLOT + 4), 0);
        let memory = r.field(2 * SLOT);
        let old = (r.builtins().memory_grow)((*r.cx).vmctx, memory, delta);
        if old == GROW_FAILED {
            return leave(r, Status::HOST_ERROR);
        }
        r.reload_memory();
        old.store(r.slot(0));
        next_after(r, 2 * SLOT + 4 + 2)
    }
    fn copy[](r) {
        let mask = r.field(BULK + 8);
        let (dst, src, len) = (r.index(0, mask, 0), r.index(SLOT, mask, 1), r.index(2 * SLOT, mask, 2));
        let copy = r.builtins().memory_copy;
        checked!(r, copy((*r.cx).vmctx, r.field(BULK), r.field(BULK + 4), dst, src, len), BULK + 10)
    }
    fn fill[](r) {
        let mask = r.field(BULK + 4);
        let (dst, len) = (r.index(0, mask, 0), r.index(2 * SLOT, mask, 2));
        let byte = *r.slot(SLOT) as u32;
        let fill = r.builtins().memory_fill;
        checked!(r, fill((*r.cx).vmctx, r.field(BULK), dst, byte, len), BULK + 6)
    }
    fn init[](r) {
        let dst = r.index(0, r.field(BULK + 8), 0);
        let (src, len) = (*r.slot(SLOT) as u32, *r.slot(2 * SLOT) as u32);
        let init = r.builtins().memory_init;
        checked!(r, init((*r.cx).vmctx, r.field(BULK), r.field(BULK + 4), dst, src, len), BULK + 10)
    }
    fn data_drop[](r) {
        let drop = r.builtins().data_drop;
        checked!(r, drop((*r.cx).vmctx, r.field(0)), 4)
    }
}
