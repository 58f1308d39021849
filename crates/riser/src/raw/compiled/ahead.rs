//! Code that is made before it is called: of functions that the run before called and left without code that is kept. The thread that optimizes makes it
//! first of all, as quickly as it can be made, so that the program finds it. What is to be made ahead in the next run stands in the cache
//! (`cache/firsts.rs`).

use super::{CompiledModule, OPTIMIZED, lock};
use crate::Cache;
use crate::cache::CacheKey;
use core::sync::atomic::Ordering;
use std::sync::Arc;

/// So many functions are left to the program when it has caught up with who makes them ahead.
const AHEAD_STEP: usize = 8;

impl CompiledModule {
    /// Lets a thread make what an earlier run called and left without code that is kept: it will be called again.
    pub(super) fn begin_ahead(self: &Arc<Self>) {
        let tier_up = self.engine.tier_up;
        let (Some(cache), Some(hash)) = (&self.engine.cache, self.origin.hash) else { return };
        if self.budgets.is_empty() || tier_up.budgets.are_endless() || !tier_up.in_background {
            return;
        }
        let mut listed = cache.firsts(&CacheKey::new(&self.engine.key, &hash));
        listed.retain(|&defined| (defined as usize) < self.table.len());
        if listed.is_empty() {
            return;
        }
        lock(&self.state).ahead = listed.iter().copied().collect();
        *lock(&self.listed) = listed;
        self.engine.optimizer.begin(self);
    }

    /// Makes the next of these functions. Whether there was one.
    pub(in crate::raw) fn make_ahead(self: &Arc<Self>) -> bool {
        let defined = {
            let mut state = lock(&self.state);
            let Some(defined) = state.ahead.pop_front() else { return false };
            if self.code(defined).is_some() || state.under_way.contains(&defined) {
                // The program is here by now. Who makes the very next one would have it wait each time.
                let passed = state.ahead.len().min(AHEAD_STEP);
                state.ahead.drain(..passed);
                return true;
            }
            defined
        };
        let images = self.origin.images.iter();
        let is_kept = images.filter_map(|image| image.view().function(defined)).next().is_some();
        if !is_kept && self.code(defined).is_none() && self.compile(defined).is_ok() {
            lock(&self.state).made_ahead.insert(defined);
        }
        true
    }

    /// Whether a function was called: its first code has counted something, or the call has found better code.
    pub(super) fn was_called(&self, defined: u32) -> bool {
        let Some(budget) = self.budgets.get(defined as usize) else { return true };
        let bytes = self.module.bodies[defined as usize].len();
        budget.load(Ordering::Relaxed) != self.engine.tier_up.budgets.of(bytes)
            || self.progress_of(defined) == Some(OPTIMIZED)
    }

    /// Notes what the next run is to make ahead, if that is not noted.
    pub(super) fn list_firsts(&self, cache: &Cache, hash: &[u8; 32]) {
        let state = lock(&self.state);
        if state.first.is_empty() && state.ahead.is_empty() && lock(&self.listed).is_empty() {
            return;
        }
        let is_first = |defined: u32| self.progress_of(defined) != Some(OPTIMIZED);
        let mut firsts = state.first.clone();
        drop(state);
        firsts.retain(|&defined| is_first(defined) && self.was_called(defined));
        let mut listed = lock(&self.listed);
        if *listed != firsts {
            cache.put_firsts(&CacheKey::new(&self.engine.key, hash), &firsts);
            *listed = firsts;
        }
    }
}
