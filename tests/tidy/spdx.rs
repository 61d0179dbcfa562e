//! Licence expressions: whether a set of accepted licences satisfies one.
//!
//! `expression = term { OR term }`, `term = factor { AND factor }`, `factor = "(" expression ")"`
//! or `name [ WITH exception ]`. The old `MIT/Apache-2.0` form reads as OR.

/// Whether `expression` can be met with licences of `accepted` alone.
pub(crate) fn satisfied(expression: &str, accepted: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, accepted };
    let met = parser.any();
    // Words that are left mean that we did not understand it: then it is not accepted.
    met && parser.words.is_empty()
}

struct Parser<'a> {
    words: &'a [&'a str],
    accepted: &'a [String],
}

impl<'a> Parser<'a> {
    fn next_if(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn next(&mut self) -> &'a str {
        let Some((first, rest)) = self.words.split_first() else { return "" };
        self.words = rest;
        first
    }

    fn any(&mut self) -> bool {
        let mut met = self.all();
        while self.next_if("OR") {
            met |= self.all();
        }
        met
    }

    fn all(&mut self) -> bool {
        let mut met = self.one();
        while self.next_if("AND") {
            met &= self.one();
        }
        met
    }

    fn one(&mut self) -> bool {
        if self.next_if("(") {
            let met = self.any();
            return self.next_if(")") && met;
        }
        let mut name = self.next().to_string();
        if self.next_if("WITH") {
            name = format!("{name} WITH {}", self.next());
        }
        self.accepted.contains(&name)
    }
}

#[test]
fn expressions_are_read_as_spdx_says() {
    let accepted = ["MIT", "Apache-2.0 WITH LLVM-exception", "Zlib"].map(String::from);
    for good in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-2.0", "(GPL-3.0 OR Zlib) AND MIT"] {
        assert!(satisfied(good, &accepted), "{good}");
    }
    assert!(satisfied("Apache-2.0 WITH LLVM-exception OR GPL-3.0", &accepted));
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "MIT)", "(MIT", "MIT Zlib"] {
        assert!(!satisfied(bad, &accepted), "{bad}");
    }
}
