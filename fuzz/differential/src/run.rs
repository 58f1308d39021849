//! Runs a module and records what it does. This file is a part of `ours` and of `theirs`: the two runtimes have one interface.

use super::runtime::{
    AnyRef, AsContextMut, Caller, Engine, Error, ExportType, Extern, ExternType, Func, FuncType,
    Global, Instance, Memory, MemoryType, Module, Ref, Rooted, SharedMemory, Store, StoreLimits,
    StoreLimitsBuilder, Table, Tag, ThrownException, Val, ValType, WasmBacktrace,
};
use super::{bytes_of, same_func_type, same_type, stop};
use crate::generate::Random;
use crate::outcome::{Event, Frame, Outcome, Stop, hash};

/// The most bytes of a memory or of the heap.
const HEAP_MAX: usize = 32 << 20;
/// How deep objects are shown, and how many of their parts.
const DEPTH: u32 = 3;
const PARTS: usize = 8;
/// How many elements of a table are shown at either end.
const ELEMENTS: u64 = 16;
/// How many times the host calls back from inside of a call.
const NESTING: u32 = 2;
/// The most events: a program that calls the host all the time ends there.
const EVENTS_MAX: usize = 4_000;
/// Fuel that does not end before the program does.
const PLENTY: u64 = 1 << 40;

/// What the host keeps in a store.
pub struct Data {
    limits: StoreLimits,
    /// Decides what the host does.
    random: Random,
    /// What the host may call, with names.
    funcs: Vec<(String, Func)>,
    /// How many calls of the host are active.
    nesting: u32,
    events: Outcome,
    fuel: bool,
}

/// The error of a function of the host.
#[derive(Debug)]
pub struct HostError;

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the host does not want to")
    }
}

impl std::error::Error for HostError {}

/// A value as text: floats as bits, objects with their parts, other references as null or not.
fn show(store: &mut impl AsContextMut<Data = Data>, value: &Val, depth: u32) -> String {
    match value {
        Val::I32(v) => format!("i32 {v:#x}"),
        Val::I64(v) => format!("i64 {v:#x}"),
        Val::F32(v) => format!("f32 {v:#x}"),
        Val::F64(v) => format!("f64 {v:#x}"),
        Val::V128(v) => format!("v128 {:#x}", v.as_u128()),
        Val::FuncRef(v) => format!("func {}", v.is_some()),
        Val::ExternRef(v) => format!("extern {}", v.is_some()),
        Val::ExnRef(v) => format!("exn {}", v.is_some()),
        Val::AnyRef(None) => "null".into(),
        Val::AnyRef(Some(any)) => object(store, any, depth),
        #[allow(unreachable_patterns, reason = "the other runtime has more")]
        _ => "other".into(),
    }
}

fn object(store: &mut impl AsContextMut<Data = Data>, any: &Rooted<AnyRef>, depth: u32) -> String {
    const FOUND: &str = "a live handle";
    if let Some(n) = any.as_i31(&*store).expect(FOUND) {
        return format!("i31 {:#x}", n.get_u32());
    }
    let (name, parts): (String, Vec<Val>) =
        if let Some(object) = any.as_struct(&*store).expect(FOUND) {
            ("struct".into(), object.fields(&mut *store).expect(FOUND).take(PARTS).collect())
        } else if let Some(array) = any.as_array(&*store).expect(FOUND) {
            let len = array.len(&*store).expect(FOUND);
            let first = 0..len.min(PARTS as u32);
            let get = |at| array.get(&mut *store, at).expect(FOUND);
            (format!("array {len}"), first.map(get).collect())
        } else {
            ("host".into(), Vec::new())
        };
    if depth == 0 {
        return name;
    }
    let parts: Vec<String> = parts.iter().map(|part| show(store, part, depth - 1)).collect();
    format!("{name} [{}]", parts.join(", "))
}

fn show_all(store: &mut impl AsContextMut<Data = Data>, values: &[Val]) -> Vec<String> {
    values.iter().map(|value| show(store, value, DEPTH)).collect()
}

/// A value of a type; `None` for references that cannot be null.
fn value(random: &mut Random, ty: &ValType) -> Option<Val> {
    let bits = random.interesting();
    Some(match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32((f64::from_bits(bits) as f32).to_bits() & 0x7F7F_FFFF),
        ValType::F64 => Val::F64(bits & 0x7FEF_FFFF_FFFF_FFFF),
        ValType::V128 => Val::V128((u128::from(bits) << 64 | u128::from(random.next())).into()),
        ValType::Ref(ty) if ty.is_nullable() => Ref::null(ty.heap_type()).into(),
        ValType::Ref(_) => return None,
    })
}

fn record(store: &mut impl AsContextMut<Data = Data>, event: Event) {
    store.as_context_mut().data_mut().events.push(event);
}

fn frames(trace: &WasmBacktrace) -> Vec<Frame> {
    trace.frames().iter().map(|frame| (frame.func_index(), frame.module_offset())).collect()
}

/// Why a call stopped, with its frames.
fn stopped(error: &Error) -> (Stop, Vec<Frame>) {
    let stop = if error.is::<HostError>() { Stop::Trap("of the host") } else { stop(error) };
    (stop, error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default())
}

/// Calls a function with arguments that are made for it, and records what happens. Exceptions stay pending if `keep`.
fn call(
    store: &mut impl AsContextMut<Data = Data>,
    name: &str,
    func: Func,
    keep: bool,
) -> Result<(), Error> {
    let ty = func.ty(&mut *store);
    let random = &mut store.as_context_mut().data_mut().random.clone();
    let args: Option<Vec<Val>> = ty.params().map(|ty| value(random, &ty)).collect();
    store.as_context_mut().data_mut().random = *random;
    let Some(args) = args else { return Ok(()) };
    let mut results = vec![Val::I32(0); ty.results().len()];
    let done = func.call(&mut *store, &args, &mut results);
    let event = match &done {
        Ok(()) => Event::Returned(name.into(), show_all(store, &results)),
        Err(error) if error.is::<ThrownException>() && !keep => {
            let pending = store.as_context_mut().take_pending_exception();
            let exception = pending.expect("the store keeps it");
            let fields = exception.fields(&mut *store).expect("an exception has fields");
            let fields: Vec<Val> = fields.collect();
            Event::Threw(name.into(), show_all(store, &fields))
        }
        Err(error) => {
            let (stop, frames) = stopped(error);
            Event::Stopped(name.into(), stop, frames)
        }
    };
    record(store, event);
    done
}

/// What a function of the host does: it records its arguments, and decides at random whether it fails, calls back, or just
/// returns something.
fn host(
    mut caller: Caller<'_, Data>,
    name: &str,
    ty: &FuncType,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
    let shown = show_all(&mut caller, args);
    let trace = frames(&WasmBacktrace::force_capture(&caller));
    record(&mut caller, Event::HostCalled(name.into(), shown, trace));
    let data = caller.data_mut();
    if data.events.len() > EVENTS_MAX {
        return Err(Error::new(HostError));
    }
    let choice = data.random.next();
    let count = data.funcs.len() as u64;
    if choice.is_multiple_of(16) {
        return Err(Error::new(HostError));
    }
    if choice % 4 == 1 && count > 0 && data.nesting < NESTING {
        let (name, func) = data.funcs[(choice / 64 % count) as usize].clone();
        data.nesting += 1;
        let keep = choice & 32 != 0;
        let done = call(&mut caller, &name, func, keep);
        caller.data_mut().nesting -= 1;
        if keep {
            done?;
        }
    }
    let random = &mut caller.data_mut().random;
    for (result, ty) in results.iter_mut().zip(ty.results()) {
        *result = value(random, &ty).ok_or_else(|| Error::new(HostError))?;
    }
    Ok(())
}

/// Something of the host for an import; `None` if it cannot have one.
fn made(store: &mut Store<Data>, name: &str, ty: &ExternType) -> Option<Extern> {
    Some(match ty {
        ExternType::Func(ty) => {
            let (name, signature) = (name.to_string(), ty.clone());
            let host = move |caller: Caller<'_, Data>, args: &[Val], results: &mut [Val]| {
                host(caller, &name, &signature, args, results)
            };
            Func::new(&mut *store, ty.clone(), host).into()
        }
        ExternType::Global(ty) => {
            let init = value(&mut store.data_mut().random, ty.content())?;
            Global::new(&mut *store, ty.clone(), init).ok()?.into()
        }
        ExternType::Table(ty) if ty.element().is_nullable() => {
            Table::new(&mut *store, ty.clone(), Ref::null(ty.element().heap_type())).ok()?.into()
        }
        ExternType::Table(_) => return None,
        ExternType::Memory(ty) if ty.is_shared() => {
            SharedMemory::new(store.engine(), ty.clone()).ok()?.into()
        }
        ExternType::Memory(ty) => Memory::new(&mut *store, ty.clone()).ok()?.into(),
        ExternType::Tag(ty) => Tag::new(&mut *store, ty).ok()?.into(),
        #[allow(unreachable_patterns, reason = "the other runtime may get more")]
        _ => return None,
    })
}

/// Whether a memory of a type is good for an import of another.
fn memory_fits(has: &MemoryType, wants: &MemoryType) -> bool {
    let same = |f: fn(&MemoryType) -> bool| f(has) == f(wants);
    same(MemoryType::is_64)
        && same(MemoryType::is_shared)
        && has.page_size_log2() == wants.page_size_log2()
        && has.minimum() >= wants.minimum()
        && wants.maximum().is_none_or(|max| has.maximum().is_some_and(|has| has <= max))
}

/// Whether something of the first instance may be an import of the second: its type is the same. (The other runtime fails an
/// assertion at faults in shared memories that two instances have.)
fn fits(has: &ExternType, wants: &ExternType) -> bool {
    match (has, wants) {
        (ExternType::Func(a), ExternType::Func(b)) => same_func_type(a, b),
        (ExternType::Global(a), ExternType::Global(b)) => {
            a.mutability() == b.mutability() && same_type(a.content(), b.content())
        }
        (ExternType::Memory(a), ExternType::Memory(b)) => !a.is_shared() && memory_fits(a, b),
        _ => false,
    }
}

/// The imports of a module: of the host, or from what was exported by another instance of the module.
fn imports(
    store: &mut Store<Data>,
    module: &Module,
    exported: &[(ExportType<'_>, Extern)],
) -> Option<Vec<Extern>> {
    let mut imports = Vec::new();
    for import in module.imports() {
        let ty = import.ty();
        let fitting: Vec<&Extern> =
            exported.iter().filter(|(has, _)| fits(&has.ty(), &ty)).map(|(_, it)| it).collect();
        let choice = store.data_mut().random.next();
        imports.push(if fitting.is_empty() || choice.is_multiple_of(8) {
            made(store, import.name(), &ty)?
        } else {
            fitting[(choice / 8) as usize % fitting.len()].clone()
        });
    }
    Some(imports)
}

/// What is to be done with a module.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Decides all that the host does.
    pub seed: u64,
    /// Whether a second instance is made, whose imports are exports of the first.
    pub linked: bool,
    /// Whether fuel is counted, and ends at random.
    pub fuel: bool,
}

/// Runs every exported function twice, then looks at what is left.
pub fn run(engine: &Engine, module: &Module, plan: Plan) -> Outcome {
    // Memories are small; so are heaps, or programs would spend their time clearing arrays of gigabytes.
    let limits = StoreLimitsBuilder::new().memory_size(HEAP_MAX).build();
    let data = Data {
        limits,
        random: Random::new(!plan.seed),
        funcs: Vec::new(),
        nesting: 0,
        events: Vec::new(),
        fuel: plan.fuel,
    };
    let mut store = Store::new(engine, data);
    store.limiter(|data| &mut data.limits);
    let mut exported = Vec::new();
    for number in 0..1 + usize::from(plan.linked) {
        fuel(&mut store);
        let Some(imports) = imports(&mut store, module, &exported) else {
            record(&mut store, Event::NotInstantiated(Stop::Other));
            break;
        };
        let instance = match Instance::new(&mut store, module, &imports) {
            Ok(instance) => instance,
            Err(error) => {
                let (stop, _) = stopped(&error);
                if error.is::<ThrownException>() {
                    let _ = store.take_pending_exception();
                }
                record(&mut store, Event::NotInstantiated(stop));
                break;
            }
        };
        record(&mut store, Event::Instantiated(number));
        left(&mut store);
        for export in module.exports() {
            let it = instance.get_export(&mut store, export.name()).expect("it is exported");
            if let Extern::Func(func) = it {
                let name = format!("{number}:{}", export.name());
                store.data_mut().funcs.push((name, func));
            }
            exported.push((export, it));
        }
    }
    let funcs = store.data().funcs.clone();
    for (name, func) in funcs.iter().cycle().take(2 * funcs.len()) {
        fuel(&mut store);
        let _ = call(&mut store, name, *func, false);
        left(&mut store);
    }
    for (export, it) in exported {
        look(&mut store, export.name(), it);
    }
    std::mem::take(&mut store.data_mut().events)
}

/// Sets the fuel for a call.
fn fuel(store: &mut Store<Data>) {
    if store.data().fuel {
        let random = &mut store.data_mut().random;
        let choice = random.next();
        let fuel = if choice.is_multiple_of(2) {
            PLENTY
        } else {
            random.next() % (2 << (choice / 2 % 14))
        };
        store.set_fuel(fuel).expect("fuel is counted");
    }
}

/// Records the fuel that is left.
fn left(store: &mut Store<Data>) {
    if store.data().fuel {
        let fuel = store.get_fuel().expect("fuel is counted");
        record(store, Event::Fuel(fuel));
    }
}

/// Records the state of something that was exported.
fn look(store: &mut Store<Data>, name: &str, it: Extern) {
    let name = name.to_string();
    let event = match it {
        Extern::Memory(memory) => {
            let data = memory.data(&*store);
            Event::Memory(name, data.len() as u64, hash(data))
        }
        Extern::SharedMemory(memory) => {
            let data = bytes_of(&memory);
            Event::Memory(name, data.len() as u64, hash(&data))
        }
        Extern::Global(global) => {
            let value = global.get(&mut *store);
            Event::Global(name, show(store, &value, DEPTH))
        }
        Extern::Table(table) => {
            let size = table.size(&*store);
            let first = 0..size.min(ELEMENTS);
            let last = size.saturating_sub(ELEMENTS).max(first.end)..size;
            let elements: Vec<u64> = first.chain(last).collect();
            let show = |at| {
                let element = table.get(&mut *store, at).expect("it is inside");
                show(store, &element.into(), 1)
            };
            Event::Table(name, size, elements.into_iter().map(show).collect())
        }
        _ => return,
    };
    record(store, event);
}
