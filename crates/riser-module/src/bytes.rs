//! The bytes of a module: shared, immutable, and free of copies, whoever owns them (a vector, a mapped file).

use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

/// The binary of a module.
#[derive(Clone)]
pub struct ModuleBytes(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl ModuleBytes {
    /// Wraps an owner of bytes. Its `as_ref` must always return the same bytes.
    pub fn new(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> ModuleBytes {
        ModuleBytes(Arc::new(owner))
    }
}

impl Deref for ModuleBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for ModuleBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}
