//! Constant expressions: reading and typing them in one pass.
//! Source: WebAssembly 3.0, sections 5.4.10 and 3.4.14.

use super::values::heap_type;
use crate::decode::{Decoder, Result, unknown};
use crate::error::ModuleError;
use crate::module::{ConstExpr, ConstOp, ConstOps};
use crate::reader::Reader;
use alloc::format;
use alloc::vec::Vec;
use riser_ops::{
    CompositeType, Features, FieldType, FuncIdx, GlobalIdx, HeapType, Operator, RefType, SimpleOp,
    StructuralOp, TypeIdx, ValType, by_byte, by_prefix, is_prefix,
};

/// Vectors that are used again for each expression: most modules have thousands of one operator each.
#[derive(Default)]
pub(crate) struct Scratch {
    ops: Vec<ConstOp>,
    stack: Vec<ValType>,
}

impl<'a> Decoder<'a> {
    /// Reads a constant expression whose value matches `expected`.
    pub(crate) fn const_expr(
        &mut self,
        reader: &mut Reader<'a>,
        expected: ValType,
    ) -> Result<ConstExpr> {
        self.scratch.ops.clear();
        self.scratch.stack.clear();
        loop {
            let offset = reader.pos();
            let op = read_opcode(reader, self.features)?;
            if op == Operator::Structural(StructuralOp::End) {
                self.pop(expected, offset)?;
                if !self.scratch.stack.is_empty() {
                    return Err(ModuleError::invalid(
                        offset,
                        "type mismatch: several values remain at the end of a constant expression",
                    ));
                }
                break;
            }
            let op = self.const_op(op, reader, offset)?;
            self.scratch.ops.push(op);
        }
        let ops = match *self.scratch.ops {
            [op] => ConstOps::One(op),
            ref ops => ConstOps::Many(ops.into()),
        };
        Ok(ConstExpr { ops })
    }

    fn const_op(
        &mut self,
        op: Operator,
        reader: &mut Reader<'a>,
        offset: usize,
    ) -> Result<ConstOp> {
        match op {
            Operator::Structural(structural) => self.structural_op(structural, reader, offset),
            Operator::Simple(simple) => {
                let (ty, constant) = match simple {
                    SimpleOp::I32Add => (ValType::I32, ConstOp::I32Add),
                    SimpleOp::I32Sub => (ValType::I32, ConstOp::I32Sub),
                    SimpleOp::I32Mul => (ValType::I32, ConstOp::I32Mul),
                    SimpleOp::I64Add => (ValType::I64, ConstOp::I64Add),
                    SimpleOp::I64Sub => (ValType::I64, ConstOp::I64Sub),
                    SimpleOp::I64Mul => (ValType::I64, ConstOp::I64Mul),
                    _ => return Err(not_constant(op, offset)),
                };
                if !self.features.contains(Features::EXTENDED_CONST) {
                    return Err(not_constant(op, offset));
                }
                self.pop(ty, offset)?;
                self.pop(ty, offset)?;
                self.push(ty, constant)
            }
            Operator::Access(_) => Err(not_constant(op, offset)),
        }
    }

    fn structural_op(
        &mut self,
        op: StructuralOp,
        reader: &mut Reader<'a>,
        offset: usize,
    ) -> Result<ConstOp> {
        use StructuralOp as S;
        match op {
            S::I32Const => self.push(ValType::I32, ConstOp::I32Const(reader.s32()?)),
            S::I64Const => self.push(ValType::I64, ConstOp::I64Const(reader.s64()?)),
            S::F32Const => self.push(ValType::F32, ConstOp::F32Const(reader.f32_bits()?)),
            S::F64Const => self.push(ValType::F64, ConstOp::F64Const(reader.f64_bits()?)),
            S::V128Const => self.push(ValType::V128, ConstOp::V128Const(reader.v128_bits()?)),
            S::GlobalGet => self.global_get(GlobalIdx(reader.u32()?), offset),
            S::RefNull => {
                let heap = heap_type(reader, self.features, &*self.types)?;
                self.push(RefType::new(true, heap).val_type(), ConstOp::RefNull(heap))
            }
            S::RefFunc => {
                let func = FuncIdx(reader.u32()?);
                self.declare(func, offset)?;
                let ty = self.concrete(self.funcs[func.index()]);
                self.push(ty, ConstOp::RefFunc(func))
            }
            S::RefI31 => {
                self.pop(ValType::I32, offset)?;
                self.push(RefType::new(false, HeapType::I31).val_type(), ConstOp::RefI31)
            }
            S::StructNew | S::StructNewDefault => {
                let ty = TypeIdx(reader.u32()?);
                self.struct_new(ty, op == S::StructNewDefault, offset)
            }
            S::ArrayNew | S::ArrayNewDefault => {
                let ty = TypeIdx(reader.u32()?);
                self.array_new(ty, op == S::ArrayNewDefault, offset)
            }
            S::ArrayNewFixed => {
                let ty = TypeIdx(reader.u32()?);
                let count =
                    reader.count(self.limits.array_new_fixed, "operands of array.new_fixed")?;
                let element = self.array_type(ty, offset)?.storage.unpacked();
                for _ in 0..count {
                    self.pop(element, offset)?;
                }
                self.push(self.concrete(ty), ConstOp::ArrayNewFixed(ty, count))
            }
            S::AnyConvertExtern => {
                self.convert(HeapType::Extern, HeapType::Any, ConstOp::AnyConvertExtern, offset)
            }
            S::ExternConvertAny => {
                self.convert(HeapType::Any, HeapType::Extern, ConstOp::ExternConvertAny, offset)
            }
            _ => Err(not_constant(Operator::Structural(op), offset)),
        }
    }

    /// Only globals before this expression exist; of the module's own, only since garbage collection.
    fn global_get(&mut self, index: GlobalIdx, offset: usize) -> Result<ConstOp> {
        let Some(global) = self.globals.get(index.index()) else {
            return Err(unknown("global", index.0, offset));
        };
        let ty = global.ty;
        let own = index.0 >= self.imported.globals;
        if ty.mutable || own && !self.features.contains(Features::GC) {
            let message = format!(
                "constant expression required: global {index} is {}",
                if ty.mutable { "mutable" } else { "not imported" }
            );
            return Err(ModuleError::invalid(offset, message));
        }
        self.push(ty.ty, ConstOp::GlobalGet(index))
    }

    fn struct_new(&mut self, ty: TypeIdx, default: bool, offset: usize) -> Result<ConstOp> {
        let Some(entry) = self.types.get(ty.index()) else {
            return Err(unknown("type", ty.0, offset));
        };
        let sub_type = entry.ty.clone();
        let CompositeType::Struct(fields) = &sub_type.composite else {
            let message = format!("type mismatch: type {ty} is not a structure type");
            return Err(ModuleError::invalid(offset, message));
        };
        if default {
            self.check_default(ty, offset)?;
            return self.push(self.concrete(ty), ConstOp::StructNewDefault(ty));
        }
        for field in fields.iter().rev() {
            self.pop(field.storage.unpacked(), offset)?;
        }
        self.push(self.concrete(ty), ConstOp::StructNew(ty))
    }

    fn array_new(&mut self, ty: TypeIdx, default: bool, offset: usize) -> Result<ConstOp> {
        let element = self.array_type(ty, offset)?;
        self.pop(ValType::I32, offset)?;
        if default {
            self.check_default(ty, offset)?;
            return self.push(self.concrete(ty), ConstOp::ArrayNewDefault(ty));
        }
        self.pop(element.storage.unpacked(), offset)?;
        self.push(self.concrete(ty), ConstOp::ArrayNew(ty))
    }

    fn array_type(&self, ty: TypeIdx, offset: usize) -> Result<FieldType> {
        match self.types.get(ty.index()).map(|entry| &entry.ty.composite) {
            Some(&CompositeType::Array(element)) => Ok(element),
            Some(_) => {
                let message = format!("type mismatch: type {ty} is not an array type");
                Err(ModuleError::invalid(offset, message))
            }
            None => Err(unknown("type", ty.0, offset)),
        }
    }

    /// Conversion between the hierarchies of internal and external references keeps nullability.
    fn convert(
        &mut self,
        from: HeapType,
        to: HeapType,
        op: ConstOp,
        offset: usize,
    ) -> Result<ConstOp> {
        let found = self.pop(RefType::new(true, from).val_type(), offset)?;
        let nullable = found.as_ref().is_some_and(RefType::is_nullable);
        self.push(RefType::new(nullable, to).val_type(), op)
    }

    fn check_default(&self, ty: TypeIdx, offset: usize) -> Result<()> {
        if self.types[ty.index()].has_default {
            return Ok(());
        }
        let message = format!("type mismatch: a field of type {ty} has no default value");
        Err(ModuleError::invalid(offset, message))
    }

    /// `(ref $t)`
    fn concrete(&self, ty: TypeIdx) -> ValType {
        RefType::new(false, self.types[ty.index()].heap_type()).val_type()
    }

    fn push(&mut self, ty: ValType, op: ConstOp) -> Result<ConstOp> {
        self.scratch.stack.push(ty);
        Ok(op)
    }

    fn pop(&mut self, expected: ValType, offset: usize) -> Result<ValType> {
        match self.scratch.stack.pop() {
            Some(found) if self.subtyping.matches(found, expected) => Ok(found),
            Some(found) => {
                let message = format!("type mismatch: expected {expected}, found {found}");
                Err(ModuleError::invalid(offset, message))
            }
            None => {
                let message = format!("type mismatch: expected {expected}, found nothing");
                Err(ModuleError::invalid(offset, message))
            }
        }
    }
}

fn read_opcode(reader: &mut Reader<'_>, features: Features) -> Result<Operator> {
    let offset = reader.pos();
    let byte = reader.u8()?;
    let found = if is_prefix(byte) { by_prefix(byte, reader.u32()?) } else { by_byte(byte) };
    let found = found.filter(|op| features.allows(op.feature()));
    found.ok_or_else(|| ModuleError::malformed(offset, format!("illegal opcode {byte:#04x}")))
}

#[cold]
fn not_constant(op: Operator, offset: usize) -> ModuleError {
    let name = op.mnemonic();
    ModuleError::invalid(offset, format!("constant expression required: {name} is not constant"))
}
