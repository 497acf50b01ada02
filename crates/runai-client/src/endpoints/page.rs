//! Pages of lists, decoded item by item, so that a bad item does not fail the list.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::sender::NO_LIST;

/// An item that the API lists.
pub(crate) trait Listed: DeserializeOwned + Send + 'static {
    /// The member of a page that holds the items.
    const MEMBER: &'static str;
}

/// A page of a list. Items that do not decode are left out and counted.
///
/// An answer without the list fails to deserialize; it is not an empty page.
#[derive(Debug)]
pub(crate) struct LenientPage<T> {
    pub(crate) items: Vec<T>,
    /// How many items were left out.
    pub(crate) bad: usize,
    /// The offset of the next page, as the API gives it.
    pub(crate) next: Option<i64>,
}

impl<'de, T: Listed> Deserialize<'de> for LenientPage<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PageVisitor(PhantomData))
    }
}

struct PageVisitor<T>(PhantomData<T>);

impl<'de, T: Listed> Visitor<'de> for PageVisitor<T> {
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
        let LenientList { items, bad } =
            list.ok_or_else(|| A::Error::custom(format_args!("{NO_LIST}{}`", T::MEMBER)))?;
        // The last page of such a list is empty and names a next one.
        let next_offset = next_offset.filter(|_| bad > 0 || !items.is_empty());
        Ok(LenientPage { items, bad, next: next.or(next_offset) })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    next_offset: Option<i64>,
}

/// A list whose items are read one by one. Nulls are left out; what does not decode is left out and counted.
#[derive(Debug)]
pub(crate) struct LenientList<T> {
    pub(crate) items: Vec<T>,
    /// How many items did not decode.
    pub(crate) bad: usize,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for LenientList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = deserializer.deserialize_seq(ListVisitor(PhantomData))?;
        if list.bad > 0 {
            // Without a word of the items: they may hold other users' secrets.
            tracing::warn!(bad = list.bad, good = list.items.len(), "left out list items that do not decode");
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
        let mut list = LenientList { items: Vec::new(), bad: 0 };
        while let Some(item) = seq.next_element::<Box<RawValue>>()? {
            match serde_json::from_str::<Option<T>>(item.get()) {
                Ok(Some(item)) => list.items.push(item),
                Ok(None) => {}
                Err(_) => list.bad += 1,
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
    fn a_bad_item_costs_itself_alone() {
        let body = r#"{"workloads": [{"id": "a"}, {"id": 7}, null, "x", {"id": "b", "conditions": 1}, {"id": "c"}],
            "next": 500, "later": {"x": []}}"#;
        let page: Page = decode(body.as_bytes()).unwrap();
        let ids: Vec<_> = page.items.iter().map(|workload| workload.id.as_str()).collect();
        assert_eq!((ids, page.bad, page.next), (vec!["a", "c"], 3, Some(500)));
    }

    #[test]
    fn a_page_without_its_list_is_no_empty_page() {
        for body in [r#"{"next": null}"#, r#"{"workloads": null}"#, r#"{"code": 200, "message": "canary"}"#] {
            let problem = decode::<Page>(body.as_bytes()).unwrap_err();
            assert_eq!(problem, "is not what the API describes: it has no list `workloads`");
        }
        for body in
            ["[]", "null", "", r#""canary""#, r#"{"workloads": {"canary": 1}}"#, r#"{"workloads": [], "next": 0.5}"#]
        {
            let problem = decode::<Page>(body.as_bytes()).unwrap_err();
            assert!(problem.starts_with("is not what the API describes") && !problem.contains("canary"), "{problem}");
        }
        assert!(decode::<Page>(br#"{"workloads": []}"#).unwrap().items.is_empty());
    }

    #[test]
    fn a_page_of_templates_names_the_next_one_elsewhere() {
        let next = |items: &str| {
            let body = format!(r#"{{"pagination": {{"nextOffset": 50}}, "workloads": [{items}]}}"#);
            decode::<Page>(body.as_bytes()).unwrap().next
        };
        assert_eq!((next(""), next("{}"), next("7")), (None, Some(50), Some(50)));
    }
}
