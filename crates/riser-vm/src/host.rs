//! Host functions as a store sees them.

use crate::compiled::StubTable;
use crate::instance::CompileFailure;
use crate::store::VmStore;
use core::any::Any;
use core::ffi::c_void;
use core::ptr;
use riser_abi::{FuncRef, HostCall, HostCtx, ImportedFunc, VmCtx, VmRuntime};
use riser_ops::TypeId;
use std::sync::Arc;

/// How code enters a host function.
#[derive(Clone, Copy, Debug)]
pub enum HostEntryPoint<'a> {
    /// In an interpreted engine: the address that its way to run expects.
    Interp(*const u8),
    /// In a compiled one, through a trampoline that is made when it is needed.
    Compiled(&'a StubTable),
}

/// Makes the trampoline to host functions of a type.
pub type HostTrampoline = unsafe fn(*mut VmStore, TypeId) -> Result<*const u8, CompileFailure>;

/// For stores of interpreted engines.
pub(crate) unsafe fn no_trampoline(
    _: *mut VmStore,
    _: TypeId,
) -> Result<*const u8, CompileFailure> {
    Err("interpreted code needs no trampolines".into())
}

/// A function of the host in one store. It begins with a `VmCtx` whose instance is null, so that every
/// `FuncRef::vmctx` can be asked for its store and its instance.
#[repr(C)]
#[derive(Debug)]
pub struct HostFunc {
    ctx: HostCtx,
    func_ref: FuncRef,
    /// The import that was bound to the function last; null if there is none.
    import: *mut ImportedFunc,
    data: *const c_void,
    owner: Arc<dyn Any + Send + Sync>,
}

impl HostFunc {
    /// A host function; [`HostFunc::bind`] must follow at its final place.
    pub(crate) fn new(
        runtime: *mut VmRuntime,
        func_ref: FuncRef,
        call: HostCall,
        trampoline: *const u8,
        data: *const c_void,
        owner: Arc<dyn Any + Send + Sync>,
    ) -> HostFunc {
        let ctx =
            VmCtx { runtime, instance: ptr::null_mut(), code: ptr::null(), type_ids: ptr::null() };
        let ctx = HostCtx { ctx, call, trampoline };
        HostFunc { ctx, func_ref, import: ptr::null_mut(), data, owner }
    }

    /// Makes the function reference point to the function at its final place, and gives its address.
    ///
    /// # Safety
    /// `this` is valid, and nobody else uses it.
    pub(crate) unsafe fn bind(this: *mut HostFunc) -> *mut FuncRef {
        // SAFETY: the caller's promise.
        unsafe {
            (*this).func_ref.vmctx = this.cast();
            (*this).ctx.ctx.code = (&raw const (*this).ctx.trampoline).cast();
            &raw mut (*this).func_ref
        }
    }

    /// The canonical type.
    pub(crate) fn type_id(&self) -> TypeId {
        self.func_ref.type_id
    }

    /// An import was bound to the function. If that happens before the first call, which makes the trampoline, the import shall lead there
    /// directly from then on. (Others go on through the stub, which costs a jump: mostly a store has one instance that imports a function.)
    ///
    /// # Safety
    /// The import is valid as long as the function.
    pub(crate) unsafe fn note_import(&mut self, import: *mut ImportedFunc) {
        self.import = import;
    }

    /// Lets calls go through a trampoline of the function's type.
    ///
    /// # Safety
    /// It is one, and lives as long as the function.
    pub(crate) unsafe fn set_trampoline(&mut self, trampoline: *const u8) {
        self.ctx.trampoline = trampoline;
        self.func_ref.entry = trampoline;
        if !self.import.is_null() {
            // SAFETY: `note_import` was promised that it is valid. Code that has read the entry before goes on through the stub.
            unsafe { (*self.import).entry = trampoline };
        }
    }

    /// What the embedder gave along: whatever its owner keeps at that address.
    #[inline]
    pub fn data(&self) -> *const c_void {
        self.data
    }

    /// The store's block.
    #[inline]
    pub fn runtime(&self) -> *mut VmRuntime {
        self.ctx.ctx.runtime
    }

    /// What keeps [`HostFunc::data`] alive.
    pub fn owner(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.owner
    }
}
