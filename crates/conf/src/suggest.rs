//! "Did you mean": the nearest of some known words.

/// `did you mean X?` for the candidate nearest to `word`, or `otherwise` if none is near.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    match nearest(word, candidates) {
        Some(name) => format!("did you mean {name}?"),
        None => otherwise.to_owned(),
    }
}

fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    let word: Vec<char> = word.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if word.len() > LONGEST {
        return None;
    }
    let allowed = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .filter(|c| c.len() <= LONGEST && c.len().abs_diff(word.len()) <= allowed)
        .map(|c| (distance(&word, c), c))
        .filter(|(d, _)| *d <= allowed)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Levenshtein distance, without regard to case of `b`; `a` is lower case.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, cb) in b.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, ca) in a.iter().enumerate() {
            let substituted = diagonal + usize::from(*ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[a.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_near_and_refuses_the_far() {
        let words = ["NumberOfLuns", "LunSizeInMB", "BlockSize"];
        assert_eq!(nearest("numberofluns", words), Some("NumberOfLuns"));
        assert_eq!(nearest("NumberOfLun", words), Some("NumberOfLuns"));
        assert_eq!(nearest("BlokcSize", words), Some("BlockSize"));
        assert_eq!(nearest("Portal", words), None);
        assert_eq!(nearest(&"x".repeat(10_000), words), None);
    }

    #[test]
    fn distance_is_levenshtein() {
        let d = |a: &str, b| distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!((d("kitten", "sitting"), d("", "abc"), d("abc", ""), d("abc", "ABC")), (3, 3, 3, 0));
    }
}
