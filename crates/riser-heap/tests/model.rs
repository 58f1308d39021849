//! Random changes to a graph, made in the heap and in a model of it, give the same graph.

mod common;

use common::{FUNCS, NODE, REFS, Random, SHORTS, TAG, WIDE, add_types, alloc};
use riser_heap::{Extension, Heap, HeapLimits, HeapRef, Referent};
use riser_ops::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

/// A field or element.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Bits([u64; 2]),
    Null,
    I31(u32),
    Object(usize),
}

struct Object {
    id: TypeId,
    parts: Vec<Value>,
    /// Of a value of the host: lives as long as the heap has it.
    host: Option<Arc<usize>>,
}

struct World {
    heap: Heap,
    random: Random,
    model: HashMap<usize, Object>,
    named: usize,
    /// What the program holds: a reference, and its name in the model.
    roots: Vec<HeapRef>,
    names: Vec<usize>,
}

/// Values of the host have no type; this stands for it.
const HOST: TypeId = TypeId(TypeId::MAX);

const KINDS: [TypeId; 7] = [NODE, WIDE, REFS, SHORTS, FUNCS, TAG, HOST];

/// Which parts of objects of a type are references.
fn is_ref(id: TypeId, part: usize) -> bool {
    match id {
        NODE | WIDE => part == 0 || part == 2,
        REFS => true,
        TAG => part == 1,
        _ => false,
    }
}

/// What remains of a value that is written to a part and read unsigned.
fn truncated(id: TypeId, part: usize, [low, high]: [u64; 2]) -> [u64; 2] {
    match (id, part) {
        (NODE | WIDE, 1) | (TAG, 2) => [low & 0xFFFF_FFFF, 0],
        (WIDE, 3) => [low & 0xFF, 0],
        (WIDE, 5) | (SHORTS, _) => [low & 0xFFFF, 0],
        (WIDE, 6) => [low, high],
        _ => [low, 0],
    }
}

impl World {
    fn new(seed: u64, stress: bool) -> World {
        let limits = HeapLimits { bytes_max: 1 << 20, bytes_first: 1 << 10 };
        let mut heap = Heap::with_limits(limits);
        add_types(&mut heap);
        heap.set_stress(stress);
        let (roots, names) = (Vec::new(), Vec::new());
        World { heap, random: Random(seed), model: HashMap::new(), named: 0, roots, names }
    }

    fn allocate(&mut self) {
        let id = KINDS[self.random.below(KINDS.len())];
        let len = match id {
            NODE => 3,
            WIDE => 8,
            TAG => 3,
            HOST => 0,
            _ => self.random.below(20),
        };
        let host = (id == HOST).then(|| Arc::new(self.named));
        let shared = host.clone();
        let at = alloc(&mut self.heap, &mut self.roots, |heap| match id {
            NODE | WIDE => heap.alloc_struct(id),
            TAG => heap.alloc_exn(id, 9),
            HOST => {
                heap.ensure_room(riser_heap::EXTERN_BYTES)?;
                Ok(heap.alloc_extern(Box::new(shared.clone().unwrap()))?)
            }
            _ => heap.alloc_array(id, len as u32),
        });
        let parts = (0..len).map(|part| match is_ref(id, part) {
            true => Value::Null,
            false => Value::Bits([0, 0]),
        });
        self.model.insert(self.named, Object { id, parts: parts.collect(), host });
        self.roots.push(at.unwrap());
        self.names.push(self.named);
        self.named += 1;
    }

    fn write(&mut self) {
        let root = self.random.below(self.roots.len());
        let (at, name) = (self.roots[root], self.names[root]);
        let id = self.model[&name].id;
        let parts = self.model[&name].parts.len();
        if parts == 0 {
            return;
        }
        let part = self.random.below(parts);
        let value = match is_ref(id, part) {
            false => {
                let random = [self.random.next(), self.random.next()];
                Value::Bits(truncated(id, part, random))
            }
            true => match self.random.below(8) {
                0 => Value::Null,
                1 => Value::I31(self.random.next() as u32 >> 1),
                _ => Value::Object(self.random.below(self.roots.len())),
            },
        };
        let bits = match value {
            Value::Bits(bits) => bits,
            Value::Null => [0, 0],
            Value::I31(n) => [u64::from(HeapRef::from_i31(n).to_bits()), 0],
            Value::Object(root) => [u64::from(self.roots[root].to_bits()), 0],
        };
        let value = match value {
            Value::Object(root) => Value::Object(self.names[root]),
            value => value,
        };
        let part32 = part as u32;
        match id {
            NODE | WIDE => self.heap.struct_set(at, part32, bits).unwrap(),
            TAG => self.heap.exn_set(at, part32, bits).unwrap(),
            _ => self.heap.array_set(at, part32, bits).unwrap(),
        }
        self.model.get_mut(&name).unwrap().parts[part] = value;
    }

    /// Puts a part of an object among the roots.
    fn read(&mut self) {
        let root = self.random.below(self.roots.len());
        let (at, name) = (self.roots[root], self.names[root]);
        let refs = |value: &(usize, &Value)| matches!(value.1, Value::Object(_));
        let found = self.model[&name].parts.iter().enumerate().find(refs);
        if let Some((part, &Value::Object(other))) = found {
            let bits = self.part(at, self.model[&name].id, part);
            self.roots.push(HeapRef::from_bits(bits[0] as u32).unwrap());
            self.names.push(other);
        }
    }

    fn part(&self, at: HeapRef, id: TypeId, part: usize) -> [u64; 2] {
        let part = part as u32;
        match id {
            NODE | WIDE => self.heap.struct_get(at, part, Extension::Zero).unwrap(),
            TAG => self.heap.exn_get(at, part).unwrap(),
            _ => self.heap.array_get(at, part, Extension::Zero).unwrap(),
        }
    }

    /// Walks both graphs side by side: each name has one reference, and all parts agree. Gives the
    /// objects met.
    fn compare(&self) -> HashMap<usize, HeapRef> {
        let mut met = HashMap::new();
        let mut todo: Vec<_> = self.names.iter().copied().zip(self.roots.iter().copied()).collect();
        while let Some((name, at)) = todo.pop() {
            if let Some(known) = met.insert(name, at) {
                assert_eq!(known, at, "object {name} is in two places");
                continue;
            }
            let object = &self.model[&name];
            let referent = self.heap.referent(at).unwrap();
            match object.id {
                HOST => {
                    let value = self.heap.host_value(at).unwrap();
                    assert_eq!(value.downcast_ref::<Arc<usize>>().map(|n| **n), Some(name));
                }
                TAG => assert_eq!((referent, self.heap.exn_tag(at)), (Referent::Exn(TAG), Ok(9))),
                NODE | WIDE => assert_eq!(referent, Referent::Struct(object.id)),
                id => {
                    assert_eq!(referent, Referent::Array(id));
                    assert_eq!(self.heap.array_len(at), Ok(object.parts.len() as u32));
                }
            }
            for (part, value) in object.parts.iter().enumerate() {
                let bits = self.part(at, object.id, part);
                match (value, HeapRef::from_bits(bits[0] as u32)) {
                    (Value::Bits(expected), _) => assert_eq!(bits, *expected),
                    (Value::Null, at) => assert_eq!(at, None),
                    (Value::I31(n), at) => assert_eq!(at.unwrap().as_i31(), Some(*n)),
                    (Value::Object(name), at) => todo.push((*name, at.unwrap())),
                }
            }
        }
        met
    }

    /// After a collection the host's values are those that are reachable.
    fn check_hosts(&mut self, met: &HashMap<usize, HeapRef>) {
        for (name, object) in &self.model {
            if let Some(host) = &object.host {
                let live = Arc::strong_count(host) > 1;
                assert_eq!(live, met.contains_key(name), "value {name}");
            }
        }
    }

    fn collect(&mut self) {
        let roots = &mut self.roots;
        let visit = &mut |tracer: &mut riser_heap::Tracer<'_>| {
            roots.iter_mut().for_each(|root| tracer.visit(root));
        };
        self.heap.collect(0, visit).unwrap();
        let met = self.compare();
        self.check_hosts(&met);
        self.model.retain(|name, _| met.contains_key(name));
    }

    fn run(&mut self, steps: usize) {
        for step in 0..steps {
            match self.random.below(10) {
                _ if self.roots.is_empty() => self.allocate(),
                0..3 => self.allocate(),
                3..7 => self.write(),
                7 => self.read(),
                _ => {
                    let root = self.random.below(self.roots.len());
                    self.roots.swap_remove(root);
                    self.names.swap_remove(root);
                }
            }
            while self.roots.len() > 50 {
                let root = self.random.below(self.roots.len());
                self.roots.swap_remove(root);
                self.names.swap_remove(root);
            }
            if step % 500 == 499 {
                self.collect();
            }
        }
    }
}

#[test]
fn random_graphs_agree_with_their_model() {
    for seed in 1..=20 {
        let mut world = World::new(seed << 32 | 0x9E37_79B9, false);
        world.run(10_000);
        assert!(world.heap.collections() > 20);
    }
}

#[test]
fn random_graphs_agree_with_their_model_under_stress() {
    for seed in 1..=5 {
        let mut world = World::new(seed << 32 | 0x9E37_79B9, true);
        world.run(5_000);
        assert!(world.heap.collections() > 1_000);
    }
}
