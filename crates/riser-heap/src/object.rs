//! Headers: the only place that reads and writes them. Whatever comes out of [`read`] lies within the bounds that
//! were given to it.

use crate::HeapCorrupted;
use crate::layout::{LONG_HEADER, LayoutTable, TypeLayout};
use crate::memory::{load_word, store_word};
use riser_abi::{ObjectKind, Repr, header_of_kind, header_type, object_header};
use riser_ops::TypeId;

/// Set in the first word of an object that has moved; the rest of the word is the new place.
pub(crate) const MOVED: u32 = 1;

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referent {
    /// A 31-bit integer, with its highest bit clear.
    I31(u32),
    /// A structure.
    Struct(TypeId),
    /// An array.
    Array(TypeId),
    /// An exception, with the function type of its tag.
    Exn(TypeId),
    /// A value of the host.
    Extern,
}

/// An object that lies where it may.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) at: usize,
    /// A multiple of 8, at least 8.
    pub(crate) size: usize,
    pub(crate) body: Body<'a>,
}

#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    Struct(&'a TypeLayout),
    Array { layout: &'a TypeLayout, element: Repr, len: u32 },
    Exn { layout: &'a TypeLayout, tag: u32 },
    Extern { index: u32 },
}

impl Object<'_> {
    /// What stands at the end of its display: the type in its header.
    pub(crate) fn type_id(&self) -> Option<TypeId> {
        self.layout()?.display().last().copied()
    }

    pub(crate) fn layout(&self) -> Option<&TypeLayout> {
        match self.body {
            Body::Struct(layout) | Body::Array { layout, .. } | Body::Exn { layout, .. } => {
                Some(layout)
            }
            Body::Extern { .. } => None,
        }
    }
}

/// The object at `at`, which must be a multiple of 8, if there is one that ends at `end` or before.
#[inline]
pub(crate) fn read<'a>(
    bytes: &[u8],
    layouts: &'a LayoutTable,
    at: usize,
    end: usize,
) -> Result<Object<'a>, HeapCorrupted> {
    let room = end.checked_sub(at).ok_or(HeapCorrupted)?;
    let word = load_word(bytes, at).ok_or(HeapCorrupted)?;
    let second = load_word(bytes, at + 4).ok_or(HeapCorrupted)?;
    let (size, body) = parse(word, second, layouts).ok_or(HeapCorrupted)?;
    // Sizes of arrays take more than 32 bits.
    if size > room as u64 {
        return Err(HeapCorrupted);
    }
    Ok(Object { at, size: size as usize, body })
}

#[inline]
fn parse(word: u32, second: u32, layouts: &LayoutTable) -> Option<(u64, Body<'_>)> {
    if word == header_of_kind(ObjectKind::Extern) {
        return Some((u64::from(LONG_HEADER), Body::Extern { index: second }));
    }
    let id = header_type(word)?;
    let layout = layouts.get(id)?;
    if word != object_header(layout.kind(), id) {
        return None;
    }
    let size = u64::from(layout.size());
    Some(match layout.kind() {
        ObjectKind::Struct => (size, Body::Struct(layout)),
        ObjectKind::Array => {
            let body = Body::Array { layout, element: layout.element()?, len: second };
            (layout.array_size(second), body)
        }
        ObjectKind::Exn => (size, Body::Exn { layout, tag: second }),
        ObjectKind::Extern => return None,
    })
}

/// Where the object whose first word is `word` has moved to; `None` if it has not.
#[inline]
pub(crate) fn moved(word: u32) -> Option<usize> {
    (word & MOVED != 0).then_some((word & !MOVED) as usize)
}

/// Notes where an object has moved to.
#[inline]
pub(crate) fn set_moved(bytes: &mut [u8], at: usize, to: u32) -> Option<()> {
    store_word(bytes, at, to | MOVED)
}
