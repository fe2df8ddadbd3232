//! The binary: what is in it, and what it weighs.

use std::collections::BTreeMap;
use std::fs;

use object::{Object as _, ObjectSymbol as _, SymbolKind};
use rustc_demangle::demangle;

use crate::sections::{Bench, Section};
use crate::table::{Table, megabytes};

/// The crates that are named; the others are summed up.
const NAMED: usize = 14;

/// Adds up the function's code by crate, and weighs the packages that are there.
pub fn measure(bench: &Bench) -> Section {
    let how = "The code in the function's symbols by the crate that it was written in (x86_64), and the packages as `make package` \
               leaves them. Of a generic function the crate of its own code counts, not the one that used it.";
    let mut table = Table::new("Size", how, &["", "bytes"]);
    for architecture in ["x86_64", "arm64"] {
        let zip = format!("target/package/{architecture}/ecs-api/bootstrap.zip");
        let size = fs::metadata(bench.repository.join(&zip)).map(|zip| megabytes(zip.len()));
        let size = size.unwrap_or_else(|_| format!("`make package ARCH={architecture}` first"));
        table.row(&[format!("package for {architecture}, zipped"), size]);
    }
    let binary = fs::read(&bench.function)?;
    let crates = by_crate(&binary)?;
    let all: u64 = crates.values().sum();
    let mut crates: Vec<_> = crates.into_iter().collect();
    crates.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let rest: u64 = crates.iter().skip(NAMED).map(|(_, size)| size).sum();
    table.row(&["code, all of it".to_owned(), megabytes(all)]);
    for (name, size) in crates.iter().take(NAMED) {
        table.row(&[format!("— {name}"), megabytes(*size)]);
    }
    table.row(&[
        format!("— {} others", crates.len().saturating_sub(NAMED)),
        megabytes(rest),
    ]);
    Ok(table.finish())
}

fn by_crate(binary: &[u8]) -> Result<BTreeMap<String, u64>, object::Error> {
    let file = object::File::parse(binary)?;
    let mut sizes = BTreeMap::new();
    for symbol in file.symbols() {
        if symbol.kind() == SymbolKind::Text {
            let name = crate_of(symbol.name()?);
            *sizes.entry(name).or_default() += symbol.size();
        }
    }
    Ok(sizes)
}

/// Returns the crate of a symbol: `<aws_sdk_ecs::Client as …>::send` is of `aws_sdk_ecs`.
fn crate_of(symbol: &str) -> String {
    let name = format!("{:#}", demangle(symbol));
    let start = name.trim_start_matches(['<', '&', '(', '[', '*']);
    let start = start
        .trim_start_matches("dyn ")
        .trim_start_matches("mut ")
        .trim_start_matches("const ");
    match start.split_once("::") {
        Some((name, _)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => name.to_owned(),
        _ => "C and assembler (aws-lc and the C library)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::crate_of;

    #[test]
    fn a_symbol_belongs_to_the_crate_that_its_code_was_written_in() {
        let cases = [
            ("_ZN7ecs_api3app3App6handle17h0123456789abcdefE", "ecs_api"),
            (
                "_ZN56_$LT$aws_sdk_ecs..Client$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
                "aws_sdk_ecs",
            ),
            (
                "aws_lc_0_34_0_SHA256_Update",
                "C and assembler (aws-lc and the C library)",
            ),
        ];
        for (symbol, name) in cases {
            assert_eq!(crate_of(symbol), name);
        }
    }
}
