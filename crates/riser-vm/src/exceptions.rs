//! Exceptions: objects of the heap that have a tag. The one that is under way is kept by the store.
//!
//! An object says which tag it has by the tag's position in the store. What its values are, the tag's type says, which no
//! content of the heap can change.

use crate::builtins::{instance, store};
use crate::gc::{access, allocate};
use crate::store::{TagId, VmStore};
use core::ptr;
use riser_abi::{Slot, Status, TagDef, VmCtx};
use riser_heap::{HeapCorrupted, HeapRef, Referent};
use riser_module::TypeRegistry;
use riser_ops::{TagIdx, TrapCode, TypeId};

/// The heap is damaged.
const DAMAGED: Status = Status::trap(TrapCode::HeapCorrupted);

impl VmStore {
    /// Makes an exception, all of whose values are zeros and nulls; [`VmStore::fill_exception`] is to follow. The tag's type is
    /// one of the registry.
    ///
    /// # Errors
    /// As for [`VmStore::allocate`].
    ///
    /// # Safety
    /// As for [`VmStore::allocate`].
    pub unsafe fn new_exception(
        this: *mut VmStore,
        registry: &TypeRegistry,
        tag: TagId,
    ) -> Result<HeapRef, Status> {
        // SAFETY: the caller's promise.
        unsafe {
            let id = (*this).tag(tag).type_id();
            allocate(this, registry, id, |heap| heap.alloc_exn(id, tag.index()))
        }
    }

    /// Gives an exception that was just made its values, which are in the slots from `values` on.
    ///
    /// # Errors
    /// If it is none, or there is no memory to note a function.
    ///
    /// # Safety
    /// The slots hold values of the types that the tag's type says.
    pub unsafe fn fill_exception(
        &mut self,
        at: HeapRef,
        tag: TagId,
        values: *const Slot,
    ) -> Result<(), Status> {
        let id = self.tag(tag).type_id();
        let mut slot = values;
        for number in 0..self.values_of(id) {
            // SAFETY: the caller's promise.
            unsafe {
                let width = self.width_of(id, number);
                let high = if width == 2 { *slot.add(1) } else { 0 };
                self.heap.exn_set(at, number as u32, [*slot, high]).map_err(access)?;
                slot = slot.add(width);
            }
        }
        Ok(())
    }

    /// How many values an exception of a type has.
    fn values_of(&self, id: TypeId) -> usize {
        self.heap.layouts().get(id).map_or(0, |layout| layout.fields().len())
    }

    /// How many slots a value takes.
    fn width_of(&self, id: TypeId, number: usize) -> usize {
        let layout = self.heap.layouts().get(id);
        let field = layout.and_then(|layout| layout.fields().get(number));
        field.map_or(1, |field| field.repr.slots())
    }

    /// The tag of an exception.
    ///
    /// # Errors
    /// If there is no exception, or one that no tag of this store could have.
    pub fn exception_tag(&self, at: HeapRef) -> Result<TagId, HeapCorrupted> {
        let tag = self.tag_at(self.heap.exn_tag(at)?).ok_or(HeapCorrupted)?;
        match self.heap.referent(at)? {
            Referent::Exn(id) if id == self.tag(tag).type_id() => Ok(tag),
            _ => Err(HeapCorrupted),
        }
    }

    /// Writes the values of an exception to the slots from `values` on.
    ///
    /// # Errors
    /// If there is no such exception.
    ///
    /// # Safety
    /// There are as many slots as values of the tag's type take.
    pub unsafe fn exception_values(
        &self,
        at: HeapRef,
        tag: TagId,
        values: *mut Slot,
    ) -> Result<(), HeapCorrupted> {
        if self.exception_tag(at)? != tag {
            return Err(HeapCorrupted);
        }
        let id = self.tag(tag).type_id();
        let mut slot = values;
        for number in 0..self.values_of(id) {
            let cell = self.heap.exn_get(at, number as u32)?;
            let width = self.width_of(id, number);
            // SAFETY: the caller's promise.
            unsafe {
                *slot = cell[0];
                if width == 2 {
                    *slot.add(1) = cell[1];
                }
                slot = slot.add(width);
            }
        }
        Ok(())
    }
}

pub(crate) unsafe extern "C" fn throw(vmctx: *mut VmCtx, tag: u32, values: *const Slot) -> Status {
    // SAFETY: the contract of builtins; a valid body passes values of the tag's type.
    unsafe {
        let (instance, store) = (instance(vmctx), store(vmctx));
        let tag = (*(*instance).tag(TagIdx(tag))).id();
        let module = (*instance).module().module();
        // The values are read after the allocation, which may move what they refer to.
        let made = VmStore::new_exception(store, module.registration.registry(), tag);
        let filled = made.and_then(|at| {
            (*store).fill_exception(at, tag, values)?;
            Ok(at)
        });
        match filled {
            Ok(at) => {
                (*store).pending_exception = Some(at);
                Status::EXCEPTION
            }
            Err(status) => status,
        }
    }
}

pub(crate) unsafe extern "C" fn throw_ref(vmctx: *mut VmCtx, exception: Slot) -> Status {
    let Some(at) = HeapRef::from_bits(exception as u32) else {
        return Status::trap(TrapCode::NullReference);
    };
    // SAFETY: the contract of builtins.
    unsafe {
        let store = store(vmctx);
        if (*store).exception_tag(at).is_err() {
            return DAMAGED;
        }
        (*store).pending_exception = Some(at);
    }
    Status::EXCEPTION
}

pub(crate) unsafe extern "C" fn exception_tag(vmctx: *mut VmCtx) -> *const TagDef {
    // SAFETY: the contract of builtins. What is no exception any more has no tag.
    unsafe {
        let store = store(vmctx);
        let tag = (*store).pending_exception.and_then(|at| (*store).exception_tag(at).ok());
        tag.map_or(ptr::null(), |tag| &raw const (*store).tag(tag).def)
    }
}

pub(crate) unsafe extern "C" fn catch_exception(
    vmctx: *mut VmCtx,
    values: *mut Slot,
    reference: *mut Slot,
) -> Status {
    // SAFETY: the contract of builtins; whoever passes `values` has compared the tag.
    unsafe {
        let store = store(vmctx);
        let Some(at) = (*store).pending_exception.take() else { return DAMAGED };
        if !values.is_null() {
            let Ok(tag) = (*store).exception_tag(at) else { return DAMAGED };
            if (*store).exception_values(at, tag, values).is_err() {
                return DAMAGED;
            }
        }
        if !reference.is_null() {
            *reference = at.to_bits().into();
        }
    }
    Status::OK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreStack;
    use riser_heap::{HeapLimits, HeapMemory};
    use riser_ops::{FuncType, ValType};
    use riser_sys::SlotStack;

    /// A store with a tag of some values, and an exception of it.
    fn thrown(registry: &TypeRegistry) -> (VmStore, TagId, HeapRef) {
        let mut store = VmStore::new(StoreStack::Slots(SlotStack::new(64).unwrap()));
        store.heap.set_limits(HeapLimits { bytes_max: 1 << 16, ..HeapLimits::DEFAULT });
        let types = [ValType::I32, ValType::V128, ValType::FUNCREF, ValType::EXTERNREF];
        let registered = registry.register_func_type(&FuncType::new(types, []));
        let tag = store.new_tag(registered.id()).unwrap();
        // A second tag, of another type.
        let other = registry.register_func_type(&FuncType::new([ValType::V128; 9], []));
        store.new_tag(other.id()).unwrap();
        store.heap.layouts_mut().register(registry, other.id()).unwrap();
        // SAFETY: the store is not borrowed otherwise; the slots hold values of the tag's types.
        let at = unsafe {
            let at = VmStore::new_exception(&raw mut store, registry, tag).unwrap();
            store.fill_exception(at, tag, [7, 8, 9, 0, 0].as_ptr()).unwrap();
            at
        };
        store.keep(Box::new((registered, other)));
        (store, tag, at)
    }

    #[test]
    fn values_come_back() {
        let registry = TypeRegistry::new();
        let (store, tag, at) = thrown(&registry);
        assert_eq!(store.exception_tag(at), Ok(tag));
        let mut slots = [1; 6];
        // SAFETY: the values take five slots.
        unsafe { store.exception_values(at, tag, slots.as_mut_ptr()) }.unwrap();
        assert_eq!(slots, [7, 8, 9, 0, 0, 1]);
    }

    #[test]
    fn a_damaged_exception_writes_no_more_than_its_tag_says() {
        let registry = TypeRegistry::new();
        for byte in 0..64 {
            for bit in 0..8 {
                let (mut store, tag, at) = thrown(&registry);
                store.heap.memory_mut().bytes_mut()[byte] ^= 1 << bit;
                let mut slots = [1; 6];
                // SAFETY: the values take five slots.
                let outcome = unsafe { store.exception_values(at, tag, slots.as_mut_ptr()) };
                assert_eq!(slots[5], 1, "{outcome:?}");
                if outcome.is_ok() {
                    assert_eq!(store.exception_tag(at), Ok(tag));
                }
            }
        }
    }
}
