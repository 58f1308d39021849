//! Guests that take without end, under limits.

mod common;

use riser::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Grows its memory, or its table, by one until that is refused: the size then.
const GREEDY: &str = r#"(module
    (memory (export "memory") 1) (table (export "table") 1 funcref)
    (func (export "memory.grow") (result i32)
        (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        memory.size)
    (func (export "table.grow") (result i32)
        (loop (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 1)) (i32.const -1))))
        table.size)
    (func (export "once") (param i32) (result i32) (memory.grow (local.get 0))))"#;

fn limited(limits: StoreLimits) -> Result<(Store<StoreLimits>, Instance)> {
    let engine = Engine::default();
    let module = Module::new(&engine, GREEDY)?;
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    Ok((store, instance))
}

fn call<T: 'static>(store: &mut Store<T>, instance: Instance, name: &str) -> Result<i32> {
    instance.get_typed_func::<(), i32>(&mut *store, name)?.call(store, ())
}

#[test]
fn growing_ends_at_the_limit() -> Result<()> {
    let limits = StoreLimitsBuilder::new().memory_size((7 << 16) + 1).table_elements(100).build();
    let (mut store, instance) = limited(limits)?;
    assert_eq!(call(&mut store, instance, "memory.grow")?, 7);
    assert_eq!(call(&mut store, instance, "table.grow")?, 100);
    // The host is held to the same.
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert!(memory.grow(&mut store, 1).is_err());
    assert_eq!(memory.grow(&mut store, 0)?, 7);
    let table = instance.get_table(&mut store, "table").unwrap();
    assert!(table.grow(&mut store, 1, Ref::Func(None)).is_err());
    // Wider limits help at once.
    *store.data_mut() = StoreLimitsBuilder::new().memory_size(9 << 16).build();
    assert_eq!(call(&mut store, instance, "memory.grow")?, 9);
    Ok(())
}

#[test]
fn growing_can_be_made_to_trap() -> Result<()> {
    let limits = StoreLimitsBuilder::new().memory_size(3 << 16).table_elements(5);
    let (mut store, instance) = limited(limits.trap_on_grow_failure(true).build())?;
    for name in ["memory.grow", "table.grow"] {
        let error = call(&mut store, instance, name).unwrap_err();
        assert!(format!("{error:?}").contains("asked to trap"), "{error:?}");
        let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
        assert_eq!(trace.frames().len(), 1);
    }
    // Nothing grew further, and the store goes on.
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert_eq!(memory.size(&store), 3);
    let once = instance.get_typed_func::<i32, i32>(&mut store, "once")?;
    assert_eq!(once.call(&mut store, 0)?, 3);
    // More than any memory can have.
    assert!(once.call(&mut store, -1).is_err());
    assert!(memory.grow(&mut store, u64::MAX).is_err());
    Ok(())
}

#[test]
fn sizes_and_numbers_at_the_start_are_limited() -> Result<()> {
    let engine = Engine::default();
    let limits = StoreLimitsBuilder::new().memory_size(1 << 16).table_elements(10);
    let limits = limits.memories(2).tables(1).instances(4).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let mut try_new = |text: &str| {
        let module = Module::new(&engine, text).unwrap();
        Instance::new(&mut store, &module, &[]).map(|_| ()).map_err(|error| error.to_string())
    };
    let exceeds = |what: &str, size: usize| {
        Err(format!("{what} minimum size of {size} exceeds the store's limits"))
    };
    let high = |what: &str, n: usize| {
        Err(format!("resource limit exceeded: {what} count too high at {n}"))
    };
    assert_eq!(try_new("(module (memory 2))"), exceeds("memory", 2 << 16));
    assert_eq!(try_new("(module (table 11 funcref))"), exceeds("table", 11));
    assert_eq!(try_new("(module (memory 0) (memory 0) (memory 0))"), high("memory", 3));
    assert_eq!(try_new("(module (table 0 funcref) (table 0 funcref))"), high("table", 2));
    assert_eq!(try_new("(module (memory 1) (memory 1) (table 10 funcref))"), Ok(()));
    assert_eq!(try_new("(module)"), Ok(()));
    assert_eq!(try_new("(module)"), high("instance", 5));
    // What the host makes is counted too.
    assert!(Memory::new(&mut store, MemoryType::new(0, None)).is_err());
    let ty = TableType::new(RefType::FUNCREF, 0, None);
    assert!(Table::new(&mut store, ty, Ref::Func(None)).is_err());
    Ok(())
}

/// Notes what it is asked and told.
#[derive(Default)]
struct Notes {
    asked: Vec<(usize, usize, Option<usize>)>,
    failures: Vec<String>,
    panics: bool,
}

impl ResourceLimiter for Notes {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        assert!(!self.panics, "a limiter may panic");
        self.asked.push((current, desired, maximum));
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failures.push(error.to_string());
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        max: Option<usize>,
    ) -> Result<bool> {
        self.memory_growing(current, desired, max)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        Err(error)
    }
}

#[test]
fn a_limiter_hears_of_everything() -> Result<()> {
    let engine = Engine::default();
    let text = r#"(module (memory 1 2) (table 3 4 funcref)
        (func (export "memory") (result i32) (memory.grow (i32.const 2)))
        (func (export "table") (result i32) (table.grow (ref.null func) (i32.const 2))))"#;
    let module = Module::new(&engine, text)?;
    let mut store = Store::new(&engine, Notes::default());
    store.limiter(|notes| notes);
    let instance = Instance::new(&mut store, &module, &[])?;
    let page = 1 << 16;
    assert_eq!(store.data().asked, [(0, page, Some(2 * page)), (0, 3, Some(4))]);
    assert_eq!(call(&mut store, instance, "memory")?, -1);
    assert_eq!(store.data().failures, ["memory maximum size exceeded"]);
    let error = call(&mut store, instance, "table").unwrap_err();
    assert!(format!("{error:?}").contains("table maximum size exceeded"), "{error:?}");
    assert_eq!(store.data().asked[2..], [(page, 3 * page, Some(2 * page)), (3, 5, Some(4))]);
    // A panic arrives at the host, and the store goes on.
    store.data_mut().panics = true;
    let panics = catch_unwind(AssertUnwindSafe(|| call(&mut store, instance, "memory")));
    assert!(panics.is_err());
    store.data_mut().panics = false;
    assert_eq!(call(&mut store, instance, "memory")?, -1);
    Ok(())
}
