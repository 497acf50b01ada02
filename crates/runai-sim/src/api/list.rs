//! Lists: filters, search, order and pages.

use std::{cmp::Ordering, str::FromStr};

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use jiff::Timestamp;
use serde::Deserialize;

use super::Refusal;

/// The query of a list, read and checked.
pub(super) struct ListQuery {
    pub(super) deleted: bool,
    filters: Vec<Filter>,
    limit: usize,
    offset: usize,
    search: Option<String>,
    sort: Option<Sort>,
}

/// An item of a list, by its members.
pub(super) trait Listed {
    /// The members that can be filtered and sorted by.
    const FIELDS: &'static [&'static str];

    /// The text of a member; `None` if the item has no such value.
    fn field(&self, name: &str) -> Option<String>;
}

impl ListQuery {
    /// The asked part of `items`, and the offset of the part after it.
    pub(super) fn page<T: Listed>(&self, items: impl Iterator<Item = T>) -> Result<(Vec<T>, Option<i64>), Refusal> {
        let fields = self.filters.iter().map(|filter| &filter.field).chain(self.sort.iter().map(|sort| &sort.field));
        for field in fields {
            if !T::FIELDS.contains(&field.as_str()) {
                return Err(Refusal::bad_request(format!("cannot filter or sort by `{field}`")));
            }
        }
        let mut items: Vec<T> = items.filter(|item| self.passes(item)).collect();
        if let Some(sort) = &self.sort {
            items.sort_by(|one, other| {
                let order =
                    compare(&one.field(&sort.field).unwrap_or_default(), &other.field(&sort.field).unwrap_or_default());
                if sort.descending { order.reverse() } else { order }
            });
        }
        let end = self.offset.saturating_add(self.limit);
        let next = (end < items.len()).then(|| i64::try_from(end).unwrap_or(i64::MAX));
        Ok((items.into_iter().skip(self.offset).take(self.limit).collect(), next))
    }

    fn passes(&self, item: &impl Listed) -> bool {
        let search = self.search.as_ref().map(|text| text.to_lowercase());
        let name = || item.field("name").unwrap_or_default().to_lowercase();
        self.filters.iter().all(|filter| filter.passes(item)) && search.is_none_or(|text| name().contains(&text))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(raw) = Query::<RawQuery>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
        let limit = number("limit", raw.limit.as_deref())?.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Refusal::bad_request(format!("`limit` is {limit}, must be 1 to {MAX_LIMIT}")));
        }
        let descending = match raw.sort_order.as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => return Err(Refusal::bad_request(format!("`sortOrder` is `{other}`, must be asc or desc"))),
        };
        let filters = raw.filter_by.iter().flat_map(|filters| filters.split(',')).map(str::parse).collect();
        Ok(Self {
            deleted: number("deleted", raw.deleted.as_deref())?.unwrap_or(false),
            filters: Result::from_iter::<Vec<_>>(filters)?,
            limit,
            offset: number("offset", raw.offset.as_deref())?.unwrap_or(0),
            search: raw.search,
            sort: raw.sort_by.map(|field| Sort { descending, field }),
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

struct Sort {
    descending: bool,
    field: String,
}

/// A condition such as `name==fit`; several are separated by commas and must all hold.
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
    fn passes(&self, item: &impl Listed) -> bool {
        let Some(field) = item.field(&self.field) else {
            return matches!(self.operator, Operator::ContainsNot | Operator::EqualsNot);
        };
        let (field, value) = (field.as_str(), self.value.as_str());
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
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refusal = || Refusal::bad_request(format!("`{text}` is no filter, such as `name==fit`"));
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

/// Numbers and timestamps by their value, other texts by their characters.
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

fn number<T: FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, Refusal> {
    let refusal = |text: &str| Refusal::bad_request(format!("`{name}` is `{text}`, which it cannot be"));
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
