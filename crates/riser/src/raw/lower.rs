//! Statically typed values in slots: the traits behind `TypedFunc` and `Func::wrap`.

use super::arity::each_arity;
use super::store::StoreOpaque;
use crate::gc::Place;
use crate::{
    Func, GcRef, HeapType, I31, NoExtern, NoFunc, NoneRef, OwnedRooted, RefType, Result, Rooted,
    V128, ValType,
};
use riser_abi::Slot;
use riser_heap::HeapRef;
use riser_vm::FuncPtr;

/// A Rust type that stands for a type of WebAssembly: `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, [`V128`], `Func`,
/// [`I31`], [`Rooted`] and [`OwnedRooted`] handles, and options of references.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// /// What a constant function gives.
/// fn call<R: WasmTy>(store: &mut Store<()>, func: Func) -> Result<R> {
///     func.typed::<(), R>(&*store)?.call(store, ())
/// }
///
/// let mut store = Store::<()>::default();
/// let func = Func::wrap(&mut store, || 7i64);
/// assert_eq!(call::<i64>(&mut store, func)?, 7);
/// assert_eq!(call::<u64>(&mut store, func)?, 7);
/// assert!(call::<f64>(&mut store, func).is_err());
/// # Ok(()) }
/// ```
///
/// # Safety
/// `store` writes a value of type `valtype` to as many slots as that takes, and `SLOTS` is their number.
pub unsafe trait WasmTy: Send {
    #[doc(hidden)]
    const SLOTS: usize = 1;

    #[doc(hidden)]
    fn valtype() -> ValType;

    #[doc(hidden)]
    #[inline]
    fn compatible_with_store(&self, _store: &StoreOpaque) -> bool {
        true
    }

    #[doc(hidden)]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]);

    /// # Safety
    /// The slots hold a value of the type, of this store.
    #[doc(hidden)]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self;
}

/// Implements [`WasmTy`] for numbers: how they become a slot and come back.
macro_rules! numbers {
    ($($ty:ty, $valtype:ident, |$value:ident| $to:expr, |$slot:ident| $from:expr;)*) => {$(
        // SAFETY: a number in one slot.
        unsafe impl WasmTy for $ty {
            #[inline]
            fn valtype() -> ValType { ValType::$valtype }

            #[inline]
            fn store(self, _: &mut StoreOpaque, slots: &mut [Slot]) {
                let $value = self;
                slots[0] = $to;
            }

            #[inline]
            unsafe fn load(_: &mut StoreOpaque, slots: &[Slot]) -> $ty {
                let $slot = slots[0];
                $from
            }
        }
    )*};
}

numbers! {
    i32, I32, |n| u64::from(n as u32), |slot| slot as i32;
    u32, I32, |n| u64::from(n), |slot| slot as u32;
    i64, I64, |n| n as u64, |slot| slot as i64;
    u64, I64, |n| n, |slot| slot;
    f32, F32, |x| u64::from(x.to_bits()), |slot| f32::from_bits(slot as u32);
    f64, F64, |x| x.to_bits(), |slot| f64::from_bits(slot);
}

// SAFETY: a vector in two slots, low half first.
unsafe impl WasmTy for V128 {
    const SLOTS: usize = 2;

    fn valtype() -> ValType {
        ValType::V128
    }

    #[inline]
    fn store(self, _: &mut StoreOpaque, slots: &mut [Slot]) {
        slots[0] = self.as_u128() as u64;
        slots[1] = (self.as_u128() >> 64) as u64;
    }

    #[inline]
    unsafe fn load(_: &mut StoreOpaque, slots: &[Slot]) -> V128 {
        V128::from(u128::from(slots[0]) | u128::from(slots[1]) << 64)
    }
}

// SAFETY: a function reference in one slot, or 0.
unsafe impl WasmTy for Option<Func> {
    fn valtype() -> ValType {
        ValType::FUNCREF
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        self.is_none_or(|func| func.store == store.id())
    }

    #[inline]
    fn store(self, _: &mut StoreOpaque, slots: &mut [Slot]) {
        slots[0] = self.map_or(0, |func| func.func.to_slot());
    }

    #[inline]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Option<Func> {
        FuncPtr::from_slot(slots[0]).map(|func| Func { store: store.id(), func })
    }
}

// SAFETY: a function reference in one slot.
unsafe impl WasmTy for Func {
    fn valtype() -> ValType {
        ValType::Ref(RefType::new(false, HeapType::Func))
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        self.store == store.id()
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) {
        WasmTy::store(Some(self), store, slots);
    }

    #[inline]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Func {
        // SAFETY: the caller's promise.
        unsafe { <Option<Func> as WasmTy>::load(store, slots) }
            .expect("a reference that is never null")
    }
}

/// Implements [`WasmTy`] for references that can only be null.
macro_rules! nulls {
    ($($ty:ty, $valtype:ident;)*) => {$(
        // SAFETY: always null: 0 in one slot.
        unsafe impl WasmTy for Option<$ty> {
            fn valtype() -> ValType { ValType::$valtype }

            #[inline]
            fn store(self, _: &mut StoreOpaque, slots: &mut [Slot]) { slots[0] = 0; }

            #[inline]
            unsafe fn load(_: &mut StoreOpaque, _: &[Slot]) -> Option<$ty> { None }
        }
    )*};
}

nulls! {
    NoFunc, NULLFUNCREF;
    NoExtern, NULLEXTERNREF;
    NoneRef, NULLREF;
}

// SAFETY: a reference into the heap in one slot, or 0.
unsafe impl<T: GcRef> WasmTy for Option<Rooted<T>> {
    fn valtype() -> ValType {
        ValType::Ref(RefType::new(true, T::heap_type()))
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        self.as_ref().is_none_or(|value| value.place().is_alive_in(store))
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) {
        slots[0] = self.map_or(0, |value| bits(store, value.place()));
    }

    #[inline]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self {
        place(store, slots[0]).map(Rooted::at)
    }
}

// SAFETY: a reference into the heap in one slot.
unsafe impl<T: GcRef> WasmTy for Rooted<T> {
    fn valtype() -> ValType {
        ValType::Ref(RefType::new(false, T::heap_type()))
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        self.place().is_alive_in(store)
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) {
        slots[0] = bits(store, self.place());
    }

    #[inline]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self {
        Rooted::at(place(store, slots[0]).expect(NEVER_NULL))
    }
}

// SAFETY: a reference into the heap in one slot, or 0.
unsafe impl<T: GcRef> WasmTy for Option<OwnedRooted<T>> {
    fn valtype() -> ValType {
        ValType::Ref(RefType::new(true, T::heap_type()))
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        self.as_ref().is_none_or(|value| value.place().is_alive_in(store))
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) {
        slots[0] = self.map_or(0, |value| bits(store, value.place()));
    }

    #[inline]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self {
        Some(OwnedRooted::of(store, HeapRef::from_bits(slots[0] as u32)?))
    }
}

// SAFETY: a reference into the heap in one slot.
unsafe impl<T: GcRef> WasmTy for OwnedRooted<T> {
    fn valtype() -> ValType {
        ValType::Ref(RefType::new(false, T::heap_type()))
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        self.place().is_alive_in(store)
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) {
        slots[0] = bits(store, self.place());
    }

    #[inline]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { <Option<OwnedRooted<T>> as WasmTy>::load(store, slots) }.expect(NEVER_NULL)
    }
}

/// What a type says of a reference.
const NEVER_NULL: &str = "a reference that is never null";

// SAFETY: a 31-bit integer as a reference in one slot.
unsafe impl WasmTy for I31 {
    fn valtype() -> ValType {
        ValType::Ref(RefType::new(false, HeapType::I31))
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) {
        WasmTy::store(Some(self), store, slots);
    }

    #[inline]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { <Option<I31> as WasmTy>::load(store, slots) }.expect(NEVER_NULL)
    }
}

/// What a handle refers to, as it stands in a slot. Whoever passes a handle has asked before whether it is alive.
fn bits(store: &StoreOpaque, place: Place) -> Slot {
    let at = place.get(store).expect("a handle that is alive");
    at.to_bits().into()
}

/// A handle for the reference in a slot.
fn place(store: &mut StoreOpaque, slot: Slot) -> Option<Place> {
    Some(Place::new(store, HeapRef::from_bits(slot as u32)?))
}

// SAFETY: a 31-bit integer as a reference in one slot, or 0.
unsafe impl WasmTy for Option<I31> {
    fn valtype() -> ValType {
        ValType::Ref(RefType::new(true, HeapType::I31))
    }

    #[inline]
    fn store(self, _: &mut StoreOpaque, slots: &mut [Slot]) {
        slots[0] = self.map_or(0, |n| HeapRef::from_i31(n.get_u32()).to_bits().into());
    }

    #[inline]
    unsafe fn load(_: &mut StoreOpaque, slots: &[Slot]) -> Self {
        HeapRef::from_bits(slots[0] as u32)?.as_i31().map(I31::wrapping_u32)
    }
}

/// A list of [`WasmTy`]: the parameters of a host function.
///
/// ```
/// use riser::WasmTyList;
///
/// fn is_list<L: WasmTyList>() {}
///
/// is_list::<()>();
/// is_list::<(i32, f64)>();
/// ```
///
/// # Safety
/// `SLOTS` is the number of slots that values of all of `valtypes` take one after the other.
pub unsafe trait WasmTyList: Send {
    #[doc(hidden)]
    const SLOTS: usize;

    #[doc(hidden)]
    fn valtypes() -> Vec<ValType>;

    /// # Safety
    /// The slots hold values of the types, of this store.
    #[doc(hidden)]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self;
}

/// The parameters of a [`TypedFunc`](crate::TypedFunc): a [`WasmTy`] or a tuple of them.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn run<P: WasmParams>(store: &mut Store<()>, func: Func, params: P) -> Result<i32> {
///     func.typed::<P, i32>(&*store)?.call(store, params)
/// }
///
/// let mut store = Store::<()>::default();
/// let negate = Func::wrap(&mut store, |a: i32| -a);
/// let add = Func::wrap(&mut store, |a: i32, b: i32| a + b);
/// assert_eq!(run(&mut store, negate, 5)?, -5);
/// assert_eq!(run(&mut store, add, (5, 6))?, 11);
/// # Ok(()) }
/// ```
///
/// # Safety
/// As for [`WasmTyList`].
pub unsafe trait WasmParams: Send {
    #[doc(hidden)]
    const SLOTS: usize;

    #[doc(hidden)]
    fn valtypes() -> Vec<ValType>;

    #[doc(hidden)]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool;

    #[doc(hidden)]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]);
}

/// The results of a [`TypedFunc`](crate::TypedFunc): a [`WasmTy`] or a tuple of them.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn results<R: WasmResults>(store: &mut Store<()>, func: Func) -> Result<R> {
///     func.typed::<(), R>(&*store)?.call(store, ())
/// }
///
/// let mut store = Store::<()>::default();
/// let pair = Func::wrap(&mut store, || (1i32, 2.5f64));
/// assert_eq!(results::<(i32, f64)>(&mut store, pair)?, (1, 2.5));
/// # Ok(()) }
/// ```
///
/// # Safety
/// As for [`WasmTyList`].
pub unsafe trait WasmResults: WasmParams {
    /// # Safety
    /// The slots hold values of the types, of this store.
    #[doc(hidden)]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self;
}

/// What a host function may return: a [`WasmTy`], a tuple of them, or a `Result` of those.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// fn thunk<R: WasmRet>(store: &mut Store<()>, make: impl Fn() -> R + Send + Sync + 'static) -> Func {
///     Func::wrap(store, move || make())
/// }
///
/// let mut store = Store::<()>::default();
/// thunk(&mut store, || ());
/// thunk(&mut store, || (1i32, 2i64));
/// let fails = thunk(&mut store, || -> Result<i32> { bail!("never") });
/// let error = fails.call(&mut store, &[], &mut [Val::I32(0)]).unwrap_err();
/// assert_eq!(error.to_string(), "never");
/// # Ok(()) }
/// ```
///
/// # Safety
/// As for [`WasmTyList`].
pub unsafe trait WasmRet {
    #[doc(hidden)]
    const SLOTS: usize;

    #[doc(hidden)]
    fn valtypes() -> Vec<ValType>;

    #[doc(hidden)]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool;

    #[doc(hidden)]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()>;
}

/// Implements [`WasmTyList`] and [`WasmResults`] for a tuple.
macro_rules! list {
    ($($ty:ident)*) => {
        // SAFETY: the elements are read one after the other.
        unsafe impl<$($ty: WasmTy),*> WasmTyList for ($($ty,)*) {
            const SLOTS: usize = 0 $(+ $ty::SLOTS)*;
            fn valtypes() -> Vec<ValType> { vec![$($ty::valtype()),*] }
            #[allow(unused, clippy::unused_unit, reason = "a tuple may be empty")]
            unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self {
                let mut at = 0;
                // SAFETY: the caller's promise.
                ($({ at += $ty::SLOTS; unsafe { $ty::load(store, &slots[at - $ty::SLOTS..]) } },)*)
            }
        }
        // SAFETY: as for the list.
        unsafe impl<$($ty: WasmTy),*> WasmResults for ($($ty,)*) {
            unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self {
                // SAFETY: the caller's promise.
                unsafe { WasmTyList::load(store, slots) }
            }
        }
    };
}

each_arity!(list);

/// Implements [`WasmParams`] for a tuple.
macro_rules! params {
    ($($ty:ident)*) => {
        // SAFETY: the elements are written one after the other.
        #[allow(non_snake_case, unused, reason = "named after their types; a tuple may be empty")]
        unsafe impl<$($ty: WasmTy),*> WasmParams for ($($ty,)*) {
            const SLOTS: usize = <Self as WasmTyList>::SLOTS;
            fn valtypes() -> Vec<ValType> { <Self as WasmTyList>::valtypes() }
            #[inline]
            fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
                let ($($ty,)*) = self;
                true $(&& WasmTy::compatible_with_store($ty, store))*
            }
            #[inline]
            fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) {
                let (($($ty,)*), mut at) = (self, 0);
                $(WasmTy::store($ty, store, &mut slots[at..]); at += $ty::SLOTS;)*
            }
        }
    };
}

each_arity!(params);

/// Implements [`WasmRet`] for a tuple.
macro_rules! ret {
    ($($ty:ident)*) => {
        // SAFETY: as for the list.
        unsafe impl<$($ty: WasmTy),*> WasmRet for ($($ty,)*) {
            const SLOTS: usize = <Self as WasmTyList>::SLOTS;
            fn valtypes() -> Vec<ValType> { <Self as WasmTyList>::valtypes() }
            #[inline]
            fn compatible_with_store(&self, s: &StoreOpaque) -> bool { WasmParams::compatible_with_store(self, s) }
            #[inline]
            fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()> {
                WasmParams::store(self, store, slots);
                Ok(())
            }
        }
    };
}

each_arity!(ret);

// SAFETY: as for the type itself.
unsafe impl<A: WasmTy> WasmParams for A {
    const SLOTS: usize = A::SLOTS;

    fn valtypes() -> Vec<ValType> {
        vec![A::valtype()]
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        WasmTy::compatible_with_store(self, store)
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) {
        WasmTy::store(self, store, slots);
    }
}

// SAFETY: as for the type itself.
unsafe impl<A: WasmTy> WasmResults for A {
    #[inline]
    unsafe fn load(store: &mut StoreOpaque, slots: &[Slot]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { <A as WasmTy>::load(store, slots) }
    }
}

// SAFETY: as for the type itself.
unsafe impl<A: WasmTy> WasmRet for A {
    const SLOTS: usize = A::SLOTS;

    fn valtypes() -> Vec<ValType> {
        vec![A::valtype()]
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        WasmTy::compatible_with_store(self, store)
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()> {
        WasmTy::store(self, store, slots);
        Ok(())
    }
}

// SAFETY: as for the type inside; an error writes nothing, and the call fails.
unsafe impl<A: WasmRet> WasmRet for Result<A> {
    const SLOTS: usize = A::SLOTS;

    fn valtypes() -> Vec<ValType> {
        A::valtypes()
    }

    #[inline]
    fn compatible_with_store(&self, store: &StoreOpaque) -> bool {
        self.as_ref().map_or(true, |value| value.compatible_with_store(store))
    }

    #[inline]
    fn store(self, store: &mut StoreOpaque, slots: &mut [Slot]) -> Result<()> {
        self?.store(store, slots)
    }
}
