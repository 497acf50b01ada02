//! `cargo xtask faults`: thousands of submissions and waits through everything that goes wrong, and their results.
//!
//! The campaigns are tests of the client and of the program. `cargo xtask test` runs them with fewer runs. They fail by
//! themselves when a job is lost, doubled without a report or touched, or when a secret is shown.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

use crate::{
    process::{self, cargo},
    workspace,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs of each campaign in memory; a tenth of them over sockets, a twenty-fifth with processes that are killed
    #[arg(long, default_value_t = 5_000)]
    runs: u32,

    /// Write the tables into `docs/reliability.md` as well
    #[arg(long)]
    write: bool,
}

const PAGE: &str = "docs/reliability.md";
/// In the page, what is below it is made here.
const MARK: &str = "<!-- `cargo xtask faults --write` makes what follows -->\n";

/// A campaign of a crate.
struct Campaign {
    package: &'static str,
    /// The test that it is.
    test: &'static str,
    /// The name under which it writes its figures.
    name: &'static str,
    title: &'static str,
    /// What is done in it.
    description: &'static str,
}

const CAMPAIGNS: [Campaign; 10] = [
    Campaign {
        package: "runai-client",
        test: "hostile::a_fleet_neither_loses_nor_doubles_a_submission_under_a_hostile_control_plane",
        name: "hostile submissions",
        title: "Fleet: submissions, hostile control plane",
        description: "`StepOperator` and `Fleet`, in memory, with simulated time. Each 50 runs have their own control plane \
                      with the simulator's preset `hostile` and another seed: all its faults, mixed at random. Processes \
                      die after 30 s to 10 min, and others resume from the receipts.",
    },
    Campaign {
        package: "runai-client",
        test: "hostile::a_fleet_ends_every_wait_right_under_a_hostile_control_plane",
        name: "hostile waits",
        title: "Fleet: waits, hostile control plane",
        description: "As before. A third of the runs keep to their timeouts, a third exceed `workload_timeout`, half delete \
                      what failed. Workloads that stay in `Stopping` for ever are deleted by somebody after 45 min.",
    },
    Campaign {
        package: "runai-client",
        test: "hostile::a_fleet_reports_every_duplicate_where_effects_are_late_and_names_are_not_unique",
        name: "hostile duplicates",
        title: "Fleet: late effects, names not unique",
        description: "As the first, and worse: half of the submissions take effect 60 to 200 s after an answer of 504, and \
                      names are never checked.",
    },
    Campaign {
        package: "runai-cli",
        test: "hostile::launch_keeps_its_promises_under_a_hostile_control_plane",
        name: "launch",
        title: "Program: submissions and waits, hostile control plane",
        description: "The program's own `run`, `submit` and `submit --wait`, in memory, with simulated time and the default \
                      `--settle-time`. Each 50 steps in ten commands have their own control plane with the preset \
                      `hostile` and another seed. Users interrupt commands once or twice, at random moments; processes \
                      are killed; users repeat commands until every step has ended. Timeouts and deletions as above.",
    },
    Campaign {
        package: "runai-cli",
        test: "hostile::launch_reports_every_duplicate_where_effects_are_late_and_names_are_not_unique",
        name: "launch duplicates",
        title: "Program: late effects, names not unique",
        description: "As before, and worse: half of the submissions take effect 60 to 200 s after an answer of 504, and \
                      names are never checked.",
    },
    Campaign {
        package: "runai-cli",
        test: "hostile::launch_keeps_its_promises_over_sockets",
        name: "launch sockets",
        title: "Program: sockets, hostile control plane",
        description: "As the first of the program, over sockets and in real time. All durations are a sixtieth: workloads, \
                      delays of faults, interrupts, and a settle time of 1.5 s.",
    },
    Campaign {
        package: "runai-client",
        test: "campaign::no_submission_is_lost_or_doubled",
        name: "submissions",
        title: "Fleet: submissions, bad network",
        description: "In memory, with simulated time. Of 100 answers 30 are lost after the request took effect, 10 requests \
                      are lost before, 5 meet an error or a proxy's page. Every ten minutes there is a minute of nothing \
                      but 5xx and 20 s in which nobody listens. Tokens expire early. Processes die in the middle of a \
                      request, and others resume from the receipts.",
    },
    Campaign {
        package: "runai-client",
        test: "campaign::every_wait_ends_right_and_no_healthy_job_is_touched",
        name: "waits",
        title: "Fleet: waits, long outages",
        description: "In memory, with simulated time. Out of every 97 minutes nobody listens for 57, and three more give \
                      nothing but 5xx. Answers get lost, the control plane's clock is off by up to 20 s, processes die. A \
                      third of the waits keep to their timeouts, a third exceed one, half delete what failed.",
    },
    Campaign {
        package: "runai-client",
        test: "lossy::a_network_that_harms_bytes_neither_loses_nor_doubles_a_job",
        name: "sockets",
        title: "Fleet: sockets",
        description: "In real time, with a settle time of 1.5 s, through a TCP proxy that cuts, delays, doubles and corrupts \
                      six of ten connections, at a random byte.",
    },
    Campaign {
        package: "runai-client",
        test: "killed::whoever_is_killed_another_goes_on",
        name: "processes",
        title: "Fleet: killed processes",
        description: "In real time, through the same proxy. Every run is a process that gets `SIGKILL` at a random moment, \
                      again and again, and another that resumes from the receipt on the disk.",
    },
];

/// What one campaign wrote down.
#[derive(Deserialize)]
struct Written {
    campaign: String,
    figures: Vec<(String, f64)>,
}

/// Run all campaigns, and print their tables.
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
        let (kept, _) = page.split_once(MARK).ok_or_else(|| anyhow!("`{PAGE}` has no line `{}`", MARK.trim()))?;
        fs::write(&path, format!("{kept}{MARK}\n{tables}"))?;
        println!("wrote {PAGE}");
    }
    Ok(())
}

fn tables(lines: &str) -> Result<String> {
    let written: Vec<Written> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut page = String::new();
    for Campaign { name, title, description, .. } in &CAMPAIGNS {
        let found = written.iter().find(|it| it.campaign == *name);
        let Written { figures, .. } = found.ok_or_else(|| anyhow!("campaign `{name}` has written nothing down"))?;
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
    fn every_campaign_has_a_table_or_the_run_fails() {
        let line = |Campaign { name, .. }: &Campaign| {
            format!(r#"{{"campaign": "{name}", "figures": [["runs", 5000.0], ["simulated hours", 0.5]]}}"#)
        };
        let lines: Vec<String> = CAMPAIGNS.iter().map(line).collect();
        let page = tables(&lines.join("\n")).unwrap();
        assert_eq!(page.matches("| runs | 5000 |\n| simulated hours | 0.5 |\n").count(), CAMPAIGNS.len());
        assert!(tables(&lines[1..].join("\n")).unwrap_err().to_string().contains("`hostile submissions`"));
    }
}
