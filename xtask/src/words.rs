//! Retired words, listed in `retired-words.txt`.

/// The list, which is the only file that may contain the words.
pub(crate) const FILE: &str = "xtask/retired-words.txt";

/// A retired word and its replacement.
struct Retired {
    word: &'static str,
    instead: &'static str,
}

fn retired() -> impl Iterator<Item = Retired> {
    let lines = include_str!("../retired-words.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" -> ")).map(|(word, instead)| Retired { word, instead })
}

/// Returns a problem for each retired word of a line.
pub(crate) fn problems(line: &str) -> Vec<String> {
    let is_boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    let is_word = |at: usize, word: &str| {
        is_boundary(line[..at].chars().next_back()) && is_boundary(line[at + word.len()..].chars().next())
    };
    retired()
        .filter(|retired| line.match_indices(retired.word).any(|(at, word)| is_word(at, word)))
        .map(|Retired { word, instead }| format!("`{word}` is retired: write {instead}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_whole_words_only() {
        let Retired { word, .. } = retired().next().unwrap();
        assert_eq!(problems(&format!("let x = {word};")).len(), 1);
        assert!(problems(&format!("{word}s a{word}")).is_empty());
    }

    #[test]
    fn list_has_one_entry_per_line() {
        let text = include_str!("../retired-words.txt");
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert_eq!(retired().count(), lines.len());
        assert!(retired().all(|it| !it.word.trim().is_empty() && !it.instead.trim().is_empty()));
    }
}
