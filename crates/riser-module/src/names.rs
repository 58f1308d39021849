//! The name section: what the producer called things. For people only, so nothing in it is an error.
//!
//! It is read when somebody asks, one pass over the bytes that keeps positions, not strings. What is malformed
//! is left out: a bad subsection ends with its last good entry, a name that is not UTF-8 has no text.
//! Source: WebAssembly 3.0, section 7.4.1, and the extended name section proposal.

use crate::bytes::ModuleBytes;
use crate::module::Module;
use crate::reader::Reader;
use alloc::vec::Vec;
use core::ops::Range;
use riser_ops::{
    DataIdx, ElemIdx, FuncIdx, GlobalIdx, LocalIdx, MemoryIdx, TableIdx, TagIdx, TypeIdx,
};

/// The names that a module gives to its parts. Owns what it needs; look-ups are binary searches.
#[derive(Clone, Debug)]
pub struct Names {
    bytes: ModuleBytes,
    module: Option<Place>,
    funcs: NameMap,
    locals: IndirectNameMap,
    labels: IndirectNameMap,
    types: NameMap,
    tables: NameMap,
    memories: NameMap,
    globals: NameMap,
    elements: NameMap,
    data: NameMap,
    fields: IndirectNameMap,
    tags: NameMap,
}

/// Where a name's text stands in the module's bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    len: u32,
}

/// Names by index, sorted.
type NameMap = Vec<(u32, Place)>;

/// Name maps by index, sorted.
#[derive(Clone, Debug, Default)]
struct IndirectNameMap {
    /// For each index, which part of `names` is its map.
    maps: Vec<(u32, Range<u32>)>,
    names: NameMap,
}

impl IndirectNameMap {
    fn get(&self, outer: u32, inner: u32) -> Option<Place> {
        let (_, range) = &self.maps[find(&self.maps, outer)?];
        get(&self.names[range.start as usize..range.end as usize], inner)
    }
}

impl Module {
    /// Reads the name section. Takes time linear in its size: keep the result.
    pub fn names(&self) -> Names {
        let mut names = Names {
            bytes: self.bytes.clone(),
            module: None,
            funcs: Vec::new(),
            locals: IndirectNameMap::default(),
            labels: IndirectNameMap::default(),
            types: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            elements: Vec::new(),
            data: Vec::new(),
            fields: IndirectNameMap::default(),
            tags: Vec::new(),
        };
        let bytes: &[u8] = &self.bytes;
        if let Some(section) = self.customs.iter().find(|custom| &*custom.name == "name") {
            let mut reader = Reader::window(bytes, section.range.clone());
            while names.subsection(&mut reader).is_some() {}
        }
        names
    }
}

impl Names {
    /// The module's own name.
    pub fn module(&self) -> Option<&str> {
        self.text(self.module?)
    }

    /// The name of a function.
    pub fn func(&self, func: FuncIdx) -> Option<&str> {
        self.text(get(&self.funcs, func.0)?)
    }

    /// All names of functions, in order of index.
    pub fn funcs(&self) -> impl Iterator<Item = (FuncIdx, &str)> {
        self.funcs.iter().filter_map(|&(func, place)| Some((FuncIdx(func), self.text(place)?)))
    }

    /// The name of a local of a function (its parameters come first).
    pub fn local(&self, func: FuncIdx, local: LocalIdx) -> Option<&str> {
        self.text(self.locals.get(func.0, local.0)?)
    }

    /// The name of a label of a function; labels are counted in order of their blocks.
    pub fn label(&self, func: FuncIdx, label: u32) -> Option<&str> {
        self.text(self.labels.get(func.0, label)?)
    }

    /// The name of a type.
    pub fn ty(&self, ty: TypeIdx) -> Option<&str> {
        self.text(get(&self.types, ty.0)?)
    }

    /// The name of a field of a structure type.
    pub fn field(&self, ty: TypeIdx, field: u32) -> Option<&str> {
        self.text(self.fields.get(ty.0, field)?)
    }

    /// The name of a table.
    pub fn table(&self, table: TableIdx) -> Option<&str> {
        self.text(get(&self.tables, table.0)?)
    }

    /// The name of a memory.
    pub fn memory(&self, memory: MemoryIdx) -> Option<&str> {
        self.text(get(&self.memories, memory.0)?)
    }

    /// The name of a global.
    pub fn global(&self, global: GlobalIdx) -> Option<&str> {
        self.text(get(&self.globals, global.0)?)
    }

    /// The name of an element segment.
    pub fn element(&self, elem: ElemIdx) -> Option<&str> {
        self.text(get(&self.elements, elem.0)?)
    }

    /// The name of a data segment.
    pub fn data(&self, data: DataIdx) -> Option<&str> {
        self.text(get(&self.data, data.0)?)
    }

    /// The name of a tag.
    pub fn tag(&self, tag: TagIdx) -> Option<&str> {
        self.text(get(&self.tags, tag.0)?)
    }

    fn text(&self, place: Place) -> Option<&str> {
        let start = place.start as usize;
        core::str::from_utf8(&self.bytes[start..start + place.len as usize]).ok()
    }

    /// Reads a subsection. `None` at the end, or where no further subsection can be found.
    fn subsection(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let id = reader.u8().ok()?;
        let mut content = reader.sized().ok()?;
        match id {
            0 => self.module = read_place(&mut content).or(self.module),
            1 => read_map(&mut content, &mut self.funcs),
            2 => read_indirect_map(&mut content, &mut self.locals),
            3 => read_indirect_map(&mut content, &mut self.labels),
            4 => read_map(&mut content, &mut self.types),
            5 => read_map(&mut content, &mut self.tables),
            6 => read_map(&mut content, &mut self.memories),
            7 => read_map(&mut content, &mut self.globals),
            8 => read_map(&mut content, &mut self.elements),
            9 => read_map(&mut content, &mut self.data),
            10 => read_indirect_map(&mut content, &mut self.fields),
            11 => read_map(&mut content, &mut self.tags),
            _ => {}
        }
        Some(())
    }
}

fn read_place(reader: &mut Reader<'_>) -> Option<Place> {
    let text = reader.sized().ok()?;
    Some(Place { start: text.pos() as u32, len: text.remaining() as u32 })
}

fn read_entry(reader: &mut Reader<'_>) -> Option<(u32, Place)> {
    Some((reader.u32().ok()?, read_place(reader)?))
}

fn read_map(reader: &mut Reader<'_>, map: &mut NameMap) {
    append_map(reader, map);
    sort(map);
}

/// Adds the entries of a map behind those that are there.
fn append_map(reader: &mut Reader<'_>, map: &mut NameMap) -> Option<()> {
    let count = reader.u32().ok()?;
    map.reserve(reader.capacity(count, 2));
    for _ in 0..count {
        map.push(read_entry(reader)?);
    }
    Some(())
}

fn read_indirect_map(reader: &mut Reader<'_>, map: &mut IndirectNameMap) {
    let mut read = || {
        let count = reader.u32().ok()?;
        map.maps.reserve(reader.capacity(count, 2));
        for _ in 0..count {
            let outer = reader.u32().ok()?;
            let start = map.names.len();
            let complete = append_map(reader, &mut map.names);
            if !map.names[start..].is_sorted_by_key(|entry| entry.0) {
                map.names[start..].sort_by_key(|entry| entry.0);
            }
            map.maps.push((outer, start as u32..map.names.len() as u32));
            complete?;
        }
        Some(())
    };
    read();
    sort(&mut map.maps);
}

/// Sorts by index. The format demands it, but nothing here depends on what the format demands.
fn sort<T>(map: &mut [(u32, T)]) {
    if !map.is_sorted_by_key(|entry| entry.0) {
        map.sort_by_key(|entry| entry.0);
    }
}

fn get(map: &[(u32, Place)], index: u32) -> Option<Place> {
    Some(map[find(map, index)?].1)
}

/// The first entry of an index.
fn find<T>(map: &[(u32, T)], index: u32) -> Option<usize> {
    let at = map.partition_point(|entry| entry.0 < index);
    (map.get(at)?.0 == index).then_some(at)
}
