//! Paged lists.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::{self, TryStreamExt as _};
use runai_api::request::ApiRequest;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::page::{LenientList, LenientPage, ListItem};
use super::unexpected;
use crate::client::Client;
use crate::error::Error;

/// Maximum number of pages of a list; at 500 items each, more than any control plane has.
pub const MAX_PAGES: usize = 1_000;

impl Client {
    /// Returns the pages of any list of the API as a stream of JSON bodies, starting with that of `request`.
    ///
    /// The client follows the offset of the next page (`next`, or `pagination.nextOffset`). A list without offsets ends
    /// with a page that has fewer items than the request's `limit`. If the request has an `offset` but no `limit`, it
    /// ends with an empty page; if it has neither, the list has one page.
    ///
    /// # Errors
    /// Those of [`Client::call`], and [`Error::UnexpectedResponse`] if the offsets do not increase or there are more
    /// than [`MAX_PAGES`].
    pub fn pages(&self, request: ApiRequest) -> impl Stream<Item = Result<Value, Error>> + Send + use<> {
        let pages = Pages { client: self.clone(), request: Some(request), read: 0, last: Bytes::new() };
        stream::try_unfold(pages, |mut pages| async {
            let page = pages.next().await?;
            Ok(page.map(|page| (page, pages)))
        })
    }

    /// Returns the items of all [pages](Client::pages) of any list of the API. `member` is the member that contains
    /// them: a name, a JSON pointer such as `/accessRules/accessRules`, or empty if the body is the list.
    ///
    /// Items that do not deserialize as a `T` are skipped, with a warning in the log.
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
    /// Those of [`Client::pages`], and [`Error::UnexpectedResponse`] for a page without the list.
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
                let items =
                    list.ok_or_else(|| unexpected(&first, &format!("has no list `{pointer}`"))).and_then(|list| {
                        serde_json::from_value::<LenientList<T>>(list)
                            .map_err(|_| unexpected(&first, "does not match the API"))
                    });
                std::future::ready(items.map(|list| stream::iter(list.items.into_iter().map(Ok))))
            })
            .try_flatten()
    }

    /// Returns the items of all pages as a stream that requests pages on demand. `request` is that of the first page.
    pub(super) fn item_stream<T: ListItem>(
        &self,
        request: ApiRequest,
    ) -> impl Stream<Item = Result<T, Error>> + Send + use<T> {
        let pages = ItemPages { client: self.clone(), request: Some(request), pages: 0, items: VecDeque::new() };
        stream::try_unfold(pages, |mut pages| async {
            let item = pages.next().await?;
            Ok(item.map(|item| (item, pages)))
        })
    }

    /// Returns the items of all pages.
    pub(super) async fn all_items<T: ListItem>(&self, request: ApiRequest) -> Result<Vec<T>, Error> {
        self.item_stream(request).try_collect().await
    }

    /// Returns the items of a list without pages.
    pub(super) async fn list<T: DeserializeOwned>(&self, request: &ApiRequest) -> Result<Vec<T>, Error> {
        self.send::<LenientList<T>>(request).await.map(|list| list.items)
    }
}

struct ItemPages<T> {
    client: Client,
    /// The next page, if there is one.
    request: Option<ApiRequest>,
    pages: usize,
    items: VecDeque<T>,
}

impl<T: ListItem> ItemPages<T> {
    async fn next(&mut self) -> Result<Option<T>, Error> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Ok(Some(item));
            }
            let Some(request) = &self.request else { return Ok(None) };
            let LenientPage { items, invalid, next } = self.client.send(request).await?;
            tracing::debug!(items = items.len(), invalid, path = request.path, "received a page");
            self.items.extend(items);
            self.pages += 1;
            self.request = next_page(request, next, self.pages)?;
        }
    }
}

struct Pages {
    client: Client,
    /// The next page, if there is one.
    request: Option<ApiRequest>,
    read: usize,
    /// The body of the previous page, if it had no offset of this one.
    last: Bytes,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Value>, Error> {
        let Some(request) = self.request.take() else { return Ok(None) };
        let response = self.client.call(&request).await?;
        let page: Value = response.json()?;
        self.read += 1;
        let count = count(&page);
        match stated_next(&page, count) {
            Some(Value::Null) => {}
            Some(next) => {
                let next =
                    next.as_i64().ok_or_else(|| unexpected(&request, "has an invalid offset of the next page"))?;
                self.request = next_page(&request, Some(next), self.read)?;
            }
            // The server ignored `offset` and sent the same page again.
            None if self.last == response.bytes => return Ok(None),
            None => {
                let limit = number_of(&request, LIMIT);
                let is_last = match limit {
                    Some(limit) => count < limit,
                    None => count == 0 || number_of(&request, OFFSET).is_none(),
                };
                if !is_last {
                    let next = u64::from(offset_of(&request)) + count;
                    self.request = next_page(&request, i64::try_from(next).ok(), self.read)?;
                    self.last = response.bytes;
                }
            }
        }
        Ok(Some(page))
    }
}

/// Returns the offset of the next page, if the page contains one.
fn stated_next(page: &Value, count: u64) -> Option<&Value> {
    // The last page of a list with `pagination` is empty but still has an offset.
    let pagination =
        || page.get("pagination")?.get("nextOffset").map(|next| if count == 0 { &Value::Null } else { next });
    page.get("next").or_else(pagination)
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

/// Returns the request of the next page, if there is one.
fn next_page(request: &ApiRequest, next: Option<i64>, pages: usize) -> Result<Option<ApiRequest>, Error> {
    match next.map(u32::try_from) {
        None | Some(Ok(0)) => Ok(None),
        Some(Ok(next)) if next > offset_of(request) && pages < MAX_PAGES => Ok(Some(with_offset(request, next))),
        Some(_) => Err(unexpected(request, "is an endless list")),
    }
}

fn offset_of(request: &ApiRequest) -> u32 {
    number_of(request, OFFSET).and_then(|offset| u32::try_from(offset).ok()).unwrap_or(0)
}

fn number_of(request: &ApiRequest, name: &str) -> Option<u64> {
    request.query.iter().find(|(known, _)| known == name)?.1.parse().ok()
}

/// Returns the request of the page that starts at `offset`.
fn with_offset(request: &ApiRequest, offset: u32) -> ApiRequest {
    let mut request = request.clone();
    match request.query.iter_mut().find(|(name, _)| name == OFFSET) {
        Some((_, value)) => *value = offset.to_string(),
        None => request.query.push((OFFSET.into(), offset.to_string())),
    }
    request
}

const LIMIT: &str = "limit";
const OFFSET: &str = "offset";
