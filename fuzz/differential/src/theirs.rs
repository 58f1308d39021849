//! A module in wasmtime.

use crate::generate::Random;
use crate::{Event, Outcome, Stop, hash};
use wasmtime::{
    AnyRef, Config, Engine, Extern, Instance, Module, Ref, Rooted, Store, StoreLimits,
    StoreLimitsBuilder, ThrownException, Trap, Val, ValType,
};

fn stop(error: &wasmtime::Error) -> Stop {
    if error.is::<ThrownException>() {
        return Stop::Trap("exception");
    }
    let Some(trap) = error.downcast_ref::<Trap>() else { return Stop::Other };
    match trap {
        Trap::StackOverflow => Stop::StackOverflow,
        Trap::MemoryOutOfBounds => Stop::Trap("memory out of bounds"),
        Trap::TableOutOfBounds => Stop::Trap("table out of bounds"),
        Trap::IndirectCallToNull => Stop::Trap("uninitialized element"),
        Trap::BadSignature => Stop::Trap("signature"),
        Trap::IntegerOverflow => Stop::Trap("integer overflow"),
        Trap::IntegerDivisionByZero => Stop::Trap("division by zero"),
        Trap::BadConversionToInteger => Stop::Trap("conversion"),
        Trap::UnreachableCodeReached => Stop::Trap("unreachable"),
        Trap::NullReference => Stop::Trap("null reference"),
        Trap::CastFailure => Stop::Trap("cast"),
        Trap::ArrayOutOfBounds => Stop::Trap("array out of bounds"),
        _ => Stop::Other,
    }
}

/// The most bytes of a memory or of the heap.
const HEAP_MAX: usize = 32 << 20;

/// How deep objects are shown, and how many of their parts.
const DEPTH: u32 = 3;
const PARTS: usize = 8;

/// A value as text: floats as bits, objects with their parts, other references as null or not.
fn show(store: &mut Store<StoreLimits>, value: &Val, depth: u32) -> String {
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

fn object(store: &mut Store<StoreLimits>, any: &Rooted<AnyRef>, depth: u32) -> String {
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

/// An argument of a type; `None` for references that cannot be null.
fn argument(random: &mut Random, ty: &ValType) -> Option<Val> {
    let bits = random.interesting();
    Some(match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32((f64::from_bits(bits) as f32).to_bits() & 0x7F7F_FFFF),
        ValType::F64 => Val::F64(bits & 0x7FEF_FFFF_FFFF_FFFF),
        ValType::V128 => Val::V128((u128::from(bits) << 64 | u128::from(random.next())).into()),
        ValType::Ref(ty) if ty.is_nullable() => match Ref::null(ty.heap_type()) {
            Ref::Func(f) => Val::FuncRef(f),
            Ref::Extern(e) => Val::ExternRef(e),
            Ref::Exn(e) => Val::ExnRef(e),
            Ref::Any(a) => Val::AnyRef(a),
        },
        ValType::Ref(_) => return None,
    })
}

/// Runs every exported function twice, then looks at what is left.
pub fn run(binary: &[u8], seed: u64) -> Outcome {
    let mut config = Config::new();
    config.wasm_memory64(true).wasm_multi_memory(true).wasm_tail_call(true);
    config
        .wasm_exceptions(true)
        .wasm_wide_arithmetic(true)
        .wasm_relaxed_simd(true)
        .wasm_function_references(true)
        .wasm_gc(true)
        .wasm_threads(true)
        .wasm_custom_page_sizes(true);
    config.cranelift_opt_level(wasmtime::OptLevel::None);
    let engine = Engine::new(&config).expect("the configuration is fine");
    let Ok(module) = Module::from_binary(&engine, binary) else {
        return Outcome::NotInstantiated(Stop::Trap("invalid"));
    };
    // Memories are small; so are heaps, or programs would spend their time clearing arrays of gigabytes.
    let limits = StoreLimitsBuilder::new().memory_size(HEAP_MAX).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let instance = match Instance::new(&mut store, &module, &[]) {
        Ok(instance) => instance,
        Err(error) => return Outcome::NotInstantiated(stop(&error)),
    };
    let mut random = Random::new(!seed);
    let mut events = Vec::new();
    let names: Vec<String> = module.exports().map(|export| export.name().to_string()).collect();
    for name in names.iter().cycle().take(2 * names.len()) {
        let Some(func) = instance.get_func(&mut store, name) else { continue };
        let ty = func.ty(&store);
        let args: Option<Vec<Val>> = ty.params().map(|ty| argument(&mut random, &ty)).collect();
        let Some(args) = args else { continue };
        let mut results = vec![Val::I32(0); ty.results().len()];
        match func.call(&mut store, &args, &mut results) {
            Ok(()) => {
                let shown = results.iter().map(|val| show(&mut store, val, DEPTH)).collect();
                events.push(Event::Returned(name.clone(), shown));
            }
            Err(error) if error.is::<ThrownException>() => {
                let exception = store.take_pending_exception().expect("the store keeps it");
                let fields = exception.fields(&mut store).expect("an exception has fields");
                let fields: Vec<Val> = fields.collect();
                let shown = fields.iter().map(|val| show(&mut store, val, DEPTH)).collect();
                events.push(Event::Threw(name.clone(), shown));
            }
            Err(error) => events.push(Event::Stopped(name.clone(), stop(&error))),
        }
    }
    for name in &names {
        match instance.get_export(&mut store, name) {
            Some(Extern::Memory(memory)) => {
                let data = memory.data(&store);
                events.push(Event::Memory(name.clone(), data.len() as u64, hash(data)));
            }
            Some(Extern::Global(global)) => {
                let value = global.get(&mut store);
                events.push(Event::Global(name.clone(), show(&mut store, &value, DEPTH)));
            }
            Some(Extern::Table(table)) => {
                events.push(Event::Table(name.clone(), table.size(&store)));
            }
            _ => {}
        }
    }
    Outcome::Ran(events)
}
