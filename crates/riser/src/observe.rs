//! Hearing of calls of host functions, for tools that show or count them.

use crate::{Caller, Error, Result, Store, Val};
use std::sync::Arc;

/// A call of a host function, as a [`HostObserver`] sees it.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// # use std::sync::{Arc, Mutex};
/// #[derive(Default)]
/// struct Names(Mutex<Vec<String>>);
///
/// impl HostObserver<()> for Names {
///     fn calling(&self, _: &mut Caller<'_, ()>, call: &HostCall<'_>) {
///         let name = format!("{}.{}", call.module().unwrap_or(""), call.name().unwrap_or("?"));
///         self.0.lock().unwrap().push(name);
///     }
///
///     fn returned(&self, _: &mut Caller<'_, ()>, _: &HostCall<'_>, _: Result<&[Val], &Error>) {}
/// }
///
/// let mut linker = Linker::new(&Engine::default());
/// linker.func_wrap("host", "tick", || {})?;
/// let mut store = Store::new(linker.engine(), ());
/// let names = Arc::new(Names::default());
/// store.observe_host_calls(names.clone());
/// let tick = linker.get(&mut store, "host", "tick")?.into_func().unwrap();
/// tick.call(&mut store, &[], &mut [])?;
/// assert_eq!(*names.0.lock().unwrap(), ["host.tick"]);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HostCall<'a> {
    pub(crate) name: Option<(&'a str, &'a str)>,
    pub(crate) params: &'a [Val],
}

impl<'a> HostCall<'a> {
    /// The module name under which a [`Linker`](crate::Linker) has the function. `None` if no linker has it.
    pub fn module(&self) -> Option<&'a str> {
        self.name.map(|name| name.0)
    }

    /// The name under which a linker has the function.
    pub fn name(&self) -> Option<&'a str> {
        self.name.map(|name| name.1)
    }

    /// The arguments.
    pub fn params(&self) -> &'a [Val] {
        self.params
    }
}

/// Hears of each call of a host function by the guests of a store; [`Store::observe_host_calls`] installs one.
///
/// ```
/// # use riser::*;
/// # use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
/// #[derive(Default)]
/// struct Count(AtomicU32);
///
/// impl HostObserver<()> for Count {
///     fn returned(&self, _: &mut Caller<'_, ()>, call: &HostCall<'_>, results: Result<&[Val], &Error>) {
///         assert_eq!(call.name(), Some("double"));
///         assert_eq!(results.unwrap()[0].unwrap_i32(), 2 * call.params()[0].unwrap_i32());
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "double", |x: i32| x * 2)?;
/// let module = Module::new(&engine, r#"(module
///     (import "host" "double" (func $double (param i32) (result i32)))
///     (func (export "run") (result i32) (call $double (call $double (i32.const 3)))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let count = Arc::new(Count::default());
/// store.observe_host_calls(count.clone());
/// let run = linker.instantiate(&mut store, &module)?.get_typed_func::<(), i32>(&mut store, "run")?;
/// assert_eq!(run.call(&mut store, ())?, 12);
/// assert_eq!(count.0.load(Ordering::Relaxed), 2);
/// # Ok(()) }
/// ```
pub trait HostObserver<T: 'static>: Send + Sync {
    /// A guest calls a host function, which has not begun.
    fn calling(&self, caller: &mut Caller<'_, T>, call: &HostCall<'_>) {
        let _ = (caller, call);
    }

    /// The function has ended, with these results or this error. Not told of a panic.
    fn returned(
        &self,
        caller: &mut Caller<'_, T>,
        call: &HostCall<'_>,
        results: Result<&[Val], &Error>,
    );
}

impl<T: 'static> Store<T> {
    /// Tells `observer` of each call of a host function from now on, instead of the one before. Calls cost more
    /// then; without an observer they cost one comparison.
    pub fn observe_host_calls(&mut self, observer: Arc<dyn HostObserver<T>>) {
        self.set_observer(observer);
    }
}
