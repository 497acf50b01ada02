//! Workload templates.

use futures_core::Stream;
use runai_api::request::{ApiRequest, encode_component};
use runai_api::wire::requests::ListParams;
use serde::Deserialize;
use serde_json::Value;

use super::nullable;
use super::page::ListItem;
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Returns a template of training workloads.
    pub async fn template(&self, template_id: &str) -> Result<Template, Error> {
        let path = format!("/api/v1/workload-templates/trainings/{}", encode_component(template_id));
        self.send(&ApiRequest::get(path)).await
    }

    /// Returns all visible templates of any type, as a stream that requests pages on demand.
    ///
    /// The API marks this endpoint as experimental; a control plane without it returns an error.
    pub fn list_templates(&self, params: &ListParams) -> impl Stream<Item = Result<Template, Error>> + Send + use<> {
        self.item_stream(params.apply(ApiRequest::get("/api/v1/workload-templates")))
    }
}

/// A workload template.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Template {
    /// The template's name and scope.
    #[serde(deserialize_with = "nullable")]
    pub meta: TemplateMeta,
    /// The spec that a submission overrides, as JSON.
    pub spec: Value,
}

/// The name and scope of a template.
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
    /// The scope's id.
    #[serde(deserialize_with = "nullable")]
    pub scope_id: String,
    /// `system`, `tenant`, `cluster`, `department` or `project`.
    #[serde(deserialize_with = "nullable")]
    pub scope_type: String,
    /// The workload type, such as `Training`.
    #[serde(deserialize_with = "nullable")]
    pub workload_type: String,
}

impl ListItem for Template {
    const MEMBER: &'static str = "entries";
}
