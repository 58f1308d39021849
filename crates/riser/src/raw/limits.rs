//! How the runtime asks a store's limiter.

use super::run::{Pending, raise};
use super::store::{StoreInner, StoreOpaque};
use crate::{Error, ResourceLimiter, Result, StoreContextMut, bail};
use core::ptr;
use riser_sys::OutOfMemory;
use riser_vm::{GrowHooks, Growable, Growth, VmStore};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Finds a store's limiter in the host's data.
pub(crate) type Limiter<T> = Box<dyn (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync>;

/// Installs a limiter.
pub(crate) fn set_limiter<T: 'static>(store: &mut StoreInner<T>, limiter: Limiter<T>) {
    store.limiter = Some(limiter);
    store.opaque.vm.hooks = GrowHooks { growing: growing::<T>, failed: failed::<T> };
}

impl<T: 'static> StoreInner<T> {
    /// Asks the limiter, if there is one. What it fails with is kept: nothing unwinds through code.
    fn judge(&mut self, ask: impl FnOnce(&mut dyn ResourceLimiter) -> Result<bool>) -> Growth {
        let Some(limiter) = &mut self.limiter else { return Growth::Allowed };
        let data = &mut self.data;
        self.opaque.pending = Some(match catch_unwind(AssertUnwindSafe(|| ask(limiter(data)))) {
            Ok(Ok(true)) => return Growth::Allowed,
            Ok(Ok(false)) => return Growth::Refused,
            Ok(Err(error)) => Pending::Error(error),
            Err(panic) => Pending::Panic(panic),
        });
        Growth::Failed
    }
}

/// The store behind the address that a hook is asked with.
///
/// # Safety
/// `store` is the address of the first field of a [`StoreInner`] whose data is `T`, with permission for all of it, and
/// nothing of it is borrowed.
pub(super) unsafe fn inner<'a, T: 'static>(store: *mut VmStore) -> &'a mut StoreInner<T> {
    // SAFETY: the caller's promise; `StoreInner` begins with the `VmStore`.
    unsafe { &mut *store.cast::<StoreInner<T>>() }
}

unsafe fn growing<T: 'static>(
    store: *mut VmStore,
    what: Growable,
    now: usize,
    wanted: usize,
    max: Option<usize>,
) -> Growth {
    // SAFETY: `set_limiter` installed this for stores whose data is `T`; the runtime asks with an address that came
    // from a whole store, borrowed exclusively, and borrows nothing meanwhile.
    let store = unsafe { inner::<T>(store) };
    store.judge(|limiter| match what {
        Growable::Memory => limiter.memory_growing(now, wanted, max),
        Growable::Table => limiter.table_growing(now, wanted, max),
    })
}

unsafe fn failed<T: 'static>(
    store: *mut VmStore,
    what: Growable,
    why: Option<OutOfMemory>,
) -> Growth {
    let name = match what {
        Growable::Memory => "memory",
        Growable::Table => "table",
    };
    let error = match why {
        Some(error) => Error::from(error),
        None => Error::msg(format!("{name} maximum size exceeded")),
    };
    // SAFETY: as for `growing`.
    let store = unsafe { inner::<T>(store) };
    store.judge(|limiter| {
        match what {
            Growable::Memory => limiter.memory_grow_failed(error)?,
            Growable::Table => limiter.table_grow_failed(error)?,
        }
        Ok(false)
    })
}

/// Whether the limiter allows an object of a certain size that the host makes.
pub(super) fn check_new<T: 'static>(
    store: &mut StoreContextMut<'_, T>,
    what: Growable,
    wanted: usize,
    max: Option<usize>,
) -> Result<()> {
    let (memories, tables) = if what == Growable::Memory { (1, 0) } else { (0, 1) };
    check_counts(store, [0, memories, tables])?;
    let vm = ptr::from_mut(&mut *store.0).cast::<VmStore>();
    // SAFETY: the store is borrowed exclusively, and the address is that of all of it.
    let asked = unsafe { ((*vm).hooks.growing)(vm, what, 0, wanted, max) };
    match asked {
        Growth::Allowed => Ok(()),
        Growth::Refused => {
            let name = if what == Growable::Memory { "memory" } else { "table" };
            bail!("{name} minimum size of {wanted} exceeds the store's limits")
        }
        Growth::Failed => Err(raise(store.opaque_mut())),
    }
}

/// Whether the limiter allows so many more instances, memories and tables.
pub(super) fn check_counts<T: 'static>(
    store: &mut StoreContextMut<'_, T>,
    more: [usize; 3],
) -> Result<()> {
    let StoreInner { opaque, data, limiter, .. } = &mut *store.0;
    let Some(limiter) = limiter else { return Ok(()) };
    let limiter = limiter(data);
    let StoreOpaque { vm, .. } = opaque;
    let rows = [
        ("instance", vm.instance_count(), limiter.instances()),
        ("memory", vm.memory_count(), limiter.memories()),
        ("table", vm.table_count(), limiter.tables()),
    ];
    for ((what, now, limit), more) in rows.into_iter().zip(more) {
        if more > 0 && now.saturating_add(more) > limit {
            bail!("resource limit exceeded: {what} count too high at {}", now.saturating_add(more));
        }
    }
    Ok(())
}
