//! Completions and manual pages.

use std::process::Command;

use crate::Scratch;

#[test]
fn completions_load() {
    let scratch = Scratch::new();
    for (shell, file, load) in [
        ("bash", "c.bash", "source c.bash && complete -p runai-step"),
        (
            "zsh",
            "_runai-step",
            "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; (( $+_comps[runai-step] ))",
        ),
        ("fish", "c.fish", "source c.fish; complete --do-complete 'runai-step ch' | grep -q check"),
    ] {
        let output = scratch.command(&["completions", shell]).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{shell}");
        scratch.write(file, &output.stdout);
        // Not every machine has every shell.
        if let Ok(loaded) = Command::new(shell).args(["-c", load]).current_dir(scratch.path()).output() {
            assert!(loaded.status.success(), "{shell}: {}", crate::shown(&loaded));
        }
    }
}

#[test]
fn every_command_has_man_page() {
    let scratch = Scratch::new();
    let page = scratch.command(&["man"]).output().unwrap();
    assert!(String::from_utf8_lossy(&page.stdout).contains(".TH runai-step 1"), "{}", crate::shown(&page));
    assert!(scratch.command(&["man", "pages"]).output().unwrap().status.success());
    for page in ["runai-step.1", "runai-step-submit.1", "runai-step-doctor.1"] {
        assert!(scratch.path().join("pages").join(page).is_file(), "{page}");
    }
}
