//! The store, and the contexts through which everything in it is reached.

use crate::raw::{self, StoreInner, StoreOpaque};
use crate::{Engine, GcHeapOutOfMemory, HostObserver, ResourceLimiter, Result, bail};
use std::sync::Arc;

/// Owns instances and all that they refer to, together with the host's own data `T`. Used by one thread at a
/// time; what is in it lives until it is dropped.
///
/// ```
/// use riser::{Engine, Store};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, vec![1, 2]);
/// store.data_mut().push(3);
/// assert_eq!(store.into_data(), [1, 2, 3]);
/// ```
#[derive(Debug)]
pub struct Store<T: 'static> {
    inner: Box<StoreInner<T>>,
}

/// What a callback of [`Store::epoch_deadline_callback`] wants.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::new(Config::new().epoch_interruption(true))?;
/// let mut store = Store::new(&engine, 3);
/// store.set_epoch_deadline(1);
/// // Three more ticks, and no more.
/// store.epoch_deadline_callback(|mut store| {
///     *store.data_mut() -= 1;
///     Ok(if *store.data() >= 0 { UpdateDeadline::Continue(1) } else { UpdateDeadline::Interrupt })
/// });
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateDeadline {
    /// End the call with [`Trap::Interrupt`](crate::Trap::Interrupt).
    Interrupt,
    /// Go on, and be interrupted again after so many ticks from now.
    Continue(u64),
}

/// Ends what the guests of one store execute, from any thread: see [`Store::interrupt_handle`]. Clones are of the same
/// store. A handle may outlive its store, and does nothing then.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::new(Config::new().epoch_interruption(true))?;
/// let mut store = Store::new(&engine, ());
/// let handle = store.interrupt_handle()?;
/// std::thread::spawn(move || handle.interrupt()).join().unwrap();
/// assert!(store.interrupt_handle()?.is_interrupted());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct InterruptHandle(riser_vm::Interrupter);

impl InterruptHandle {
    /// Ends the call that runs in the store, if there is one, with [`Trap::Interrupt`](crate::Trap::Interrupt), and any
    /// later one as soon as it enters a function or a loop. There is no way back: the store is at its end.
    ///
    /// A guest that waits at an address of a shared memory is woken for that. One that waits in a host function is
    /// interrupted when that returns.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }

    /// Whether the store was interrupted.
    pub fn is_interrupted(&self) -> bool {
        self.0.is_interrupted()
    }
}

/// A store, borrowed.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let store = Store::new(&Engine::default(), "data");
/// let context: StoreContext<'_, &str> = store.as_context();
/// assert_eq!(*context.data(), "data");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct StoreContext<'a, T: 'static>(pub(crate) &'a StoreInner<T>);

/// A store, borrowed exclusively.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn count(mut store: StoreContextMut<'_, u32>) {
///     *store.data_mut() += 1;
/// }
///
/// let mut store = Store::new(&Engine::default(), 0);
/// count(store.as_context_mut());
/// assert_eq!(*store.data(), 1);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct StoreContextMut<'a, T: 'static>(pub(crate) &'a mut StoreInner<T>);

/// What gives access to a store: the store itself, the contexts, a [`Caller`](crate::Caller), and references to
/// them.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn pages(store: impl AsContext, memory: Memory) -> u64 {
///     memory.size(&store)
/// }
///
/// let mut store = Store::<()>::default();
/// let memory = Memory::new(&mut store, MemoryType::new(2, None))?;
/// assert_eq!(pages(&store, memory), 2);
/// assert_eq!(pages(store.as_context(), memory), 2);
/// # Ok(()) }
/// ```
pub trait AsContext {
    /// The host's data.
    type Data: 'static;

    /// The store.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// What gives exclusive access to a store.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn grow_twice(mut store: impl AsContextMut, memory: Memory) -> Result<()> {
///     // A generic store is lent out by reference, to be used again.
///     memory.grow(&mut store, 1)?;
///     memory.grow(&mut store, 1)?;
///     Ok(())
/// }
///
/// let mut store = Store::<()>::default();
/// let memory = Memory::new(&mut store, MemoryType::new(0, None))?;
/// grow_twice(&mut store, memory)?;
/// assert_eq!(memory.size(&store), 2);
/// # Ok(()) }
/// ```
pub trait AsContextMut: AsContext {
    /// The store.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<T> Store<T> {
    /// An empty store.
    ///
    /// # Panics
    /// If the system has no memory for the stack of guests. [`Store::try_new`] gives an error instead.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        Store::try_new(engine, data).expect("the system has memory for a stack")
    }

    /// An empty store.
    ///
    /// # Errors
    /// If the system has no memory for the stack of guests.
    pub fn try_new(engine: &Engine, data: T) -> Result<Store<T>> {
        Ok(Store { inner: Box::new(StoreInner::new(engine, data)?) })
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        &self.inner.data
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.inner.data
    }

    /// Drops everything but the host's data.
    pub fn into_data(self) -> T {
        self.inner.data
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        self.inner.opaque.engine()
    }

    /// Limits what guests may take: `limiter` finds the [`ResourceLimiter`] in the host's data. It replaces the one
    /// before; objects that exist already are not looked at, but counted. Without a limiter there is no limit
    /// other than those of types and of the system.
    ///
    /// A panic of the limiter goes on where the host called.
    ///
    /// ```
    /// # use riser::*;
    /// let limits = StoreLimitsBuilder::new().memory_size(1 << 16).build();
    /// let mut store = Store::new(&Engine::default(), limits);
    /// store.limiter(|limits| limits);
    /// let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    /// assert!(memory.grow(&mut store, 1).is_err());
    /// ```
    pub fn limiter(
        &mut self,
        limiter: impl (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync + 'static,
    ) {
        raw::set_limiter(&mut self.inner, Box::new(limiter));
    }

    pub(crate) fn set_observer(&mut self, observer: Arc<dyn HostObserver<T>>) {
        self.inner.observer = Some(observer);
    }

    /// Sets the fuel that guests of the store may consume. An operator that would need more traps with
    /// [`Trap::OutOfFuel`](crate::Trap::OutOfFuel).
    ///
    /// How much a guest consumes is a property of its code and its input, the same on every machine: at each host
    /// call, at each trap and at the end, the operators that were executed have been paid. Most cost 1; `nop`,
    /// `drop`, and what only delimits blocks cost nothing.
    ///
    /// # Errors
    /// If [`Config::consume_fuel`](crate::Config::consume_fuel) is off.
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let engine = Engine::new(Config::new().consume_fuel(true))?;
    /// let text = r#"(module (func (export "inc") (param i32) (result i32)
    ///     (i32.add (local.get 0) (i32.const 1))))"#;
    /// let mut store = Store::new(&engine, ());
    /// let instance = Instance::new(&mut store, &Module::new(&engine, text)?, &[])?;
    /// let inc = instance.get_typed_func::<i32, i32>(&mut store, "inc")?;
    /// store.set_fuel(5)?;
    /// assert_eq!(inc.call(&mut store, 6)?, 7);
    /// assert_eq!(store.get_fuel()?, 2);
    /// let error = inc.call(&mut store, 6).unwrap_err();
    /// assert_eq!(error.downcast_ref(), Some(&Trap::OutOfFuel));
    /// # Ok(()) }
    /// ```
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.as_context_mut().set_fuel(fuel)
    }

    /// Collects garbage now. It also happens whenever an object does not fit.
    ///
    /// `why` is the error that made it necessary, if there was one; the room that was missing then is looked for anyway.
    ///
    /// # Errors
    /// If the heap is damaged.
    ///
    /// ```
    /// # use riser::*;
    /// # use std::sync::Arc;
    /// # fn main() -> Result<()> {
    /// let mut store = Store::<()>::default();
    /// let value = Arc::new(5);
    /// let mut scope = RootScope::new(&mut store);
    /// ExternRef::new(&mut scope, value.clone())?;
    /// drop(scope);
    /// assert_eq!(Arc::strong_count(&value), 2);
    /// store.gc(None)?;
    /// assert_eq!(Arc::strong_count(&value), 1);
    /// # Ok(()) }
    /// ```
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> Result<()> {
        self.as_context_mut().gc(why)
    }

    /// How many bytes the heap for structures, arrays, exceptions and values of the host has now, used or not: what
    /// counts as a memory for a [`ResourceLimiter`].
    pub fn gc_heap_capacity(&self) -> usize {
        self.as_context().gc_heap_capacity()
    }

    /// The fuel that is left.
    ///
    /// # Errors
    /// If [`Config::consume_fuel`](crate::Config::consume_fuel) is off.
    pub fn get_fuel(&self) -> Result<u64> {
        self.as_context().get_fuel()
    }

    /// Sets the deadline to so many ticks of the engine's epoch from now. When
    /// [`Engine::increment_epoch`] was called as often, guests of the store are interrupted, if
    /// [`Config::epoch_interruption`](crate::Config::epoch_interruption) is on: with a trap unless
    /// [`Store::epoch_deadline_callback`] says otherwise.
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.inner.opaque.vm.set_epoch_deadline(ticks_beyond_current);
    }

    /// A handle that ends this store's guests from another thread, without touching the engine's epoch or the store's
    /// deadline.
    ///
    /// # Errors
    /// If [`Config::epoch_interruption`](crate::Config::epoch_interruption) is off: then loops cannot be interrupted.
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let engine = Engine::new(Config::new().epoch_interruption(true))?;
    /// let module = Module::new(&engine, r#"(module (func (export "spin") (loop br 0)))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_epoch_deadline(u64::MAX);
    /// let handle = store.interrupt_handle()?;
    /// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "spin")?;
    /// let thread = std::thread::spawn(move || handle.interrupt());
    /// let error = spin.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt));
    /// # thread.join().unwrap();
    /// # Ok(()) }
    /// ```
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle> {
        if !self.engine().config().epoch_interruption {
            bail!("interrupting a store takes an engine with `epoch_interruption`");
        }
        Ok(InterruptHandle(self.inner.opaque.vm.interrupter()))
    }

    /// Makes a reached deadline end the call with [`Trap::Interrupt`](crate::Trap::Interrupt): what a new store does.
    pub fn epoch_deadline_trap(&mut self) {
        raw::trap_on_deadline(&mut self.inner.opaque);
    }

    /// Makes a reached deadline call the host, which decides how to go on; an error ends the call. While the callback
    /// runs, it is not called again: a guest that it calls traps at a deadline. Compiled code is interrupted by ticks: a deadline that
    /// is not moved beyond the present one is reached again with the next. It is interrupted between any two instructions, so while the callback runs
    /// no object can be made, no table grows, and a memory only where it stays in place: such attempts are refused, those of guests too.
    /// Fuel that is set or consumed meanwhile may not count.
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let engine = Engine::new(Config::new().epoch_interruption(true))?;
    /// let module = Module::new(&engine, r#"(module (func (export "spin") (loop br 0)))"#)?;
    /// let mut store = Store::new(&engine, 0);
    /// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "spin")?;
    /// store.set_epoch_deadline(1);
    /// store.epoch_deadline_callback(|mut store| {
    ///     *store.data_mut() += 1;
    ///     Ok(if *store.data() < 5 { UpdateDeadline::Continue(1) } else { UpdateDeadline::Interrupt })
    /// });
    /// let weak = engine.weak();
    /// let ticker = std::thread::spawn(move || {
    ///     while let Some(engine) = weak.upgrade() {
    ///         engine.increment_epoch();
    ///         std::thread::sleep(std::time::Duration::from_millis(1));
    ///     }
    /// });
    /// let error = spin.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt));
    /// assert_eq!(*store.data(), 5);
    /// # Ok(()) }
    /// ```
    pub fn epoch_deadline_callback(
        &mut self,
        callback: impl FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline> + Send + Sync + 'static,
    ) {
        raw::set_on_deadline(&mut self.inner, Box::new(callback));
    }
}

impl<T: Default> Default for Store<T> {
    fn default() -> Store<T> {
        Store::new(&Engine::default(), T::default())
    }
}

/// Whether fuel is counted in a store.
fn check_fuel(store: &StoreOpaque) -> Result<()> {
    if !store.engine().config().consume_fuel {
        bail!("fuel is not configured in this store");
    }
    Ok(())
}

fn heap_bytes(store: &StoreOpaque) -> usize {
    usize::try_from(store.vm.heap.size()).unwrap_or(usize::MAX)
}

impl<'a, T> StoreContext<'a, T> {
    /// As [`Store::get_fuel`].
    ///
    /// # Errors
    /// If fuel is not counted.
    pub fn get_fuel(&self) -> Result<u64> {
        check_fuel(self.opaque())?;
        Ok(self.opaque().vm.fuel())
    }

    /// As [`Store::gc_heap_capacity`].
    pub fn gc_heap_capacity(&self) -> usize {
        heap_bytes(self.opaque())
    }

    /// The host's data.
    pub fn data(&self) -> &'a T {
        &self.0.data
    }

    /// The store's engine.
    pub fn engine(&self) -> &'a Engine {
        self.0.opaque.engine()
    }

    pub(crate) fn opaque(&self) -> &'a StoreOpaque {
        &self.0.opaque
    }
}

impl<T> StoreContextMut<'_, T> {
    /// As [`Store::get_fuel`].
    ///
    /// # Errors
    /// If fuel is not counted.
    pub fn get_fuel(&self) -> Result<u64> {
        check_fuel(self.opaque())?;
        Ok(self.opaque().vm.fuel())
    }

    /// As [`Store::set_fuel`].
    ///
    /// # Errors
    /// If fuel is not counted.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        check_fuel(self.opaque())?;
        self.opaque_mut().vm.set_fuel(fuel);
        Ok(())
    }

    /// As [`Store::gc`].
    ///
    /// # Errors
    /// If the heap is damaged.
    pub fn gc(&mut self, _why: Option<&GcHeapOutOfMemory<()>>) -> Result<()> {
        raw::gc::collect(self)
    }

    /// As [`Store::gc_heap_capacity`].
    pub fn gc_heap_capacity(&self) -> usize {
        heap_bytes(self.opaque())
    }

    /// As [`Store::set_epoch_deadline`].
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.0.opaque.vm.set_epoch_deadline(ticks_beyond_current);
    }

    /// As [`Store::epoch_deadline_trap`].
    pub fn epoch_deadline_trap(&mut self) {
        raw::trap_on_deadline(&mut self.0.opaque);
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        &self.0.data
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.0.data
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        self.0.opaque.engine()
    }

    pub(crate) fn opaque(&self) -> &StoreOpaque {
        &self.0.opaque
    }

    pub(crate) fn opaque_mut(&mut self) -> &mut StoreOpaque {
        &mut self.0.opaque
    }
}

impl<T: 'static> AsContext for Store<T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(&self.inner)
    }
}

impl<T: 'static> AsContextMut for Store<T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(&mut self.inner)
    }
}

impl<T: 'static> AsContext for StoreContext<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T: 'static> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T: 'static> AsContextMut for StoreContextMut<'_, T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.0)
    }
}

impl<S: AsContext> AsContext for &'_ S {
    type Data = S::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, S::Data> {
        S::as_context(*self)
    }
}

impl<S: AsContext> AsContext for &'_ mut S {
    type Data = S::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, S::Data> {
        S::as_context(*self)
    }
}

impl<S: AsContextMut> AsContextMut for &'_ mut S {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, S::Data> {
        S::as_context_mut(*self)
    }
}

impl<'a, T: 'static> From<StoreContextMut<'a, T>> for StoreContext<'a, T> {
    fn from(store: StoreContextMut<'a, T>) -> StoreContext<'a, T> {
        StoreContext(store.0)
    }
}

impl<'a, S: AsContext> From<&'a S> for StoreContext<'a, S::Data> {
    fn from(store: &'a S) -> StoreContext<'a, S::Data> {
        store.as_context()
    }
}

impl<'a, S: AsContext> From<&'a mut S> for StoreContext<'a, S::Data> {
    fn from(store: &'a mut S) -> StoreContext<'a, S::Data> {
        S::as_context(store)
    }
}

impl<'a, S: AsContextMut> From<&'a mut S> for StoreContextMut<'a, S::Data> {
    fn from(store: &'a mut S) -> StoreContextMut<'a, S::Data> {
        store.as_context_mut()
    }
}
