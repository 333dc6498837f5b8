//! Runs one fuzz target with libFuzzer: `ENI_FUZZ_TARGET=NAME fuzz [OPTION…] [CORPUS…]`. The name
//! `list` prints the names of all targets.

#![no_main]

use cap::Cap;
use eni_bootstrap_fuzz::{TARGETS, Target, run};
use std::alloc::System;
use std::sync::LazyLock;

/// The maximum heap of one execution in bytes, with the seeds of the engine.
const MAX_HEAP: usize = 192 << 20;

/// Aborts a process whose heap is larger. The memory of the engine itself does not count.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, MAX_HEAP);

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("ENI_FUZZ_TARGET").expect("ENI_FUZZ_TARGET is set");
    TARGETS.iter().find(|it| it.name == name).expect("ENI_FUZZ_TARGET is the name of a target")
});

libfuzzer_sys::fuzz_target!(
    init: {
        if std::env::var("ENI_FUZZ_TARGET").as_deref() == Ok("list") {
            TARGETS.iter().for_each(|it| println!("{}", it.name));
            std::process::exit(0);
        }
    },
    |data: &[u8]| run(&TARGET, data)
);
