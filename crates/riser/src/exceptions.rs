//! Exceptions as the host sees them: their types, and the one that is under way. The objects are in `gc/exn_ref.rs`.
//!
//! An exception that nothing in a guest catches ends the call with the error [`ThrownException`]; the store keeps the
//! exception itself. Whoever gets the error may take the exception and go on, or pass the error on: a host function that
//! returns it throws into the guest that called.

use crate::raw;
use crate::{
    AsContext, AsContextMut, Engine, ExnRef, FieldType, FuncType, Mutability, Result, Rooted,
    StorageType, Store, StoreContext, StoreContextMut, TagType, ValType, ensure,
};
use core::fmt;

/// The error of a call that an exception ended. The store keeps the exception, see
/// [`Store::take_pending_exception`]; a host function throws by returning this error while there is one.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (tag $oops (param i32))
///     (func (export "run") (throw $oops (i32.const 7))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
/// let error = run.call(&mut store, ()).unwrap_err();
/// assert!(error.is::<ThrownException>());
/// let exception = store.take_pending_exception().unwrap();
/// assert_eq!(exception.field(&mut store, 0)?.i32(), Some(7));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ThrownException;

impl core::error::Error for ThrownException {}

impl fmt::Display for ThrownException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a WebAssembly exception was thrown and not caught")
    }
}

/// The type of exceptions: the types of the values that they carry. Tags with equal types have exceptions of equal
/// types.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let ty = ExnType::new(&engine, [ValType::I32, ValType::F64])?;
/// assert_eq!(ty.fields().len(), 2);
/// assert_eq!(ty.tag_type().ty().to_string(), "(func (param i32 f64))");
/// assert!(ty.matches(&ExnType::from_tag_type(&ty.tag_type())?));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExnType {
    func: FuncType,
}

impl ExnType {
    /// The type of exceptions with these values.
    ///
    /// # Errors
    /// None today.
    ///
    /// # Panics
    /// If one of them names a type of another engine.
    pub fn new(engine: &Engine, fields: impl IntoIterator<Item = ValType>) -> Result<ExnType> {
        Ok(ExnType { func: FuncType::new(engine, fields, []) })
    }

    /// The type of a tag's exceptions.
    ///
    /// # Errors
    /// If the tag's type has results.
    pub fn from_tag_type(tag: &TagType) -> Result<ExnType> {
        ensure!(tag.ty().results().len() == 0, "an exception's type has no results");
        Ok(ExnType { func: tag.ty().clone() })
    }

    /// The type of tags that such exceptions have.
    pub fn tag_type(&self) -> TagType {
        TagType::new(self.func.clone())
    }

    /// The type of a value. It cannot be written.
    pub fn field(&self, i: usize) -> Option<FieldType> {
        self.func.param(i).map(constant)
    }

    /// The types of the values.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldType> + '_ {
        self.func.params().map(constant)
    }

    /// The engine that the type belongs to.
    pub fn engine(&self) -> &Engine {
        self.func.engine()
    }

    /// Whether both are the same type. (There are no subtypes of exceptions' types.)
    pub fn matches(&self, other: &ExnType) -> bool {
        self == other
    }
}

/// A field that cannot be written.
fn constant(ty: ValType) -> FieldType {
    FieldType::new(Mutability::Const, StorageType::ValType(ty))
}

impl fmt::Display for ExnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(exn {}", self.func)?;
        self.func.params().try_for_each(|ty| write!(f, " (field {ty})"))?;
        f.write_str(")")
    }
}

impl<T> Store<T> {
    /// Makes an exception the store's pending one, in place of any other, and gives the error [`ThrownException`]: to be
    /// returned by a host function that throws, or by whoever passes an exception on.
    ///
    /// # Errors
    /// Always.
    ///
    /// # Panics
    /// If the exception is of another store.
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module
    ///     (import "host" "oops" (tag $oops (param i32)))
    ///     (import "host" "fail" (func $fail))
    ///     (func (export "run") (result i32)
    ///         (block $caught (result i32)
    ///             (try_table (catch $oops $caught) (call $fail))
    ///             (i32.const 0))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let ty = ExnType::new(&engine, [ValType::I32])?;
    /// let tag = Tag::new(&mut store, &ty.tag_type())?;
    /// let fail = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| -> Result<()> {
    ///     let allocator = ExnRefPre::new(&mut caller, ty.clone());
    ///     let exception = ExnRef::new(&mut caller, &allocator, &tag, &[Val::I32(42)])?;
    ///     caller.as_context_mut().throw(exception)
    /// });
    /// let instance = Instance::new(&mut store, &module, &[tag.into(), fail.into()])?;
    /// let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
    /// assert_eq!(run.call(&mut store, ())?, 42);
    /// # Ok(()) }
    /// ```
    pub fn throw<R>(&mut self, exception: Rooted<ExnRef>) -> Result<R> {
        self.as_context_mut().throw(exception)
    }

    /// Takes the pending exception: the one that ended the latest call with [`ThrownException`], unless somebody took
    /// it.
    pub fn take_pending_exception(&mut self) -> Option<Rooted<ExnRef>> {
        self.as_context_mut().take_pending_exception()
    }

    /// Whether there is a pending exception.
    pub fn has_pending_exception(&self) -> bool {
        self.as_context().has_pending_exception()
    }
}

impl<T> StoreContext<'_, T> {
    /// As [`Store::has_pending_exception`].
    pub fn has_pending_exception(&self) -> bool {
        self.opaque().vm.pending_exception.is_some()
    }
}

impl<T> StoreContextMut<'_, T> {
    /// As [`Store::throw`].
    ///
    /// # Errors
    /// Always.
    pub fn throw<R>(&mut self, exception: Rooted<ExnRef>) -> Result<R> {
        raw::exceptions::throw(self.opaque_mut(), exception.place())?;
        Err(ThrownException.into())
    }

    /// As [`Store::take_pending_exception`].
    pub fn take_pending_exception(&mut self) -> Option<Rooted<ExnRef>> {
        raw::exceptions::take(self.opaque_mut())
    }

    /// As [`Store::has_pending_exception`].
    pub fn has_pending_exception(&self) -> bool {
        self.opaque().vm.pending_exception.is_some()
    }
}
