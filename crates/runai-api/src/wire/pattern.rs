//! Forms of texts as the official SDK asks for them, for the schema of the body.
//!
//! Python's `$` also matches before a line break at the end.

pub(super) const ATTRIBUTE_KEY: &str = r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\n?$";
pub(super) const FILE_MODE: &str = r"^0[0-7]{3}$";
pub(super) const OBJECT_NAME: &str = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?\n?$";
pub(super) const PROBE_PATH: &str = r"^(/[a-zA-Z0-9\-_./]*)?\n?$";
pub(super) const QUANTITY: &str = r"^[+]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*\n?$";
