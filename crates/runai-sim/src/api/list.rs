//! Lists: filters, search, sort order and pages.

use std::{borrow::Cow, cmp::Ordering, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use jiff::Timestamp;
use serde::Deserialize;

use super::{ApiError, Query};

/// A parsed and validated list query.
pub(super) struct ListQuery {
    pub(super) deleted: bool,
    /// `None` if the query has no sort order.
    pub(super) descending: Option<bool>,
    filters: Vec<Filter>,
    limit: usize,
    offset: usize,
    search: Option<String>,
    sort: Option<String>,
}

/// A list item that can be filtered and sorted.
pub(super) trait ListItem {
    /// Members that filters and sort orders may use.
    const FIELDS: &'static [&'static str];

    /// Returns the text of a member; `None` without a value.
    fn field(&self, name: &str) -> Option<Cow<'_, str>>;
}

impl ListQuery {
    /// Returns a page of `items` and the offset of the next page.
    pub(super) fn page<T: ListItem>(&self, items: impl Iterator<Item = T>) -> Result<(Vec<T>, Option<i64>), ApiError> {
        self.check::<T>()?;
        let passing = items.filter(|item| self.matches(item));
        let Some(field) = &self.sort else { return Ok(self.paginate(passing)) };
        let mut items: Vec<T> = passing.collect();
        let descending = self.descending == Some(true);
        items.sort_by(|one, other| {
            let order = compare(&one.field(field).unwrap_or_default(), &other.field(field).unwrap_or_default());
            if descending { order.reverse() } else { order }
        });
        Ok(self.paginate(items.into_iter()))
    }

    /// Returns the number of matching `items`.
    pub(super) fn count<T: ListItem>(&self, items: impl Iterator<Item = T>) -> Result<usize, ApiError> {
        self.check::<T>()?;
        Ok(items.filter(|item| self.matches(item)).count())
    }

    /// Returns a page of `items` without filters and sort order, and the offset of the next page.
    pub(super) fn paginate<T>(&self, items: impl Iterator<Item = T>) -> (Vec<T>, Option<i64>) {
        let mut page: Vec<T> = items.skip(self.offset).take(self.limit + 1).collect();
        let more = page.len() > self.limit;
        page.truncate(self.limit);
        let end = self.offset.saturating_add(self.limit);
        (page, more.then(|| i64::try_from(end).unwrap_or(i64::MAX)))
    }

    /// Returns the name in an equality filter, if there is one.
    pub(super) fn only_name(&self) -> Option<&str> {
        let named = |filter: &&Filter| filter.field == "name" && matches!(filter.operator, Operator::Equals);
        self.filters.iter().find(named).map(|filter| filter.value.as_str())
    }

    /// Whether a name contains the search text.
    pub(super) fn matches_search(&self, name: &str) -> bool {
        self.search.as_ref().is_none_or(|text| name.to_lowercase().contains(text.as_str()))
    }

    fn check<T: ListItem>(&self) -> Result<(), ApiError> {
        for field in self.filters.iter().map(|filter| &filter.field).chain(&self.sort) {
            if !T::FIELDS.contains(&field.as_str()) {
                return Err(ApiError::bad_request(format!("cannot filter or sort by `{field}`")));
            }
        }
        Ok(())
    }

    fn matches(&self, item: &impl ListItem) -> bool {
        self.filters.iter().all(|filter| filter.matches(item))
            && self.matches_search(&item.field("name").unwrap_or_default())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(raw) = Query::<RawQuery>::from_request_parts(parts, state).await?;
        let limit = number("limit", raw.limit.as_deref())?.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::bad_request(format!("invalid `limit` {limit}: must be 1 to {MAX_LIMIT}")));
        }
        let descending = match raw.sort_order.as_deref() {
            None => None,
            Some("asc") => Some(false),
            Some("desc") => Some(true),
            Some(other) => {
                return Err(ApiError::bad_request(format!("invalid `sortOrder` `{other}`: must be asc or desc")));
            }
        };
        // The API uses signed 32-bit offsets; negative offsets count as 0.
        let offset = number::<i32>("offset", raw.offset.as_deref())?.unwrap_or(0);
        let offset = usize::try_from(offset).unwrap_or(0);
        let filters = raw.filter_by.iter().filter(|filters| !filters.is_empty());
        let filters = filters.flat_map(|filters| filters.split(',')).map(str::parse).collect();
        Ok(Self {
            deleted: number("deleted", raw.deleted.as_deref())?.unwrap_or(false),
            descending,
            filters: Result::from_iter::<Vec<_>>(filters)?,
            limit,
            offset,
            search: raw.search.map(|text| text.to_lowercase()),
            sort: raw.sort_by,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawQuery {
    deleted: Option<String>,
    filter_by: Option<String>,
    limit: Option<String>,
    offset: Option<String>,
    search: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
}

/// A condition such as `name==fit`. Several conditions are separated by commas and combined by AND.
struct Filter {
    field: String,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy)]
enum Operator {
    AtLeast,
    AtMost,
    Contains,
    ContainsNot,
    EndsWith,
    Equals,
    EqualsNot,
    StartsWith,
}

impl Filter {
    fn matches(&self, item: &impl ListItem) -> bool {
        let Some(field) = item.field(&self.field) else {
            return matches!(self.operator, Operator::ContainsNot | Operator::EqualsNot);
        };
        let (field, value) = (field.as_ref(), self.value.as_str());
        match self.operator {
            Operator::AtLeast => compare(field, value).is_ge(),
            Operator::AtMost => compare(field, value).is_le(),
            Operator::Contains => field.contains(value),
            Operator::ContainsNot => !field.contains(value),
            Operator::EndsWith => field.ends_with(value),
            Operator::Equals => equal(field, value),
            Operator::EqualsNot => !equal(field, value),
            Operator::StartsWith => field.starts_with(value),
        }
    }
}

impl FromStr for Filter {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let refusal = || ApiError::bad_request(format!("invalid filter `{text}`: use a filter such as `name==fit`"));
        let start = text.find(|c: char| !c.is_ascii_alphanumeric()).ok_or_else(refusal)?;
        let (field, rest) = text.split_at(start);
        let (operator, value) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| rest.strip_prefix(sign).map(|value| (*operator, value)))
            .filter(|(_, value)| !field.is_empty() && !value.is_empty())
            .ok_or_else(refusal)?;
        Ok(Self { field: field.to_owned(), operator, value: value.to_owned() })
    }
}

/// Compares numbers and timestamps by value, other texts by characters.
fn compare(one: &str, other: &str) -> Ordering {
    if let (Ok(one), Ok(other)) = (one.parse::<f64>(), other.parse()) {
        return one.total_cmp(&other);
    }
    if let (Ok(one), Ok(other)) = (one.parse::<Timestamp>(), other.parse()) {
        return one.cmp(&other);
    }
    one.cmp(other)
}

fn equal(one: &str, other: &str) -> bool {
    let timestamp = |text: &str| text.parse::<Timestamp>().ok();
    one == other || timestamp(one).is_some_and(|one| timestamp(other) == Some(one))
}

fn number<T: FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, ApiError> {
    let refusal = |text: &str| ApiError::bad_request(format!("invalid `{name}` `{text}`"));
    text.map(|text| text.parse().map_err(|_| refusal(text))).transpose()
}

const OPERATORS: &[(&str, Operator)] = &[
    ("==", Operator::Equals),
    ("!=", Operator::EqualsNot),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=@", Operator::Contains),
    ("!@", Operator::ContainsNot),
    ("=^", Operator::StartsWith),
    ("=$", Operator::EndsWith),
];

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;
