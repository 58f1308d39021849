//! Which proposals a module uses: by its types and definitions, and by the operators in its bodies.

use riser_module::{ConstOp, DataMode, ElementMode, EntityType, Module};
use riser_ops::{CompositeType, Features, FuncIdx, HeapType, Operator, RefType, ValType};

use riser_front::{Operators, Seen};

/// A proposal in use.
#[derive(Clone, Debug, Default)]
pub struct Use {
    /// How many operators of it there are.
    pub operators: u64,
    /// The first of them, with its function.
    pub first: Option<(FuncIdx, Seen)>,
}

/// The proposals that a module uses.
#[derive(Debug)]
pub struct Proposals {
    declared: Features,
    /// By the position of the feature in [`Features::TABLE`].
    uses: Vec<Use>,
    /// Operators that both forms of exceptions have.
    shared: Use,
}

impl Use {
    fn count(&mut self, func: FuncIdx, seen: Seen) {
        self.operators += 1;
        self.first.get_or_insert((func, seen));
    }
}

/// The position of a feature in [`Features::TABLE`].
fn position(feature: Features) -> Option<usize> {
    Features::TABLE.iter().position(|row| row.0 == feature)
}

impl Proposals {
    /// Looks at a whole module. Bodies that are malformed are looked at up to that point.
    pub fn of(module: &Module) -> Proposals {
        let mut proposals = Proposals {
            declared: Features::MVP,
            uses: vec![Use::default(); Features::TABLE.len()],
            shared: Use::default(),
        };
        proposals.declarations(module);
        for (body, func) in module.bodies.iter().zip(module.imported.funcs..) {
            let Ok((locals, operators)) = Operators::new(module, *body) else { continue };
            proposals.declare_if(locals.vectors, Features::SIMD);
            proposals.declare_if(locals.references, Features::REFERENCE_TYPES);
            for seen in operators.map_while(Result::ok) {
                proposals.operator(module, FuncIdx(func), seen);
            }
        }
        proposals.settle_exceptions(module);
        proposals
    }

    /// The proposals in use, by name.
    pub fn list(&self) -> impl Iterator<Item = (&'static str, &Use)> {
        let rows = Features::TABLE.iter().zip(&self.uses);
        rows.filter(|((feature, _), each)| each.operators > 0 || self.declared.contains(*feature))
            .map(|((_, name), each)| (*name, each))
    }

    fn declare_if(&mut self, used: bool, feature: Features) {
        self.declared = self.declared.with(feature, used || self.declared.contains(feature));
    }

    fn operator(&mut self, module: &Module, func: FuncIdx, seen: Seen) {
        if let Some(ty) = seen.block_type.and_then(|ty| u32::try_from(ty).ok()) {
            let ty = module.func_type_at(riser_ops::TypeIdx(ty));
            self.declare_if(
                ty.is_some_and(|ty| !ty.params().is_empty() || ty.results().len() > 1),
                Features::MULTI_VALUE,
            );
        }
        self.declare_if(
            matches!(seen.op, Operator::Access(_)) && seen.index > Some(0),
            Features::MULTI_MEMORY,
        );
        let gate = seen.op.feature();
        if gate == Features::ANY_EXCEPTIONS {
            return self.shared.count(func, seen);
        }
        let Some(position) = position(gate) else { return };
        self.uses[position].count(func, seen);
    }

    /// Gives the operators that both forms of exceptions have to the form that the module uses.
    fn settle_exceptions(&mut self, module: &Module) {
        let (Some(new), Some(legacy)) =
            (position(Features::EXCEPTIONS), position(Features::LEGACY_EXCEPTIONS))
        else {
            return;
        };
        let only_legacy = self.uses[legacy].operators > 0
            && self.uses[new].operators == 0
            && !self.declared.contains(Features::EXCEPTIONS);
        let form = if only_legacy { legacy } else { new };
        self.declare_if(!module.tags.is_empty(), Features::TABLE[form].0);
        let shared = std::mem::take(&mut self.shared);
        let each = &mut self.uses[form];
        each.operators += shared.operators;
        each.first = match (each.first, shared.first) {
            (Some(a), Some(b)) => Some(if b.1.offset < a.1.offset { b } else { a }),
            (a, b) => a.or(b),
        };
    }

    fn declarations(&mut self, module: &Module) {
        for entry in &module.types {
            match &entry.ty.composite {
                CompositeType::Func(ty) => {
                    self.declare_if(ty.results().len() > 1, Features::MULTI_VALUE);
                    ty.params().iter().chain(ty.results()).for_each(|ty| self.val_type(*ty));
                }
                CompositeType::Struct(_) | CompositeType::Array(_) => {
                    self.declare_if(true, Features::GC)
                }
            }
            self.declare_if(entry.ty.supertype.is_some() || !entry.ty.is_final, Features::GC);
        }
        for table in &module.tables {
            self.declare_if(table.ty.table64, Features::MEMORY64);
            self.declare_if(table.init.is_some(), Features::FUNCTION_REFERENCES);
            self.ref_type(table.ty.element);
        }
        self.declare_if(module.tables.len() > 1, Features::REFERENCE_TYPES);
        for memory in &module.memories {
            self.declare_if(memory.memory64, Features::MEMORY64);
            self.declare_if(memory.shared, Features::THREADS);
            self.declare_if(memory.page_size_log2 != 16, Features::CUSTOM_PAGE_SIZES);
        }
        self.declare_if(module.memories.len() > 1, Features::MULTI_MEMORY);
        self.globals(module);
        self.segments(module);
    }

    fn globals(&mut self, module: &Module) {
        module.globals.iter().for_each(|global| self.val_type(global.ty.ty));
        let borders = module.imports.iter().map(|import| import.ty);
        let borders =
            borders.chain(module.exports.iter().map(|export| module.entity_type(export.item)));
        let mutable = |ty| matches!(ty, EntityType::Global(ty) if ty.mutable);
        self.declare_if(borders.into_iter().any(mutable), Features::MUTABLE_GLOBAL);
        let arithmetic = module
            .globals
            .iter()
            .filter_map(|global| global.init.as_ref())
            .flat_map(|init| init.ops());
        for op in arithmetic {
            self.const_op(op);
        }
    }

    fn segments(&mut self, module: &Module) {
        for segment in &module.elements {
            match &segment.mode {
                ElementMode::Active { offset, .. } => {
                    offset.ops().iter().for_each(|op| self.const_op(op))
                }
                ElementMode::Passive => self.declare_if(true, Features::BULK_MEMORY),
                ElementMode::Declared => self.declare_if(true, Features::REFERENCE_TYPES),
            }
        }
        for segment in module.data() {
            match &segment.mode {
                DataMode::Active { offset, .. } => {
                    offset.ops().iter().for_each(|op| self.const_op(op))
                }
                DataMode::Passive => self.declare_if(true, Features::BULK_MEMORY),
            }
        }
        self.declare_if(module.data_count.is_some(), Features::BULK_MEMORY);
    }

    fn const_op(&mut self, op: &ConstOp) {
        use ConstOp as C;
        let feature = match op {
            C::I32Const(_) | C::I64Const(_) | C::F32Const(_) | C::F64Const(_) | C::GlobalGet(_) => {
                return;
            }
            C::V128Const(_) => Features::SIMD,
            C::RefNull(_) | C::RefFunc(_) => Features::REFERENCE_TYPES,
            C::I32Add | C::I32Sub | C::I32Mul | C::I64Add | C::I64Sub | C::I64Mul => {
                Features::EXTENDED_CONST
            }
            C::RefI31
            | C::StructNew(_)
            | C::StructNewDefault(_)
            | C::ArrayNew(_)
            | C::ArrayNewDefault(_)
            | C::ArrayNewFixed(..)
            | C::AnyConvertExtern
            | C::ExternConvertAny => Features::GC,
        };
        self.declare_if(true, feature);
    }

    fn val_type(&mut self, ty: ValType) {
        match ty.as_ref() {
            Some(ty) => {
                self.declare_if(true, Features::REFERENCE_TYPES);
                self.ref_type(ty);
            }
            None => self.declare_if(ty == ValType::V128, Features::SIMD),
        }
    }

    fn ref_type(&mut self, ty: RefType) {
        match ty.heap() {
            // The element type of tables has always been this one.
            HeapType::Func if ty.is_nullable() => {}
            HeapType::Func | HeapType::NoFunc => {
                self.declare_if(true, Features::FUNCTION_REFERENCES)
            }
            HeapType::Extern => self.declare_if(true, Features::REFERENCE_TYPES),
            HeapType::Exn | HeapType::NoExn => self.declare_if(true, Features::EXCEPTIONS),
            HeapType::Concrete(_, riser_ops::CompositeKind::Func) => {
                self.declare_if(true, Features::FUNCTION_REFERENCES);
            }
            _ => self.declare_if(true, Features::GC),
        }
    }
}
