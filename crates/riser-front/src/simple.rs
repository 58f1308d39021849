//! Simple operators (functions of their operands), constants, `drop` and `select`.

use crate::messages;
use crate::sink::{BodySink, SimpleImm};
use crate::walker::Walk;
use riser_module::ModuleError;
use riser_ops::{SimpleImmediate, SimpleOp, ValType};

/// The most types that a typed `select` may list before it is refused unread.
const MAX_SELECT_TYPES: u32 = 10;

/// A scalar operator of the first version: one or two operands of one type, one result.
#[derive(Clone, Copy)]
pub(crate) struct Scalar {
    pub(crate) op: SimpleOp,
    /// 1 or 2.
    pub(crate) arity: u8,
    pub(crate) operand: ValType,
    pub(crate) result: ValType,
}

/// The scalar operators by opcode, starting with [`FIRST_SCALAR`].
pub(crate) static SCALARS: [Scalar; 0xC0 - FIRST_SCALAR] = scalars();

/// The opcode of `i32.eqz`; from here to 0xBF every opcode is a scalar operator.
pub(crate) const FIRST_SCALAR: usize = 0x45;

const fn scalars() -> [Scalar; 0xC0 - FIRST_SCALAR] {
    let none =
        Scalar { op: SimpleOp::I32Eqz, arity: 0, operand: ValType::I32, result: ValType::I32 };
    let mut table = [none; 0xC0 - FIRST_SCALAR];
    let mut i = 0;
    while i < SimpleOp::ROWS.len() {
        let row = &SimpleOp::ROWS[i];
        i += 1;
        let opcode = row.opcode as usize;
        if opcode < FIRST_SCALAR || opcode >= 0xC0 {
            continue;
        }
        let arity = row.params.len();
        assert!(arity == 1 || arity == 2 && row.params[0].to_bits() == row.params[1].to_bits());
        assert!(row.results.len() == 1);
        table[opcode - FIRST_SCALAR] = Scalar {
            op: row.op,
            arity: arity as u8,
            operand: row.params[0],
            result: row.results[0],
        };
    }
    let mut i = 0;
    while i < table.len() {
        assert!(table[i].arity != 0, "every opcode of the range is a scalar operator");
        i += 1;
    }
    table
}

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// Any simple operator.
    #[inline(never)]
    pub(crate) fn simple(&mut self, op: SimpleOp) -> Result<(), ModuleError> {
        let row = op.row();
        self.gate(row.feature, row.mnemonic)?;
        let imm = match row.immediate {
            SimpleImmediate::None => SimpleImm::None,
            SimpleImmediate::Lane(bound) => SimpleImm::Lane(self.lane(bound)?),
            SimpleImmediate::Shuffle => {
                let lanes = self.reader.array::<16>()?;
                if CHECK && let Some(&lane) = lanes.iter().find(|lane| **lane >= 32) {
                    return Err(messages::lane_out_of_range(self.at, lane, 32));
                }
                SimpleImm::Shuffle(lanes)
            }
        };
        for &ty in row.params.iter().rev() {
            self.pop(ty)?;
        }
        for &ty in row.results {
            self.push_any(ty);
        }
        self.emit(|sink| sink.simple(op, imm));
        Ok(())
    }

    /// A lane index below `bound`.
    pub(crate) fn lane(&mut self, bound: u8) -> Result<u8, ModuleError> {
        let lane = self.reader.u8()?;
        if CHECK && lane >= bound {
            return Err(messages::lane_out_of_range(self.at, lane, bound));
        }
        Ok(lane)
    }

    #[inline(always)]
    pub(crate) fn i32_const(&mut self) -> Result<(), ModuleError> {
        let value = self.reader.s32()?;
        self.push(ValType::I32);
        self.emit(|sink| sink.i32_const(value));
        Ok(())
    }

    pub(crate) fn i64_const(&mut self) -> Result<(), ModuleError> {
        let value = self.reader.s64()?;
        self.push(ValType::I64);
        self.emit(|sink| sink.i64_const(value));
        Ok(())
    }

    pub(crate) fn f32_const(&mut self) -> Result<(), ModuleError> {
        let bits = u32::from_le_bytes(self.reader.array()?);
        self.push(ValType::F32);
        self.emit(|sink| sink.f32_const(bits));
        Ok(())
    }

    pub(crate) fn f64_const(&mut self) -> Result<(), ModuleError> {
        let bits = u64::from_le_bytes(self.reader.array()?);
        self.push(ValType::F64);
        self.emit(|sink| sink.f64_const(bits));
        Ok(())
    }

    pub(crate) fn v128_const(&mut self) -> Result<(), ModuleError> {
        let bits = u128::from_le_bytes(self.reader.array()?);
        self.push_any(ValType::V128);
        self.emit(|sink| sink.v128_const(bits));
        Ok(())
    }

    pub(crate) fn nop(&mut self) -> Result<(), ModuleError> {
        self.emit(|sink| sink.nop());
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn drop_operand(&mut self) -> Result<(), ModuleError> {
        let ty = self.pop_any()?;
        self.emit(|sink| sink.drop(ty));
        Ok(())
    }

    pub(crate) fn select(&mut self) -> Result<(), ModuleError> {
        self.pop(ValType::I32)?;
        let (b, a) = (self.pop_any()?, self.pop_any()?);
        if CHECK && (a.is_ref() || b.is_ref()) {
            let what = "type mismatch: select without a type needs numbers or vectors";
            return Err(messages::invalid(self.at, what));
        }
        let ty = if a == ValType::BOTTOM { b } else { a };
        if CHECK && b != ty && b != ValType::BOTTOM {
            return Err(messages::mismatch(self.at, self.module, a, b));
        }
        self.push_any(ty);
        self.emit(|sink| sink.select(ty));
        Ok(())
    }

    pub(crate) fn typed_select(&mut self) -> Result<(), ModuleError> {
        let count = self.reader.u32()?;
        if count != 1 {
            for _ in 0..count.min(MAX_SELECT_TYPES) {
                self.val_type()?;
            }
            return Err(messages::invalid(self.at, "invalid result arity"));
        }
        let ty = self.val_type()?;
        self.pop(ValType::I32)?;
        self.pop(ty)?;
        self.pop(ty)?;
        self.push_any(ty);
        self.emit(|sink| sink.select(ty));
        Ok(())
    }
}
