//! The builtins as compiled code calls them: each entry records the frame that is left, so that the frames can be found, and
//! goes on in the builtin itself.

use super::interrupts::notice;
use super::unwind::raise;
use crate::builtins;
use crate::host::HostFunc;
use crate::instance::{CompileFailure, Instance};
use crate::store::VmStore;
use core::mem::{offset_of, transmute};
use riser_abi::{Builtins, FuncRef, Slot, Status, TagDef, VmCtx, VmRuntime};
use riser_sys::{exit_entry, lazy_entry};

const RUNTIME: usize = offset_of!(VmCtx, runtime);
const EXIT_FP: usize = offset_of!(VmRuntime, exit_fp);
const EXIT_PC: usize = offset_of!(VmRuntime, exit_pc);

lazy_entry! {
    /// What lazy stubs jump to.
    pub(super) fn lazy_common => compile_or_raise; runtime: RUNTIME, fp: EXIT_FP, pc: EXIT_PC
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
            Ok(code) => {
                notice((*vmctx).runtime);
                code
            }
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
        (*instance).set_entry(defined, code);
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
        /// The builtins, and after each a look whether execution is to be interrupted.
        mod target {
            use super::*;
            $(pub(super) unsafe extern "C" fn $name(vmctx: *mut VmCtx, $($param: $ty),*) -> $result {
                // SAFETY: the contract of builtins is the same.
                unsafe { noticed(vmctx, plain::$name(vmctx, $($param),*)) }
            })*
        }
        mod entry {
            use super::*;
            $(exit_entry! {
                pub(super) fn $name => target::$name; runtime: RUNTIME, fp: EXIT_FP, pc: EXIT_PC
            })*
        }
    };
}

riser_abi::each_builtin!(entries);

/// The result of a builtin, unless execution is interrupted.
///
/// # Safety
/// The contract of builtins.
#[inline(always)]
unsafe fn noticed<R: Copy>(vmctx: *mut VmCtx, result: R) -> R {
    // SAFETY: the caller's promise; there is nothing to drop.
    unsafe { notice((*vmctx).runtime) };
    result
}

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
