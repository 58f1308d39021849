//! Functions: handles, typed handles, and what a host function sees of its caller.

use crate::raw::{self, HostFunc, StoreId, StoreOpaque};
use crate::{
    AsContext, AsContextMut, Engine, Extern, FuncType, GcHeapOutOfMemory, Instance, ModuleExport,
    Ref, Result, StoreContext, StoreContextMut, Val, ValType, WasmParams, WasmResults, WasmRet,
    WasmTy, bail,
};
use core::marker::PhantomData;
use riser_ops::SubType;
use riser_vm::{FuncPtr, InstanceId};
use std::sync::Arc;

/// A function of a store: one of an instance, or one of the host.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let add = Func::wrap(&mut store, |a: i32, b: i32| a + b);
/// let typed = add.typed::<(i32, i32), i32>(&store)?;
/// assert_eq!(typed.call(&mut store, (2, 3))?, 5);
///
/// let mut results = [Val::I32(0)];
/// add.call(&mut store, &[Val::I32(2), Val::I32(3)], &mut results)?;
/// assert_eq!(results[0].unwrap_i32(), 5);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Func {
    pub(crate) store: StoreId,
    pub(crate) func: FuncPtr,
}

impl Func {
    /// A host function that takes and returns values of types that are known at run time. It must set all
    /// results; they are null function references at first.
    ///
    /// # Panics
    /// If the type belongs to another engine than the store, or the store has four billion host functions.
    pub fn new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Func {
        Arc::new(HostFunc::new(ty, func)).bind(store.as_context_mut().opaque_mut())
    }

    /// As [`Func::new`], with an error instead of a panic.
    ///
    /// # Errors
    /// If the type belongs to another engine than the store, or the store has too many host functions.
    pub fn try_new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        Arc::new(HostFunc::new(ty, func)).try_bind(store.as_context_mut().opaque_mut())
    }

    /// As [`Func::wrap`], with an error instead of a panic.
    ///
    /// # Errors
    /// If the store has too many host functions.
    pub fn try_wrap<T: 'static, Params, Results>(
        mut store: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<Func> {
        let mut store = store.as_context_mut();
        let host = func.into_func(store.engine());
        Arc::new(host.0).try_bind(store.opaque_mut())
    }

    /// A host function from a closure of up to sixteen parameters, optionally after a [`Caller`]. Parameters are
    /// [`WasmTy`]s; it returns nothing, a [`WasmTy`], a tuple of them, or a `Result` of those.
    pub fn wrap<T: 'static, Params, Results>(
        mut store: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Func {
        let mut store = store.as_context_mut();
        let host = func.into_func(store.engine());
        Arc::new(host.0).bind(store.opaque_mut())
    }

    /// The function's type.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        let store = store.as_context();
        FuncType::of(store.engine(), self.type_id(store.opaque()))
    }

    /// Whether the function is one of type `ty`.
    pub fn matches_ty(&self, store: impl AsContext, ty: &FuncType) -> bool {
        self.ty(store).matches(ty)
    }

    /// Calls the function. Results are written to `results`, whose values before do not matter.
    ///
    /// # Errors
    /// If arguments are not of the function's types; if the function traps or a host function fails.
    ///
    /// # Panics
    /// If the function or an argument is of another store, or if a host function panics.
    pub fn call(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        raw::call_dynamic(store.as_context_mut(), *self, params, results)
    }

    /// The function with its types fixed, for calls that check nothing and allocate nothing.
    ///
    /// # Errors
    /// If the function has another type.
    pub fn typed<Params: WasmParams, Results: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<Params, Results>> {
        let store = store.as_context();
        let ty = self.ops_type(store.opaque());
        let Some(func_ty) = ty.composite.as_func() else { bail!("a function without a type") };
        let engine = store.engine();
        let (params, results) = (Params::valtypes(), Results::valtypes());
        let params_differ = compare(engine, "parameter", &params, func_ty.params(), Side::Params)?;
        compare(engine, "result", &results, func_ty.results(), Side::Results)?;
        let dynamic = params_differ.then(|| self.ty(store));
        Ok(TypedFunc { func: *self, dynamic, types: PhantomData })
    }

    fn type_id(&self, store: &StoreOpaque) -> riser_ops::TypeId {
        raw::func_type_id(store, *self)
    }

    pub(crate) fn ops_type(&self, store: &StoreOpaque) -> Arc<SubType> {
        store.engine().registry().get(self.type_id(store))
    }

    pub(crate) fn of(store: StoreId, func: FuncPtr) -> Func {
        Func { store, func }
    }
}

/// A function that does not exist: `Option<NoFunc>` stands for `(ref null nofunc)`, whose only value is null.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let takes_any = Func::wrap(&mut store, |func: Option<Func>| i32::from(func.is_none()));
/// let takes_null = takes_any.typed::<Option<NoFunc>, i32>(&store)?;
/// assert_eq!(takes_null.call(&mut store, NoFunc::null())?, 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFunc {}

impl NoFunc {
    /// The null reference.
    pub fn null() -> Option<NoFunc> {
        None
    }

    /// The null reference.
    pub fn null_ref() -> Ref {
        Ref::Func(None)
    }

    /// The null reference.
    pub fn null_val() -> Val {
        Val::FuncRef(None)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Params,
    Results,
}

/// Compares Rust types with declared ones. Whether references among parameters must be checked at each call.
fn compare(
    engine: &Engine,
    what: &str,
    rust: &[ValType],
    declared: &[riser_ops::ValType],
    side: Side,
) -> Result<bool> {
    if rust.len() != declared.len() {
        let (expected, found) = (declared.len(), rust.len());
        bail!("type mismatch: expected {expected} {what}s, found {found} in the Rust type");
    }
    let registry = engine.registry();
    let mut dynamic = false;
    for (at, (rust, &declared)) in rust.iter().zip(declared).enumerate() {
        let ops = rust.to_ops();
        let fits = match side {
            Side::Params => registry.val_type_matches(ops, declared),
            Side::Results => registry.val_type_matches(declared, ops),
        };
        let same_hierarchy = || {
            let hierarchy = |ty: riser_ops::ValType| ty.as_ref().map(|ty| ty.heap().hierarchy());
            ops.is_ref() && hierarchy(ops) == hierarchy(declared)
        };
        if fits {
            continue;
        }
        if side == Side::Params && same_hierarchy() {
            dynamic = true;
            continue;
        }
        bail!("type mismatch with {what}s: {what} {at} is {declared}, the Rust type is {rust}");
    }
    Ok(dynamic)
}

/// A function whose parameters and results are known as Rust types.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (func (export "divmod") (param i32 i32) (result i32 i32)
///         (i32.div_u (local.get 0) (local.get 1))
///         (i32.rem_u (local.get 0) (local.get 1))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let divmod = instance.get_typed_func::<(u32, u32), (u32, u32)>(&mut store, "divmod")?;
/// assert_eq!(divmod.call(&mut store, (17, 5))?, (3, 2));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TypedFunc<Params, Results> {
    func: Func,
    /// The function's type, if arguments must be compared with it.
    dynamic: Option<FuncType>,
    types: PhantomData<fn(Params) -> Results>,
}

impl<Params, Results> Clone for TypedFunc<Params, Results> {
    fn clone(&self) -> Self {
        TypedFunc { func: self.func, dynamic: self.dynamic.clone(), types: PhantomData }
    }
}

impl<Params: WasmParams, Results: WasmResults> TypedFunc<Params, Results> {
    /// The function without its types.
    pub fn func(&self) -> &Func {
        &self.func
    }

    /// Calls the function.
    ///
    /// # Errors
    /// If the function traps or a host function fails.
    ///
    /// # Panics
    /// If the function is of another store, or if a host function panics.
    #[inline]
    pub fn call(&self, mut store: impl AsContextMut, params: Params) -> Result<Results> {
        raw::call_typed(store.as_context_mut(), self, params)
    }

    pub(crate) fn dynamic(&self) -> Option<&FuncType> {
        self.dynamic.as_ref()
    }
}

/// What a host function sees of the call that it serves: the store, and the instance that called.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "print", |mut caller: Caller<'_, String>, at: u32, len: u32| {
///     let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
///         bail!("the guest exports no memory");
///     };
///     let (bytes, printed) = memory.data_and_store_mut(&mut caller);
///     let bytes = bytes.get(at as usize..).and_then(|bytes| bytes.get(..len as usize));
///     printed.push_str(std::str::from_utf8(bytes.context("out of bounds")?)?);
///     Ok(())
/// })?;
/// let module = Module::new(&engine, r#"(module
///     (import "host" "print" (func $print (param i32 i32)))
///     (memory (export "memory") 1)
///     (data (i32.const 8) "hello")
///     (func (export "run") (call $print (i32.const 8) (i32.const 5))))"#)?;
/// let mut store = Store::new(&engine, String::new());
/// let instance = linker.instantiate(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
/// assert_eq!(store.data(), "hello");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Caller<'a, T: 'static> {
    pub(crate) store: StoreContextMut<'a, T>,
    instance: Option<InstanceId>,
}

impl<'a, T: 'static> Caller<'a, T> {
    pub(crate) fn new(store: StoreContextMut<'a, T>, instance: Option<InstanceId>) -> Self {
        Caller { store, instance }
    }

    pub(crate) fn reborrow(&mut self) -> Caller<'_, T> {
        Caller { store: self.store.as_context_mut(), instance: self.instance }
    }

    /// An export of the instance that called. `None` if there is no such export, or if the host called.
    pub fn get_export(&mut self, name: &str) -> Option<Extern> {
        let instance = self.instance?;
        let opaque = self.store.opaque_mut();
        let item = opaque.modules.get(instance.index() as usize)?.export(name)?;
        Some(Extern::of(opaque, instance, item))
    }

    /// An export of the instance that called, by its place. `None` if that is of another module.
    pub fn get_module_export(&mut self, export: &ModuleExport) -> Option<Extern> {
        let instance = Instance { store: self.store.opaque().id(), id: self.instance? };
        instance.get_module_export(&mut self.store, export)
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// Collects garbage now: [`Store::gc`](crate::Store::gc).
    ///
    /// # Errors
    /// If the heap is damaged.
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> Result<()> {
        self.store.gc(why)
    }

    /// The bytes of the store's heap: [`Store::gc_heap_capacity`](crate::Store::gc_heap_capacity).
    pub fn gc_heap_capacity(&self) -> usize {
        self.store.gc_heap_capacity()
    }

    /// The fuel that is left: [`Store::get_fuel`](crate::Store::get_fuel).
    ///
    /// # Errors
    /// If fuel is not counted.
    pub fn get_fuel(&self) -> Result<u64> {
        self.store.get_fuel()
    }

    /// Sets the fuel that is left: [`Store::set_fuel`](crate::Store::set_fuel).
    ///
    /// # Errors
    /// If fuel is not counted.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.store.set_fuel(fuel)
    }
}

impl<T: 'static> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T: 'static> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.as_context_mut()
    }
}

impl<'a, T: 'static> From<Caller<'a, T>> for StoreContextMut<'a, T> {
    fn from(caller: Caller<'a, T>) -> StoreContextMut<'a, T> {
        caller.store
    }
}

/// A host function that was made from a closure; see [`IntoFunc`].
///
/// ```
/// use riser::{Engine, IntoFunc, WrappedFunc};
///
/// let add = |a: i32, b: i32| a + b;
/// let wrapped: WrappedFunc = IntoFunc::<(), _, _>::into_func(add, &Engine::default());
/// assert!(format!("{wrapped:?}").contains("(func (param i32 i32) (result i32))"));
/// ```
#[derive(Debug)]
pub struct WrappedFunc(pub(crate) HostFunc);

/// Closures that can become host functions: see [`Func::wrap`].
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn define<P, R>(linker: &mut Linker<()>, name: &str, func: impl IntoFunc<(), P, R>) -> Result<()> {
///     linker.func_wrap("host", name, func)?;
///     Ok(())
/// }
///
/// let mut linker = Linker::default();
/// define(&mut linker, "add", |a: i32, b: i32| a + b)?;
/// define(&mut linker, "swap", |a: i32, b: f64| (b, a))?;
/// define(&mut linker, "fail", |_: Caller<'_, ()>| -> Result<()> { bail!("no") })?;
/// # Ok(()) }
/// ```
pub trait IntoFunc<T, Params, Results>: Send + Sync + 'static {
    #[doc(hidden)]
    fn into_func(self, engine: &Engine) -> WrappedFunc;
}

/// Implements [`IntoFunc`] for closures of one arity, with and without a caller.
macro_rules! into_func {
    ($($ty:ident)*) => {
        #[allow(non_snake_case, reason = "named after their types")]
        impl<T: 'static, F, $($ty: WasmTy,)* R: WasmRet> IntoFunc<T, ($($ty,)*), R> for F
        where F: Fn($($ty),*) -> R + Send + Sync + 'static {
            fn into_func(self, engine: &Engine) -> WrappedFunc {
                let func = move |_: Caller<'_, T>, ($($ty,)*): ($($ty,)*)| self($($ty),*);
                WrappedFunc(HostFunc::wrap(engine, func))
            }
        }

        #[allow(non_snake_case, reason = "named after their types")]
        impl<T: 'static, F, $($ty: WasmTy,)* R: WasmRet> IntoFunc<T, (Caller<'_, T>, $($ty,)*), R> for F
        where F: Fn(Caller<'_, T>, $($ty),*) -> R + Send + Sync + 'static {
            fn into_func(self, engine: &Engine) -> WrappedFunc {
                let func = move |caller: Caller<'_, T>, ($($ty,)*): ($($ty,)*)| self(caller, $($ty),*);
                WrappedFunc(HostFunc::wrap(engine, func))
            }
        }
    };
}

raw::each_arity!(into_func);
