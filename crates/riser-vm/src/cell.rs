//! Globals and tags: the objects that are a single cell.

use crate::store::TagId;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use riser_abi::{GlobalCell, TagDef};
use riser_module::GlobalType;

/// A global, whose value is in the block of the instance that has it, or here if the host made it.
#[derive(Debug)]
pub struct Global {
    pub(crate) place: GlobalPlace,
    pub(crate) ty: GlobalType,
    pub(crate) index: u32,
}

/// Where the value of a global is.
#[derive(Debug)]
pub(crate) enum GlobalPlace {
    /// Code writes it.
    Here(UnsafeCell<GlobalCell>),
    /// In the block of an instance of the same store.
    Instance(NonNull<GlobalCell>),
}

impl Global {
    /// The address of the value. It lives as long as the store.
    ///
    /// # Safety
    /// `this` is a global of a store.
    pub(crate) unsafe fn cell(this: NonNull<Global>) -> NonNull<GlobalCell> {
        // SAFETY: the caller's promise.
        match unsafe { &this.as_ref().place } {
            GlobalPlace::Here(cell) => NonNull::new(cell.get()).expect("not at address 0"),
            GlobalPlace::Instance(cell) => *cell,
        }
    }

    /// Its position in the store.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its type.
    pub fn ty(&self) -> &GlobalType {
        &self.ty
    }
}

/// A tag. What code sees comes first, so that the address of one is the address of the other.
#[repr(C)]
#[derive(Debug)]
pub struct Tag {
    pub(crate) def: TagDef,
    pub(crate) index: u32,
}

impl Tag {
    /// Its position in the store.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The tag's id in its store.
    pub fn id(&self) -> TagId {
        TagId::of(self)
    }

    /// Its canonical function type.
    pub fn type_id(&self) -> riser_ops::TypeId {
        self.def.type_id
    }
}
