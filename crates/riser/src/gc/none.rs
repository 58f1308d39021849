//! References that can only be null: the bottom types `noextern` and `none`. That of functions is `NoFunc`, in `func.rs`.

use crate::{Ref, Val};

/// An external value that does not exist: `Option<NoExtern>` stands for `(ref null noextern)`, whose only value is null.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (func (export "is-null") (param (ref null noextern)) (result i32)
///         (ref.is_null (local.get 0))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let is_null = instance.get_typed_func::<Option<NoExtern>, i32>(&mut store, "is-null")?;
/// assert_eq!(is_null.call(&mut store, NoExtern::null())?, 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoExtern {}

impl NoExtern {
    /// The null reference.
    pub fn null() -> Option<NoExtern> {
        None
    }

    /// The null reference.
    pub fn null_ref() -> Ref {
        Ref::Extern(None)
    }

    /// The null reference.
    pub fn null_val() -> Val {
        Val::ExternRef(None)
    }
}

/// An internal value that does not exist: `Option<NoneRef>` stands for `(ref null none)`, whose only value is null.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let mut store = Store::<()>::default();
/// let nothing = Func::wrap(&mut store, || NoneRef::null());
/// assert_eq!(nothing.ty(&store).to_string(), "(func (result nullref))");
/// let nothing = nothing.typed::<(), Option<Rooted<StructRef>>>(&store)?;
/// assert!(nothing.call(&mut store, ())?.is_none());
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoneRef {}

impl NoneRef {
    /// The null reference.
    pub fn null() -> Option<NoneRef> {
        None
    }

    /// The null reference.
    pub fn null_ref() -> Ref {
        Ref::Any(None)
    }

    /// The null reference.
    pub fn null_val() -> Val {
        Val::AnyRef(None)
    }
}
