//! `cargo xtask faults`: thousands of submissions and waits through everything that goes wrong, and what came of them.
//!
//! The campaigns are tests of the client, which run with fewer runs in `cargo xtask test` too; they fail by themselves
//! when a job is lost, doubled or touched.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

use crate::{
    process::{self, cargo},
    workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Submissions, and as many waits; a tenth of it over sockets, a twenty-fifth with processes that are killed
    #[arg(long, default_value_t = 5_000)]
    runs: u32,

    /// Write the tables into `docs/reliability.md` as well
    #[arg(long)]
    write: bool,
}

const PAGE: &str = "docs/reliability.md";
/// In the page, what is below it is made here.
const MARK: &str = "<!-- `cargo xtask faults --write` makes what follows -->\n";

/// A campaign: the test that it is, the name under which it writes down its figures, and what is done in it.
const CAMPAIGNS: [(&str, &str, &str, &str); 4] = [
    (
        "campaign::no_submission_is_lost_or_doubled",
        "submissions",
        "Submissions",
        "In memory, with simulated time. Of 100 answers 30 are lost after the request took effect, 10 requests are lost before, \
         5 meet an error or a proxy's page; every ten minutes there is a minute of nothing but 5xx and 20 seconds in which \
         nobody listens; tokens expire early; processes die in the middle of a request and others go on from the receipts.",
    ),
    (
        "campaign::every_wait_ends_right_and_no_healthy_job_is_touched",
        "waits",
        "Waits",
        "In memory, with simulated time. Out of every 97 minutes nobody listens for 57, and three more give nothing but 5xx; \
         answers get lost, the control plane's clock is off by up to 20 seconds, processes die. A third of the waits has \
         timeouts that they keep to, a third a timeout that is shorter than the job, half delete what failed.",
    ),
    (
        "lossy::a_network_that_harms_bytes_neither_loses_nor_doubles_a_job",
        "sockets",
        "Sockets",
        "In real time, through a TCP proxy that cuts, delays, doubles and spoils six of ten connections, at a random byte.",
    ),
    (
        "killed::whoever_is_killed_another_goes_on",
        "processes",
        "Killed processes",
        "In real time, through the same proxy: every run is a process that gets `SIGKILL` at a random moment, again and \
         again, and another that goes on from the receipt on the disk.",
    ),
];

/// What one campaign wrote down.
#[derive(Deserialize)]
struct Campaign {
    campaign: String,
    figures: Vec<(String, f64)>,
}

/// Run all campaigns, and print their tables.
pub(crate) fn run(args: &Args) -> Result<()> {
    let file = workspace::target_dir()?.join("campaigns.jsonl");
    if file.exists() {
        fs::remove_file(&file)?;
    }
    let mut test = cargo();
    test.args(["test", "--release", "--package", "runai-client", "--test", "it", "--", "--exact", "--test-threads=1"]);
    test.args(CAMPAIGNS.iter().map(|(test, ..)| test));
    process::run(test.env("RUNAI_CAMPAIGN", args.runs.to_string()).env("RUNAI_CAMPAIGN_FIGURES", &file))?;

    let lines = fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let tables = tables(&lines)?;
    println!("\n{tables}");
    if args.write {
        let path = workspace::root().join(PAGE);
        let page = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let (kept, _) = page.split_once(MARK).ok_or_else(|| anyhow!("`{PAGE}` has no line `{}`", MARK.trim()))?;
        fs::write(&path, format!("{kept}{MARK}\n{tables}"))?;
        println!("wrote {PAGE}");
    }
    Ok(())
}

fn tables(lines: &str) -> Result<String> {
    let written: Vec<Campaign> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut page = String::new();
    for (_, name, title, words) in CAMPAIGNS {
        let found = written.iter().find(|it| it.campaign == name);
        let Campaign { figures, .. } = found.ok_or_else(|| anyhow!("campaign `{name}` has written nothing down"))?;
        writeln!(page, "### {title}\n\n{words}\n\n| | |\n|---|--:|")?;
        for (figure, count) in figures {
            writeln!(page, "| {figure} | {count} |")?;
        }
        page.push('\n');
    }
    Ok(page.trim_end().to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_campaign_has_a_table_or_the_run_fails() {
        let line = |(_, name, ..): &(&str, &str, &str, &str)| {
            format!(r#"{{"campaign": "{name}", "figures": [["runs", 5000.0], ["simulated hours", 0.5]]}}"#)
        };
        let lines: Vec<String> = CAMPAIGNS.iter().map(line).collect();
        let page = tables(&lines.join("\n")).unwrap();
        assert_eq!(page.matches("| runs | 5000 |\n| simulated hours | 0.5 |\n").count(), CAMPAIGNS.len());
        assert!(tables(&lines[1..].join("\n")).unwrap_err().to_string().contains("`submissions`"));
    }
}
