//! Runs every target on its seeds and on deterministic mutations of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;
use runai_fuzz::{MAX_LENGTH, TARGETS, Target, seeds};

/// Number of mutations per target.
const MUTATIONS: usize = 3_000;

/// One test for all targets, because allocations are measured per process.
#[test]
fn targets_accept_seeds() {
    let mut failed = Vec::new();
    for target in TARGETS {
        let seeds = seeds(target);
        let mut rng = Rng::with_seed(20_260_101);
        let mutations = (0..MUTATIONS).map(|_| mutated(&seeds, &mut rng));
        let broken = seeds.iter().cloned().chain(mutations).find(|input| !holds(target, input));
        if let Some(input) = broken {
            failed.push(format!("{}: {:?}", target.name, String::from_utf8_lossy(&input)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn holds(target: Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

/// Mutates a seed, or crosses it with another one.
fn mutated(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = rng.choice(seeds).cloned().unwrap_or_default();
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(0..=input.len());
        let end = rng.usize(at..=input.len().min(at + 16));
        match rng.u8(0..6) {
            0 => drop(input.drain(at..end)),
            1 => input.insert(at, rng.u8(..)),
            2 => input.insert(at, *rng.choice(PUNCTUATION).unwrap_or(&b' ')),
            3 => {
                let copy = input[at..end].to_vec();
                let to = rng.usize(0..=input.len());
                drop(input.splice(to..to, copy));
            }
            4 => {
                let other = rng.choice(seeds).map(Vec::as_slice).unwrap_or_default();
                input.truncate(at);
                input.extend(&other[rng.usize(0..=other.len())..]);
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << rng.u8(0..8);
                }
            }
        }
    }
    input.truncate(MAX_LENGTH);
    input
}

/// The structural characters of the languages.
const PUNCTUATION: &[u8] = b"\n\r\t \"'#&*!|>%@`{}[],:-?=~.0\\\0\xC3\xEF";
