//! `cargo xtask faults`: runs the fault campaigns and prints their results.
//!
//! The campaigns are tests of the client and of the program, which `cargo xtask test` runs with fewer runs. They fail
//! if a job is lost, duplicated without a report or touched without a reason, or if a secret is shown.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

use crate::{
    process::{self, cargo},
    workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs of each campaign in memory; a tenth over sockets, a twenty-fifth with killed processes
    #[arg(long, default_value_t = 5_000)]
    runs: u32,

    /// Also write the tables to `docs/reliability.md`
    #[arg(long)]
    write: bool,
}

const PAGE: &str = "docs/reliability.md";
/// The generated part of the page starts after this line.
const MARK: &str = "<!-- `cargo xtask faults --write` generates the rest of this page -->\n";

/// A campaign of a crate.
struct Campaign {
    package: &'static str,
    /// The path of the test.
    test: &'static str,
    /// The name in the figures that the test writes.
    name: &'static str,
    title: &'static str,
    /// The description below the title.
    description: &'static str,
}

const CAMPAIGNS: [Campaign; 10] = [
    Campaign {
        package: "runai-client",
        test: "hostile::submissions_survive_hostile_control_plane",
        name: "hostile submissions",
        title: "Fleet: submissions, hostile control plane",
        description: "`StepOperator` and `Fleet`, in memory, with simulated time. Every 50 runs have their own control plane \
                      with the simulator's preset `hostile` and another seed: all faults, mixed at random. Processes \
                      die after 30 s to 10 min, and others resume from the receipts.",
    },
    Campaign {
        package: "runai-client",
        test: "hostile::waits_survive_hostile_control_plane",
        name: "hostile waits",
        title: "Fleet: waits, hostile control plane",
        description: "Like the previous one. A third of the runs stay within their timeouts, a third exceed \
                      `workload_timeout`, half delete failed workloads. Workloads that stay in `Stopping` are deleted \
                      after 45 min.",
    },
    Campaign {
        package: "runai-client",
        test: "hostile::reports_duplicates_after_late_effects",
        name: "hostile duplicates",
        title: "Fleet: late effects, names not unique",
        description: "Like the first, but half of the submissions take effect 60 to 200 s after a 504, and names are never \
                      checked.",
    },
    Campaign {
        package: "runai-cli",
        test: "hostile::survives_hostile_control_plane",
        name: "launch",
        title: "Program: submissions and waits, hostile control plane",
        description: "The program's own `run`, `submit` and `submit --wait`, in memory, with simulated time and the default \
                      `--settle-time`. Every 50 steps in ten commands have their own control plane with the preset \
                      `hostile` and another seed. Users interrupt commands once or twice, at random times; processes \
                      are killed; users repeat commands until every step has ended. Timeouts and deletions as above.",
    },
    Campaign {
        package: "runai-cli",
        test: "hostile::reports_every_duplicate",
        name: "launch duplicates",
        title: "Program: late effects, names not unique",
        description: "Like the previous one, but half of the submissions take effect 60 to 200 s after a 504, and names are \
                      never checked.",
    },
    Campaign {
        package: "runai-cli",
        test: "hostile::survives_hostile_sockets",
        name: "launch sockets",
        title: "Program: sockets, hostile control plane",
        description: "Like the first of the program, over sockets and in real time. All durations are a sixtieth: workloads, \
                      delays of faults, interrupts, and a settle time of 1.5 s.",
    },
    Campaign {
        package: "runai-client",
        test: "campaign::submits_once_over_bad_network",
        name: "submissions",
        title: "Fleet: submissions, bad network",
        description: "In memory, with simulated time. Of 100 requests, 30 lose their response after taking effect, 10 are \
                      lost before, and 5 get an error or a proxy's page. Every ten minutes the control plane returns \
                      only 5xx for a minute and refuses connections for 20 s. Tokens expire early. Processes die during \
                      a request, and others resume from the receipts.",
    },
    Campaign {
        package: "runai-client",
        test: "campaign::waits_survive_long_outages",
        name: "waits",
        title: "Fleet: waits, long outages",
        description: "In memory, with simulated time. Of every 97 minutes, the control plane refuses connections for 57 and \
                      returns only 5xx for 3. Responses are lost, the control plane's clock is off by up to 20 s, and \
                      processes die. A third of the waits stay within their timeouts, a third exceed one, half delete \
                      failed workloads.",
    },
    Campaign {
        package: "runai-client",
        test: "lossy::submits_once_over_lossy_network",
        name: "sockets",
        title: "Fleet: sockets",
        description: "In real time, with a settle time of 1.5 s, through a TCP proxy that cuts, delays, duplicates or \
                      corrupts six of ten connections, at a random byte.",
    },
    Campaign {
        package: "runai-client",
        test: "killed::resumes_after_kill",
        name: "processes",
        title: "Fleet: killed processes",
        description: "In real time, through the same proxy. Every run is a process that gets `SIGKILL` at random times, and \
                      others that resume from the receipt on disk.",
    },
];

/// The figures of one campaign.
#[derive(Deserialize)]
struct Figures {
    campaign: String,
    figures: Vec<(String, f64)>,
}

/// Runs all campaigns and prints their tables.
pub(crate) fn run(args: &Args) -> Result<()> {
    let file = workspace::target_dir()?.join("campaigns.jsonl");
    if file.exists() {
        fs::remove_file(&file)?;
    }
    for package in ["runai-client", "runai-cli"] {
        let mut test = cargo();
        test.args(["test", "--release", "--package", package, "--test", "it", "--", "--exact", "--test-threads=1"]);
        test.args(CAMPAIGNS.iter().filter(|it| it.package == package).map(|it| it.test));
        process::run(test.env("RUNAI_CAMPAIGN", args.runs.to_string()).env("RUNAI_CAMPAIGN_FIGURES", &file))?;
    }

    let lines = fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let tables = tables(&lines)?;
    println!("\n{tables}");
    if args.write {
        let path = workspace::root().join(PAGE);
        let page = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let (text, _) = page.split_once(MARK).ok_or_else(|| anyhow!("missing line `{}` in `{PAGE}`", MARK.trim()))?;
        fs::write(&path, format!("{text}{MARK}\n{tables}"))?;
        println!("wrote {PAGE}");
    }
    Ok(())
}

fn tables(lines: &str) -> Result<String> {
    let all: Vec<Figures> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut page = String::new();
    for Campaign { name, title, description, .. } in &CAMPAIGNS {
        let found = all.iter().find(|it| it.campaign == *name);
        let Figures { figures, .. } = found.ok_or_else(|| anyhow!("campaign `{name}` has no figures"))?;
        writeln!(page, "### {title}\n\n{description}\n\n| | |\n|---|--:|")?;
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
    fn requires_figures_of_each_campaign() {
        let line = |Campaign { name, .. }: &Campaign| {
            format!(r#"{{"campaign": "{name}", "figures": [["runs", 5000.0], ["simulated hours", 0.5]]}}"#)
        };
        let lines: Vec<String> = CAMPAIGNS.iter().map(line).collect();
        let page = tables(&lines.join("\n")).unwrap();
        assert_eq!(page.matches("| runs | 5000 |\n| simulated hours | 0.5 |\n").count(), CAMPAIGNS.len());
        assert!(tables(&lines[1..].join("\n")).unwrap_err().to_string().contains("`hostile submissions`"));
    }
}
