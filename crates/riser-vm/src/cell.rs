//! Globals and tags: the objects that are a single cell.

use crate::store::TagId;
use riser_abi::{GlobalCell, TagDef};
use riser_module::GlobalType;

/// A global. What code sees comes first, so that the address of one is the address of the other.
#[repr(C)]
#[derive(Debug)]
pub struct Global {
    pub(crate) cell: GlobalCell,
    pub(crate) ty: GlobalType,
    pub(crate) index: u32,
}

impl Global {
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
