//! Handlers of operators on tables, and on references that need no heap.

use super::memory::{BULK, checked};
use super::operand::{SLOT, Value};
use super::{Cx, Flow, Regs, Slot, handler, leave, next_after, trap};
use riser_abi::{GROW_FAILED, Status, TableDef};
use riser_ops::TrapCode;

/// The table that the field at `at` names.
#[inline(always)]
unsafe fn table(r: &Regs, at: usize) -> *mut TableDef {
    // SAFETY: the field is the place of a pointer to a table (fact 4).
    unsafe { *r.vmctx_at::<*mut TableDef>(r.field(at)) }
}

/// The element `index` of a table.
#[inline(always)]
unsafe fn element(table: *mut TableDef, index: u64) -> Option<*mut Slot> {
    // SAFETY: the table is live; the index is below its length.
    unsafe { (index < (*table).len as u64).then(|| (*table).base.add(index as usize)) }
}

handler! {
    fn get[](r) {
        let index = r.index(SLOT, r.field(2 * SLOT + 4), 0);
        let Some(element) = element(table(&r, 2 * SLOT), index) else {
            return trap(r, TrapCode::TableOutOfBounds);
        };
        *r.slot(0) = *element;
        next_after(r, 2 * SLOT + 6)
    }
    fn set[](r) {
        let index = r.index(0, r.field(2 * SLOT + 4), 0);
        let Some(element) = element(table(&r, 2 * SLOT), index) else {
            return trap(r, TrapCode::TableOutOfBounds);
        };
        *element = *r.slot(SLOT);
        next_after(r, 2 * SLOT + 6)
    }
    fn size[](r) {
        ((*table(&r, SLOT)).len as i64).store(r.slot(0));
        next_after(r, SLOT + 4)
    }
    fn grow[](r) {
        let delta = r.index(2 * SLOT, r.field(BULK + 4), 0);
        let grow = r.builtins().table_grow;
        let old = grow((*r.cx).vmctx, r.field(BULK), *r.slot(SLOT), delta);
        if old == GROW_FAILED {
            return leave(r, Status::HOST_ERROR);
        }
        old.store(r.slot(0));
        next_after(r, BULK + 6)
    }
    fn fill[](r) {
        let mask = r.field(BULK + 4);
        let (dst, value, len) = (r.index(0, mask, 0), *r.slot(SLOT), r.index(2 * SLOT, mask, 2));
        let fill = r.builtins().table_fill;
        checked!(r, fill((*r.cx).vmctx, r.field(BULK), dst, value, len), BULK + 6)
    }
    fn copy[](r) {
        let mask = r.field(BULK + 8);
        let (dst, src, len) = (r.index(0, mask, 0), r.index(SLOT, mask, 1), r.index(2 * SLOT, mask, 2));
        let copy = r.builtins().table_copy;
        checked!(r, copy((*r.cx).vmctx, r.field(BULK), r.field(BULK + 4), dst, src, len), BULK + 10)
    }
    fn init[](r) {
        let dst = r.index(0, r.field(BULK + 8), 0);
        let (src, len) = (*r.slot(SLOT) as u32, *r.slot(2 * SLOT) as u32);
        let init = r.builtins().table_init;
        checked!(r, init((*r.cx).vmctx, r.field(BULK), r.field(BULK + 4), dst, src, len), BULK + 10)
    }
    fn elem_drop[](r) {
        let drop = r.builtins().elem_drop;
        checked!(r, drop((*r.cx).vmctx, r.field(0)), 4)
    }
    fn ref_func[](r) {
        let func = (r.builtins().ref_func)((*r.cx).vmctx, r.field(SLOT));
        *r.slot(0) = func as usize as u64;
        next_after(r, SLOT + 4)
    }
    fn ref_as_non_null[](r) {
        if *r.slot(0) == 0 {
            return trap(r, TrapCode::NullReference);
        }
        next_after(r, SLOT)
    }
}
