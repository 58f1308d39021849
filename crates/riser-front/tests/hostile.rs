//! Bodies made to cost much: each takes time in proportion to its bytes, and ends with a verdict.

mod common;

use riser_ops::Features;

/// A module whose only body is `text`, which stands in a function of type `[] -> []`.
fn body(text: &str) -> Vec<u8> {
    wat::parse_str(format!(
        "(module (type $wide (func (result{}))) (func {text}))",
        " i32".repeat(1000)
    ))
    .expect("the text is well-formed")
}

#[test]
fn deep_nesting_needs_no_stack_of_the_host() {
    let deep = 200_000;
    let text = "block ".repeat(deep) + &"end ".repeat(deep);
    let module = common::validate(&body(&text), Features::ALL).expect("nesting has no limit");
    assert_eq!(module.bodies.len(), 1);
    assert!(common::validate(&body(&"loop ".repeat(deep)), Features::ALL).is_err());
}

#[test]
fn a_long_br_table_is_checked_once_per_label() {
    let text = format!("block i32.const 0 br_table {} end", "0 ".repeat(500_000));
    common::validate(&body(&text), Features::ALL).expect("it is valid");
}

#[test]
fn many_locals_in_many_bodies_are_not_laid_out() {
    let func = "(func (local".to_string() + &" i64".repeat(50_000) + ") local.get 49999 drop)";
    let bytes = wat::parse_str(format!("(module {func})")).expect("the text is well-formed");
    common::validate(&bytes, Features::ALL).expect("it is valid");
    // The same body, 20,000 times: a billion locals.
    let count = 20_000_u32;
    let mut many = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0".to_vec();
    let leb = |mut value: u32| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    let section =
        |id: u8, content: Vec<u8>| [vec![id], leb(content.len() as u32), content].concat();
    many.extend(section(3, [leb(count), vec![0; count as usize]].concat()));
    let body = [&[1, 0xD0, 0x86, 0x03, 0x7E, 0x20, 0xCF, 0x86, 0x03, 0x1A, 0x0B][..]].concat();
    let entry = [leb(body.len() as u32), body].concat();
    many.extend(section(10, [leb(count), entry.repeat(count as usize)].concat()));
    let module = common::validate(&many, Features::ALL).expect("it is valid");
    assert_eq!(module.bodies.len(), count as usize);
}

#[test]
fn wide_blocks_in_dead_code_stay_within_the_limit_on_operands() {
    let text = "unreachable ".to_string() + &"block (type $wide) unreachable end ".repeat(9_000);
    let error = common::validate(&body(&text), Features::ALL).expect_err("there is a limit");
    assert!(error.message().starts_with("too many operands"), "{error}");
}
