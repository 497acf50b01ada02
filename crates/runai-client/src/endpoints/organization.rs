//! Projects, clusters and node pools.

use futures_core::Stream;
use runai_api::wire::requests::{self, ListParams};
use runai_api::wire::{Cluster, NodePool, Project};

use super::page::Listed;
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// The projects whose name is exactly `name`. One name may be used once in every cluster.
    pub async fn projects_named(&self, name: &str) -> Result<Vec<Project>, Error> {
        let mut projects = self.projects(&ListParams::default().equals("name", name)).await?;
        // A filter is a hint: a version may ignore it, or compare otherwise.
        projects.retain(|project| project.name == name);
        projects.sort_by(|one, other| one.id.cmp(&other.id));
        projects.dedup_by(|one, other| one.id == other.id);
        Ok(projects)
    }

    /// All projects that the credentials can see and `params` select.
    pub async fn projects(&self, params: &ListParams) -> Result<Vec<Project>, Error> {
        self.collected(requests::projects(params)).await
    }

    /// As [`Client::projects`], page by page as they are asked for.
    pub fn list_projects(&self, params: &ListParams) -> impl Stream<Item = Result<Project, Error>> + Send + use<> {
        self.listing(requests::projects(params))
    }

    /// One project.
    pub async fn project(&self, project_id: &str) -> Result<Project, Error> {
        self.send(&requests::project(project_id)).await
    }

    /// All clusters that the credentials can see.
    pub async fn clusters(&self) -> Result<Vec<Cluster>, Error> {
        self.list(&requests::clusters()).await
    }

    /// One cluster, with its state.
    pub async fn cluster(&self, uuid: &str) -> Result<Cluster, Error> {
        self.send(&requests::cluster(uuid)).await
    }

    /// The node pools of a cluster.
    pub async fn node_pools(&self, cluster_id: &str) -> Result<Vec<NodePool>, Error> {
        let params = ListParams::default().equals("clusterId", cluster_id);
        let mut pools: Vec<NodePool> = self.collected(requests::node_pools(&params)).await?;
        pools.retain(|pool| pool.cluster_id.is_empty() || pool.cluster_id == cluster_id);
        Ok(pools)
    }
}

impl Listed for Project {
    const MEMBER: &'static str = "projects";
}

impl Listed for NodePool {
    const MEMBER: &'static str = "nodepools";
}
