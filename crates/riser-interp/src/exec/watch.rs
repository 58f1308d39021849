//! Handlers of what bounds execution. They are only in code that was lowered with the options for it, and change
//! no register.

use super::memory::checked;
use super::{Cx, Flow, Regs, Slot, divert, handler, leave, next_after, trap};
use core::sync::atomic::Ordering;
use riser_ops::TrapCode;

handler! {
    fn epoch[](r) {
        let runtime = (*r.cx).runtime;
        let deadline = (*runtime).epoch_deadline.load(Ordering::Relaxed);
        if (*(*runtime).epoch).load(Ordering::Relaxed) >= deadline {
            return divert(r, epoch_reached);
        }
        next_after(r, 0)
    }
    fn fuel[](r) {
        let runtime = (*r.cx).runtime;
        let cost = u64::from(r.field::<u32>(0));
        if (*runtime).fuel < cost {
            return trap(r, TrapCode::OutOfFuel);
        }
        (*runtime).fuel -= cost;
        next_after(r, 4)
    }
    /// Asks the runtime whether to go on. The host may do anything meanwhile, also grow memories.
    #[cold]
    #[inline(never)]
    fn epoch_reached[](r) {
        let status = (r.builtins().epoch_reached)((*r.cx).vmctx);
        r.reload_memory();
        checked!(r, status, 0)
    }
}
