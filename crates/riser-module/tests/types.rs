//! Canonical types: equal across modules, alive as long as somebody needs them.

mod support;

use riser_module::{Module, TypeRegistry};
use riser_ops::{Features, FuncType, HeapType, RefType, TypeId, ValType};
use support::decode_with;

fn load(registry: &TypeRegistry, text: &str) -> Module {
    let bytes = wat::parse_str(text).expect("the test's text is well-formed");
    decode_with(&bytes, registry, Features::ALL).expect("valid")
}

fn ids(module: &Module) -> Vec<TypeId> {
    module.types.iter().map(|ty| ty.id).collect()
}

#[test]
fn equal_types_of_two_modules_are_the_same_type() {
    let registry = TypeRegistry::new();
    let a = load(
        &registry,
        "(module (type (func (param i32))) (type (func (result f64))) (type (func (param i32))))",
    );
    let b = load(&registry, "(module (type (func (result f64))) (type (struct)))");
    assert_eq!(a.types[0].id, a.types[2].id);
    assert_eq!(a.types[1].id, b.types[0].id);
    assert_ne!(a.types[0].id, a.types[1].id);
    assert_eq!(registry.len(), 3);
    drop(a);
    assert_eq!(registry.len(), 2);
    drop(b);
    assert!(registry.is_empty());
}

#[test]
fn a_type_is_found_by_its_first_index() {
    let registry = TypeRegistry::new();
    let text =
        "(module (type (struct)) (type (func)) (type (func)) (type (struct)) (type (array i8)))";
    let module = load(&registry, text);
    let found = ids(&module).into_iter().map(|id| module.index_of(id).unwrap().0);
    assert_eq!(found.collect::<Vec<_>>(), [0, 1, 1, 0, 4]);
    let other = registry.register_func_type(&FuncType::new([ValType::F64], []));
    assert_eq!(module.index_of(other.id()), None);
}

#[test]
fn recursion_groups_are_compared_as_wholes() {
    let registry = TypeRegistry::new();
    let list = "(rec (type $l (struct (field (ref null $l)) (field (ref null $n)))) (type $n (array (ref $l))))";
    let a = load(&registry, &format!("(module {list} (type (struct)))"));
    let again = list.replace('$', "$again");
    let b = load(&registry, &format!("(module (type (func)) {list} {again})"));
    assert_eq!(ids(&a)[..2], ids(&b)[1..3]);
    assert_eq!(ids(&a)[..2], ids(&b)[3..5]);
    // The same members in another order, alone, or with a reference from outside are other types.
    let swapped = load(
        &registry,
        "(module (rec (type $n (array (ref $l)))
        (type $l (struct (field (ref null $l)) (field (ref null $n))))))",
    );
    let loops = load(
        &registry,
        "(module (type $a (struct (field (ref null $a))))
        (type $b (struct (field (ref null $a)))) (type $c (struct (field (ref null $b))))
        (rec (type $d (struct (field (ref null $d)))) (type (struct))))",
    );
    let mut all = [ids(&a), ids(&swapped), ids(&loops)].concat();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "all of these differ");
}

#[test]
fn finality_and_super_types_belong_to_a_type() {
    let registry = TypeRegistry::new();
    let module = load(
        &registry,
        "(module (type (sub (func))) (type (func)) (type (sub final (func)))
        (type (sub 0 (func))) (type (sub final 0 (func))) (type (sub 3 (func))))",
    );
    let ids = ids(&module);
    assert_eq!(ids[1], ids[2], "final is the default");
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 5);
    for (sub, sup, expected) in [
        (3, 0, true),
        (4, 0, true),
        (5, 0, true),
        (5, 3, true),
        (5, 4, false),
        (0, 3, false),
        (1, 0, false),
    ] {
        assert_eq!(registry.is_subtype(ids[sub], ids[sup]), expected, "{sub} <: {sup}");
        assert_eq!(module.is_subtype(ids[sub], ids[sup]), expected, "{sub} <: {sup}");
    }
    for (ty, chain) in [(0, vec![]), (3, vec![ids[0]]), (5, vec![ids[0], ids[3]])] {
        assert_eq!(module.subtyping.ancestors(ids[ty]), chain);
        assert_eq!(*registry.ancestors(ids[ty]), chain);
    }
}

#[test]
fn matching_agrees_between_module_and_registry() {
    let registry = TypeRegistry::new();
    let module = load(
        &registry,
        "(module (type (sub (struct))) (type (sub 0 (struct (field i32))))
        (type (array i8)) (type (func)))",
    );
    let mut types = vec![ValType::I32, ValType::I64, ValType::F32, ValType::V128, ValType::BOTTOM];
    for nullable in [false, true] {
        let concrete = module.types.iter().map(|ty| ty.heap_type());
        let heaps = HeapType::ABSTRACT.iter().map(|row| row.0).chain(concrete);
        types.extend(heaps.map(|heap| RefType::new(nullable, heap).val_type()));
    }
    for &a in &types {
        for &b in &types {
            assert_eq!(module.matches(a, b), registry.val_type_matches(a, b), "{a} <: {b}");
            let (Some(a), Some(b)) = (a.as_ref(), b.as_ref()) else { continue };
            assert_eq!(module.matches(a.into(), b.into()), registry.ref_type_matches(a, b));
            if a.is_nullable() && b.is_nullable() {
                let heaps = registry.heap_type_matches(a.heap(), b.heap());
                assert_eq!(heaps, registry.ref_type_matches(a, b));
            }
        }
    }
    let of = |index: usize, nullable| RefType::new(nullable, module.types[index].heap_type());
    assert!(module.matches(of(1, false).into(), of(0, true).into()));
    assert!(!module.matches(of(1, true).into(), of(0, false).into()));
    assert!(module.matches(of(3, false).into(), ValType::FUNCREF));
    assert!(!module.matches(of(2, false).into(), of(3, false).into()));
}

#[test]
fn a_host_function_type_is_that_of_a_module() {
    let registry = TypeRegistry::new();
    let module = load(&registry, "(module (type (func (param i32 i64) (result f32))))");
    let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::F32]);
    let host = registry.register_func_type(&ty);
    assert_eq!(host.id(), module.types[0].id);
    assert_eq!(registry.get(host.id()).composite.as_func(), Some(&ty));
    let second = host.clone();
    drop(module);
    drop(host);
    assert_eq!(registry.len(), 1);
    assert_eq!(registry.get(second.id()).composite.as_func(), Some(&ty));
    drop(second);
    assert!(registry.is_empty());
}

#[test]
fn a_group_keeps_what_it_refers_to_and_ids_are_used_again() {
    let registry = TypeRegistry::new();
    let base = load(&registry, "(module (type (sub (struct))))");
    let base_id = base.types[0].id;
    let user = load(
        &registry,
        "(module (type $b (sub (struct)))
        (rec (type $s (sub $b (struct (field (ref null $s))))) (type (array (ref $b)))))",
    );
    drop(base);
    assert_eq!(registry.len(), 3);
    assert!(registry.get(base_id).supertype.is_none());
    drop(user);
    assert!(registry.is_empty());
    for _ in 0..1_000 {
        let module = load(
            &registry,
            "(module (type (func)) (rec (type $a (array (ref $b))) (type $b (struct))))",
        );
        assert!(module.types.iter().all(|ty| ty.id.0 < 10), "ids do not grow");
    }
}

#[test]
fn a_failed_decoding_leaves_nothing_behind() {
    let registry = TypeRegistry::new();
    let bytes = wat::parse_str(
        "(module (type (struct (field i64))) (type $f (struct)) (type (sub $f (struct))))",
    );
    assert!(decode_with(&bytes.unwrap(), &registry, Features::ALL).is_err());
    assert!(registry.is_empty());
}

#[test]
fn threads_share_a_registry() {
    let registry = TypeRegistry::new();
    let keep = load(&registry, "(module (type (func)))");
    let texts = [
        "(module (type (func)) (rec (type $a (struct (field (ref null $a)))) (type (array (ref $a)))))",
        "(module (rec (type $a (struct (field (ref null $a)))) (type (array (ref $a)))) (type (func)))",
    ];
    std::thread::scope(|scope| {
        for text in texts {
            let (registry, keep) = (&registry, &keep);
            scope.spawn(move || {
                let bytes = wat::parse_str(text).expect("well-formed");
                for _ in 0..2_000 {
                    let module = decode_with(&bytes, registry, Features::ALL).expect("valid");
                    assert!(module.types.iter().any(|ty| ty.id == keep.types[0].id));
                }
            });
        }
    });
    assert_eq!(registry.len(), 1);
    let shares = |_: &(dyn Send + Sync)| {};
    shares(&registry);
    shares(&keep);
}
