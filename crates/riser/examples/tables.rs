//! Functions in tables: who is called is decided at run time.

use riser::{
    Context, Engine, Func, Instance, Module, Ref, RefType, Result, Store, Table, TableType, Trap,
};

const MODULE: &str = r#"(module
    (type $op (func (param i32 i32) (result i32)))
    (table (export "ops") 3 10 funcref)
    (func $add (type $op) (i32.add (local.get 0) (local.get 1)))
    (func $sub (type $op) (i32.sub (local.get 0) (local.get 1)))
    (elem (i32.const 0) $add $sub)
    (func (export "apply") (param $op i32) (param i32 i32) (result i32)
        (call_indirect (type $op) (local.get 1) (local.get 2) (local.get $op))))"#;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, MODULE)?, &[])?;
    let apply = instance.get_typed_func::<(u32, i32, i32), i32>(&mut store, "apply")?;
    let ops = instance.get_table(&mut store, "ops").context("no table")?;

    println!("the guest's own functions");
    assert_eq!(apply.call(&mut store, (0, 7, 5))?, 12);
    assert_eq!(apply.call(&mut store, (1, 7, 5))?, 2);

    println!("an empty element, and one beyond the end");
    let trap = |error: riser::Error| error.downcast_ref::<Trap>().copied();
    let error = apply.call(&mut store, (2, 7, 5)).unwrap_err();
    assert_eq!(trap(error), Some(Trap::IndirectCallToNull));
    let error = apply.call(&mut store, (3, 7, 5)).unwrap_err();
    assert_eq!(trap(error), Some(Trap::UndefinedElement));

    println!("a function of the host");
    let mul = Func::wrap(&mut store, |a: i32, b: i32| a * b);
    ops.set(&mut store, 2, mul.into())?;
    assert_eq!(apply.call(&mut store, (2, 7, 5))?, 35);

    println!("growing, and calling from the host");
    assert_eq!(ops.grow(&mut store, 2, mul.into())?, 3);
    assert_eq!(apply.call(&mut store, (4, 2, 3))?, 6);
    let Some(Ref::Func(Some(add))) = ops.get(&mut store, 0) else { panic!("a function") };
    assert_eq!(add.typed::<(i32, i32), i32>(&store)?.call(&mut store, (1, 2))?, 3);

    println!("a table without a module");
    let ty = TableType::new(RefType::FUNCREF, 4, None);
    let copy = Table::new(&mut store, ty, Ref::Func(None))?;
    Table::copy(&mut store, &copy, 1, &ops, 0, 3)?;
    assert!(copy.get(&mut store, 0).context("no element")?.is_null());
    assert!(copy.get(&mut store, 3).context("no element")?.is_non_null());
    Ok(())
}
