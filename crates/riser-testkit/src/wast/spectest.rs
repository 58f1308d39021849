//! The module `spectest`, which scripts import from: print functions, constants, a table, memories.

use riser::{Engine, Global, GlobalType, Linker, Memory, MemoryType, Mutability, Ref, RefType};
use riser::{Result, SharedMemory, Store, Table, TableType, Val, ValType};

/// Defines `spectest` with the content that the reference interpreter gives it.
pub(super) fn define(linker: &mut Linker<()>, store: &mut Store<()>) -> Result<()> {
    linker.func_wrap("spectest", "print", || {})?;
    linker.func_wrap("spectest", "print_i32", |_: i32| {})?;
    linker.func_wrap("spectest", "print_i64", |_: i64| {})?;
    linker.func_wrap("spectest", "print_f32", |_: f32| {})?;
    linker.func_wrap("spectest", "print_f64", |_: f64| {})?;
    linker.func_wrap("spectest", "print_i32_f32", |_: i32, _: f32| {})?;
    linker.func_wrap("spectest", "print_f64_f64", |_: f64, _: f64| {})?;
    let globals = [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
    ];
    for (name, ty, value) in globals {
        let global = Global::new(&mut *store, GlobalType::new(ty, Mutability::Const), value)?;
        linker.define(&mut *store, "spectest", name, global)?;
    }
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&mut *store, "spectest", "memory", memory)?;
    let memory = SharedMemory::new(store.engine(), MemoryType::shared(1, 2))?;
    linker.define(&mut *store, "spectest", "shared_memory", memory)?;
    let table_type = TableType::new(RefType::FUNCREF, 10, Some(20));
    let table = Table::new(&mut *store, table_type, Ref::Func(None))?;
    linker.define(&mut *store, "spectest", "table", table)?;
    let table_type = TableType::new64(RefType::FUNCREF, 10, Some(20));
    let table = Table::new(&mut *store, table_type, Ref::Func(None))?;
    linker.define(&mut *store, "spectest", "table64", table)?;
    Ok(())
}

/// A linker with `spectest`.
pub(super) fn linker(engine: &Engine, store: &mut Store<()>) -> Result<Linker<()>> {
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    define(&mut linker, store)?;
    Ok(linker)
}
