//! The frames of running code as text, so that ways to run can be compared.

use riser::{AsContextMut, Caller, HostCall, HostObserver, Result, Val, WasmFrame};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// A value with what it refers to: references have no fixed addresses.
///
/// # Errors
/// If a reference is of another store, or out of scope.
pub fn show(store: &mut impl AsContextMut, val: &Val) -> Result<String> {
    Ok(match val {
        Val::I32(n) => format!("i32 {n}"),
        Val::I64(n) => format!("i64 {n}"),
        Val::F32(bits) => format!("f32 {:?}", f32::from_bits(*bits)),
        Val::F64(bits) => format!("f64 {:?}", f64::from_bits(*bits)),
        Val::V128(v) => format!("v128 {:#034x}", v.as_u128()),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(None) | Val::ExnRef(None) => {
            "null".into()
        }
        Val::FuncRef(Some(func)) => format!("func {}", func.ty(&*store)),
        Val::ExternRef(Some(value)) => match value.data(store.as_context())? {
            Some(data) => format!("extern {:?}", data.downcast_ref::<u32>()),
            None => "extern from any".into(),
        },
        Val::AnyRef(Some(any)) => {
            if let Some(n) = any.as_i31(&*store)? {
                format!("{n:?}")
            } else if let Some(object) = any.as_struct(&*store)? {
                let fields: Vec<Val> = object.fields(store.as_context_mut())?.collect();
                format!("struct [{}]", show_all(store, &fields)?)
            } else if let Some(array) = any.as_array(&*store)? {
                let elements: Vec<Val> = array.elems(store.as_context_mut())?.collect();
                format!("array [{}]", show_all(store, &elements)?)
            } else {
                "any from extern".into()
            }
        }
        Val::ExnRef(Some(exn)) => {
            let fields: Vec<Val> = exn.fields(store.as_context_mut())?.collect();
            format!("exn [{}]", show_all(store, &fields)?)
        }
    })
}

/// Values, one after the other.
///
/// # Errors
/// As [`show`].
pub fn show_all(store: &mut impl AsContextMut, vals: &[Val]) -> Result<String> {
    let shown: Result<Vec<String>> = vals.iter().map(|val| show(store, val)).collect();
    Ok(shown?.join(", "))
}

/// A frame as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShownFrame {
    /// The function, and where it waits.
    pub place: String,
    /// Locals and operands, if they are known.
    pub values: Option<[String; 2]>,
    /// What it refers to, each once, sorted.
    pub references: BTreeSet<String>,
}

/// A call of a host function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShownCall {
    /// The function.
    pub name: String,
    /// The frames below it, innermost first.
    pub frames: Vec<ShownFrame>,
}

/// Notes the frames at each call of a host function, or at the first ones.
#[derive(Debug)]
pub struct FrameObserver {
    calls: Mutex<Vec<ShownCall>>,
    most: usize,
}

impl FrameObserver {
    /// For so many calls at most.
    pub fn new(most: usize) -> FrameObserver {
        FrameObserver { calls: Mutex::default(), most }
    }

    /// What was noted so far.
    pub fn take(&self) -> Vec<ShownCall> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn shown(store: &mut impl AsContextMut) -> Result<Vec<ShownFrame>> {
    let frames = WasmFrame::capture(&mut *store);
    let one = |frame: WasmFrame| {
        let mut place = String::new();
        let _ = write!(place, "function {} at {:#x}", frame.func_index(), frame.module_offset());
        let values = match frame.has_values() {
            true => Some([show_all(store, frame.locals())?, show_all(store, frame.operands())?]),
            false => None,
        };
        let references = frame.references().iter().map(|val| show(store, val));
        Ok(ShownFrame { place, values, references: references.collect::<Result<_>>()? })
    };
    frames.into_iter().map(one).collect()
}

impl<T: 'static> HostObserver<T> for FrameObserver {
    fn calling(&self, caller: &mut Caller<'_, T>, call: &HostCall<'_>) {
        let known = self.calls.lock().unwrap_or_else(PoisonError::into_inner).len();
        if known >= self.most {
            return;
        }
        let name = call.name().unwrap_or("?").to_string();
        let frames = shown(caller).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(ShownCall { name, frames });
    }

    fn returned(&self, _: &mut Caller<'_, T>, _: &HostCall<'_>, _: Result<&[Val], &riser::Error>) {}
}
