//! The module in wasmi.

use crate::Runtime;
use wasmi::{Engine, Linker, Module, Store, TypedFunc};

/// The module, and what it imports.
pub struct Wasmi {
    linker: Linker<()>,
    module: Module,
}

impl Runtime for Wasmi {
    type Live = (Store<()>, TypedFunc<(i32, i32), i32>, TypedFunc<i32, i32>);

    fn new(binary: &[u8]) -> Wasmi {
        let engine = Engine::default();
        let module = Module::new(&engine, binary).expect("a valid module");
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "add", |a: i32, b: i32| a.wrapping_add(b)).expect("a new name");
        Wasmi { linker, module }
    }

    fn live(&self) -> Self::Live {
        let mut store = Store::new(self.module.engine(), ());
        let instance =
            self.linker.instantiate_and_start(&mut store, &self.module).expect("it links");
        let add = instance.get_typed_func(&mut store, "add").expect("an export");
        let call_host = instance.get_typed_func(&mut store, "call_host").expect("an export");
        (store, add, call_host)
    }

    fn add((store, add, _): &mut Self::Live, a: i32, b: i32) -> i32 {
        add.call(store, (a, b)).expect("it returns")
    }

    fn call_host((store, _, call_host): &mut Self::Live, n: i32) -> i32 {
        call_host.call(store, n).expect("it returns")
    }
}
