//! Exceptions between a guest and its host, in both directions.

use riser::{
    AsContextMut, Caller, Context, Engine, ExnRef, ExnRefPre, ExnType, Func, Instance, Module,
    Result, Store, Tag, ThrownException, Val, ValType,
};

const MODULE: &str = r#"(module
    (import "host" "not-found" (tag $not-found (param i32)))
    (import "host" "price" (func $price (param i32) (result i32)))
    (tag $too-expensive (export "too-expensive") (param i32 i32))

    ;; The price, or 0 for what the host does not find.
    (func (export "price-or-0") (param i32) (result i32)
        (block $handler (result i32)
            (try_table (result i32) (catch $not-found $handler)
                (call $price (local.get 0)))
            (return))
        (drop)
        (i32.const 0))

    ;; Throws if the price is above a limit.
    (func (export "buy") (param $what i32) (param $limit i32)
        (local $price i32)
        (local.set $price (call $price (local.get $what)))
        (if (i32.gt_s (local.get $price) (local.get $limit))
            (then (throw $too-expensive (local.get $what) (local.get $price))))))"#;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, MODULE)?;
    let mut store = Store::new(&engine, ());

    // A host function that throws: it makes an exception, and returns the error that `throw` gives.
    let ty = ExnType::new(&engine, [ValType::I32])?;
    let not_found = Tag::new(&mut store, &ty.tag_type())?;
    let price = move |mut caller: Caller<'_, ()>, what: i32| -> Result<i32> {
        if let 1..=3 = what {
            return Ok(what * 100);
        }
        let allocator = ExnRefPre::new(&mut caller, ty.clone());
        let exception = ExnRef::new(&mut caller, &allocator, &not_found, &[Val::I32(what)])?;
        caller.as_context_mut().throw(exception)
    };
    let price = Func::wrap(&mut store, price);
    let instance = Instance::new(&mut store, &module, &[not_found.into(), price.into()])?;

    println!("the guest catches what the host throws");
    let price_or_0 = instance.get_typed_func::<i32, i32>(&mut store, "price-or-0")?;
    assert_eq!(price_or_0.call(&mut store, 2)?, 200);
    assert_eq!(price_or_0.call(&mut store, 7)?, 0);

    println!("the host catches what the guest throws");
    let buy = instance.get_typed_func::<(i32, i32), ()>(&mut store, "buy")?;
    let too_expensive = instance.get_tag(&mut store, "too-expensive").context("no tag")?;
    buy.call(&mut store, (1, 250))?;
    let error = buy.call(&mut store, (3, 250)).unwrap_err();
    assert!(error.is::<ThrownException>());
    let exception = store.take_pending_exception().context("no exception")?;
    assert!(Tag::eq(&exception.tag(&mut store)?, &too_expensive, &store));
    let values: Vec<_> = exception.fields(&mut store)?.map(|value| value.unwrap_i32()).collect();
    assert_eq!(values, [3, 300]);

    println!("what the host threw and the guest did not catch comes back to the host");
    assert!(buy.call(&mut store, (9, 250)).unwrap_err().is::<ThrownException>());
    let exception = store.take_pending_exception().context("no exception")?;
    assert!(Tag::eq(&exception.tag(&mut store)?, &not_found, &store));
    Ok(())
}
