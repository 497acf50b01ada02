//! Lists over all their pages.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::{self, TryStreamExt as _};
use runai_api::request::ApiRequest;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::odd;
use super::page::{LenientList, LenientPage, Listed};
use crate::client::Client;
use crate::error::Error;

/// The most pages of a list that are read; at 500 items each, more than a control plane holds.
pub const MOST_PAGES: usize = 1_000;

impl Client {
    /// Returns the pages of any list of the API as a stream of JSON bodies, beginning with that of `request`.
    ///
    /// Where a page names the offset of the next one (`next`, or `pagination.nextOffset`), that is followed. Lists
    /// without it end with a page that is shorter than the request's `limit`, or, if the request has an `offset` alone,
    /// with one that is empty; if it has neither, its answer is the only page.
    ///
    /// # Errors
    /// Those of [`Client::call`], and [`Error::OddAnswer`] for a list whose pages lead nowhere: half of a list answers
    /// no question.
    pub fn pages(&self, request: ApiRequest) -> impl Stream<Item = Result<Value, Error>> + Send + use<> {
        let pages = Pages { client: self.clone(), request: Some(request), read: 0, last: Bytes::new() };
        stream::try_unfold(pages, |mut pages| async {
            let page = pages.next().await?;
            Ok(page.map(|page| (page, pages)))
        })
    }

    /// Returns the items of any list of the API, over all its [pages](Client::pages). `member` is the member that holds
    /// them: a name, a JSON pointer such as `/accessRules/accessRules`, or nothing where the body is the list.
    ///
    /// An item that is no `T` is left out, with a warning in the log.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt as _;
    /// use runai_client::{Client, Error};
    /// use runai_api::request::ApiRequest;
    /// use serde_json::Value;
    ///
    /// # async fn example(client: &Client) -> Result<(), Error> {
    /// let request = ApiRequest::get("/api/v1/workloads/pods").query("limit", "100");
    /// let pods: Vec<Value> = client.items::<Value>(request, "pods").try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Client::pages`], and [`Error::OddAnswer`] for a page without the list.
    pub fn items<T: DeserializeOwned + Send + 'static>(
        &self,
        request: ApiRequest,
        member: &str,
    ) -> impl Stream<Item = Result<T, Error>> + Send + use<T> {
        let pointer =
            if member.is_empty() || member.starts_with('/') { member.to_owned() } else { format!("/{member}") };
        let mut first = request.clone();
        first.body = None;
        self.pages(request)
            .and_then(move |mut page| {
                let list = page.pointer_mut(&pointer).map(Value::take).filter(Value::is_array);
                let items = list.ok_or_else(|| odd(&first, &format!("has no list `{pointer}`"))).and_then(|list| {
                    serde_json::from_value::<LenientList<T>>(list)
                        .map_err(|_| odd(&first, "is not what the API describes"))
                });
                std::future::ready(items.map(|list| stream::iter(list.items.into_iter().map(Ok))))
            })
            .try_flatten()
    }

    /// The items of the list that `request` is the first page of, read page by page as they are asked for.
    pub(super) fn listing<T: Listed>(
        &self,
        request: ApiRequest,
    ) -> impl Stream<Item = Result<T, Error>> + Send + use<T> {
        let listing = Listing { client: self.clone(), request: Some(request), pages: 0, items: VecDeque::new() };
        stream::try_unfold(listing, |mut listing| async {
            let item = listing.next().await?;
            Ok(item.map(|item| (item, listing)))
        })
    }

    /// All items of a list.
    pub(super) async fn collected<T: Listed>(&self, request: ApiRequest) -> Result<Vec<T>, Error> {
        self.listing(request).try_collect().await
    }

    /// All items of a list that has no pages.
    pub(super) async fn list<T: DeserializeOwned>(&self, request: &ApiRequest) -> Result<Vec<T>, Error> {
        self.send::<LenientList<T>>(request).await.map(|list| list.items)
    }
}

struct Listing<T> {
    client: Client,
    /// The next page, if there is one.
    request: Option<ApiRequest>,
    pages: usize,
    items: VecDeque<T>,
}

impl<T: Listed> Listing<T> {
    async fn next(&mut self) -> Result<Option<T>, Error> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Ok(Some(item));
            }
            let Some(request) = &self.request else { return Ok(None) };
            let LenientPage { items, bad, next } = self.client.send(request).await?;
            tracing::debug!(items = items.len(), bad, path = request.path, "read a page");
            self.items.extend(items);
            self.pages += 1;
            self.request = following(request, next, self.pages)?;
        }
    }
}

struct Pages {
    client: Client,
    /// The next page, if there is one.
    request: Option<ApiRequest>,
    read: usize,
    /// The body of the page before, where that page did not name this one.
    last: Bytes,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Value>, Error> {
        let Some(request) = self.request.take() else { return Ok(None) };
        let answer = self.client.call(&request).await?;
        let page: Value = answer.json()?;
        self.read += 1;
        let count = count(&page);
        match stated(&page, count) {
            Some(Value::Null) => {}
            Some(next) => {
                let next = next.as_i64().ok_or_else(|| odd(&request, "names a next page by no offset"))?;
                self.request = following(&request, Some(next), self.read)?;
            }
            // The server ignores `offset` and has sent the same page again.
            None if self.last == answer.bytes => return Ok(None),
            None => {
                let limit = number_of(&request, LIMIT);
                let is_last = match limit {
                    Some(limit) => count < limit,
                    None => count == 0 || number_of(&request, OFFSET).is_none(),
                };
                if !is_last {
                    let next = u64::from(offset_of(&request)) + count;
                    self.request = following(&request, i64::try_from(next).ok(), self.read)?;
                    self.last = answer.bytes;
                }
            }
        }
        Ok(Some(page))
    }
}

/// Returns the offset of the next page as the page states it; `None` if it states nothing.
fn stated(page: &Value, count: u64) -> Option<&Value> {
    // The last page of a list with `pagination` is empty and names a next one.
    let elsewhere =
        || page.get("pagination")?.get("nextOffset").map(|next| if count == 0 { &Value::Null } else { next });
    page.get("next").or_else(elsewhere)
}

/// Returns the number of items of a page: the length of its longest list.
fn count(page: &Value) -> u64 {
    match page {
        Value::Array(items) => items.len() as u64,
        Value::Object(members) => members
            .values()
            .map(|member| if member.is_array() || member.is_object() { count(member) } else { 0 })
            .max()
            .unwrap_or(0),
        _ => 0,
    }
}

/// The request of the page after that of `request`.
fn following(request: &ApiRequest, next: Option<i64>, pages: usize) -> Result<Option<ApiRequest>, Error> {
    match next.map(u32::try_from) {
        None | Some(Ok(0)) => Ok(None),
        Some(Ok(next)) if next > offset_of(request) && pages < MOST_PAGES => Ok(Some(at(request, next))),
        Some(_) => Err(odd(request, "is a list without an end")),
    }
}

fn offset_of(request: &ApiRequest) -> u32 {
    number_of(request, OFFSET).and_then(|offset| u32::try_from(offset).ok()).unwrap_or(0)
}

fn number_of(request: &ApiRequest, name: &str) -> Option<u64> {
    request.query.iter().find(|(known, _)| known == name)?.1.parse().ok()
}

/// The page of the same list that begins at `offset`.
fn at(request: &ApiRequest, offset: u32) -> ApiRequest {
    let mut request = request.clone();
    match request.query.iter_mut().find(|(name, _)| name == OFFSET) {
        Some((_, value)) => *value = offset.to_string(),
        None => request.query.push((OFFSET.into(), offset.to_string())),
    }
    request
}

const LIMIT: &str = "limit";
const OFFSET: &str = "offset";
