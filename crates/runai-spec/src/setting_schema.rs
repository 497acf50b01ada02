//! Schemas of the settings, which the validator uses.
//!
//! They are compiled from the JSON Schema that editors use, so both agree on types, ranges, patterns, allowed values and
//! required keys. `cargo xtask schema` compiles them to statics: parsing the JSON at startup would take longer than checking
//! a document.

use std::sync::LazyLock;

use runai_syntax::Tree;
use rustc_hash::FxHashMap;

pub(crate) use crate::generated::setting_schemas::{OPERATOR_FILE, STEP_FILE, STEP_SETTINGS};
use crate::settings::{MAP_TEXT_TYPES, TEXT_TYPES, TextType};

/// The schema of a value.
#[derive(Debug)]
pub(crate) struct SettingSchema {
    /// Whether `null` is valid and means "not set".
    pub(crate) nullable: bool,
    pub(crate) kind: Kind,
    /// The JSON text of [`SettingSchema::example`].
    pub(crate) json_example: &'static str,
    /// Whether a message must not show the value.
    pub(crate) secret: bool,
    /// The unit of the value.
    pub(crate) unit: Option<&'static str>,
}

/// The type of a value.
#[derive(Debug)]
pub(crate) enum Kind {
    Bool,
    Int(Range),
    Number(Range),
    String(StringSchema),
    /// One of these strings.
    Enum(&'static [&'static str]),
    /// A string, or a number or boolean that keeps its source text.
    ScalarText,
    List {
        item: &'static SettingSchema,
        min_items: usize,
    },
    Map {
        key: StringSchema,
        value: &'static SettingSchema,
    },
    Struct(&'static StructSchema),
}

/// Bounds of a number.
#[derive(Debug, Default)]
pub(crate) struct Range {
    pub(crate) min: Option<f64>,
    pub(crate) exclusive_min: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// The constraints of a string.
#[derive(Debug, Default)]
pub(crate) struct StringSchema {
    pub(crate) text: Option<&'static TextType>,
    /// In characters.
    pub(crate) min_length: usize,
    /// In characters.
    pub(crate) max_length: Option<usize>,
}

/// The fields of a struct.
#[derive(Debug)]
pub(crate) struct StructSchema {
    /// Sorted by name.
    fields: &'static [&'static Field],
    /// The fields by name and second spelling, computed at the first lookup.
    by_key: LazyLock<Keys>,
    /// Whether an unknown key is only a warning.
    pub(crate) tolerant: bool,
}

type Keys = FxHashMap<&'static str, &'static Field>;

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// The second spelling of the name.
    pub(crate) alias: Option<&'static str>,
    pub(crate) required: bool,
    /// The member of the API's request.
    pub(crate) api: Option<&'static str>,
    pub(crate) schema: SettingSchema,
}

impl StructSchema {
    /// Returns a struct with `fields`, which must be sorted by name; `keys` calls [`Self::keys`].
    pub(crate) const fn new(fields: &'static [&'static Field], tolerant: bool, keys: fn() -> Keys) -> Self {
        Self { fields, by_key: LazyLock::new(keys), tolerant }
    }

    pub(crate) fn keys(&self) -> Keys {
        let names = self.fields.iter().map(|field| (field.name, *field));
        let aliases = self.fields.iter().filter_map(|field| Some((field.alias?, *field)));
        names.chain(aliases).collect()
    }

    /// Returns the field with this name or second spelling.
    pub(crate) fn field(&self, key: &str) -> Option<&'static Field> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn fields(&self) -> &'static [&'static Field] {
        self.fields
    }

    /// Whether any field has a second spelling.
    pub(crate) fn has_aliases(&self) -> bool {
        self.fields.iter().any(|field| field.alias.is_some())
    }
}

impl SettingSchema {
    /// Returns a valid value, which replaces an invalid required one.
    pub(crate) fn example(&self) -> Tree<'static> {
        Tree::from_json(self.json_example).unwrap_or(Tree::Null)
    }
}

/// Returns the string type with this name.
pub(crate) const fn text_type(name: &str) -> &'static TextType {
    let tables = [TEXT_TYPES, MAP_TEXT_TYPES];
    let mut table = 0;
    while table < tables.len() {
        let mut index = 0;
        while index < tables[table].len() {
            if is_same(tables[table][index].name.as_bytes(), name.as_bytes()) {
                return &tables[table][index];
            }
            index += 1;
        }
        table += 1;
    }
    panic!("unknown text type")
}

/// Whether two names are equal, because `==` is not available in constants.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}
