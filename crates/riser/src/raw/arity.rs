//! The table of arities: what is implemented for tuples of 0 to 16 types.
// tidy: table

/// Calls a macro once per arity with a name per type.
macro_rules! each_arity {
    ($each:ident) => {
        $each! {}
        $each! { A1 }
        $each! { A1 A2 }
        $each! { A1 A2 A3 }
        $each! { A1 A2 A3 A4 }
        $each! { A1 A2 A3 A4 A5 }
        $each! { A1 A2 A3 A4 A5 A6 }
        $each! { A1 A2 A3 A4 A5 A6 A7 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 A9 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 }
        $each! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16 }
    };
}

pub(crate) use each_arity;
