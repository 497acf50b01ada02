//! What values the settings may have: the shapes that the check walks.
//!
//! They are compiled from the JSON Schema that editors read, so that the two agree on types, ranges, patterns, allowed
//! values and required keys by construction. `cargo xtask schema` compiles them to the statics of `declared::shapes`: a
//! process that reads them from JSON would need several times as long for its first text as for that text itself.

use std::sync::LazyLock;

use runai_syntax::Tree;
use rustc_hash::FxHashMap;

pub(crate) use crate::declared::shapes::{OPERATOR_FILE, STEP_FILE, STEP_SETTINGS};
use crate::settings::{MAP_TEXT_TYPES, TEXT_TYPES, TextType};

/// What a value may be.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Whether `null` stands for "not set".
    pub(crate) nullable: bool,
    pub(crate) kind: Kind,
    /// The JSON text of [`Shape::example`].
    pub(crate) json_example: &'static str,
    /// Whether a message must not show the value.
    pub(crate) secret: bool,
    /// What the value is measured in.
    pub(crate) unit: Option<&'static str>,
}

/// The kinds of values.
#[derive(Debug)]
pub(crate) enum Kind {
    Bool,
    Int(Range),
    Number(Range),
    String(StringShape),
    /// One of these texts.
    Enum(&'static [&'static str]),
    /// A string, or a number or boolean that is taken as its source text.
    ScalarText,
    List {
        item: &'static Shape,
        min_items: usize,
    },
    Map {
        key: StringShape,
        value: &'static Shape,
    },
    Struct(&'static StructShape),
}

/// Bounds of a number.
#[derive(Debug, Default)]
pub(crate) struct Range {
    pub(crate) min: Option<f64>,
    pub(crate) exclusive_min: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// What a string has to look like.
#[derive(Debug, Default)]
pub(crate) struct StringShape {
    pub(crate) text: Option<&'static TextType>,
    /// In characters.
    pub(crate) min_length: usize,
    /// In characters.
    pub(crate) max_length: Option<usize>,
}

/// The fields of a struct.
#[derive(Debug)]
pub(crate) struct StructShape {
    /// By name.
    fields: &'static [&'static Field],
    /// The fields by their names and second spellings, once a key is looked up.
    by_key: LazyLock<Keys>,
    /// Whether a key that is not known is only worth a warning.
    pub(crate) tolerant: bool,
}

type Keys = FxHashMap<&'static str, &'static Field>;

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// A second spelling.
    pub(crate) alias: Option<&'static str>,
    pub(crate) required: bool,
    /// Member of the API's request that it becomes.
    pub(crate) api: Option<&'static str>,
    pub(crate) shape: Shape,
}

impl StructShape {
    /// A struct with these fields, which are in the order of their names; `keys` calls [`Self::keys`].
    pub(crate) const fn new(fields: &'static [&'static Field], tolerant: bool, keys: fn() -> Keys) -> Self {
        Self { fields, by_key: LazyLock::new(keys), tolerant }
    }

    pub(crate) fn keys(&self) -> Keys {
        let names = self.fields.iter().map(|field| (field.name, *field));
        let aliases = self.fields.iter().filter_map(|field| Some((field.alias?, *field)));
        names.chain(aliases).collect()
    }

    /// The field with this name or second spelling.
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

impl Shape {
    /// A right value, which replaces a wrong one that cannot be left out.
    pub(crate) fn example(&self) -> Tree<'static> {
        Tree::from_json(self.json_example).unwrap_or(Tree::Null)
    }
}

/// The text type of this name.
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
    panic!("the schema names a text type that is declared")
}

/// Whether two names are equal; `==` is not for constants.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}
