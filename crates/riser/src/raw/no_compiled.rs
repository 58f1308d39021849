//! The twin of `compiled.rs` where no compiled code can be run: there is no such engine.

use super::kept::Origin;
use crate::announce::Announcer;
use crate::tiers::Account;
use crate::{Config, Error, Result};
use riser_module::Module;
use riser_ops::FuncType;
use riser_sys::CodePages;
use riser_vm::{CodeOwner, CodeSpace, CompileFailure};
use std::sync::Arc;

/// There is none.
pub(crate) enum CompiledEngine {}

impl CompiledEngine {
    pub(crate) fn loops_replaced(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn new(
        _: &Config,
        _: Option<Announcer>,
        _: Option<Arc<Account>>,
    ) -> Result<CompiledEngine> {
        Err(Error::msg("compiled code cannot be run on this platform"))
    }

    pub(crate) fn guards(&self) -> bool {
        match *self {}
    }

    pub(crate) fn entry_trampoline(&self, _: &FuncType) -> Result<(*const u8, Option<CodeSpace>)> {
        match *self {}
    }

    pub(crate) fn host_stubs(&self) -> &riser_vm::StubTable {
        match *self {}
    }

    pub(super) fn pages(&self) -> CodePages {
        match *self {}
    }

    pub(crate) fn key(&self) -> &[u8] {
        match *self {}
    }

    pub(super) fn in_background(&self, _: impl FnOnce() + Send + 'static) {
        match *self {}
    }

    pub(crate) fn save(&self) {
        match *self {}
    }

    pub(crate) fn host_trampoline(&self, _: &FuncType) -> Result<(*const u8, Option<CodeSpace>)> {
        match *self {}
    }
}

/// There is none.
pub(crate) enum CompiledModule {}

impl CompiledModule {
    pub(crate) fn new(
        engine: Arc<CompiledEngine>,
        _: Arc<Module>,
        _: Origin,
    ) -> Result<Arc<CompiledModule>> {
        match *engine {}
    }

    pub(crate) fn owner(&self) -> CodeOwner {
        match *self {}
    }

    pub(super) fn table(&self) -> *const u8 {
        match *self {}
    }

    pub(crate) fn functions_compiled(&self) -> usize {
        match *self {}
    }

    pub(super) fn entry(&self, _: u32) -> *const u8 {
        match *self {}
    }

    pub(super) fn import_entry(&self, _: u32) -> *const u8 {
        match *self {}
    }

    pub(super) fn hot(&self, _: u32) {
        match *self {}
    }

    pub(super) fn loop_code(&self, _: u32, _: u32) -> Option<*const u8> {
        match *self {}
    }

    pub(crate) fn compile(&self, _: u32) -> Result<*const u8, CompileFailure> {
        match *self {}
    }

    pub(super) fn serialize(&self) -> Result<Vec<u8>> {
        match *self {}
    }

    pub(crate) fn compile_first(&self, _: bool) -> Result<()> {
        match *self {}
    }

    pub(crate) fn compile_all(&self, _: bool, _: &(dyn Fn(usize, usize) + Sync)) -> Result<()> {
        match *self {}
    }
}
