//! Values of the host that a guest carries around without looking into them.

use riser::{Context, Engine, ExternRef, Instance, Module, Ref, Result, Rooted, Store, Val};

const MODULE: &str = r#"(module
    (table (export "table") 10 externref)
    (global (export "global") (mut externref) (ref.null extern))
    (func (export "same") (param externref) (result externref) local.get 0))"#;

/// Runs the example.
pub fn main() -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, MODULE)?, &[])?;

    let greeting = ExternRef::new(&mut store, String::from("Hello, host!"))?;
    let text = |store: &Store<()>, reference: Rooted<ExternRef>| -> Result<String> {
        let data = reference.data(store)?.context("no value of the host")?;
        data.downcast_ref::<String>().cloned().context("another type")
    };

    println!("through a table");
    let table = instance.get_table(&mut store, "table").context("no table")?;
    table.set(&mut store, 3, greeting.into())?;
    let Some(Ref::Extern(Some(found))) = table.get(&mut store, 3) else { panic!("a reference") };
    assert_eq!(text(&store, found)?, "Hello, host!");
    assert!(table.get(&mut store, 4).context("no element")?.is_null());

    println!("through a global");
    let global = instance.get_global(&mut store, "global").context("no global")?;
    global.set(&mut store, greeting.into())?;
    let Val::ExternRef(Some(found)) = global.get(&mut store) else { panic!("a reference") };
    assert!(Rooted::ref_eq(&store, &found, &greeting)?);

    println!("through a function");
    type Extern = Option<Rooted<ExternRef>>;
    let same = instance.get_typed_func::<Extern, Extern>(&mut store, "same")?;
    let found = same.call(&mut store, Some(greeting))?.context("not null")?;
    assert_eq!(text(&store, found)?, "Hello, host!");
    assert!(same.call(&mut store, None)?.is_none());
    Ok(())
}
