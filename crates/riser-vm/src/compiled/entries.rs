//! The builtins as compiled code calls them: each entry records the frame that is left, so that the frames can be found, and
//! calls the builtin itself. The ways back to code look whether somebody wants to interrupt it.

use super::interrupts::pause;
use super::unwind::raise;
use crate::builtins;
use crate::host::HostFunc;
use crate::instance::{CompileFailure, Instance};
use crate::store::VmStore;
use core::mem::{offset_of, transmute};
use core::ptr;
use riser_abi::{Builtins, FuncRef, Slot, Status, TagDef, VmCtx, VmRuntime};
use riser_sys::{EXIT_HEAD_BYTES, WAY_BACK_BYTES, exit_entry, lazy_entry, way_back};

const RUNTIME: usize = offset_of!(VmCtx, runtime);
const EXIT_FP: usize = offset_of!(VmRuntime, exit_fp);
const EXIT_PC: usize = offset_of!(VmRuntime, exit_pc);
const MARK: usize = offset_of!(VmRuntime, interrupt);
const INSIDE: usize = offset_of!(VmRuntime, inside);

way_back! {
    /// From builtins.
    fn after_builtin => pause, after_builtin_asm;
    runtime: RUNTIME, fp: EXIT_FP, pc: EXIT_PC, mark: MARK, inside: INSIDE
}

way_back! {
    /// From making the code of a function, to that code.
    fn after_stub => pause, after_stub_asm;
    runtime: RUNTIME, fp: EXIT_FP, pc: EXIT_PC, mark: MARK, inside: INSIDE
}

way_back! {
    /// To the handler of an exception.
    fn to_handler => pause, to_handler_asm;
    runtime: RUNTIME, fp: EXIT_FP, pc: EXIT_PC, mark: MARK, inside: INSIDE
}

lazy_entry! {
    /// What lazy stubs jump to.
    pub(super) fn lazy_common => compile_or_raise, after_stub;
    runtime: RUNTIME, fp: EXIT_FP, pc: EXIT_PC, mark: MARK, inside: INSIDE
}

/// Goes on at a handler.
///
/// # Safety
/// As for [`riser_sys::resume`]; the handler is in code of the running store, whose block this is.
pub(super) unsafe fn resume_at_handler(
    pc: usize,
    sp: usize,
    fp: usize,
    runtime: *mut VmRuntime,
) -> ! {
    type Way = unsafe extern "C" fn(usize, usize, usize, *mut VmRuntime) -> !;
    // SAFETY: the way back takes these arguments, and what else it needs is promised by the caller.
    unsafe { transmute::<unsafe extern "C" fn(), Way>(to_handler)(pc, sp, fp, runtime) }
}

/// In a signal handler: where a thread can go on that was stopped on its way back to code, past its look at the mark.
pub(super) fn way_back_at(pc: usize) -> Option<usize> {
    let ways = [after_builtin, after_stub, to_handler].map(|way| (way as *const ()).addr());
    ways.into_iter().find(|&start| (start..=start + WAY_BACK_BYTES).contains(&pc))
}

/// In a signal handler: whether a thread is at the very start of leaving code, where control still counts as inside.
pub(super) fn is_leaving(pc: usize) -> bool {
    const COUNT: usize = size_of::<Builtins>() / size_of::<usize>();
    // SAFETY: the table has an address in each of its words.
    let entries = unsafe { &*ptr::from_ref(&COMPILED_BUILTINS).cast::<[*const (); COUNT]>() };
    let is_head = |&entry: &*const ()| (entry.addr()..entry.addr() + EXIT_HEAD_BYTES).contains(&pc);
    entries.iter().any(is_head) || is_head(&(lazy_common as *const ()))
}

/// The code of a function that is called for the first time.
unsafe extern "C" fn compile_or_raise(vmctx: *mut VmCtx, defined: u32) -> *const u8 {
    // SAFETY: the contract of builtins: stubs are called with the `VmCtx` of the function's instance, or of a host function.
    unsafe {
        let (instance, store) = (builtins::instance(vmctx), builtins::store(vmctx));
        let made = if instance.is_null() {
            trampoline_of(vmctx.cast(), store)
        } else {
            code_of(instance, defined)
        };
        match made {
            Ok(code) => code,
            Err(error) => {
                (*store).compile_error = Some(error);
                let _ = raise(vmctx, Status::HOST_ERROR);
                core::ptr::null()
            }
        }
    }
}

/// # Safety
/// The instance lives, and is used by this thread.
unsafe fn code_of(instance: *mut Instance, defined: u32) -> Result<*const u8, CompileFailure> {
    // SAFETY: the caller's promise. The module lives as long as its instance.
    unsafe {
        let code = (*instance).module().code().compile(defined)?;
        (*instance).update_entry(defined);
        Ok(code)
    }
}

/// # Safety
/// The function and the store live, and are used by this thread.
unsafe fn trampoline_of(
    host: *mut HostFunc,
    store: *mut VmStore,
) -> Result<*const u8, CompileFailure> {
    // SAFETY: the caller's promise; the hook gives a trampoline of the type.
    unsafe {
        let code = ((*store).host_trampoline)(store, (*host).type_id())?;
        (*host).set_trampoline(code);
        Ok(code)
    }
}

/// The builtins, but for what only compiled code has.
mod plain {
    pub(super) use super::super::unwind::raise;
    pub(super) use crate::builtins::*;
    pub(super) use crate::exceptions::*;
    pub(super) use crate::gc::*;
}

/// Makes an entry per builtin.
macro_rules! entries {
    ($($name:ident($($param:ident: $ty:ty),*) -> $result:ty;)*) => {
        mod entry {
            use super::*;
            $(exit_entry! {
                pub(super) fn $name => plain::$name, after_builtin;
                runtime: RUNTIME, fp: EXIT_FP, pc: EXIT_PC, mark: MARK, inside: INSIDE
            })*
        }
    };
}

riser_abi::each_builtin!(entries);

/// Makes the table of all entries.
macro_rules! table {
    ($($name:ident($($param:ident: $ty:ty),*) -> $result:ty;)*) => {
        /// The table that a `VmRuntime` of a compiled engine points to.
        // SAFETY: an entry goes on in the builtin with all arguments as they were, so it is a function of the same type.
        pub static COMPILED_BUILTINS: Builtins = unsafe {
            Builtins { $($name: transmute::<
                unsafe extern "C" fn(), unsafe extern "C" fn(*mut VmCtx, $($ty),*) -> $result,
            >(entry::$name),)* }
        };
    };
}

riser_abi::each_builtin!(table);
