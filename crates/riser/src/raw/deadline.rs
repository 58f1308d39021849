//! What happens when the epoch reaches a store's deadline.

use super::limits::inner;
use super::run::Pending;
use super::store::{StoreInner, StoreOpaque};
use crate::{Result, StoreContextMut, UpdateDeadline};
use riser_abi::Status;
use riser_ops::TrapCode;
use riser_vm::VmStore;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Decides whether execution goes on.
pub(crate) type OnDeadline<T> =
    Box<dyn FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline> + Send + Sync>;

/// Makes deadlines end execution.
pub(crate) fn trap_on_deadline(store: &mut StoreOpaque) {
    store.vm.set_on_deadline(riser_vm::interrupt);
}

/// Makes deadlines ask.
pub(crate) fn set_on_deadline<T: 'static>(store: &mut StoreInner<T>, ask: OnDeadline<T>) {
    store.on_deadline = Some(ask);
    store.opaque.vm.set_on_deadline(reached::<T>);
}

unsafe fn reached<T: 'static>(store: *mut VmStore) -> Status {
    // SAFETY: `set_on_deadline` installed this for stores whose data is `T`; the runtime calls it with an address that
    // came from a whole store, borrowed exclusively by a call of code, which waits.
    let store = unsafe { inner::<T>(store) };
    let interrupt = Status::trap(TrapCode::Interrupt);
    // A guest that the callback itself calls is not asked for.
    let Some(mut ask) = store.on_deadline.take() else { return interrupt };
    let outcome = catch_unwind(AssertUnwindSafe(|| ask(StoreContextMut(store))));
    store.on_deadline = Some(ask);
    store.opaque.pending = Some(match outcome {
        Ok(Ok(UpdateDeadline::Continue(ticks))) => {
            store.opaque.vm.set_epoch_deadline(ticks);
            return Status::OK;
        }
        Ok(Ok(UpdateDeadline::Interrupt)) => return interrupt,
        Ok(Err(error)) => Pending::Error(error),
        Err(panic) => Pending::Panic(panic),
    });
    Status::HOST_ERROR
}
