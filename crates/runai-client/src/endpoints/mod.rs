//! The API's endpoints as methods of [`Client`], a family a file: each is one request, or one list over all its pages.

mod access;
mod actions;
mod organization;
pub(crate) mod page;
mod paging;
mod policies;
mod templates;
mod workloads;

use http::StatusCode;
use runai_api::request::ApiRequest;
use serde::de::{Deserialize, Deserializer};

pub use self::{
    access::{AccessRule, GrantedPermission, PermissionSetInfo, RoleInfo},
    actions::{BatchAction, BatchFailure, BatchResult},
    paging::MOST_PAGES,
    templates::{Template, TemplateMeta},
};
use crate::error::Error;

/// Types of the API read leniently, so that some other JSON reads as a workload of which nothing is known.
fn names_no_workload(request: &ApiRequest) -> Error {
    odd(request, "names no workload")
}

fn odd(request: &ApiRequest, problem: &str) -> Error {
    Error::OddAnswer {
        call: format!("{} {}", request.method.as_str(), request.path),
        status: StatusCode::OK,
        problem: problem.to_owned(),
    }
}

/// Reads a value that may be null; null gives the type's default.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
