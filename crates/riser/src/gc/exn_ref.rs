//! Exceptions.

use super::{Place, gc_ref};

/// An exception. Guests cannot make any yet.
#[derive(Clone, Copy)]
pub struct ExnRef(Place);

gc_ref!(ExnRef);
