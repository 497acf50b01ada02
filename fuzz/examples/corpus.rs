//! Writes libFuzzer's seeds and dictionary to a folder: `corpus FOLDER`, with one folder per target and `words.dict`.

use std::path::PathBuf;
use std::{env, fs, io};

use runai_fuzz::{TARGETS, dictionary, seeds};

fn main() -> io::Result<()> {
    let folder: PathBuf = env::args_os().nth(1).ok_or(io::ErrorKind::InvalidInput)?.into();
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        for (index, seed) in seeds(target).iter().enumerate() {
            fs::write(folder.join(format!("seed-{index}")), seed)?;
        }
    }
    fs::write(folder.join("words.dict"), dictionary())
}
