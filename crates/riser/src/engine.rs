//! The engine: configuration and what all stores and modules share.

use crate::{Config, Result, bail};
use riser_module::TypeRegistry;
use std::sync::Arc;

/// Shared by modules and stores that work together. Cloning is cheap and gives the same engine.
///
/// ```
/// use riser::{Config, Engine};
///
/// let engine = Engine::default();
/// let same = engine.clone();
/// assert!(Engine::same(&engine, &same));
/// assert!(!Engine::same(&engine, &Engine::new(&Config::new()).unwrap()));
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<EngineInner>,
}

struct EngineInner {
    config: Config,
    registry: TypeRegistry,
}

impl Engine {
    /// An engine with the given configuration.
    ///
    /// # Errors
    /// If the configuration asks for something that is not there.
    pub fn new(config: &Config) -> Result<Engine> {
        if config.consume_fuel {
            bail!("`consume_fuel` is not supported yet: fuel is not counted");
        }
        if config.epoch_interruption {
            bail!("`epoch_interruption` is not supported yet: execution cannot be interrupted");
        }
        Ok(Engine::with(config.clone()))
    }

    fn with(config: Config) -> Engine {
        Engine { inner: Arc::new(EngineInner { config, registry: TypeRegistry::new() }) }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Whether both are the same engine.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    pub(crate) fn registry(&self) -> &TypeRegistry {
        &self.inner.registry
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::with(Config::default())
    }
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("config", &self.inner.config).finish_non_exhaustive()
    }
}
