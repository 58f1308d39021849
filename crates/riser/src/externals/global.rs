//! Globals.

use crate::raw::{self, StoreId};
use crate::{AsContext, AsContextMut, GlobalType, Result, Val};
use riser_vm::GlobalId;

/// A global of a store.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let ty = GlobalType::new(ValType::I64, Mutability::Var);
/// let global = Global::new(&mut store, ty, Val::I64(1))?;
/// global.set(&mut store, Val::I64(2))?;
/// assert_eq!(global.get(&mut store).unwrap_i64(), 2);
/// assert!(global.set(&mut store, Val::I32(3)).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Global {
    pub(crate) store: StoreId,
    pub(crate) id: GlobalId,
}

impl Global {
    /// A global that holds `value`.
    ///
    /// # Errors
    /// If the value is not of the global's type.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global> {
        let mut store = store.as_context_mut();
        let opaque = store.opaque_mut();
        let id = raw::global_new(opaque, &ty, &value)?;
        Ok(Global { store: opaque.id(), id })
    }

    /// The global's type.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        let store = store.as_context();
        store.opaque().check(self.store);
        GlobalType::of(store.engine(), *store.opaque().vm.global(self.id).ty())
    }

    /// Its value.
    pub fn get(&self, mut store: impl AsContextMut) -> Val {
        let mut store = store.as_context_mut();
        store.opaque().check(self.store);
        raw::global_get(store.opaque_mut(), self.id)
    }

    /// Writes it.
    ///
    /// # Errors
    /// If the global is immutable, or the value is not of its type.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<()> {
        let mut store = store.as_context_mut();
        store.opaque().check(self.store);
        raw::global_set(store.opaque_mut(), self.id, &value)
    }
}
