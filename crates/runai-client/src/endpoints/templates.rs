//! Workload templates.

use futures_core::Stream;
use runai_api::request::{ApiRequest, encode_component};
use runai_api::wire::requests::ListParams;
use serde::Deserialize;
use serde_json::Value;

use super::nullable;
use super::page::Listed;
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// One template for training workloads.
    pub async fn template(&self, template_id: &str) -> Result<Template, Error> {
        let path = format!("/api/v1/workload-templates/trainings/{}", encode_component(template_id));
        self.send(&ApiRequest::get(path)).await
    }

    /// Templates of all types that the credentials can see, page by page as they are asked for.
    ///
    /// Experimental in the API's own words; a control plane that does not know it answers with an error.
    pub fn list_templates(&self, params: &ListParams) -> impl Stream<Item = Result<Template, Error>> + Send + use<> {
        self.listing(params.apply(ApiRequest::get("/api/v1/workload-templates")))
    }
}

/// A workload template.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Template {
    /// What it is called and where it holds.
    #[serde(deserialize_with = "nullable")]
    pub meta: TemplateMeta,
    /// The specification that a submission is laid over, as the API gives it.
    pub spec: Value,
}

/// What a template is called and where it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TemplateMeta {
    /// The template's UUID.
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    /// The template's name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// Id of what it holds in.
    #[serde(deserialize_with = "nullable")]
    pub scope_id: String,
    /// `system`, `tenant`, `cluster`, `department` or `project`.
    #[serde(deserialize_with = "nullable")]
    pub scope_type: String,
    /// The type of workload that it is for, such as `Training`.
    #[serde(deserialize_with = "nullable")]
    pub workload_type: String,
}

impl Listed for Template {
    const MEMBER: &'static str = "entries";
}
