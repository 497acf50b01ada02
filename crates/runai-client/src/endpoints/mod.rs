//! The API's endpoints as methods of [`Client`], a family a file: each is one request, or one list over all its pages.

mod access;
mod organization;
mod policies;
mod templates;
mod workloads;

use std::collections::VecDeque;

use futures_util::stream::{self, Stream, TryStreamExt as _};
use http::StatusCode;
use runai_spec::request::ApiRequest;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

pub use self::{
    access::{AccessRule, GrantedPermission, PermissionSetInfo, RoleInfo},
    policies::{EffectivePolicy, PolicySource},
    templates::{Template, TemplateMeta},
    workloads::{BatchAction, BatchFailure, BatchResult},
};
use crate::client::Client;
use crate::error::Error;

/// The most pages of a list that are read; at 500 items each, more than a control plane holds.
pub const MOST_PAGES: usize = 1_000;

/// An item that the API lists page by page.
pub(crate) trait List: Sized + Send + 'static {
    type Page: DeserializeOwned;

    /// The items of a page, and the offset of the next one.
    fn split(page: Self::Page) -> (Vec<Self>, Option<i64>);
}

impl Client {
    /// The items of the list that `request` is the first page of, read page by page as they are asked for.
    ///
    /// A list whose pages lead nowhere ends in an error: half of a list answers no question.
    fn listing<L: List>(&self, request: ApiRequest) -> impl Stream<Item = Result<L, Error>> + Send + use<L> {
        let listing = Listing { client: self.clone(), request: Some(request), pages: 0, items: VecDeque::new() };
        stream::try_unfold(listing, |mut listing| async {
            let item = listing.next().await?;
            Ok(item.map(|item| (item, listing)))
        })
    }

    /// All items of a list.
    async fn collected<L: List>(&self, request: ApiRequest) -> Result<Vec<L>, Error> {
        self.listing(request).try_collect().await
    }
}

struct Listing<L> {
    client: Client,
    /// The next page, if there is one.
    request: Option<ApiRequest>,
    pages: usize,
    items: VecDeque<L>,
}

impl<L: List> Listing<L> {
    async fn next(&mut self) -> Result<Option<L>, Error> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Ok(Some(item));
            }
            let Some(request) = &self.request else { return Ok(None) };
            let (items, next) = L::split(self.client.send(request).await?);
            self.items.extend(items);
            self.pages += 1;
            let offset = offset_of(request);
            self.request = match next.map(u32::try_from) {
                None | Some(Ok(0)) => None,
                Some(Ok(next)) if next > offset && self.pages < MOST_PAGES => Some(at(request, next)),
                Some(_) => return Err(odd(request, "is a list without an end")),
            };
        }
    }
}

fn offset_of(request: &ApiRequest) -> u32 {
    request.query.iter().find(|(name, _)| *name == OFFSET).and_then(|(_, offset)| offset.parse().ok()).unwrap_or(0)
}

/// The page of the same list that begins at `offset`.
fn at(request: &ApiRequest, offset: u32) -> ApiRequest {
    let mut request = request.clone();
    match request.query.iter_mut().find(|(name, _)| *name == OFFSET) {
        Some((_, value)) => *value = offset.to_string(),
        None => request.query.push((OFFSET, offset.to_string())),
    }
    request
}

/// Types of the API read leniently, so that some other JSON reads as a workload of which nothing is known.
fn names_no_workload(request: &ApiRequest) -> Error {
    odd(request, "names no workload")
}

fn odd(request: &ApiRequest, problem: &str) -> Error {
    Error::OddAnswer {
        call: format!("{} {}", request.method.as_str(), request.path),
        status: StatusCode::OK,
        problem: problem.to_owned(),
        text: String::new(),
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

const OFFSET: &str = "offset";
