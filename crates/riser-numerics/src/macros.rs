//! The one macro of this crate: it turns a table of operators that share a signature into functions.

/// Grammar: `#[inline attribute] (operand: type, …) -> result { "mnemonic" function = expression; … }`.
///
/// The expression may name the operands. The mnemonic becomes the function's documentation and is
/// what a search for an operator finds; `tests/every_operator.rs` checks that both names agree.
macro_rules! operators {
    (#[$inline:meta] $operands:tt -> $result:ty {
        $($mnemonic:literal $function:ident = $body:expr;)*
    }) => {
        $(
            #[doc = concat!("`", $mnemonic, "`")]
            #[$inline]
            pub fn $function $operands -> $result {
                $body
            }
        )*
    };
}
