//! Reading and writing objects, and asking what they are.
//!
//! Each access checks the object's header and takes offsets from the layout of the type that stands there. An interpreter
//! or compiler that knows the offset from the static type has [`Heap::load`] and [`Heap::store`].

use crate::layout::LONG_HEADER;
use crate::memory::{self, HeapMemory};
use crate::object::{self, Body, Object};
use crate::{AccessError, Heap, HeapCorrupted, HeapRef, Referent};
use core::ops::Range;
use riser_abi::{ObjectKind, Repr};
use riser_ops::{HeapType, TypeId};

/// A value in the form in which frames hold it: in the first slot, vectors in both, low half first. `i32` and `f32` take the
/// low half of a slot and leave 0 in the high one, so do references into the heap. References to functions are what the
/// caller makes of them.
pub type Cell = [u64; 2];

/// What becomes of an 8- or 16-bit integer that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// `get_u`, and `get` of everything else.
    Zero,
    /// `get_s`.
    Sign,
}

/// An array that lies where it may.
#[derive(Clone, Copy)]
struct Elements {
    first: usize,
    len: u32,
    repr: Repr,
}

impl Elements {
    /// The bytes of some elements.
    fn range(self, index: u32, len: u32) -> Result<Range<usize>, AccessError> {
        let end = index.checked_add(len).filter(|&end| end <= self.len);
        end.ok_or(AccessError::OutOfBounds)?;
        let start = self.first + index as usize * self.repr.size();
        Ok(start..start + len as usize * self.repr.size())
    }
}

impl<M: HeapMemory> Heap<M> {
    /// What a reference refers to.
    ///
    /// # Errors
    /// If there is no such thing.
    pub fn referent(&self, at: HeapRef) -> Result<Referent, HeapCorrupted> {
        if let Some(value) = at.as_i31() {
            return Ok(Referent::I31(value));
        }
        let object = self.object(at)?;
        let id = object.type_id();
        Ok(match object.body {
            Body::Struct(_) => Referent::Struct(id.ok_or(HeapCorrupted)?),
            Body::Array { .. } => Referent::Array(id.ok_or(HeapCorrupted)?),
            Body::Exn { .. } => Referent::Exn(id.ok_or(HeapCorrupted)?),
            Body::Extern { .. } => Referent::Extern,
        })
    }

    /// The type of a structure or array; `None` for everything else.
    ///
    /// # Errors
    /// If there is no such thing.
    pub fn type_of(&self, at: HeapRef) -> Result<Option<TypeId>, HeapCorrupted> {
        Ok(match self.referent(at)? {
            Referent::Struct(id) | Referent::Array(id) => Some(id),
            Referent::I31(_) | Referent::Exn(_) | Referent::Extern => None,
        })
    }

    /// Whether a reference is of a heap type, as `ref.test` asks. Everything is both internal and external: the
    /// validator keeps the hierarchies apart.
    ///
    /// # Errors
    /// If there is no such thing.
    pub fn matches(&self, at: HeapRef, ty: HeapType) -> Result<bool, HeapCorrupted> {
        if at.as_i31().is_some() {
            let fits =
                matches!(ty, HeapType::I31 | HeapType::Eq | HeapType::Any | HeapType::Extern);
            return Ok(fits);
        }
        let object = self.object(at)?;
        Ok(match ty {
            HeapType::Any | HeapType::Extern => !matches!(object.body, Body::Exn { .. }),
            HeapType::Eq => matches!(object.body, Body::Struct(_) | Body::Array { .. }),
            HeapType::Struct => matches!(object.body, Body::Struct(_)),
            HeapType::Array => matches!(object.body, Body::Array { .. }),
            HeapType::Exn => matches!(object.body, Body::Exn { .. }),
            HeapType::Concrete(id, _) => match object.body {
                Body::Struct(layout) | Body::Array { layout, .. } => {
                    self.layouts.is_below(layout, id)
                }
                Body::Exn { .. } | Body::Extern { .. } => false,
            },
            HeapType::I31
            | HeapType::Func
            | HeapType::None
            | HeapType::NoFunc
            | HeapType::NoExtern
            | HeapType::NoExn => false,
        })
    }

    /// A field of a structure.
    ///
    /// # Errors
    /// If there is no structure with this field.
    #[inline]
    pub fn struct_get(
        &self,
        at: HeapRef,
        field: u32,
        extension: Extension,
    ) -> Result<Cell, HeapCorrupted> {
        let (place, repr) = self.field(at, ObjectKind::Struct, field)?;
        self.read(place, repr, extension)
    }

    /// Sets a field of a structure, mutable or not.
    ///
    /// # Errors
    /// If there is no structure with this field, or no memory to note a function.
    #[inline]
    pub fn struct_set(&mut self, at: HeapRef, field: u32, value: Cell) -> Result<(), AccessError> {
        let (place, repr) = self.field(at, ObjectKind::Struct, field)?;
        self.write(place, repr, value)
    }

    /// The tag of an exception, as it was given to [`Heap::alloc_exn`].
    ///
    /// # Errors
    /// If there is no exception.
    pub fn exn_tag(&self, at: HeapRef) -> Result<u32, HeapCorrupted> {
        match self.object(at)?.body {
            Body::Exn { tag, .. } => Ok(tag),
            _ => Err(HeapCorrupted),
        }
    }

    /// A value of an exception.
    ///
    /// # Errors
    /// If there is no exception with this value.
    pub fn exn_get(&self, at: HeapRef, value: u32) -> Result<Cell, HeapCorrupted> {
        let (place, repr) = self.field(at, ObjectKind::Exn, value)?;
        self.read(place, repr, Extension::Zero)
    }

    /// Sets a value of an exception, which only its creator does.
    ///
    /// # Errors
    /// If there is no exception with this value, or no memory to note a function.
    pub fn exn_set(&mut self, at: HeapRef, index: u32, value: Cell) -> Result<(), AccessError> {
        let (place, repr) = self.field(at, ObjectKind::Exn, index)?;
        self.write(place, repr, value)
    }

    /// The number of elements of an array.
    ///
    /// # Errors
    /// If there is no array.
    #[inline]
    pub fn array_len(&self, at: HeapRef) -> Result<u32, HeapCorrupted> {
        Ok(self.elements(at)?.len)
    }

    /// An element of an array.
    ///
    /// # Errors
    /// If there is no array, or it has no such element.
    #[inline]
    pub fn array_get(
        &self,
        at: HeapRef,
        index: u32,
        extension: Extension,
    ) -> Result<Cell, AccessError> {
        let elements = self.elements(at)?;
        let place = elements.range(index, 1)?.start;
        Ok(self.read(place, elements.repr, extension)?)
    }

    /// Sets an element of an array.
    ///
    /// # Errors
    /// If there is no array, it has no such element, or there is no memory to note a function.
    #[inline]
    pub fn array_set(&mut self, at: HeapRef, index: u32, value: Cell) -> Result<(), AccessError> {
        let elements = self.elements(at)?;
        let place = elements.range(index, 1)?.start;
        self.write(place, elements.repr, value)
    }

    /// Sets some elements of an array to one value.
    ///
    /// # Errors
    /// As [`Heap::array_set`]; nothing is written then.
    pub fn array_fill(
        &mut self,
        at: HeapRef,
        index: u32,
        value: Cell,
        len: u32,
    ) -> Result<(), AccessError> {
        let elements = self.elements(at)?;
        let range = elements.range(index, len)?;
        let low = match elements.repr {
            Repr::Func => u64::from(self.intern(value[0])?),
            _ => value[0],
        };
        let bytes = self.memory.bytes_mut().get_mut(range).ok_or(HeapCorrupted)?;
        match elements.repr {
            Repr::I8 => bytes.fill(low as u8),
            Repr::I16 => fill(bytes, (low as u16).to_le_bytes()),
            Repr::B32 | Repr::Ref | Repr::Func => fill(bytes, (low as u32).to_le_bytes()),
            Repr::B64 => fill(bytes, low.to_le_bytes()),
            Repr::V128 => fill(bytes, vector([low, value[1]])),
        }
        Ok(())
    }

    /// Copies elements from an array to another of the same kind of elements, or within one.
    ///
    /// # Errors
    /// If there are no such arrays or elements; nothing is written then.
    pub fn array_copy(
        &mut self,
        to: HeapRef,
        to_index: u32,
        from: HeapRef,
        from_index: u32,
        len: u32,
    ) -> Result<(), AccessError> {
        let (target, source) = (self.elements(to)?, self.elements(from)?);
        if target.repr != source.repr {
            return Err(AccessError::Corrupted);
        }
        let range = source.range(from_index, len)?;
        let start = target.range(to_index, len)?.start;
        let bytes = self.memory.bytes_mut();
        if range.end > bytes.len() || range.len() > bytes.len().saturating_sub(start) {
            return Err(AccessError::Corrupted);
        }
        bytes.copy_within(range, start);
        Ok(())
    }

    /// Sets the elements of an array from `index` on to those that `bytes` encode, as `array.init_data` does.
    ///
    /// # Errors
    /// If there are no such elements, they are references, or `bytes` end within one; nothing is written then.
    pub fn array_write(
        &mut self,
        at: HeapRef,
        index: u32,
        bytes: &[u8],
    ) -> Result<(), AccessError> {
        let elements = self.elements(at)?;
        let size = elements.repr.size();
        if !elements.repr.is_plain() || !bytes.len().is_multiple_of(size) {
            return Err(AccessError::Corrupted);
        }
        let len = u32::try_from(bytes.len() / size).map_err(|_| AccessError::OutOfBounds)?;
        let range = elements.range(index, len)?;
        let target = self.memory.bytes_mut().get_mut(range).ok_or(HeapCorrupted)?;
        target.copy_from_slice(bytes);
        Ok(())
    }

    /// The bytes of all elements of an array.
    ///
    /// # Errors
    /// If there is no array, or its elements are references.
    pub fn array_bytes(&self, at: HeapRef) -> Result<&[u8], HeapCorrupted> {
        let elements = self.elements(at)?;
        if !elements.repr.is_plain() {
            return Err(HeapCorrupted);
        }
        let range = elements.range(0, elements.len).map_err(|_| HeapCorrupted)?;
        self.memory.bytes().get(range).ok_or(HeapCorrupted)
    }

    /// `N` bytes of an object, without a look at its header: whoever knows the static type knows the offset.
    ///
    /// # Errors
    /// If it is no object, or they are not in the memory.
    #[inline]
    pub fn load<const N: usize>(&self, at: HeapRef, offset: u32) -> Result<[u8; N], HeapCorrupted> {
        let at = at.offset().and_then(|at| at.checked_add(offset as usize));
        at.and_then(|at| memory::load(self.memory.bytes(), at)).ok_or(HeapCorrupted)
    }

    /// Writes to an object without a look at its header.
    ///
    /// # Errors
    /// As [`Heap::load`].
    #[inline]
    pub fn store<const N: usize>(
        &mut self,
        at: HeapRef,
        offset: u32,
        value: [u8; N],
    ) -> Result<(), HeapCorrupted> {
        let at = at.offset().and_then(|at| at.checked_add(offset as usize));
        at.and_then(|at| memory::store(self.memory.bytes_mut(), at, value)).ok_or(HeapCorrupted)
    }

    /// The object behind a reference.
    #[inline]
    fn object(&self, at: HeapRef) -> Result<Object<'_>, HeapCorrupted> {
        let at = at.offset().ok_or(HeapCorrupted)?;
        if self.broken || at < self.start {
            return Err(HeapCorrupted);
        }
        object::read(self.memory.bytes(), &self.layouts, at, self.next())
    }

    pub(crate) fn host_index(&self, at: HeapRef) -> Option<u32> {
        match self.object(at).ok()?.body {
            Body::Extern { index } => Some(index),
            _ => None,
        }
    }

    #[inline]
    fn field(
        &self,
        at: HeapRef,
        kind: ObjectKind,
        index: u32,
    ) -> Result<(usize, Repr), HeapCorrupted> {
        let object = self.object(at)?;
        let layout = object.layout().filter(|layout| layout.kind() == kind);
        let field = layout.and_then(|layout| layout.fields().get(index as usize));
        let field = field.ok_or(HeapCorrupted)?;
        Ok((object.at + field.offset as usize, field.repr))
    }

    #[inline]
    fn elements(&self, at: HeapRef) -> Result<Elements, HeapCorrupted> {
        let object = self.object(at)?;
        match object.body {
            Body::Array { element, len, .. } => {
                Ok(Elements { first: object.at + LONG_HEADER as usize, len, repr: element })
            }
            _ => Err(HeapCorrupted),
        }
    }

    #[inline]
    fn read(&self, at: usize, repr: Repr, extension: Extension) -> Result<Cell, HeapCorrupted> {
        let bytes = self.memory.bytes();
        let signed = extension == Extension::Sign;
        let low = match repr {
            Repr::I8 => memory::load::<1>(bytes, at).map(|[byte]| match signed {
                true => u64::from(i32::from(byte as i8) as u32),
                false => u64::from(byte),
            }),
            Repr::I16 => memory::load(bytes, at).map(|two| match signed {
                true => u64::from(i32::from(i16::from_le_bytes(two)) as u32),
                false => u64::from(u16::from_le_bytes(two)),
            }),
            Repr::B32 | Repr::Ref => memory::load_word(bytes, at).map(u64::from),
            Repr::Func => memory::load_word(bytes, at).and_then(|number| self.funcs.get(number)),
            Repr::B64 => memory::load(bytes, at).map(u64::from_le_bytes),
            Repr::V128 => {
                let value = memory::load(bytes, at).map(u128::from_le_bytes);
                let value = value.ok_or(HeapCorrupted)?;
                return Ok([value as u64, (value >> 64) as u64]);
            }
        };
        Ok([low.ok_or(HeapCorrupted)?, 0])
    }

    #[inline]
    fn write(&mut self, at: usize, repr: Repr, value: Cell) -> Result<(), AccessError> {
        let [low, _] = value;
        let number = match repr {
            Repr::Func => self.intern(low)?,
            _ => low as u32,
        };
        let bytes = self.memory.bytes_mut();
        let written = match repr {
            Repr::I8 => memory::store(bytes, at, [low as u8]),
            Repr::I16 => memory::store(bytes, at, (low as u16).to_le_bytes()),
            Repr::B32 | Repr::Ref | Repr::Func => memory::store_word(bytes, at, number),
            Repr::B64 => memory::store(bytes, at, low.to_le_bytes()),
            Repr::V128 => memory::store(bytes, at, vector(value)),
        };
        written.ok_or(AccessError::Corrupted)
    }
}

/// The bytes of a vector.
fn vector([low, high]: Cell) -> [u8; 16] {
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}

/// Repeats a value over all bytes, whose number is a multiple of its size.
fn fill<const N: usize>(bytes: &mut [u8], value: [u8; N]) {
    bytes.as_chunks_mut().0.fill(value);
}
