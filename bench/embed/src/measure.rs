// The measurement, the same text for each runtime: `main.rs` includes it in a module that has the runtime's names.

pub fn measure((linker, module): &(Linker<()>, Module)) -> Times {
    let instance = each(INSTANCES, || {
        for _ in 0..INSTANCES {
            let mut store = Store::new(module.engine(), ());
            std::hint::black_box(instantiate(linker, &mut store, module));
        }
    });
    let mut store = Store::new(module.engine(), ());
    let guest = instantiate(linker, &mut store, module);
    let add = guest.get_typed_func::<(i32, i32), i32>(&mut store, "add").unwrap();
    let into_guest = each(CALLS, || {
        let mut sum = 0;
        for n in 1..=CALLS {
            sum = add.call(&mut store, (sum, n as i32)).unwrap();
        }
        assert_eq!(sum, SUM);
    });
    let call_host = guest.get_typed_func::<i32, i32>(&mut store, "call_host").unwrap();
    let into_host = each(CALLS, || {
        assert_eq!(call_host.call(&mut store, CALLS as i32).unwrap(), SUM);
    });
    Times { instance, into_guest, into_host }
}
