//! Just enough of Rust's lexer to tell code from comments and strings.

/// One line of a source file, taken apart. Both halves keep their columns: what does not belong to
/// one is blanks there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// Code, with the insides of strings blanked.
    pub(crate) code: String,
    /// Comments, doc comments included.
    pub(crate) comment: String,
}

#[derive(Clone, Copy)]
enum State {
    Code,
    LineComment,
    /// Block comments nest: how deep.
    BlockComment(usize),
    Str,
    /// A raw string, and how many `#` end it.
    RawStr(usize),
}

/// Takes a Rust source apart, line by line.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let mut lines = vec![Line::default()];
    let mut state = State::Code;
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '\n' {
            lines.push(Line::default());
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            at += 1;
            continue;
        }
        let (took, shown, next) = step(&chars[at..], state, at.checked_sub(1).map(|i| chars[i]));
        // A step never runs over a line's end but in an escape at it (`\` newline in a string).
        let line = lines.last_mut().expect("at least one line");
        for &c in &chars[at..at + took] {
            line.code.push(if shown == Shown::Code { c } else { ' ' });
            line.comment.push(if shown == Shown::Comment { c } else { ' ' });
        }
        at += took;
        state = next;
    }
    lines
}

#[derive(PartialEq, Eq)]
enum Shown {
    Code,
    Comment,
    Neither,
}

/// Reads one token's worth from `rest`, which starts inside a line: how many characters, where they
/// show, and the state after them.
fn step(rest: &[char], state: State, before: Option<char>) -> (usize, Shown, State) {
    let starts = |word: &str| word.chars().enumerate().all(|(i, c)| rest.get(i) == Some(&c));
    match state {
        State::LineComment => (1, Shown::Comment, state),
        State::BlockComment(depth) if starts("/*") => {
            (2, Shown::Comment, State::BlockComment(depth + 1))
        }
        State::BlockComment(1) if starts("*/") => (2, Shown::Comment, State::Code),
        State::BlockComment(depth) if starts("*/") => {
            (2, Shown::Comment, State::BlockComment(depth - 1))
        }
        State::BlockComment(_) => (1, Shown::Comment, state),
        State::Str if rest[0] == '\\' && rest.get(1).is_some_and(|&c| c != '\n') => {
            (2, Shown::Neither, state)
        }
        State::Str if rest[0] == '"' => (1, Shown::Code, State::Code),
        State::RawStr(hashes) if ends_raw(rest, hashes) => (1 + hashes, Shown::Code, State::Code),
        State::Str | State::RawStr(_) => (1, Shown::Neither, state),
        State::Code if starts("//") => (2, Shown::Comment, State::LineComment),
        State::Code if starts("/*") => (2, Shown::Comment, State::BlockComment(1)),
        State::Code if rest[0] == '"' => (1, Shown::Code, State::Str),
        State::Code => step_code(rest, before),
    }
}

fn ends_raw(rest: &[char], hashes: usize) -> bool {
    rest[0] == '"' && (1..=hashes).all(|i| rest.get(i) == Some(&'#'))
}

fn step_code(rest: &[char], before: Option<char>) -> (usize, Shown, State) {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    // r"..", r#".."#, br".."; `r#name` is an identifier.
    if rest[0] == 'r' && (!in_word || before == Some('b')) {
        let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
        if rest.get(1 + hashes) == Some(&'"') {
            return (2 + hashes, Shown::Code, State::RawStr(hashes));
        }
    }
    // A character literal, not a lifetime: 'x' or an escape.
    if rest[0] == '\'' {
        if rest.get(1) == Some(&'\\') {
            let close = rest.iter().skip(3).position(|&c| c == '\'').map_or(2, |i| i + 4);
            return (close, Shown::Neither, State::Code);
        } else if rest.get(2) == Some(&'\'') {
            return (3, Shown::Neither, State::Code);
        }
    }
    (1, Shown::Code, State::Code)
}

/// Whether `code` holds `word` with no letter, digit or underscore at either side.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(inside);
        let after = code[at + word.len()..].chars().next().is_some_and(inside);
        !before && !after
    })
}

#[test]
fn code_comments_and_strings_are_told_apart() {
    let text = "let a = \"// x\"; // y\n\
                /* unsafe /* z */ */ b('\"', 'c, r#\"q \" \"#);\n\
                \"p\nq\" d";
    let lines = lines(text);
    assert_eq!(lines[0].code.trim_end(), "let a = \"    \";");
    assert_eq!(lines[0].comment.trim(), "// y");
    assert!(lines[1].comment.contains("unsafe") && !lines[1].code.contains("unsafe"));
    assert_eq!(lines[1].code.trim(), "b(   , 'c, r#\"    \"#);");
    assert_eq!(lines[2].code, "\" ");
    assert_eq!(lines[3].code, " \" d");
    assert!(has_word("a.unsafe {", "unsafe") && !has_word("unsafe_code", "unsafe"));
}
