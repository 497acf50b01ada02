//! Projects, clusters and node pools.

use futures_core::Stream;
use runai_api::wire::requests::{self, ListParams};
use runai_api::wire::{Cluster, NodePool, Project};

use super::page::ListItem;
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Returns the projects whose name is exactly `name`. Names are unique per cluster.
    pub async fn projects_named(&self, name: &str) -> Result<Vec<Project>, Error> {
        let mut projects = self.projects(&ListParams::default().equals("name", name)).await?;
        // Some versions ignore the filter, or match other names too.
        projects.retain(|project| project.name == name);
        projects.sort_by(|one, other| one.id.cmp(&other.id));
        projects.dedup_by(|one, other| one.id == other.id);
        Ok(projects)
    }

    /// Returns all visible projects that match `params`.
    pub async fn projects(&self, params: &ListParams) -> Result<Vec<Project>, Error> {
        self.all_items(requests::projects(params)).await
    }

    /// Like [`Client::projects`], but as a stream that requests pages on demand.
    pub fn list_projects(&self, params: &ListParams) -> impl Stream<Item = Result<Project, Error>> + Send + use<> {
        self.item_stream(requests::projects(params))
    }

    /// Returns a project.
    pub async fn project(&self, project_id: &str) -> Result<Project, Error> {
        self.send(&requests::project(project_id)).await
    }

    /// Returns all visible clusters.
    pub async fn clusters(&self) -> Result<Vec<Cluster>, Error> {
        self.list(&requests::clusters()).await
    }

    /// Returns a cluster with its state.
    pub async fn cluster(&self, uuid: &str) -> Result<Cluster, Error> {
        self.send(&requests::cluster(uuid)).await
    }

    /// Returns the node pools of a cluster.
    pub async fn node_pools(&self, cluster_id: &str) -> Result<Vec<NodePool>, Error> {
        let params = ListParams::default().equals("clusterId", cluster_id);
        let mut pools: Vec<NodePool> = self.all_items(requests::node_pools(&params)).await?;
        pools.retain(|pool| pool.cluster_id.is_empty() || pool.cluster_id == cluster_id);
        Ok(pools)
    }
}

impl ListItem for Project {
    const MEMBER: &'static str = "projects";
}

impl ListItem for NodePool {
    const MEMBER: &'static str = "nodepools";
}
