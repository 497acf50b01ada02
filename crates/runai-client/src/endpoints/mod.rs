//! The API's endpoints as methods of [`Client`]. Each sends one request, or lists all pages.

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
    paging::MAX_PAGES,
    templates::{Template, TemplateMeta},
};
use crate::error::Error;

/// The error for a response without a workload's id. The API's types deserialize leniently, so any object parses.
fn missing_workload_id(request: &ApiRequest) -> Error {
    unexpected(request, "has no workload id")
}

fn unexpected(request: &ApiRequest, problem: &str) -> Error {
    Error::UnexpectedResponse {
        call: format!("{} {}", request.method.as_str(), request.path),
        status: StatusCode::OK,
        problem: problem.to_owned(),
    }
}

/// Deserializes a nullable value; null becomes the type's default.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
