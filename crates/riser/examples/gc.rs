//! Objects on the garbage-collected heap: a guest builds a tree, the host reads it, and garbage goes away by itself.
//! Run with `cargo run -p riser --example gc`.

use riser::{
    Engine, Instance, Module, Result, RootScope, Rooted, Store, StoreLimits, StoreLimitsBuilder,
    StructRef,
};

/// The sum of the numbers in a tree whose nodes have a number and two branches.
fn sum(mut store: &mut Store<StoreLimits>, tree: Rooted<StructRef>) -> Result<i64> {
    // Handles that are made here end here.
    let mut scope = RootScope::new(&mut store);
    let mut sum = 0;
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        sum += node.field(&mut scope, 0)?.unwrap_i64();
        for branch in 1..=2 {
            if let Some(branch) = node.field(&mut scope, branch)?.unwrap_anyref() {
                open.push(branch.unwrap_struct(&scope)?);
            }
        }
    }
    Ok(sum)
}

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (type $tree (struct (field i64) (field (ref null $tree)) (field (ref null $tree))))
            (func $grow (export "grow") (param $depth i64) (result (ref null $tree))
                (if (i64.eqz (local.get $depth)) (then (return (ref.null $tree))))
                (struct.new $tree
                    (local.get $depth)
                    (call $grow (i64.sub (local.get $depth) (i64.const 1)))
                    (call $grow (i64.sub (local.get $depth) (i64.const 1))))))"#,
    )?;
    // The heap takes at most a megabyte, which is far less than all trees together.
    let limits = StoreLimitsBuilder::new().memory_size(1 << 20).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    let grow = instance.get_typed_func::<i64, Option<Rooted<StructRef>>>(&mut store, "grow")?;

    let mut kept = None;
    for round in 0..200 {
        let mut scope = RootScope::new(&mut store);
        let tree = grow.call(&mut scope, 10)?.expect("a tree");
        if round == 0 {
            // An owned handle outlives the scope.
            kept = Some(tree.to_owned_rooted(&mut scope)?);
        }
    }
    let kept = kept.expect("the first tree").to_rooted(&mut store);
    let sum = sum(&mut store, kept)?;
    println!("a tree of depth 10 has the sum {sum}");
    assert_eq!(sum, 2036);
    Ok(())
}
