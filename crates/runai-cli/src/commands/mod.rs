//! One module per command or family of commands. Shared: `steps` to launch, `workloads` by name, `orphans`.

pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod describe;
pub(crate) mod doctor;
pub(crate) mod editor;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod launch;
pub(crate) mod lifecycle;
pub(crate) mod lsp;
pub(crate) mod orphans;
pub(crate) mod permissions;
pub(crate) mod receipts;
pub(crate) mod render;
pub(crate) mod schema;
pub(crate) mod simulate;
pub(crate) mod snapshot;
pub(crate) mod status;
pub(crate) mod steps;
pub(crate) mod wait;
pub(crate) mod workloads;
