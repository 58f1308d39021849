//! Locals: their types, which of those without a default value are set, and the operators on variables.
//!
//! A body of a few bytes may declare 50,000 locals, and a module may have a million such bodies, so types
//! are laid out flat only as far as the body is long; the rest is found in the declared runs.

use crate::messages;
use crate::sink::BodySink;
use crate::walker::Walk;
use alloc::vec::Vec;
use riser_module::{ModuleError, ModuleLimits};
use riser_ops::{GlobalIdx, LocalIdx, ValType};

/// The most locals that a function may have, parameters included.
const MAX_LOCALS: u32 = ModuleLimits::DEFAULT.locals;

/// Indices below this take one byte.
const NEAR_MAX: usize = 128;

/// So many locals are laid out flat however short the body is.
const FLAT_MIN: usize = 64;

/// The locals of one body.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    /// Types of the first locals.
    flat: Vec<ValType>,
    /// The declarations as they stand in the body.
    pub(crate) runs: Vec<(u32, ValType)>,
    /// For each run, the index behind its last local.
    run_ends: Vec<u32>,
    /// How many there are, parameters included.
    pub(crate) count: u32,
    /// The first local without a default value.
    first_unset: u32,
    /// One bit for each local that has no default value and was set in the current block or around it.
    set: Vec<u64>,
    /// Which bits of `set` are on, in the order in which they were set.
    set_order: Vec<u32>,
}

impl Locals {
    /// Forgets the last body.
    pub(crate) fn clear(&mut self) {
        self.flat.clear();
        self.runs.clear();
        self.run_ends.clear();
        self.count = 0;
        self.first_unset = u32::MAX;
        self.unset_from(0);
    }

    /// Whether any local is a vector.
    pub(crate) fn any_vector(&self, params: &[ValType]) -> bool {
        params.contains(&ValType::V128) || self.runs.iter().any(|run| run.1 == ValType::V128)
    }

    /// Takes the parameters as the first locals. `body_len` bounds the work.
    pub(crate) fn add_params(&mut self, params: &[ValType], body_len: usize) {
        let flat = params.len().min(flat_max(body_len));
        self.flat.extend_from_slice(&params[..flat]);
        self.count = params.len() as u32;
    }

    /// Adds a declared run. The sum must have been checked against [`MAX_LOCALS`].
    pub(crate) fn add_run(&mut self, count: u32, ty: ValType, body_len: usize) {
        if !ty.is_defaultable() && count > 0 && self.first_unset == u32::MAX {
            self.first_unset = self.count;
        }
        let room = flat_max(body_len).saturating_sub(self.flat.len());
        if self.flat.len() == self.count as usize {
            self.flat.resize(self.flat.len() + room.min(count as usize), ty);
        }
        self.count += count;
        self.runs.push((count, ty));
        self.run_ends.push(self.count);
    }

    /// Types of the first locals, as far as an index of one byte reaches and all have a default value.
    #[inline(always)]
    pub(crate) fn near(&self) -> &[ValType] {
        let count = self.flat.len().min(NEAR_MAX).min(self.first_unset as usize);
        &self.flat[..count]
    }

    /// The type of a local, or `None` if there is none. `params` are the function's parameters.
    #[inline(always)]
    pub(crate) fn get(&self, local: u32, params: &[ValType]) -> Option<ValType> {
        match self.flat.get(local as usize) {
            Some(&ty) => Some(ty),
            None => self.get_far(local, params),
        }
    }

    #[inline(never)]
    fn get_far(&self, local: u32, params: &[ValType]) -> Option<ValType> {
        if let Some(&ty) = params.get(local as usize) {
            return Some(ty);
        }
        let run = self.run_ends.partition_point(|&end| end <= local);
        self.runs.get(run).map(|run| run.1)
    }

    /// Whether a local of type `ty` may not be read yet.
    #[inline(always)]
    pub(crate) fn is_unset(&self, local: u32, ty: ValType) -> bool {
        local >= self.first_unset && !ty.is_defaultable() && !self.is_set(local)
    }

    #[inline(never)]
    fn is_set(&self, local: u32) -> bool {
        self.set.get(local as usize / 64).is_some_and(|word| word >> (local % 64) & 1 == 1)
    }

    /// Notes that a local was set.
    #[inline(always)]
    pub(crate) fn set(&mut self, local: u32) {
        if local >= self.first_unset {
            self.set_far(local);
        }
    }

    #[inline(never)]
    fn set_far(&mut self, local: u32) {
        if self.is_set(local) {
            return;
        }
        let word = local as usize / 64;
        if word >= self.set.len() {
            self.set.resize(word + 1, 0);
        }
        self.set[word] |= 1 << (local % 64);
        self.set_order.push(local);
    }

    /// How many locals were set so far; [`Locals::unset_from`] goes back there.
    #[inline(always)]
    pub(crate) fn set_count(&self) -> u32 {
        self.set_order.len() as u32
    }

    /// Forgets what was set since there were `count`.
    #[inline(always)]
    pub(crate) fn unset_from(&mut self, count: u32) {
        while self.set_order.len() > count as usize {
            if let Some(local) = self.set_order.pop() {
                self.set[local as usize / 64] &= !(1 << (local % 64));
            }
        }
    }
}

/// How many locals of a body of that length are laid out flat.
fn flat_max(body_len: usize) -> usize {
    body_len.max(FLAT_MIN)
}

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// Reads the declarations at the beginning of a body.
    pub(crate) fn declare_locals(&mut self, body_len: usize) -> Result<(), ModuleError> {
        self.locals.add_params(self.params, body_len);
        let mut total = u64::from(self.locals.count);
        let runs = self.reader.u32()?;
        for _ in 0..runs {
            let at = self.reader.pos();
            let count = self.reader.u32()?;
            let ty = self.val_type()?;
            total += u64::from(count);
            if total <= u64::from(MAX_LOCALS) {
                self.locals.add_run(count, ty, body_len);
            } else if total > u64::from(u32::MAX) {
                return Err(messages::too_many_locals(at, total, MAX_LOCALS));
            }
        }
        if total > u64::from(MAX_LOCALS) {
            return Err(messages::too_many_locals(self.reader.pos(), total, MAX_LOCALS));
        }
        Ok(())
    }

    #[inline(always)]
    fn local_type(&mut self) -> Result<(u32, ValType), ModuleError> {
        let local = self.reader.u32()?;
        match self.locals.get(local, self.params) {
            Some(ty) => Ok((local, ty)),
            None => Err(messages::unknown(self.at, "local", local)),
        }
    }

    #[inline(always)]
    pub(crate) fn local_get(&mut self) -> Result<(), ModuleError> {
        let (local, ty) = self.local_type()?;
        if CHECK && self.locals.is_unset(local, ty) {
            return Err(messages::uninitialized_local(self.at, local));
        }
        self.push(ty);
        self.emit(|sink| sink.local_get(LocalIdx(local), ty));
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn local_set(&mut self) -> Result<(), ModuleError> {
        let (local, ty) = self.local_type()?;
        self.pop(ty)?;
        if CHECK {
            self.locals.set(local);
        }
        self.emit(|sink| sink.local_set(LocalIdx(local), ty));
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn local_tee(&mut self) -> Result<(), ModuleError> {
        let (local, ty) = self.local_type()?;
        self.pop(ty)?;
        self.push(ty);
        if CHECK {
            self.locals.set(local);
        }
        self.emit(|sink| sink.local_tee(LocalIdx(local), ty));
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn global_get(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        let Some(global) = self.module.globals.get(index as usize) else {
            return Err(messages::unknown(self.at, "global", index));
        };
        let ty = global.ty.ty;
        self.push_any(ty);
        self.emit(|sink| sink.global_get(GlobalIdx(index), ty));
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn global_set(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        let Some(global) = self.module.globals.get(index as usize) else {
            return Err(messages::unknown(self.at, "global", index));
        };
        if CHECK && !global.ty.mutable {
            return Err(messages::immutable(self.at, "global"));
        }
        let ty = global.ty.ty;
        self.pop(ty)?;
        self.emit(|sink| sink.global_set(GlobalIdx(index), ty));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use riser_ops::{HeapType, RefType};

    #[test]
    fn locals_beyond_the_flat_part_are_found_in_their_runs() {
        let params = [ValType::F32; 100];
        let mut locals = Locals::default();
        locals.clear();
        locals.add_params(&params, 1);
        locals.add_run(0, ValType::V128, 1);
        locals.add_run(1000, ValType::I64, 1);
        locals.add_run(2, ValType::F64, 1);
        let get = |local| locals.get(local, &params);
        assert_eq!(locals.flat.len(), FLAT_MIN);
        assert_eq!(get(0), Some(ValType::F32));
        assert_eq!(get(99), Some(ValType::F32));
        assert_eq!(get(100), Some(ValType::I64));
        assert_eq!(get(1099), Some(ValType::I64));
        assert_eq!(get(1100), Some(ValType::F64));
        assert_eq!(get(1101), Some(ValType::F64));
        assert_eq!(get(1102), None);
        assert_eq!(get(u32::MAX), None);
    }

    #[test]
    fn what_a_block_sets_is_forgotten_with_it() {
        let ty = RefType::new(false, HeapType::Func).val_type();
        let mut locals = Locals::default();
        locals.clear();
        locals.add_run(3, ValType::I32, 1);
        locals.add_run(200, ty, 1);
        assert!(!locals.is_unset(2, ValType::I32));
        assert!(locals.is_unset(3, ty));
        locals.set(3);
        let outer = locals.set_count();
        locals.set(3);
        locals.set(150);
        assert!(!locals.is_unset(150, ty));
        locals.unset_from(outer);
        assert!(locals.is_unset(150, ty));
        assert!(!locals.is_unset(3, ty));
    }
}
