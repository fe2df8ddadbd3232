#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ecs_api_fuzz::requests(input));
