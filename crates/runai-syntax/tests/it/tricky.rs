//! Strings that change their meaning without quotes.

use proptest::prelude::*;
use proptest::sample::select;

/// Strings that some format parses as another type, and any others.
pub(crate) fn tricky_text() -> impl Strategy<Value = String> {
    const TRICKY: &[&str] = &[
        "",
        " ",
        "yes",
        "0644",
        "1_000",
        "null",
        "~",
        "<<",
        "a: b",
        "a #b",
        "# c",
        "- x",
        "it's",
        "\"q\"",
        "a\nb",
        "a\n",
        "\t",
        "1e3",
        "0x1F",
        ".inf",
        "[a]",
        "{a",
        "@x",
        "%y",
        "!t",
        "&a",
        "*b",
        "|",
        ">-",
        "true",
        "\\",
        "---",
        "...",
        "=",
        "?",
        "日本語 🚀",
        "e\u{301}",
        "\u{85}",
        "\u{2028}",
        "\u{7f}",
        "\u{1b}",
        "a/b~c",
        "$HOME",
        "4Gi",
        "/data",
        "\r\n",
        "\u{feff}",
    ];
    prop_oneof![3 => select(TRICKY).prop_map(str::to_owned), 1 => "\\PC{0,9}", 1 => "[a-z][a-z0-9/._-]{0,8}"]
}
