//! `.env` files: `NAME=value` lines.

/// Most variables taken from one file.
pub const VARIABLES_MAX: usize = 1_000;

/// Reads the lines that are variables; others (blank, comments, nonsense) are skipped. The last of a repeated name wins.
///
/// `export NAME=value` is fine. A value may stand in single quotes (taken as it is) or double quotes (`\n`, `\t`, `\"`
/// and `\\` are understood); without quotes it ends at ` #`.
pub fn parse(text: &str) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = Vec::new();
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        let named = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if !named {
            continue;
        }
        let value = unquote(value.trim());
        if let Some((_, slot)) = variables.iter_mut().find(|(known, _)| known == name) {
            *slot = value;
        } else if variables.len() < VARIABLES_MAX {
            variables.push((name.to_owned(), value));
        }
    }
    variables
}

fn unquote(value: &str) -> String {
    if let Some(rest) = value.strip_prefix('\'')
        && let Some((inner, _)) = rest.split_once('\'')
    {
        return inner.to_owned();
    }
    if let Some(rest) = value.strip_prefix('"') {
        let mut out = String::new();
        let mut chars = rest.chars();
        while let Some(next) = chars.next() {
            match next {
                '"' => return out,
                '\\' => match chars.next() {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some(other) => out.push(other),
                    None => {}
                },
                other => out.push(other),
            }
        }
        // No closing quote: the text as it stands.
        return value.to_owned();
    }
    value.split_once(" #").map_or(value, |(before, _)| before.trim_end()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[(&str, &str)]) {
        let got = parse(text);
        let got: Vec<(&str, &str)> =
            got.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(got, want, "{text:?}");
    }

    #[test]
    fn lines() {
        check("A=1\r\n# B=2\n\n export C = three # c\nA=2", &[("A", "2"), ("C", "three")]);
        check("A='a # \\n' # x\nB=\"b\\n\\\"#\\\\\"", &[("A", "a # \\n"), ("B", "b\n\"#\\")]);
        check("1A=x\nA B=x\n=x\nnothing\nE=\nF=\"open", &[("E", ""), ("F", "\"open")]);
        check("U=http://h/#x", &[("U", "http://h/#x")]);
    }
}
