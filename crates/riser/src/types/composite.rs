//! Function, structure and array types: handles to canonical types of an engine.

use super::{Mutability, RefType, ValType};
use crate::{AsContextMut, Engine, Func, Result, bail, format_err};
use core::fmt;
use core::hash::{Hash, Hasher};
use riser_module::Registered;
use riser_ops as ops;
use std::sync::Arc;

/// Keeps a canonical type alive. Cloning takes no lock.
#[derive(Clone)]
struct Handle(Arc<HandleInner>);

struct HandleInner {
    engine: Engine,
    ty: Arc<ops::SubType>,
    registered: Registered,
}

impl Handle {
    fn of(engine: &Engine, id: ops::TypeId) -> Handle {
        let registered = engine.registry().registered(id);
        Handle::new(engine, registered)
    }

    fn new(engine: &Engine, registered: Registered) -> Handle {
        let ty = engine.registry().get(registered.id());
        Handle(Arc::new(HandleInner { engine: engine.clone(), ty, registered }))
    }

    fn id(&self) -> ops::TypeId {
        self.0.registered.id()
    }

    fn is_subtype_of(&self, other: &Handle) -> bool {
        Engine::same(&self.0.engine, &other.0.engine)
            && self.0.engine.registry().is_subtype(self.id(), other.id())
    }

    fn finality(&self) -> Finality {
        if self.0.ty.is_final { Finality::Final } else { Finality::NonFinal }
    }

    fn supertype(&self) -> Option<Handle> {
        self.0.ty.supertype.map(|id| Handle::of(&self.0.engine, id))
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Handle) -> bool {
        self.id() == other.id() && Engine::same(&self.0.engine, &other.0.engine)
    }
}

impl Eq for Handle {}

impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

/// Whether a type may be extended.
///
/// ```
/// use riser::{Engine, Finality, FuncType};
///
/// assert_eq!(FuncType::new(&Engine::default(), [], []).finality(), Finality::Final);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finality {
    /// It may not.
    Final,
    /// It may.
    NonFinal,
}

impl Finality {
    /// Whether it may not be extended.
    pub fn is_final(&self) -> bool {
        *self == Finality::Final
    }

    /// Whether it may be extended.
    pub fn is_non_final(&self) -> bool {
        *self == Finality::NonFinal
    }
}

/// Declares what all three kinds of handles have.
macro_rules! handles {
    ($($name:ident)*) => {$(
        impl $name {
            pub(crate) fn of(engine: &Engine, id: ops::TypeId) -> $name { $name(Handle::of(engine, id)) }
            pub(crate) fn id(&self) -> ops::TypeId { self.0.id() }
            /// The engine that the type belongs to.
            pub fn engine(&self) -> &Engine { &self.0.0.engine }
            /// Whether the type may be extended.
            pub fn finality(&self) -> Finality { self.0.finality() }
            /// The type that this one extends.
            pub fn supertype(&self) -> Option<$name> { self.0.supertype().map($name) }
            /// Whether this is `other` or one of its declared subtypes.
            pub fn matches(&self, other: &$name) -> bool { self.0.is_subtype_of(&other.0) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
    )*};
}

/// The type of a function.
///
/// ```
/// use riser::{Engine, FuncType, ValType};
///
/// let engine = Engine::default();
/// let ty = FuncType::new(&engine, [ValType::I32, ValType::I32], [ValType::I64]);
/// assert_eq!(ty.params().len(), 2);
/// assert_eq!(ty.to_string(), "(func (param i32 i32) (result i64))");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FuncType(Handle);

handles! { FuncType StructType ArrayType }

impl FuncType {
    /// The type of functions with these parameters and results. It is final.
    ///
    /// # Panics
    /// If one of them names a type of another engine, or the engine has too many types.
    pub fn new(
        engine: &Engine,
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        FuncType::try_new(engine, params, results).expect("the engine has an id for the type")
    }

    /// The same with an error instead of a panic.
    ///
    /// # Errors
    /// If the engine has too many types.
    ///
    /// # Panics
    /// If one of them names a type of another engine.
    pub fn try_new(
        engine: &Engine,
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> Result<FuncType> {
        FuncType::with_finality_and_supertype(engine, Finality::Final, None, params, results)
    }

    /// The same for a type that may be extended, or extends another.
    ///
    /// # Errors
    /// If the supertype is final, or this would be no subtype of it: it takes as many parameters that are supertypes of
    /// the supertype's, and gives as many results that are subtypes. As for [`FuncType::try_new`].
    ///
    /// # Panics
    /// As for [`FuncType::try_new`].
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let engine = Engine::default();
    /// let make = |finality, supertype: Option<&FuncType>, result| {
    ///     FuncType::with_finality_and_supertype(&engine, finality, supertype, [], [result])
    /// };
    /// let general = make(Finality::NonFinal, None, ValType::EQREF)?;
    /// let special = make(Finality::Final, Some(&general), ValType::I31REF)?;
    /// assert!(special.matches(&general));
    /// assert!(make(Finality::Final, Some(&special), ValType::I31REF).is_err());
    /// assert!(make(Finality::Final, Some(&general), ValType::ANYREF).is_err());
    /// # Ok(()) }
    /// ```
    pub fn with_finality_and_supertype(
        engine: &Engine,
        finality: Finality,
        supertype: Option<&FuncType>,
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> Result<FuncType> {
        let params: Vec<ValType> = params.into_iter().collect();
        let results: Vec<ValType> = results.into_iter().collect();
        let all = params.iter().chain(&results);
        assert!(all.clone().all(|ty| ty.is_of(engine)), "a type of another engine");
        let ty = ops::FuncType::new(
            params.iter().map(ValType::to_ops),
            results.iter().map(ValType::to_ops),
        );
        let composite = ops::CompositeType::Func(ty);
        Ok(FuncType(extend(engine, finality, supertype.map(|ty| &ty.0), composite)?))
    }

    /// The packed form.
    pub(crate) fn func(&self) -> &ops::FuncType {
        self.0.0.ty.composite.as_func().expect("a handle of a function type")
    }

    /// A parameter's type.
    pub fn param(&self, i: usize) -> Option<ValType> {
        let ty = self.func().params().get(i)?;
        Some(ValType::from_ops(self.engine(), *ty))
    }

    /// The parameters' types.
    pub fn params(&self) -> impl ExactSizeIterator<Item = ValType> + '_ {
        self.func().params().iter().map(|ty| ValType::from_ops(self.engine(), *ty))
    }

    /// A result's type.
    pub fn result(&self, i: usize) -> Option<ValType> {
        let ty = self.func().results().get(i)?;
        Some(ValType::from_ops(self.engine(), *ty))
    }

    /// The results' types.
    pub fn results(&self) -> impl ExactSizeIterator<Item = ValType> + '_ {
        self.func().results().iter().map(|ty| ValType::from_ops(self.engine(), *ty))
    }

    /// A function of this type that returns zeros and nulls.
    ///
    /// # Errors
    /// If a result's type has no default.
    pub fn default_value<T: 'static>(&self, store: impl AsContextMut<Data = T>) -> Result<Func> {
        let defaults: Option<Vec<_>> = self.results().map(|ty| ty.default_value()).collect();
        let defaults =
            defaults.ok_or_else(|| format_err!("a result of `{self}` has no default value"))?;
        Ok(Func::new(store, self.clone(), move |_, _, results| {
            results.clone_from_slice(&defaults);
            Ok(())
        }))
    }
}

fn list(f: &mut fmt::Formatter<'_>, what: &str, types: &[ops::ValType]) -> fmt::Result {
    if types.is_empty() {
        return Ok(());
    }
    write!(f, " ({what}")?;
    types.iter().try_for_each(|ty| write!(f, " {ty}"))?;
    f.write_str(")")
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(func")?;
        list(f, "param", self.func().params())?;
        list(f, "result", self.func().results())?;
        f.write_str(")")
    }
}

/// What a field or an element holds.
///
/// ```
/// use riser::{StorageType, ValType};
///
/// assert_eq!(StorageType::I8.unpack(), &ValType::I32);
/// assert_eq!(StorageType::from(ValType::F64).as_val_type(), Some(&ValType::F64));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// A packed 8-bit integer.
    I8,
    /// A packed 16-bit integer.
    I16,
    /// A value.
    ValType(ValType),
}

impl StorageType {
    /// Whether this is a packed 8-bit integer.
    pub fn is_i8(&self) -> bool {
        matches!(self, StorageType::I8)
    }

    /// Whether this is a packed 16-bit integer.
    pub fn is_i16(&self) -> bool {
        matches!(self, StorageType::I16)
    }

    /// Whether this is a value of a type that values outside have too.
    pub fn is_val_type(&self) -> bool {
        matches!(self, StorageType::ValType(_))
    }

    /// The value's type, if this is not packed.
    pub fn as_val_type(&self) -> Option<&ValType> {
        if let StorageType::ValType(ty) = self { Some(ty) } else { None }
    }

    /// The value's type.
    ///
    /// # Panics
    /// If this is packed.
    pub fn unwrap_val_type(&self) -> &ValType {
        self.as_val_type().expect("a type that is not packed")
    }

    /// Whether this is `other`, or values of this type are of that type.
    pub fn matches(&self, other: &StorageType) -> bool {
        match (self, other) {
            (StorageType::ValType(a), StorageType::ValType(b)) => a.matches(b),
            (a, b) => a == b,
        }
    }

    /// The type of a value that was read from it.
    pub fn unpack(&self) -> &ValType {
        match self {
            StorageType::I8 | StorageType::I16 => &ValType::I32,
            StorageType::ValType(ty) => ty,
        }
    }
}

impl fmt::Display for StorageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageType::I8 => f.write_str("i8"),
            StorageType::I16 => f.write_str("i16"),
            StorageType::ValType(ty) => ty.fmt(f),
        }
    }
}

impl From<RefType> for StorageType {
    fn from(ty: RefType) -> StorageType {
        StorageType::ValType(ty.into())
    }
}

impl From<ValType> for StorageType {
    fn from(ty: ValType) -> StorageType {
        StorageType::ValType(ty)
    }
}

/// A field of a structure, or the element of an array.
///
/// ```
/// use riser::{FieldType, Mutability, StorageType, ValType};
///
/// let constant = FieldType::new(Mutability::Const, ValType::I31REF.into());
/// let general = FieldType::new(Mutability::Const, ValType::EQREF.into());
/// assert!(constant.matches(&general) && !general.matches(&constant));
/// let written = FieldType::new(Mutability::Var, StorageType::I8);
/// assert_eq!(written.to_string(), "(field (mut i8))");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    mutability: Mutability,
    element_type: StorageType,
}

impl FieldType {
    /// A field type from its parts.
    pub fn new(mutability: Mutability, element_type: StorageType) -> FieldType {
        FieldType { mutability, element_type }
    }

    /// Whether it can be written.
    pub fn mutability(&self) -> Mutability {
        self.mutability
    }

    /// What it holds.
    pub fn element_type(&self) -> &StorageType {
        &self.element_type
    }

    /// Whether objects with this field can stand for ones with `other`: both can be written and have the same type, or
    /// neither, and this one's is a subtype.
    pub fn matches(&self, other: &FieldType) -> bool {
        let (this, that) = (&self.element_type, &other.element_type);
        match (self.mutability, other.mutability) {
            (Mutability::Const, Mutability::Const) => this.matches(that),
            (Mutability::Var, Mutability::Var) => this.matches(that) && that.matches(this),
            _ => false,
        }
    }

    pub(crate) fn to_ops(&self) -> ops::FieldType {
        let storage = match &self.element_type {
            StorageType::I8 => ops::StorageType::I8,
            StorageType::I16 => ops::StorageType::I16,
            StorageType::ValType(ty) => ops::StorageType::Val(ty.to_ops()),
        };
        ops::FieldType { storage, mutable: self.mutability == Mutability::Var }
    }

    fn is_of(&self, engine: &Engine) -> bool {
        self.element_type.unpack().is_of(engine)
    }

    fn from_ops(engine: &Engine, ty: &ops::FieldType) -> FieldType {
        let element_type = match ty.storage {
            ops::StorageType::I8 => StorageType::I8,
            ops::StorageType::I16 => StorageType::I16,
            ops::StorageType::Val(ty) => StorageType::ValType(ValType::from_ops(engine, ty)),
        };
        FieldType { mutability: Mutability::of(ty.mutable), element_type }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutability {
            Mutability::Const => write!(f, "(field {})", self.element_type),
            Mutability::Var => write!(f, "(field (mut {}))", self.element_type),
        }
    }
}

/// The type of a structure.
///
/// ```
/// use riser::{Engine, FieldType, Finality, Mutability, StorageType, StructType, ValType};
///
/// # fn main() -> riser::Result<()> {
/// let engine = Engine::default();
/// let x = FieldType::new(Mutability::Var, ValType::F64.into());
/// let color = FieldType::new(Mutability::Const, StorageType::I8);
/// let point =
///     StructType::with_finality_and_supertype(&engine, Finality::NonFinal, None, [x.clone()])?;
/// let colored = StructType::with_finality_and_supertype(
///     &engine,
///     Finality::Final,
///     Some(&point),
///     [x, color],
/// )?;
/// assert!(colored.matches(&point));
/// assert_eq!(colored.to_string(), "(struct (field (mut f64)) (field i8))");
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StructType(Handle);

/// The type of an array.
///
/// ```
/// use riser::{ArrayType, Engine, FieldType, Mutability, StorageType};
///
/// let engine = Engine::default();
/// let ty = ArrayType::new(&engine, FieldType::new(Mutability::Var, StorageType::I16));
/// assert_eq!(ty.to_string(), "(array (field (mut i16)))");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ArrayType(Handle);

/// The canonical type of a structure or array that the host describes.
fn extend(
    engine: &Engine,
    finality: Finality,
    supertype: Option<&Handle>,
    composite: ops::CompositeType,
) -> Result<Handle> {
    if let Some(supertype) = supertype {
        assert!(Engine::same(&supertype.0.engine, engine), "a type of another engine");
        if supertype.finality().is_final() {
            bail!("the supertype is final");
        }
        if !engine.registry().may_extend(&composite, &supertype.0.ty.composite) {
            bail!("the type does not match its supertype");
        }
    }
    let supertype = supertype.map(Handle::id);
    let ty = ops::SubType { is_final: finality.is_final(), supertype, composite };
    match engine.registry().register_type(ty) {
        Ok(registered) => Ok(Handle::new(engine, registered)),
        Err(riser_module::RegistryFull) => bail!("the engine has too many types"),
    }
}

impl StructType {
    /// The type of structures with these fields. It is final.
    ///
    /// # Errors
    /// If the engine has too many types.
    ///
    /// # Panics
    /// If a field names a type of another engine.
    pub fn new(engine: &Engine, fields: impl IntoIterator<Item = FieldType>) -> Result<StructType> {
        StructType::with_finality_and_supertype(engine, Finality::Final, None, fields)
    }

    /// The same for a type that may be extended, or extends another.
    ///
    /// # Errors
    /// If the supertype is final, or the fields do not match its fields; as for [`StructType::new`].
    ///
    /// # Panics
    /// As for [`StructType::new`].
    pub fn with_finality_and_supertype(
        engine: &Engine,
        finality: Finality,
        supertype: Option<&StructType>,
        fields: impl IntoIterator<Item = FieldType>,
    ) -> Result<StructType> {
        let fields: Vec<FieldType> = fields.into_iter().collect();
        assert!(fields.iter().all(|field| field.is_of(engine)), "a type of another engine");
        let fields = fields.iter().map(FieldType::to_ops).collect();
        let composite = ops::CompositeType::Struct(fields);
        Ok(StructType(extend(engine, finality, supertype.map(|ty| &ty.0), composite)?))
    }

    pub(crate) fn ops_fields(&self) -> &[ops::FieldType] {
        match &self.0.0.ty.composite {
            ops::CompositeType::Struct(fields) => fields,
            _ => unreachable!("a handle of a structure type"),
        }
    }

    /// A field.
    pub fn field(&self, i: usize) -> Option<FieldType> {
        self.ops_fields().get(i).map(|ty| FieldType::from_ops(self.engine(), ty))
    }

    /// The fields.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldType> + '_ {
        self.ops_fields().iter().map(|ty| FieldType::from_ops(self.engine(), ty))
    }
}

fn field(f: &mut fmt::Formatter<'_>, ty: &ops::FieldType) -> fmt::Result {
    if ty.mutable {
        write!(f, " (field (mut {}))", ty.storage)
    } else {
        write!(f, " (field {})", ty.storage)
    }
}

impl fmt::Display for StructType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(struct")?;
        self.ops_fields().iter().try_for_each(|ty| field(f, ty))?;
        f.write_str(")")
    }
}

impl ArrayType {
    /// The type of arrays with such elements. It is final.
    ///
    /// # Panics
    /// If the element names a type of another engine, or the engine has too many types.
    pub fn new(engine: &Engine, element: FieldType) -> ArrayType {
        ArrayType::with_finality_and_supertype(engine, Finality::Final, None, element)
            .expect("the engine has an id for the type")
    }

    /// The same for a type that may be extended, or extends another.
    ///
    /// # Errors
    /// If the supertype is final, the element does not match its element, or the engine has too many types.
    ///
    /// # Panics
    /// If the element names a type of another engine.
    pub fn with_finality_and_supertype(
        engine: &Engine,
        finality: Finality,
        supertype: Option<&ArrayType>,
        element: FieldType,
    ) -> Result<ArrayType> {
        assert!(element.is_of(engine), "a type of another engine");
        let composite = ops::CompositeType::Array(element.to_ops());
        Ok(ArrayType(extend(engine, finality, supertype.map(|ty| &ty.0), composite)?))
    }

    pub(crate) fn ops_element(&self) -> &ops::FieldType {
        match &self.0.0.ty.composite {
            ops::CompositeType::Array(element) => element,
            _ => unreachable!("a handle of an array type"),
        }
    }

    /// The element with its mutability.
    pub fn field_type(&self) -> FieldType {
        FieldType::from_ops(self.engine(), self.ops_element())
    }

    /// Whether elements can be written.
    pub fn mutability(&self) -> Mutability {
        self.field_type().mutability
    }

    /// What elements hold.
    pub fn element_type(&self) -> StorageType {
        self.field_type().element_type
    }
}

impl fmt::Display for ArrayType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(array")?;
        field(f, self.ops_element())?;
        f.write_str(")")
    }
}
