//! What the tests share.
#![allow(dead_code, reason = "not every test file uses all of it")]

use riser::{Config, Engine, Error, Instance, Module, Result, Store, Strategy, Trap};
use std::time::{Duration, Instant};

/// An instance of a module without imports, in a store of its own.
pub fn instance(text: &str) -> Result<(Store<()>, Instance)> {
    let engine = Engine::default();
    let module = Module::new(&engine, text)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    Ok((store, instance))
}

/// A configuration per way to run that there is here. In the last one everything is replaced by better code at once.
pub fn configs() -> Vec<Config> {
    let of = |strategy| {
        let mut config = Config::new();
        config.strategy(strategy);
        config
    };
    let strategies =
        [Strategy::Interpreter, Strategy::Baseline, Strategy::Cranelift, Strategy::Auto];
    let mut configs: Vec<Config> =
        strategies.map(of).into_iter().filter(|config| Engine::new(config).is_ok()).collect();
    let mut at_once = of(Strategy::Auto);
    at_once.tier_up_budget(0, 0).tier_up_in_background(false);
    configs.push(at_once);
    configs
}

/// The trap in an error.
pub fn trap(error: &Error) -> Trap {
    *error.downcast_ref::<Trap>().unwrap_or_else(|| panic!("no trap in {error:?}"))
}

/// Measures that something took bounded time.
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Clock {
        Clock(Instant::now())
    }

    /// Far more than it should take, on a machine that does much else.
    pub fn check(self) {
        let taken = self.0.elapsed();
        assert!(taken < Duration::from_secs(240), "{taken:?}");
    }
}
