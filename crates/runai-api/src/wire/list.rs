//! Parameters of lists: filters, order and page size.

use std::borrow::Cow;

use super::requests::Page;
use crate::request::ApiRequest;

/// Parameters of a list: filters, order and page size.
///
/// ```
/// use runai_api::wire::requests::{self, ListParams};
///
/// let params = ListParams::default().equals("projectId", "7").starts_with("name", "fit-").newest_first().page_size(50);
/// let request = requests::workloads(&params);
/// assert_eq!(
///     request.target(),
///     "/api/v1/workloads?filterBy=projectId%3D%3D7%2Cname%3D%5Efit-&offset=0&limit=50&sortBy=createdAt&sortOrder=desc"
/// );
/// ```
///
/// Members have the names of the API. An item must match every filter. Some control planes ignore filters, so compare
/// the items again. Values of filters cannot contain a comma.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListParams {
    /// Filters in the syntax of the API.
    filters: Vec<String>,
    deleted: bool,
    page: Page,
    sort: Option<(Cow<'static, str>, SortOrder)>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SortOrder {
    /// Ascending: smallest or oldest first.
    Ascending,
    /// Descending: largest or newest first.
    Descending,
}

impl ListParams {
    /// Selects items whose `member` equals `value`.
    #[must_use]
    pub fn equals(self, member: &str, value: &str) -> Self {
        self.filter(member, "==", value)
    }

    /// Selects items whose `member` starts with `text`.
    #[must_use]
    pub fn starts_with(self, member: &str, text: &str) -> Self {
        self.filter(member, "=^", text)
    }

    /// Selects items whose `member` contains `text`.
    #[must_use]
    pub fn contains(self, member: &str, text: &str) -> Self {
        self.filter(member, "=@", text)
    }

    /// Selects items whose `member` is `value` or greater, such as a time in RFC 3339.
    #[must_use]
    pub fn at_least(self, member: &str, value: &str) -> Self {
        self.filter(member, ">=", value)
    }

    /// Selects deleted workloads instead of live ones.
    #[must_use]
    pub const fn deleted(mut self, deleted: bool) -> Self {
        self.deleted = deleted;
        self
    }

    /// Sorts by `member`.
    #[must_use]
    pub fn sort_by(mut self, member: impl Into<Cow<'static, str>>, order: SortOrder) -> Self {
        self.sort = Some((member.into(), order));
        self
    }

    /// Sorts by the time of creation, newest first.
    #[must_use]
    pub fn newest_first(self) -> Self {
        self.sort_by("createdAt", SortOrder::Descending)
    }

    /// Sets the number of items per page: 1 to [`PAGE_LIMIT`](super::requests::PAGE_LIMIT), the default.
    #[must_use]
    pub const fn page_size(mut self, items: u32) -> Self {
        self.page.limit = items;
        self
    }

    /// Starts with this page instead of the first.
    #[must_use]
    pub const fn page(mut self, page: Page) -> Self {
        self.page = page;
        self
    }

    fn filter(mut self, member: &str, operator: &str, value: &str) -> Self {
        self.filters.push(format!("{member}{operator}{value}"));
        self
    }

    /// Adds the parameters to the query of a list's request.
    #[must_use]
    pub fn apply(&self, mut request: ApiRequest) -> ApiRequest {
        if !self.filters.is_empty() {
            // All filters are one parameter, separated by commas (`explode: false` in the OpenAPI document).
            request = request.query("filterBy", self.filters.join(","));
        }
        if self.deleted {
            request = request.query("deleted", "true");
        }
        request = request.query("offset", self.page.offset.to_string()).query("limit", self.page.limit.to_string());
        if let Some((member, order)) = &self.sort {
            let order = match order {
                SortOrder::Ascending => "asc",
                SortOrder::Descending => "desc",
            };
            request = request.query("sortBy", member.clone().into_owned()).query("sortOrder", order);
        }
        request
    }
}
