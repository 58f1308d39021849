//! The module in Riser, compiled and interpreted.

use crate::Runtime;
use riser::{Config, Engine, Linker, Module, Store, Strategy, TypedFunc};

/// The module, and what it imports.
pub struct Ours {
    linker: Linker<()>,
    module: Module,
}

/// The same in the interpreter.
pub struct Interpreted(Ours);

type Live = (Store<()>, TypedFunc<(i32, i32), i32>, TypedFunc<i32, i32>);

impl Ours {
    fn with(strategy: Strategy, binary: &[u8]) -> Ours {
        let engine = Engine::new(Config::new().strategy(strategy)).expect("a way to run");
        let module = Module::new(&engine, binary).expect("a valid module");
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "add", |a: i32, b: i32| a.wrapping_add(b)).expect("a new name");
        Ours { linker, module }
    }
}

impl Runtime for Ours {
    type Live = Live;

    fn new(binary: &[u8]) -> Ours {
        Ours::with(Strategy::Auto, binary)
    }

    fn live(&self) -> Live {
        let mut store = Store::new(self.module.engine(), ());
        let instance = self.linker.instantiate(&mut store, &self.module).expect("it links");
        let add = instance.get_typed_func(&mut store, "add").expect("an export");
        let call_host = instance.get_typed_func(&mut store, "call_host").expect("an export");
        (store, add, call_host)
    }

    fn add((store, add, _): &mut Live, a: i32, b: i32) -> i32 {
        add.call(store, (a, b)).expect("it returns")
    }

    fn call_host((store, _, call_host): &mut Live, n: i32) -> i32 {
        call_host.call(store, n).expect("it returns")
    }
}

impl Runtime for Interpreted {
    type Live = Live;

    fn new(binary: &[u8]) -> Interpreted {
        Interpreted(Ours::with(Strategy::Interpreter, binary))
    }

    fn live(&self) -> Live {
        self.0.live()
    }

    fn add(live: &mut Live, a: i32, b: i32) -> i32 {
        Ours::add(live, a, b)
    }

    fn call_host(live: &mut Live, n: i32) -> i32 {
        Ours::call_host(live, n)
    }
}
