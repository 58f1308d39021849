//! Handlers of operators on the garbage-collected heap. The runtime does the work: it knows where objects lie, and
//! checks whatever is read from them.

use super::memory::checked;
use super::operand::{SLOT, Value};
use super::{Cx, Flow, Regs, Slot, handler, leave, next_after, trap};
use riser_abi::REF_TEST_FAILED;
use riser_ops::TrapCode;

/// Calls a builtin that allocates: the type, the operands' slots, then what the fields from the third on say.
macro_rules! allocate {
    ($r:ident, $builtin:ident $(, $field:literal)*) => {{
        let builtin = $r.builtins().$builtin;
        let base = $r.fp.add($r.field::<u32>(4) as usize);
        let status = builtin((*$r.cx).vmctx, $r.field(0), base $(, $r.field($field))*);
        checked!($r, status, 8 $(+ { let _: u32 = $field; 4 })*)
    }};
}

handler! {
    fn ref_test[](r) {
        let fits = (r.builtins().ref_test)((*r.cx).vmctx, *r.slot(SLOT), r.field(2 * SLOT));
        if fits == REF_TEST_FAILED {
            return trap(r, TrapCode::HeapCorrupted);
        }
        (fits as i32).store(r.slot(0));
        next_after(r, 2 * SLOT + 4)
    }
    fn ref_cast[](r) {
        match (r.builtins().ref_test)((*r.cx).vmctx, *r.slot(0), r.field(SLOT)) {
            0 => trap(r, TrapCode::CastFailure),
            REF_TEST_FAILED => trap(r, TrapCode::HeapCorrupted),
            _ => next_after(r, SLOT + 4),
        }
    }
    fn struct_new[](r) {
        allocate!(r, struct_new)
    }
    fn struct_new_default[](r) {
        allocate!(r, struct_new_default)
    }
    fn array_new[](r) {
        allocate!(r, array_new, 8)
    }
    fn array_new_default[](r) {
        allocate!(r, array_new_default)
    }
    fn array_new_fixed[](r) {
        allocate!(r, array_new_fixed, 8)
    }
    fn array_new_data[](r) {
        allocate!(r, array_new_data, 8)
    }
    fn array_new_elem[](r) {
        allocate!(r, array_new_elem, 8)
    }
    fn struct_get[](r) {
        let (object, bits) = (*r.slot(SLOT), r.field::<u16>(2 * SLOT + 4));
        let get = r.builtins().struct_get;
        let status = get((*r.cx).vmctx, object, r.field(2 * SLOT), bits.into(), r.slot(0));
        checked!(r, status, 2 * SLOT + 6)
    }
    fn struct_set[](r) {
        let (object, bits) = (*r.slot(0), r.field::<u16>(2 * SLOT + 4));
        let set = r.builtins().struct_set;
        let status = set((*r.cx).vmctx, object, r.field(2 * SLOT), bits.into(), r.slot(SLOT));
        checked!(r, status, 2 * SLOT + 6)
    }
    fn array_get[](r) {
        let (array, index) = (*r.slot(SLOT), *r.slot(2 * SLOT) as u32);
        let get = r.builtins().array_get;
        let bits = r.field::<u16>(3 * SLOT);
        checked!(r, get((*r.cx).vmctx, array, index, bits.into(), r.slot(0)), 4 * SLOT)
    }
    fn array_set[](r) {
        let (array, index) = (*r.slot(0), *r.slot(SLOT) as u32);
        let set = r.builtins().array_set;
        let bits = r.field::<u16>(3 * SLOT);
        checked!(r, set((*r.cx).vmctx, array, index, bits.into(), r.slot(2 * SLOT)), 4 * SLOT)
    }
    fn array_len[](r) {
        let len = r.builtins().array_len;
        checked!(r, len((*r.cx).vmctx, *r.slot(SLOT), r.slot(0)), 2 * SLOT)
    }
    fn array_fill[](r) {
        let base = r.fp.add(r.field::<u32>(0) as usize);
        let width = r.field::<u32>(4);
        let fill = r.builtins().array_fill;
        let len = *base.add(2 + width as usize) as u32;
        let status = fill((*r.cx).vmctx, *base, *base.add(1) as u32, base.add(2), width, len);
        checked!(r, status, 8)
    }
    fn array_copy[](r) {
        let base = r.fp.add(r.field::<u32>(0) as usize);
        let (to, from) = ((*base, *base.add(1) as u32), (*base.add(2), *base.add(3) as u32));
        let copy = r.builtins().array_copy;
        let len = *base.add(4) as u32;
        checked!(r, copy((*r.cx).vmctx, to.0, to.1, from.0, from.1, len), 4)
    }
    fn array_init_data[](r) {
        let base = r.fp.add(r.field::<u32>(0) as usize);
        let (index, from, len) = (*base.add(1) as u32, *base.add(2) as u32, *base.add(3) as u32);
        let init = r.builtins().array_init_data;
        checked!(r, init((*r.cx).vmctx, *base, r.field(4), index, from, len), 8)
    }
    fn array_init_elem[](r) {
        let base = r.fp.add(r.field::<u32>(0) as usize);
        let (index, from, len) = (*base.add(1) as u32, *base.add(2) as u32, *base.add(3) as u32);
        let init = r.builtins().array_init_elem;
        checked!(r, init((*r.cx).vmctx, *base, r.field(4), index, from, len), 8)
    }
}
