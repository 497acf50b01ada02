//! Live lines on a terminal.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use crate::cluster::Cluster;

/// Runs a command on a terminal; returns its output and exit code.
fn drawn(cluster: &Cluster, words: &[&str]) -> (Option<i32>, String) {
    let size = nix::pty::Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = nix::pty::openpty(Some(&size), None).unwrap();
    let mut command = cluster.command(words);
    command.env("TERM", "xterm-256color").stdout(Stdio::null()).stderr(Stdio::from(terminal.slave));
    let mut child = command.spawn().unwrap();
    // Dropping the command closes the other side of the terminal, so that reading ends.
    drop(command);
    let mut text = Vec::new();
    let mut master = File::from(terminal.master);
    // Linux returns an error at the end of a terminal.
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = master.read(&mut chunk) {
        text.extend_from_slice(&chunk[..count]);
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn live_line_shows_progress() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 1.5", "");
    let (code, text) = drawn(&cluster, &["run", &file]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Running on default"), "{text}");
    // Redrawn more than once, and removed before the last line.
    assert!(text.matches("\u{1b}[2K").count() > 3, "{text:?}");
    let last = text.trim_end().lines().last().unwrap();
    assert!(last.contains(" succeeded ("), "{text:?}");
}

#[test]
fn quiet_has_no_live_line() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 0.2", "");
    assert_eq!(drawn(&cluster, &["run", &file, "--quiet"]), (Some(0), String::new()));
}

#[test]
fn submit_has_no_live_line() {
    let cluster = Cluster::start();
    let file = cluster.step("train", "RUNAI_SIM_RUNNING: 30", "");
    let (code, text) = drawn(&cluster, &["submit", &file]);
    assert_eq!((code, text.lines().count()), (Some(0), 1), "{text:?}");
    assert!(text.contains("submitted train") && !text.contains('\u{1b}'), "{text:?}");
}
