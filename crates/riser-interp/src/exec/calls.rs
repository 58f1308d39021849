//! Handlers of calls: to functions of the same instance, of others, and of the host.

use super::activation::{Cx, EXIT, RESTORE, Record};
use super::exceptions::raised;
use super::header::{FuncHeader, HostEntry, owner};
use super::operand::{A, S, SLOT, Src, Value};
use super::{Flow, Handler, Regs, Slot, WORD, divert, handler, next, next_after, trap};
use riser_abi::{FuncRef, ImportedFunc, Status, TableDef, VmCtx};
use riser_ops::{TrapCode, TypeId};

/// A function and its instance, as calls through references find them.
#[derive(Clone, Copy)]
pub(super) struct Callee {
    pub(super) header: *const FuncHeader,
    pub(super) vmctx: *mut VmCtx,
}

/// A call that a slow path goes on with.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    pub(super) callee: Callee,
    /// Where the arguments are.
    pub(super) args: *mut Slot,
    /// The slots of the arguments, for a tail call; the bytes of the instruction's fields, for a call.
    pub(super) size: usize,
    /// For calls through tables: the callee's type and the expected one.
    pub(super) actual: TypeId,
    pub(super) expected: TypeId,
}

/// Whether a frame of `bytes` (with its record) that begins at `fp` fits below the control stack.
#[inline(always)]
unsafe fn fits(r: &Regs, fp: *mut Slot, bytes: usize) -> bool {
    // SAFETY: `cx` is the running activation.
    bytes <= unsafe { (*r.cx).csp } as usize - fp as usize
}

/// Enters lowered code in a new frame at `fp`.
#[inline(always)]
unsafe fn enter(
    mut r: Regs,
    header: *const FuncHeader,
    code: *const u8,
    fp: *mut Slot,
    fields: usize,
) -> Flow {
    // SAFETY: the callee's arguments lie at `fp`, and the check establishes fact 2 for it.
    unsafe {
        let csp = (*r.cx).csp;
        if fp as u64 + (*header).frame_bytes() as u64 > csp as u64 {
            return trap(r, TrapCode::StackOverflow);
        }
        let csp = csp.sub(1);
        (*csp).ret_ip = r.ip.add(WORD + fields);
        (*csp).fp = r.fp;
        (*csp).header = header;
        (*r.cx).csp = csp;
        r.ip = code;
        r.fp = fp;
        // Nobody reads an accumulator before writing it; so its register is free to be used here.
        r.acc = csp as u64;
        next(r)
    }
}

/// Goes on with a slow path.
#[inline(always)]
unsafe fn slow(r: Regs, callee: Callee, args: *mut Slot, size: usize, path: Handler) -> Flow {
    // SAFETY: `cx` is the running activation; the slow path finds what it needs there.
    unsafe {
        let pending = &mut (*r.cx).pending;
        (pending.callee, pending.args, pending.size) = (callee, args, size);
        divert(r, path)
    }
}

/// Lowers a function of the running instance, then executes the call again.
#[inline(always)]
unsafe fn lower_own(r: Regs, header: *const FuncHeader) -> Flow {
    // SAFETY: as the caller's.
    unsafe { slow(r, Callee { header, vmctx: (*r.cx).vmctx }, r.fp, 0, lower) }
}

/// Calls a function that may belong to another instance or to the host. Its arguments lie at `fp`; the
/// call's fields take `fields` bytes.
#[inline(always)]
unsafe fn call_any(r: Regs, callee: Callee, fp: *mut Slot, fields: usize) -> Flow {
    let Callee { header, vmctx } = callee;
    // SAFETY: the callee comes from a `FuncRef` or `ImportedFunc`, which live as long as the store.
    unsafe {
        if vmctx != (*r.cx).vmctx {
            return slow(r, callee, fp, fields, call_other);
        }
        let code = (*header).code();
        if code.is_null() {
            return lower_own(r, header);
        }
        enter(r, header, code, fp, fields)
    }
}

/// Calls a host function whose arguments lie at `fp`. Says whether to go on; if not, `cx.exit` says why.
#[inline(always)]
unsafe fn host(r: &mut Regs, entry: *const HostEntry, callee: *mut VmCtx, fp: *mut Slot) -> bool {
    // SAFETY: the host gets room for arguments and results, and may use the stack behind; what it may
    // have changed (memory 0) is read anew.
    unsafe {
        let slots = (*entry).slots as usize;
        if !fits(r, fp, slots * 8) {
            (*r.cx).exit = Status::trap(TrapCode::StackOverflow);
            (*r.cx).ip = r.ip;
            (*r.cx).fp = r.fp;
            return false;
        }
        let cx = r.cx;
        (*cx).ip = r.ip;
        (*cx).fp = r.fp;
        (*(*cx).runtime).stack_top = fp.add(slots);
        let status = ((*entry).call)(callee, (*cx).vmctx, fp);
        if !status.is_ok() {
            (*cx).exit = status;
            return false;
        }
        r.reload_memory();
        // The result is in the accumulator of its type as well, as after every call.
        if slots > 0 {
            r.acc = *fp;
            r.s = f32::load(fp);
            r.d = f64::load(fp);
        }
        true
    }
}

/// Replaces the running function by another of its instance: moves `count` argument slots to the frame's
/// start.
#[inline(always)]
unsafe fn replace(
    mut r: Regs,
    header: *const FuncHeader,
    code: *const u8,
    args: *mut Slot,
    count: usize,
) -> Flow {
    // SAFETY: the arguments lie in the frame, above its start; the check establishes fact 2.
    unsafe {
        if !fits(&r, r.fp, (*header).frame_bytes() - size_of::<Record>()) {
            return trap(r, TrapCode::StackOverflow);
        }
        r.fp.copy_from(args, count);
        (*(*r.cx).csp).header = header;
        r.ip = code;
        next(r)
    }
}

/// Replaces the running function by one that may belong to another instance or to the host.
#[inline(always)]
unsafe fn replace_any(r: Regs, callee: Callee, args: *mut Slot, count: usize) -> Flow {
    let Callee { header, vmctx } = callee;
    // SAFETY: as for `call_any`.
    unsafe {
        if vmctx != (*r.cx).vmctx {
            return slow(r, callee, args, count, replace_other);
        }
        let code = (*header).code();
        if code.is_null() {
            return lower_own(r, header);
        }
        replace(r, header, code, args, count)
    }
}

handler! {
    /// Lowers a function that is called for the first time, then executes the call again.
    #[cold]
    #[inline(never)]
    fn lower[](r) {
        let Callee { header, vmctx } = (*r.cx).pending.callee;
        Cx::lower((*vmctx).code, header);
        next(r)
    }

    /// Calls a function of another instance or of the host.
    #[inline(never)]
    fn call_other[](r) {
        let Pending { callee: Callee { header, vmctx }, args, size, .. } = (*r.cx).pending;
        if (*header).is_host() {
            if !host(&mut r, header.cast(), vmctx, args) {
                return divert(r, raised);
            }
            return next_after(r, size);
        }
        let code = (*header).code();
        if code.is_null() {
            return divert(r, lower);
        }
        if !fits(&r, args, (*header).frame_bytes() + size_of::<Record>()) {
            return trap(r, TrapCode::StackOverflow);
        }
        let cx = r.cx;
        let csp = (*cx).csp.sub(2);
        let ret_ip = r.ip.add(WORD + size);
        *csp.add(1) = Record { ret_ip, fp: r.fp, header: core::ptr::null() };
        *csp = Record { ret_ip: RESTORE.ip(), fp: (*cx).vmctx.cast(), header };
        (*cx).csp = csp;
        (*cx).set_instance(vmctx);
        r.reload_memory();
        r.ip = code;
        r.fp = args;
        next(r)
    }

    /// Replaces the running function by one of another instance or of the host.
    ///
    /// The record on top is the running function's. Unless it returns to `RESTORE` or leaves the
    /// activation already, the caller belongs to the running instance, so that one more record must
    /// restore it; a chain of such calls finds that record and adds none.
    #[inline(never)]
    fn replace_other[](r) {
        let Pending { callee: Callee { header, vmctx }, args, size, .. } = (*r.cx).pending;
        if (*header).is_host() {
            r.fp.copy_from(args, size);
            let fp = r.fp;
            // The running function has been left: nobody sees its frame, and it catches nothing any more.
            (*(*r.cx).csp).header = core::ptr::null();
            if !host(&mut r, header.cast(), vmctx, fp) {
                return divert(r, raised);
            }
            return ret(r);
        }
        let code = (*header).code();
        if code.is_null() {
            return divert(r, lower);
        }
        if !fits(&r, r.fp, (*header).frame_bytes()) {
            return trap(r, TrapCode::StackOverflow);
        }
        r.fp.copy_from(args, size);
        let cx = r.cx;
        let top = (*cx).csp;
        if (*top).ret_ip == RESTORE.ip() || (*top).ret_ip == EXIT.ip() {
            (*top).header = header;
        } else {
            (*top).header = core::ptr::null();
            let csp = top.sub(1);
            *csp = Record { ret_ip: RESTORE.ip(), fp: (*cx).vmctx.cast(), header };
            (*cx).csp = csp;
        }
        (*cx).set_instance(vmctx);
        r.reload_memory();
        r.ip = code;
        next(r)
    }
}

/// Returns to the caller; the results are in place.
#[inline(always)]
pub(super) unsafe fn ret(mut r: Regs) -> Flow {
    // SAFETY: the top record is the running function's.
    unsafe {
        let csp = (*r.cx).csp;
        r.ip = (*csp).ret_ip;
        r.fp = (*csp).fp;
        (*r.cx).csp = csp.add(1);
        next(r)
    }
}

/// The function that an imported function's entry in `VmCtx` names.
#[inline(always)]
unsafe fn imported(r: &Regs, offset: u32) -> Callee {
    // SAFETY: the offset is that of an imported function (fact 4).
    unsafe {
        let func = &*r.vmctx_at::<ImportedFunc>(offset);
        Callee { header: func.entry.cast(), vmctx: func.vmctx }
    }
}

/// The function that a reference names.
#[inline(always)]
unsafe fn referenced(func: *const FuncRef) -> Callee {
    // SAFETY: a non-null reference names a function of the store.
    unsafe { Callee { header: (*func).entry.cast(), vmctx: (*func).vmctx } }
}

/// Looks a function up in a table. The field at `at` is the table.
#[inline(always)]
unsafe fn in_table(r: &Regs, index: u64, at: usize) -> Result<*const FuncRef, TrapCode> {
    // SAFETY: the field is the place of a pointer to a table (fact 4); elements of function tables are null
    // or name functions of the store.
    unsafe {
        let table = *r.vmctx_at::<*const TableDef>(r.field(at));
        if index >= (*table).len as u64 {
            return Err(TrapCode::UndefinedElement);
        }
        let func = *(*table).base.add(index as usize) as usize as *const FuncRef;
        if func.is_null() { Err(TrapCode::UninitializedElement) } else { Ok(func) }
    }
}

/// Whether a function has the type that the field at `at` names. If not, it may still have a subtype, which a
/// slow path finds out.
#[inline(always)]
unsafe fn has_type(r: &Regs, func: *const FuncRef, at: usize) -> bool {
    // SAFETY: the function lives as long as its store.
    unsafe { (*func).type_id == TypeId(r.field(at)) }
}

/// Whether the pending function may be called as the type that the field at `at` names.
unsafe fn has_subtype(r: &Regs) -> bool {
    // SAFETY: the owner lives as long as its headers.
    unsafe {
        let Pending { actual, expected, .. } = (*r.cx).pending;
        (*owner((*r.cx).code).shared).is_subtype(actual, expected)
    }
}

/// Calls a function that was found in a table. Fields from `at` on: the table, the type, the arguments.
#[inline(always)]
unsafe fn call_found(r: Regs, func: *const FuncRef, at: usize) -> Flow {
    // SAFETY: the handler's instruction has these fields.
    unsafe {
        let (args, fields) = (r.far_slot(at + 8), at + INDIRECT);
        if !has_type(&r, func, at + 4) {
            (*r.cx).pending.actual = (*func).type_id;
            (*r.cx).pending.expected = TypeId(r.field(at + 4));
            return slow(r, referenced(func), args, fields, call_subtype);
        }
        call_any(r, referenced(func), args, fields)
    }
}

/// Replaces the running function by one that was found in a table. Fields from `at` on: the table, the type,
/// the arguments, their slots.
#[inline(always)]
unsafe fn replace_found(r: Regs, func: *const FuncRef, at: usize) -> Flow {
    // SAFETY: the handler's instruction has these fields.
    unsafe {
        let (args, count) = (r.far_slot(at + 8), r.field::<u16>(at + INDIRECT).into());
        if !has_type(&r, func, at + 4) {
            (*r.cx).pending.actual = (*func).type_id;
            (*r.cx).pending.expected = TypeId(r.field(at + 4));
            return slow(r, referenced(func), args, count, replace_subtype);
        }
        replace_any(r, referenced(func), args, count)
    }
}

handler! {
    /// Calls a function of another type than expected.
    #[cold]
    #[inline(never)]
    fn call_subtype[](r) {
        if !has_subtype(&r) {
            return trap(r, TrapCode::IndirectCallTypeMismatch);
        }
        let Pending { callee, args, size, .. } = (*r.cx).pending;
        call_any(r, callee, args, size)
    }
    /// Replaces the running function by one of another type than expected.
    #[cold]
    #[inline(never)]
    fn replace_subtype[](r) {
        if !has_subtype(&r) {
            return trap(r, TrapCode::IndirectCallTypeMismatch);
        }
        let Pending { callee, args, size, .. } = (*r.cx).pending;
        replace_any(r, callee, args, size)
    }
}

/// Calls a function of the running instance. Fields at `at`: its header, the first argument. The arguments
/// are made ready when nothing can make the call be executed again.
#[inline(always)]
unsafe fn call_own(r: Regs, at: usize, ready: impl FnOnce()) -> Flow {
    // SAFETY: the fields name a header of the module and a slot.
    unsafe {
        let header = (*r.cx).code.add(r.field::<u32>(at) as usize).cast::<FuncHeader>();
        let code = (*header).code();
        if code.is_null() {
            return lower_own(r, header);
        }
        ready();
        enter(r, header, code, r.slot(at + 4), at + CALL)
    }
}

/// The bytes of the fields of each call.
const CALL: usize = 4 + SLOT;
const CALL_FAR: usize = 4 + 4;
const INDIRECT: usize = 4 + 4 + 4;

impl Regs {
    /// The slot whose number is the field at `at`.
    #[inline(always)]
    unsafe fn far_slot(&self, at: usize) -> *mut Slot {
        // SAFETY: lowering puts arguments into the frame.
        unsafe { self.fp.add(self.field::<u32>(at) as usize) }
    }
}

handler! {
    fn call[](r) {
        call_own(r, 0, || {})
    }
    fn call_copy[](r) {
        call_own(r, 2 * SLOT, || *r.slot(0) = *r.slot(SLOT))
    }
    fn call_copy2[](r) {
        call_own(r, 4 * SLOT, || {
            *r.slot(0) = *r.slot(SLOT);
            *r.slot(2 * SLOT) = *r.slot(3 * SLOT);
        })
    }
    fn call_far[](r) {
        let header = (*r.cx).code.add(r.field::<u32>(0) as usize).cast::<FuncHeader>();
        let code = (*header).code();
        if code.is_null() {
            return lower_own(r, header);
        }
        enter(r, header, code, r.far_slot(4), CALL_FAR)
    }
    fn call_import[](r) {
        call_any(r, imported(&r, r.field(0)), r.far_slot(4), CALL_FAR)
    }
    fn call_indirect[X: Src<i32>](r) {
        let index = X::read(&r, 0) as u32;
        match in_table(&r, index.into(), X::SIZE) {
            Ok(func) => call_found(r, func, X::SIZE),
            Err(code) => trap(r, code),
        }
    }
    fn call_indirect64[](r) {
        match in_table(&r, *r.slot(0), SLOT) {
            Ok(func) => call_found(r, func, SLOT),
            Err(code) => trap(r, code),
        }
    }
    fn call_ref[](r) {
        let func = *r.slot(0) as usize as *const FuncRef;
        if func.is_null() {
            return trap(r, TrapCode::NullReference);
        }
        call_any(r, referenced(func), r.far_slot(SLOT), SLOT + 4)
    }
    fn return_call[](r) {
        let header = (*r.cx).code.add(r.field::<u32>(0) as usize).cast::<FuncHeader>();
        let code = (*header).code();
        if code.is_null() {
            return lower_own(r, header);
        }
        replace(r, header, code, r.far_slot(4), r.field::<u16>(CALL_FAR).into())
    }
    fn return_call_import[](r) {
        replace_any(r, imported(&r, r.field(0)), r.far_slot(4), r.field::<u16>(CALL_FAR).into())
    }
    fn return_call_indirect[](r) {
        let index = <S as Src<i32>>::read(&r, 0) as u32;
        match in_table(&r, index.into(), SLOT) {
            Ok(func) => replace_found(r, func, SLOT),
            Err(code) => trap(r, code),
        }
    }
    fn return_call_indirect64[](r) {
        match in_table(&r, *r.slot(0), SLOT) {
            Ok(func) => replace_found(r, func, SLOT),
            Err(code) => trap(r, code),
        }
    }
    fn return_call_ref[](r) {
        let func = *r.slot(0) as usize as *const FuncRef;
        if func.is_null() {
            return trap(r, TrapCode::NullReference);
        }
        replace_any(r, referenced(func), r.far_slot(SLOT), r.field::<u16>(SLOT + 4).into())
    }
    fn restore[](r) {
        // The frame that the record gave back is the caller's instance; the record below has its frame.
        (*r.cx).set_instance(r.fp.cast());
        r.reload_memory();
        ret(r)
    }
    fn return_nothing[](r) {
        ret(r)
    }
    fn return_value[T: Value, X: Src<T>](r) {
        let value: T = X::read(&r, 0);
        value.store(r.fp);
        value.set_acc(&mut r);
        ret(r)
    }
}

/// `return_value` of an operand in the accumulator is instantiated with it.
pub(super) type InAcc = A;
