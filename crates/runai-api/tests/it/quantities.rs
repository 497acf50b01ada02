//! Units of quantities, as Kubernetes defines them.

use runai_api::quantity::Amount;

#[test]
fn parses_all_units() {
    for (text, plain) in [
        ("1000000000n", "1"),
        ("1000000u", "1"),
        ("1000m", "1"),
        ("3k", "3000"),
        ("3K", "3000"),
        ("3M", "3000000"),
        ("3G", "3000000000"),
        ("3T", "3000000000000"),
        ("3P", "3000000000000000"),
        ("3E", "3000000000000000000"),
        ("3Ki", "3072"),
        ("3Mi", "3145728"),
        ("3Gi", "3221225472"),
        ("3Ti", "3298534883328"),
        ("3Pi", "3377699720527872"),
        ("3Ei", "3458764513820540928"),
        ("3e2", "300"),
        ("3E+2", "300"),
        ("300e-2", "3"),
        ("0.5Ki", "512"),
    ] {
        let amount = Amount::parse(text).unwrap_or_else(|| panic!("`{text}` is an amount"));
        assert_eq!(amount, Amount::parse(plain).unwrap(), "{text}");
        assert!(amount > Amount::parse("0").unwrap(), "{text}");
        // A fraction more is larger.
        assert!(amount < Amount::parse(&format!("{plain}.5")).unwrap(), "{text}");
    }
}
