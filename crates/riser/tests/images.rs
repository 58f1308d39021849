//! Memories that show their data without a copy: whatever happens to one instance, the next one begins with what the module says.
//!
//! From the second instance of a module on, data of some size is mapped copy-on-write.

use riser::{Engine, Instance, Memory, Module, Ref, Result, Store, Table, TableType, Val};

/// So much data that it is worth mapping.
const DATA: usize = 200_000;
const START: usize = 70_001;

/// Data that says where it is.
fn data() -> Vec<u8> {
    (0..DATA).map(|at| (at % 251) as u8 + 1).collect()
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// What a memory of 16 pages holds at first.
fn expected() -> Vec<u8> {
    let mut bytes = vec![0; 16 << 16];
    bytes[START..START + DATA].copy_from_slice(&data());
    bytes[START + 5..START + 10].copy_from_slice(b"later");
    bytes
}

/// `rest` stands behind the memory and its data.
fn module(engine: &Engine, before: &str, rest: &str) -> Result<Module> {
    let data = text(&data());
    Module::new(
        engine,
        format!(
            r#"(module {before} (memory (export "m") 16 40)
                (data (i32.const {START}) "{data}") (data (i32.const {}) "later")
                (func (export "dropped") (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1)))
                {rest})"#,
            START + 5
        ),
    )
}

fn memory(store: &mut Store<()>, instance: Instance) -> Memory {
    instance.get_memory(store, "m").expect("its memory")
}

#[test]
fn every_instance_begins_with_the_data() -> Result<()> {
    let engine = Engine::default();
    let module = module(&engine, "", "")?;
    for round in 0..12 {
        let mut store = Store::new(&engine, ());
        let both =
            [Instance::new(&mut store, &module, &[])?, Instance::new(&mut store, &module, &[])?];
        for instance in both {
            let memory = memory(&mut store, instance);
            assert!(memory.data(&store) == expected(), "{round}");
            memory.data_mut(&mut store).fill(round as u8 | 1);
            // It does not move, and what is new is zero.
            let base = memory.data_ptr(&store);
            memory.grow(&mut store, round % 3 * 8)?;
            if engine.is_compiled() {
                assert_eq!(memory.data_ptr(&store), base);
            }
            assert!(memory.data(&store)[16 << 16..].iter().all(|&byte| byte == 0));
            assert!(memory.data(&store)[..16 << 16].iter().all(|&byte| byte == round as u8 | 1));
            memory.data_mut(&mut store).fill(3);
            let dropped = instance.get_typed_func::<(), ()>(&mut store, "dropped")?;
            assert!(dropped.call(&mut store, ()).is_err(), "active segments are dropped");
        }
    }
    Ok(())
}

#[test]
fn modules_do_not_see_data_of_each_other() -> Result<()> {
    let engine = Engine::default();
    let with_data = module(&engine, "", "")?;
    let without = Module::new(&engine, r#"(module (memory (export "m") 16))"#)?;
    for round in 0..6 {
        for module in [&with_data, &with_data, &without] {
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, module, &[])?;
            let memory = memory(&mut store, instance);
            let shown = memory.data(&store);
            match Module::same(module, &with_data) {
                true => assert!(shown == expected(), "{round}"),
                false => assert!(shown.iter().all(|&byte| byte == 0), "{round}"),
            }
            memory.data_mut(&mut store).fill(9);
        }
    }
    drop(with_data);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &without, &[])?;
    let memory = memory(&mut store, instance);
    assert!(memory.data(&store).iter().all(|&byte| byte == 0));
    Ok(())
}

/// Segments of elements are copied before those of data. If one does not fit, functions of the instance that cannot be made are
/// in the table, and see a memory without data.
#[test]
fn data_is_not_there_if_elements_do_not_fit() -> Result<()> {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(import "" "t" (table 2 funcref))"#,
        r#"(func $first (result i32) (i32.load8_u (i32.const 70001)))
           (elem (i32.const 0) $first) (elem (i32.const 5) $first)"#,
    )?;
    for (round, size) in [9, 9, 2, 2, 9, 2].into_iter().enumerate() {
        let mut store = Store::new(&engine, ());
        let ty = TableType::new(riser::RefType::FUNCREF, size, None);
        let table = Table::new(&mut store, ty, Ref::Func(None))?;
        let made = Instance::new(&mut store, &module, &[table.into()]);
        assert_eq!(made.is_ok(), size == 9, "{round}");
        let Some(Ref::Func(Some(first))) = table.get(&mut store, 0) else {
            panic!("the first segment was copied")
        };
        let mut results = [Val::I32(-1)];
        first.call(&mut store, &[], &mut results)?;
        assert_eq!(results[0].unwrap_i32(), if size == 9 { 1 } else { 0 }, "{round}");
    }
    Ok(())
}

/// Where the place of data depends on the instance, or data does not fit, everything happens in order.
#[test]
fn other_data_is_copied_in_order() -> Result<()> {
    let engine = Engine::default();
    let global = module(
        &engine,
        r#"(import "" "g" (global $g i32))"#,
        r#"(data (global.get $g) "from outside")"#,
    )?;
    for at in [0, 100_000, 1, 70_000] {
        let mut store = Store::new(&engine, ());
        let ty = riser::GlobalType::new(riser::ValType::I32, riser::Mutability::Const);
        let value = riser::Global::new(&mut store, ty, Val::I32(at))?;
        let instance = Instance::new(&mut store, &global, &[value.into()])?;
        let memory = memory(&mut store, instance);
        let mut wanted = expected();
        wanted[at as usize..at as usize + 12].copy_from_slice(b"from outside");
        assert!(memory.data(&store) == wanted, "{at}");
    }
    let beyond = module(&engine, "", r#"(data (i32.const 1048570) "too long")"#)?;
    for _ in 0..3 {
        let mut store = Store::new(&engine, ());
        assert!(Instance::new(&mut store, &beyond, &[]).is_err());
    }
    Ok(())
}

#[test]
fn several_memories_of_all_kinds() -> Result<()> {
    let engine = Engine::default();
    let data = text(&data());
    let module = Module::new(
        &engine,
        format!(
            r#"(module (memory 1) (memory (export "a") 16) (memory (export "b") i64 16) (memory (export "c") 16)
                (data (memory 1) (i32.const 0) "{data}") (data (memory 2) (i64.const 1) "{data}")
                (data (memory 3) (i32.const 848576) "{data}") (data (memory 3) (i32.const 0) "first"))"#
        ),
    )?;
    let data = self::data();
    for _ in 0..5 {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        for (name, at) in [("a", 0), ("b", 1), ("c", 848_576)] {
            let memory = instance.get_memory(&mut store, name).expect("it is exported");
            let bytes = memory.data_mut(&mut store);
            assert!(bytes[at..at + DATA] == data, "{name}");
            assert_eq!(&bytes[..5] == b"first", name == "c");
            bytes.fill(1);
        }
    }
    Ok(())
}

/// Whatever the system refuses, data is there or the instance is not.
#[test]
fn refusals_are_errors_or_copies() -> Result<()> {
    let engine = Engine::default();
    let mut made_at_last = false;
    for nth in 0..40 {
        let module = module(&engine, "", "")?;
        Instance::new(&mut Store::new(&engine, ()), &module, &[])?;
        for _ in 0..2 {
            let mut store = Store::new(&engine, ());
            riser_sys::faults::plan(nth..nth + 1);
            let made = Instance::new(&mut store, &module, &[]);
            riser_sys::faults::plan(0..0);
            made_at_last = made.is_ok();
            if let Ok(instance) = made {
                let memory = memory(&mut store, instance);
                assert!(memory.data(&store) == expected(), "{nth}");
            }
        }
    }
    assert!(made_at_last);
    Ok(())
}
