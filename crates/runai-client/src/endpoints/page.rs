//! Pages of lists, deserialized item by item, so that an invalid item does not fail the list.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::sender::NO_LIST;

/// An item of one of the API's lists.
pub(crate) trait ListItem: DeserializeOwned + Send + 'static {
    /// The member of a page that contains the items.
    const MEMBER: &'static str;
}

/// A page of a list. Invalid items are skipped and counted.
///
/// A body without the list fails to deserialize: it is not an empty page.
#[derive(Debug)]
pub(crate) struct LenientPage<T> {
    pub(crate) items: Vec<T>,
    /// Number of skipped items.
    pub(crate) invalid: usize,
    /// The offset of the next page.
    pub(crate) next: Option<i64>,
}

impl<'de, T: ListItem> Deserialize<'de> for LenientPage<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PageVisitor(PhantomData))
    }
}

struct PageVisitor<T>(PhantomData<T>);

impl<'de, T: ListItem> Visitor<'de> for PageVisitor<T> {
    type Value = LenientPage<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LenientPage<T>, A::Error> {
        let mut list = None;
        let (mut next, mut next_offset) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                member if member == T::MEMBER => list = map.next_value::<Option<LenientList<T>>>()?,
                "next" => next = map.next_value::<Option<i64>>()?,
                // Lists of templates.
                "pagination" => {
                    next_offset = map.next_value::<Option<Pagination>>()?.and_then(|page| page.next_offset);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let LenientList { items, invalid } =
            list.ok_or_else(|| A::Error::custom(format_args!("{NO_LIST}{}`", T::MEMBER)))?;
        // The last page of such a list is empty but still has an offset.
        let next_offset = next_offset.filter(|_| invalid > 0 || !items.is_empty());
        Ok(LenientPage { items, invalid, next: next.or(next_offset) })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    next_offset: Option<i64>,
}

/// A list that is deserialized item by item. Nulls are skipped; invalid items are skipped and counted.
#[derive(Debug)]
pub(crate) struct LenientList<T> {
    pub(crate) items: Vec<T>,
    /// Number of invalid items.
    pub(crate) invalid: usize,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for LenientList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = deserializer.deserialize_seq(ListVisitor(PhantomData))?;
        if list.invalid > 0 {
            // The items are not logged: they may contain other users' secrets.
            tracing::warn!(invalid = list.invalid, valid = list.items.len(), "skipped invalid list items");
        }
        Ok(list)
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for ListVisitor<T> {
    type Value = LenientList<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LenientList<T>, A::Error> {
        let mut list = LenientList { items: Vec::new(), invalid: 0 };
        while let Some(item) = seq.next_element::<Box<RawValue>>()? {
            match serde_json::from_str::<Option<T>>(item.get()) {
                Ok(Some(item)) => list.items.push(item),
                Ok(None) => {}
                Err(_) => list.invalid += 1,
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use runai_api::wire::Workload;

    use super::*;
    use crate::sender::decode;

    type Page = LenientPage<Workload>;

    #[test]
    fn skips_invalid_items() {
        let body = r#"{"workloads": [{"id": "a"}, {"id": 7}, null, "x", {"id": "b", "conditions": 1}, {"id": "c"}],
            "next": 500, "later": {"x": []}}"#;
        let page: Page = decode(body.as_bytes()).unwrap();
        let ids: Vec<_> = page.items.iter().map(|workload| workload.id.as_str()).collect();
        assert_eq!((ids, page.invalid, page.next), (vec!["a", "c"], 3, Some(500)));
    }

    #[test]
    fn rejects_page_without_list() {
        for body in [r#"{"next": null}"#, r#"{"workloads": null}"#, r#"{"code": 200, "message": "canary"}"#] {
            let problem = decode::<Page>(body.as_bytes()).unwrap_err();
            assert_eq!(problem, "does not match the API: missing list `workloads`");
        }
        for body in
            ["[]", "null", "", r#""canary""#, r#"{"workloads": {"canary": 1}}"#, r#"{"workloads": [], "next": 0.5}"#]
        {
            let problem = decode::<Page>(body.as_bytes()).unwrap_err();
            assert!(problem.starts_with("does not match the API") && !problem.contains("canary"), "{problem}");
        }
        assert!(decode::<Page>(br#"{"workloads": []}"#).unwrap().items.is_empty());
    }

    #[test]
    fn reads_offset_of_template_pages() {
        let next = |items: &str| {
            let body = format!(r#"{{"pagination": {{"nextOffset": 50}}, "workloads": [{items}]}}"#);
            decode::<Page>(body.as_bytes()).unwrap().next
        };
        assert_eq!((next(""), next("{}"), next("7")), (None, Some(50), Some(50)));
    }
}
