//! Integration tests: against scripted responses in memory, with paused time, and against the simulator.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod actions;
mod auth;
mod campaign;
mod endpoints;
mod fleet;
mod fuzz;
mod hostile;
mod isolation;
mod killed;
mod lifecycle;
mod lossy;
mod network;
mod one_body;
mod operations;
mod paging;
mod preflight;
mod rate_limit;
mod receipts;
mod resolve;
mod retry;
mod script;
mod secrets;
mod settling;
mod simulator;
mod sockets;
mod submit;
mod tls;
mod tokens;
mod watch;
