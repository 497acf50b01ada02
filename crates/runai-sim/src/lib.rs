//! A control plane that behaves like NVIDIA Run:ai's, for tests, demonstrations and local runs.
