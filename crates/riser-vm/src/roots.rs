//! References into the heap that the host holds: what the embedder's handles are indices into.
//!
//! Most live in a stack: a scope ends, and with it all that were made in it. The others are owned, and live as long as
//! somebody has the token that came with them.

use riser_heap::{HeapRef, Tracer};
use std::sync::Arc;

/// A handle's place. It may outlive what it names: then it names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RootId {
    /// With [`OWNED`], a position in `owned`; else one in `scoped`.
    index: u32,
    generation: u32,
}

const OWNED: u32 = 1 << 31;

#[derive(Clone, Copy, Debug)]
struct Scoped {
    at: HeapRef,
    generation: u32,
}

#[derive(Debug)]
struct Owned {
    at: HeapRef,
    generation: u32,
    /// The others are with those who have the handle.
    alive: Arc<()>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct HostRoots {
    scoped: Vec<Scoped>,
    owned: Vec<Option<Owned>>,
    /// Changes whenever a scope ends with handles in it, and with each owned handle.
    generation: u32,
    /// Places in `owned` without a handle.
    free: Vec<u32>,
    /// When `owned` is so long, it is time to look for handles that nobody has any more.
    sweep_at: usize,
}

impl HostRoots {
    /// Makes a handle that lives until the present scope ends.
    ///
    /// # Panics
    /// If there are two thousand million.
    #[inline]
    pub fn push(&mut self, at: HeapRef) -> RootId {
        let (index, generation) = (self.scoped.len() as u32, self.generation);
        assert!(self.scoped.len() < OWNED as usize, "fewer than 2^31 handles");
        self.scoped.push(Scoped { at, generation });
        RootId { index, generation }
    }

    /// Makes room for more handles that live until a scope ends.
    ///
    /// # Panics
    /// If there is no memory for them.
    pub fn reserve(&mut self, additional: usize) {
        self.scoped.reserve(additional);
    }

    /// What a handle refers to; `None` if its scope has ended, or nobody owns it any more.
    #[inline]
    pub fn get(&self, id: RootId) -> Option<HeapRef> {
        let (at, generation) = if id.index & OWNED == 0 {
            let root = self.scoped.get(id.index as usize)?;
            (root.at, root.generation)
        } else {
            let root = self.owned.get((id.index & !OWNED) as usize)?.as_ref()?;
            (root.at, root.generation)
        };
        (generation == id.generation).then_some(at)
    }

    /// Begins a scope. Scopes end in the opposite order.
    #[inline]
    pub fn enter(&self) -> usize {
        self.scoped.len()
    }

    /// Ends the scope that [`HostRoots::enter`] gave.
    #[inline]
    pub fn exit(&mut self, scope: usize) {
        if self.scoped.len() > scope {
            self.scoped.truncate(scope);
            self.generation = self.generation.wrapping_add(1);
        }
    }

    /// Makes a handle that lives as long as the token that comes with it, or a copy of that.
    ///
    /// # Panics
    /// If there are two thousand million.
    pub fn own(&mut self, at: HeapRef) -> (RootId, Arc<()>) {
        if self.free.is_empty() && self.owned.len() >= self.sweep_at {
            self.sweep();
        }
        self.generation = self.generation.wrapping_add(1);
        let (generation, alive) = (self.generation, Arc::new(()));
        let owned = Some(Owned { at, generation, alive: alive.clone() });
        let index = match self.free.pop() {
            Some(index) => {
                self.owned[index as usize] = owned;
                index
            }
            None => {
                assert!(self.owned.len() < OWNED as usize, "fewer than 2^31 handles");
                self.owned.push(owned);
                self.owned.len() as u32 - 1
            }
        };
        (RootId { index: index | OWNED, generation }, alive)
    }

    /// Forgets the owned handles that nobody has any more.
    fn sweep(&mut self) {
        for (index, owned) in self.owned.iter_mut().enumerate() {
            if owned.as_ref().is_some_and(|owned| Arc::strong_count(&owned.alive) == 1) {
                *owned = None;
                self.free.push(index as u32);
            }
        }
        let live = self.owned.len() - self.free.len();
        self.sweep_at = (2 * live).max(64);
    }

    /// Gives all handles to the collector.
    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        for root in &mut self.scoped {
            tracer.visit(&mut root.at);
        }
        for owned in self.owned.iter_mut().flatten() {
            tracer.visit(&mut owned.at);
        }
    }

    /// To be called before a collection.
    pub(crate) fn prepare(&mut self) {
        self.sweep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(n: u32) -> HeapRef {
        HeapRef::from_i31(n)
    }

    #[test]
    fn handles_die_with_their_scope() {
        let mut roots = HostRoots::default();
        let outer = roots.push(object(1));
        let scope = roots.enter();
        let inner = roots.push(object(2));
        assert_eq!(roots.get(inner), Some(object(2)));
        roots.exit(scope);
        assert_eq!((roots.get(outer), roots.get(inner)), (Some(object(1)), None));
        let other = roots.push(object(3));
        assert_eq!((roots.get(inner), roots.get(other)), (None, Some(object(3))));
    }

    #[test]
    fn owned_handles_die_with_their_last_token() {
        let mut roots = HostRoots::default();
        let (first, token) = roots.own(object(1));
        let copy = token.clone();
        drop(token);
        let mut last = None;
        for n in 0..1000 {
            let (other, _token) = roots.own(object(n));
            assert_eq!(roots.get(other), Some(object(n)));
            last = Some(other);
        }
        assert_eq!(roots.get(first), Some(object(1)));
        assert!(roots.owned.len() <= 65, "{}", roots.owned.len());
        roots.prepare();
        assert_eq!(last.and_then(|id| roots.get(id)), None);
        drop(copy);
        roots.prepare();
        assert_eq!(roots.get(first), None);
    }
}
